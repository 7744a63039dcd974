"""The receiver's answers: what is on disk before a 2xx, and what each refusal says and leaves behind."""

import errno
import gzip
import logging
import os

import orjson
import pytest
from starlette.applications import Starlette
from webhooks import SECRET, STANDARD_SECRET, body_of, declare, request, signed

from orchestration.home import Home
from orchestration.sources.declaration import SourceError, load_source
from orchestration.sources.webhooks import receiver
from orchestration.sources.webhooks.deliveries import deliveries_folder, load
from orchestration.sources.webhooks.receiver import Receiver


@pytest.fixture
def app(home, monkeypatch, caplog) -> Starlette:
    caplog.set_level(logging.INFO)
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    declare(home)
    return Receiver(home).app()


def kept(home: Home, source: str = "hooks") -> list:
    return [load(path) for path in sorted(deliveries_folder(home, source).glob("*"))]


def post(app: Starlette, content=None, path: str = "/hooks", sender: str = "github", **headers) -> tuple[int, str]:
    content = body_of() if content is None else content
    sent = signed(sender, content) if isinstance(content, bytes) else {}
    answer = request(app, path, content, sent | headers)
    return answer.status_code, answer.text.rstrip("\n")


@pytest.mark.parametrize("sender", ["github", "gitea", "gitlab", "jira", "standard", "bearer"])
def test_a_delivery_is_on_disk_as_it_came_with_its_id_and_kind(app, home, monkeypatch, sender):
    secret = STANDARD_SECRET if sender == "standard" else SECRET
    monkeypatch.setenv("HOOK_SECRET", secret)
    declare(home, sender, sender)
    body = b' {"product": "orders", "count": 123456789012345678901234567890}\n'
    answer = request(app, f"/{sender}", body, signed(sender, body, "d-1", secret))
    [delivery] = kept(home, sender)
    assert (answer.status_code, answer.text) == (200, f"received, as {delivery.key}.\n")
    assert (delivery.body, delivery.delivery_id) == (body, "d-1")
    assert delivery.kind == {"github": "issues", "gitea": "issues", "gitlab": "Issue Hook"}.get(sender)


def test_a_repeated_delivery_is_kept_once_and_another_body_under_its_id_as_another(app, home):
    assert [post(app)[1][:17] for _ in range(3)] == ["received, as 704f", *["received before, "] * 2]
    assert len(kept(home)) == 1
    assert post(app, body_of("stock"))[0] == 200
    assert [d.delivery_id for d in kept(home)] == ["d1", "d1"]


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ({"content": b"{"}, (400, "the body is not JSON in UTF-8: unexpected end of data: line 1 column 2 (char 1).")),
        ({"content": b'{"a": "\xff"}'}, (400, "the body is not JSON in UTF-8: str is not valid UTF-8")),
        ({"content": b""}, (400, "the body is not JSON in UTF-8: Input is a zero-length, empty document")),
        ({"content": b'"text"'}, (400, "the body is JSON, and neither an object nor an array.")),
        ({"content": b"x" * 2001}, (413, "the body has more than 2,000 bytes.")),
        ({"content": [b"x" * 900] * 3}, (413, "the body has more than 2,000 bytes.")),
        ({"content": b"x" * 9000}, (413, "the body has more than 2,000 bytes.")),
        ({"content": [b"x" * 900] * 99}, (413, "the body has more than 2,000 bytes.")),
        ({"X-Hub-Signature-256": "sha256=00"}, (401, "X-Hub-Signature-256 does not match: the secret differs")),
        ({"sender": "bearer"}, (401, "the header X-Hub-Signature-256 is missing: set the source's secret where")),
        ({"X-GitHub-Delivery": "../../../etc/passwd"}, (400, "X-GitHub-Delivery is no delivery id: up to 200 print")),
        ({"Content-Type": "application/x-www-form-urlencoded"}, (415, "the body is a form: choose the content type a")),
        ({"Content-Encoding": "br"}, (415, "the body is compressed; only gzip is read.")),
        ({"Content-Encoding": "gzip"}, (400, "the body is not JSON in UTF-8: Error -3 while decompressing data: inc")),
        ({"content": gzip.compress(b"[" + b" " * 9999), "Content-Encoding": "gzip"}, (413, "the body has more than 2")),
        ({"content": gzip.compress(b"[]")[:-1], "Content-Encoding": "gzip"}, (400, "the body's gzip is cut off.")),
        ({"path": "/other"}, (404, "there is no webhook source of this name here.")),
        ({"path": "/files"}, (404, "there is no webhook source of this name here.")),
        ({"path": "/..%2Fhooks"}, (404, "")),
        ({"path": "/hooks.yml"}, (404, "there is no webhook source of this name here.")),
        ({"path": "/hooks/x"}, (404, "Not Found")),
    ],
)
def test_what_is_refused_is_not_written_and_the_answer_says_why(app, home, monkeypatch, caplog, change, answer):
    monkeypatch.setattr(receiver, "MAX_BODY", 2000)
    monkeypatch.setattr(receiver, "MAX_READ", 8000)
    (home.sources / "files.yml").write_text("kind: files\nwhere: ${NOT_SET_HERE}\n")
    status, words = post(app, **change)
    assert (status, words[: len(answer[1])]) == answer
    assert not home.received.exists()
    assert SECRET not in words + caplog.text and "product" not in caplog.text


