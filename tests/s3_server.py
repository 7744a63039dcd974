"""A store that speaks S3, for tests: moto's server in this process, a bucket for each test, and requests that fail."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

from orchestration.home import Home
from orchestration.landing import storage
from orchestration.landing.storage import Store

ENVIRONMENT = {  # what the client asks for; no file of the user is read
    "AWS_ACCESS_KEY_ID": "key-of-the-tests",
    "AWS_SECRET_ACCESS_KEY": "secret-of-the-tests",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    "AWS_EC2_METADATA_DISABLED": "true",
}


class Cut(BaseException):
    """The process dies at a request: nothing that handles errors may handle it."""


@cache
def endpoint() -> str:
    """The address of the server, which this process starts once on a free port."""
    import logging

    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    return "http://{}:{}".format(*server.get_host_and_port())


class Bucket:
    """An empty bucket, and the homes that have their inbox and landing in it."""

    def __init__(self) -> None:
        self.name = f"b-{uuid.uuid4().hex}"
        Store("bucket", f"s3://{self.name}", endpoint()).request("create_bucket")

    def store(self, folder: str) -> Store:
        return Store(f"storage.{folder}", f"s3://{self.name}/{folder}", endpoint())

    def home(self, root: Path, *, inbox: bool = True, landing: bool = True) -> Home:
        """A home whose inbox and landing are folders of the bucket, or those of the home."""
        home = Home.at(root)
        places = {"inbox": inbox, "landing": landing}
        lines = [f"  {name}: s3://{self.name}/{name}" for name, is_here in places.items() if is_here]
        home.settings.write_text("\n".join(["storage:", f"  endpoint: {endpoint()}", *lines]) + "\n")
        return home

    def put(self, name: str, content: bytes) -> None:
        self.store("inbox").request("put_object", name, Body=content)

    def names(self, folder: str) -> list[str]:
        return [entry.name for entry in self.store(folder).list()]


@pytest.fixture
def bucket(monkeypatch) -> Bucket:
    """An empty bucket; requests are sent one after the other, so that each has a number."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(storage, "AT_ONCE", 1)
    return Bucket()


@contextmanager
def requests(at: Callable[[int, str, str], None], after: bool = False) -> Iterator[list[str]]:
    """Call `at(number, operation, name)` before, or after, each request; gives the list of operations so far."""
    original, sent = Store.request, []

    def request(self, operation, name=None, **parameters):
        sent.append(operation)
        number = len(sent)
        if not after:
            at(number, operation, name or "")
        try:
            return original(self, operation, name, **parameters)
        finally:
            if after:
                at(number, operation, name or "")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "request", request)
        yield sent


def cut_at(nth: int) -> Callable[[int, str, str], None]:
    """Cut at the nth request."""

    def at(number: int, operation: str, name: str) -> None:
        if number == nth:
            raise Cut

    return at
