"""A store: conditional writes, names, connections that break, and errors that say what to do and hold no secret."""

import builtins
import http.server
import socket
import threading
import time

import pytest
from conftest import NOW
from s3_server import ENVIRONMENT, endpoint

from orchestration.home import Home
from orchestration.landing import storage
from orchestration.landing.storage import MissingError, StorageError, Store, TakenError, store_of
from orchestration.settings import SettingsError


def test_of_two_conditional_writes_of_a_name_the_second_is_refused_and_changes_nothing(bucket):
    store = bucket.store("landing")
    store.create("a/receipt", b"first")
    with pytest.raises(TakenError):
        store.create("a/receipt", b"second")
    assert store.read("a/receipt") == b"first"


def test_of_writers_at_once_exactly_one_is_not_refused(bucket):
    store, won, start = bucket.store("landing"), [], threading.Barrier(8)

    def write(number: int) -> None:
        start.wait()
        try:
            store.create("receipt", str(number).encode())
            won.append(str(number).encode())
        except TakenError:
            pass

    writers = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert won == [store.read("receipt")]


def test_a_listing_has_more_than_one_page_and_names_below_the_folder(bucket, monkeypatch):
    store, send = bucket.store("inbox"), Store.request
    monkeypatch.setattr(Store, "request", lambda *a, **k: send(*a, **k | ({"MaxKeys": 2} if "list" in a[1] else {})))
    names = ["a", "b c/d=1%20/é.jsonl", "d", "e", "f"]
    for name in names:
        store.create(name, b"four")
    bucket.store("inbox2").create("not listed", b"")
    assert [entry.name for entry in store.list()] == sorted(names)
    assert {entry.size for entry in store.list()} == {4}


def test_a_download_is_whole_or_not_there(bucket, tmp_path, monkeypatch):
    store, content = bucket.store("landing"), bytes(range(256)) * 9_000
    store.create("rows", content)
    breaks, send = [], Store.request

    def breaking(self, operation, name=None, **parameters):
        answer = send(self, operation, name, **parameters)
        if operation == "get_object" and len(breaks) < allowed:
            breaks.append(parameters.get("Range"))
            answer["Body"] = Breaking(answer["Body"])
        return answer

    monkeypatch.setattr(Store, "request", breaking)
    allowed = 2
    store.download("rows", tmp_path / "new" / "rows", modified_ns=1_700_000_000_000_000_000)
    assert (tmp_path / "new" / "rows").read_bytes() == content
    assert breaks == [None, "bytes=1048576-"]
    assert (tmp_path / "new" / "rows").stat().st_mtime_ns == 1_700_000_000_000_000_000
    allowed = 9
    with pytest.raises(StorageError, match=r"does not answer"):
        store.download("rows", tmp_path / "other")
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
    with pytest.raises(MissingError):
        store.read("none")


class Breaking:
    """A body whose connection breaks after the first chunk."""

    def __init__(self, body) -> None:
        self.body = body

    def iter_chunks(self, size):
        from botocore.exceptions import IncompleteReadError

        yield next(iter(self.body.iter_chunks(size)))
        raise IncompleteReadError(actual_bytes=1, expected_bytes=2)


CODES = [
    ("NoSuchBucket", "There is no such bucket. Create it, or correct storage.landing in flywheel.yml."),
    ("404", "There is no such bucket, or what answers at http://127.0.0.1:9 is no store. Correct storage.landing or"),
    ("AccessDenied", "Access denied to s3:ListBucket. Allow it to these credentials: docs/operations.md#storage"),
    ("InvalidAccessKeyId", "The credentials are not valid (InvalidAccessKeyId). Credentials are AWS's own: AWS_ACCESS"),
    ("SignatureDoesNotMatch", "The credentials are not valid (SignatureDoesNotMatch)."),
    ("ExpiredToken", "The credentials have expired. Log in again"),
    ("PermanentRedirect", "The bucket is in another region. Set AWS_REGION"),
    ("SlowDown", "The store refuses s3:ListBucket: SlowDown. Run again; if it stays, look that code up"),
]


@pytest.mark.parametrize(("code", "words"), CODES)
def test_what_a_store_answers_is_said_with_setting_address_and_what_to_do(bucket, monkeypatch, code, words):
    from botocore.exceptions import ClientError

    store = Store("storage.landing", "s3://a-bucket/landing/", "http://127.0.0.1:9")
    answer = {
        "Error": {"Code": code, "Message": f"Key {ENVIRONMENT['AWS_SECRET_ACCESS_KEY']}", "AWSAccessKeyId": "AKIA"}
    }

    class Client:
        def list_objects_v2(self, **_):
            raise ClientError(answer, "ListObjectsV2")

    monkeypatch.setattr(storage, "_client", lambda *_: Client())
    with pytest.raises(StorageError) as raised:
        list(store.list())
    assert str(raised.value).startswith(f"storage.landing s3://a-bucket/landing: {words}")
    assert "secret" not in str(raised.value) and "AKIA" not in str(raised.value)
    assert raised.value.__cause__ is None and raised.value.__suppress_context__