def test_each_delivery_has_a_line_in_the_log_without_its_body(app, caplog):
    post(app)
    post(app, b"{")
    first, second = [record.message for record in caplog.records if record.name == "flywheel.receive"]
    assert first == "hooks 200 21 bytes: received, as 704f9d9036bf01b2f563dedc9deb4322."
    assert second.startswith("hooks 400 1 bytes: the body is not JSON")


def test_a_delivery_waits_for_no_run(app, monkeypatch):
    monkeypatch.setattr(Home, "lock", None)
    monkeypatch.setattr(Home, "is_locked", None)
    assert post(app)[0] == 200


def test_openlineage_s_endpoint_a_slash_at_the_end_and_gzip_are_accepted(app, home):
    declare(home, "lineage", "bearer")
    headers = {"Authorization": f"Bearer {SECRET}"}
    answer = request(app, "/lineage/api/v1/lineage", body_of(), headers)
    again = request(app, "/lineage/", gzip.compress(body_of()), headers | {"Content-Encoding": "gzip"})
    assert (answer.status_code, again.text[:15]) == (200, "received before")
    assert (
        request(app, "/health", b"", {}, "GET").text == "ready\n"
        and request(app, "/lineage", b"", {}, "GET").status_code == 405
    )


def test_a_full_disk_answers_503_and_leaves_nothing_behind(app, home, monkeypatch):
    def full(number: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr("orchestration.sources.webhooks.deliveries.os.fsync", full)
        answer = request(app, "/hooks", body_of(), signed("github", body_of()))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
    assert answer.text == "it could not be written here (No space left on device); send it again.\n"
    assert kept(home) == []
    assert post(app)[0] == 200


def test_too_many_bytes_at_once_are_refused_until_there_is_room(app, monkeypatch):
    monkeypatch.setattr(receiver, "MAX_HELD", 10)
    assert post(app) == (503, "too much is being received at once; send it again.")
    monkeypatch.setattr(receiver, "MAX_HELD", 21)
    assert [post(app)[0] for _ in range(3)] == [200] * 3


def test_a_source_that_is_added_or_changed_needs_no_restart(app, home):
    declare(home, "later", "bearer")
    assert post(app, path="/later", sender="bearer")[0] == 200
    declare(home, "later", "gitlab")
    assert post(app, path="/later", sender="gitlab")[0] == 200
    (home.sources / "later.yml").unlink()
    assert post(app, path="/later", sender="gitlab")[0] == 404


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ("secret: ${OTHER_SECRET}", "hooks: OTHER_SECRET is not in the environment; set it and start flywheel rec"),
        ("secret: ${EMPTY_SECRET}", "hooks: the value of EMPTY_SECRET is empty; set it and start flywheel receive"),
        ("sender: [", "not YAML"),
        ("secret: hunter2", "secret can't be what is written there; write the name of a variable of the environ"),
    ],
)
def test_a_source_that_cant_be_used_answers_503_and_the_log_says_why(app, home, monkeypatch, caplog, declared, words):
    monkeypatch.setenv("EMPTY_SECRET", "")
    sender = "" if declared.startswith("sender") else "sender: github\n"
    (home.sources / "hooks.yml").write_text(f"kind: webhook\n{sender}{declared}\n")
    assert post(app) == (503, "this source can't be used now; the log of flywheel receive says why.")
    assert words in caplog.text and "hunter2" not in caplog.text and not home.received.exists()


def test_the_former_secret_is_accepted_while_it_is_declared(app, home, monkeypatch):
    monkeypatch.setenv("HOOK_SECRET", "new")
    monkeypatch.setenv("OLD_SECRET", SECRET)
    declare(home, more="former_secret: ${OLD_SECRET}\n")
    assert post(app)[0] == 200
    declare(home)
    assert post(app)[0] == 401


def test_the_settings_of_a_webhook_are_checked(home):
    declare(home, sender="slack", more="tolerance: 0\nwhere: /x\n")
    with pytest.raises(SourceError) as refused:
        load_source(home, "hooks")
    path = home.sources / "hooks.yml"
    assert str(refused.value).splitlines() == [
        f'{path} line 2: sender can\'t be "slack"; write what signs the deliveries: github, gitea, gitlab, jira,'
        " linear, standard, bearer.",
        f"{path} line 4: tolerance can't be 0; write how many seconds a signed time may differ from the receiver's"
        " clock, up to 86400.",
        f"{path} line 5: there is no setting where; the settings are kind, vanished, schedule, record_kind, sender,"
        " secret, former_secret, tolerance.",
    ]


def test_a_body_that_does_not_arrive_is_given_up(app, home, monkeypatch):
    monkeypatch.setattr(receiver, "BODY_SECONDS", 0)
    assert post(app, [b"{"]) == (408, "the body did not arrive within 0 seconds.")
    assert not home.received.exists()


def test_a_body_in_parts_is_one_body(app, home):
    body = orjson.dumps([{"product": "orders"}])
    answer = request(app, "/hooks", [body[:5], body[5:]], signed("github", body))
    assert answer.status_code == 200 and kept(home)[0].body == body