def test_a_bucket_that_is_not_there_is_named(bucket):
    with pytest.raises(StorageError, match=r"^storage.inbox s3://no-such-bucket/x: There is no such bucket."):
        list(Store("storage.inbox", "s3://no-such-bucket/x", endpoint()).list())


def test_an_endpoint_that_refuses_or_never_answers_stops_the_command_within_a_minute(bucket, monkeypatch):
    assert storage.ATTEMPTS * max(storage.CONNECT_SECONDS, storage.READ_SECONDS) < 50  # and seconds between attempts
    words = "storage.inbox s3://b-b/x: {} does not answer. Check the network and storage.endpoint in flywheel.yml"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(storage, "READ_SECONDS", 0.05)
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        started = time.monotonic()
        with pytest.raises(StorageError) as raised:
            list(Store("storage.inbox", "s3://b-b/x", address).list())
        assert str(raised.value).startswith(words.format(address)) and time.monotonic() - started < 50
    with pytest.raises(StorageError) as raised:
        list(Store("storage.inbox", "s3://b-b/x", address).list())
    assert str(raised.value).startswith(words.format(address))


def test_without_credentials_the_message_says_which_to_set(bucket, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    storage._client.cache_clear()
    with pytest.raises(StorageError, match=r"s3://b-b/x: There are no credentials. Credentials are AWS's own: AWS_ACC"):
        list(Store("storage.inbox", "s3://b-b/x", endpoint()).list())
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    storage._client.cache_clear()
    with pytest.raises(StorageError, match=r"Credentials can't be read"):
        list(Store("storage.inbox", "s3://b-b/x", endpoint()).list())
    storage._client.cache_clear()


def test_a_missing_package_is_named_and_only_where_storage_is_set(bucket, tmp_path, monkeypatch):
    original = builtins.__import__

    def without(name, *rest):
        if name.startswith("botocore"):
            raise ImportError(name)
        return original(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    storage._client.cache_clear()
    assert store_of(Home.at(tmp_path / "local"), "inbox") is None
    with pytest.raises(StorageError, match=r"pip install 'flywheel-metrics\[s3\]'"):
        list(bucket.store("inbox").list())


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ("inbox: gs://bucket/in", 'storage.inbox can\'t be "gs://bucket/in"; write s3://BUCKET/FOLDER, or null.'),
        ("landing: s3://b/x", 'storage.landing can\'t be "s3://b/x"; write s3://BUCKET/FOLDER'),
        ("landing: s3://bucket//x", 'storage.landing can\'t be "s3://bucket//x"'),
        ("endpoint: minio:9000", 'storage.endpoint can\'t be "minio:9000"; write https://HOST:PORT, or null.'),
        (
            "endpoint: https://me:hush@minio",
            "storage.endpoint can't hold a user or a password; write https://HOST:PORT.",
        ),
        ("{inbox: s3://bucket, landing: s3://bucket/landing}", "give each its own folder."),
        ("{inbox: s3://bucket/a, landing: s3://bucket/a/}", "give each its own folder."),
        ("secret: x", "storage has no setting secret; its settings are inbox, landing, endpoint."),
    ],
)
def test_an_address_that_can_t_be_is_refused_and_no_password_repeated(home, section, words):
    home.settings.write_text(f"storage:\n  {section}\n")
    with pytest.raises(SettingsError) as raised:
        store_of(home, "inbox")
    assert words in str(raised.value) and "flywheel.yml line 2" in str(raised.value)
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize(
    ("address", "prefix"), [("s3://bucket", ""), ("s3://bucket/", ""), ("s3://bucket/a/é/", "a/é/")]
)
def test_an_address_is_a_bucket_and_a_folder_or_none(home, address, prefix):
    home.settings.write_text(f"storage: {{landing: {address}}}\n")
    store = store_of(home, "landing")
    assert (store.bucket, store.prefix, store_of(home, "inbox")) == ("bucket", prefix, None)


def test_a_home_of_sample_events_takes_no_storage(bucket, tmp_path):
    home = bucket.home(tmp_path)
    home.remember_sample(NOW, [], [])
    with pytest.raises(StorageError, match=r"made-up sample organisation, and its flywheel.yml sets storage.inbox"):
        store_of(home, "inbox")


def test_what_is_no_store_at_all_is_named(bucket):
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>Welcome</html>")

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        with pytest.raises(StorageError, match=rf"x: What answers at {address} is no store\. Correct storage"):
            list(Store("storage.inbox", "s3://b-b/x", address).list())
        server.shutdown()
