"""Whole runs of a home with inbox and landing in S3: SIGKILL at a request, then a run that ends; as a home without."""

import os
import signal
from functools import partial

import pytest
from deliveries import AFTER, AS_OF, BEFORE
from pipeline import run, run_well, served, shared_home, write_events
from s3_server import ENVIRONMENT

pytestmark = pytest.mark.soak


def settle_and_die_at(nth: int) -> None:
    """In a run's process: the environment of the client, and SIGKILL at the nth request."""
    from orchestration.landing import storage

    os.environ.update(ENVIRONMENT)
    storage.AT_ONCE = 1
    send, sent = storage.Store.request, [0]

    def request(self, *arguments, **parameters):
        sent[0] += 1
        if sent[0] == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return send(self, *arguments, **parameters)

    storage.Store.request = request


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> tuple:
    """(the files, what a home without S3 serves of them)."""
    folder = tmp_path_factory.mktemp("events")
    files = [write_events(folder / "a.jsonl", BEFORE), write_events(folder / "b.jsonl", AFTER)]
    home = shared_home().empty()
    run_well(home, *files, as_of=AS_OF)
    return files, served(home)


@pytest.mark.parametrize("nth", [4, 9, 12, 16, 18])
def test_a_run_that_was_killed_at_a_request_ends_the_next_time_as_one_without_s3(undisturbed, bucket, nth):
    files, expected = undisturbed
    for file in files:
        bucket.put(file.name, file.read_bytes())
    home = shared_home().empty()
    bucket.home(home)
    killed = run(home, as_of=AS_OF, first=partial(settle_and_die_at, nth))
    assert killed.code == -signal.SIGKILL and not (home / "serving.duckdb").exists()
    run_well(home, as_of=AS_OF, first=partial(settle_and_die_at, 0))
    assert served(home) == expected
    other = shared_home().empty()
    bucket.home(other)
    run_well(other, as_of=AS_OF, first=partial(settle_and_die_at, 0))
    assert served(other) == expected, "a second home of the same bucket"


def test_a_run_that_can_t_reach_the_store_publishes_nothing_and_leaves_what_is_served(undisturbed, bucket):
    files, expected = undisturbed
    home = shared_home().empty()
    bucket.home(home)
    run_well(home, *files, as_of=AS_OF, first=partial(settle_and_die_at, 0))
    assert served(home) == expected and bucket.names("inbox") == ["a.jsonl", "b.jsonl"]
    settings = (home / "flywheel.yml").read_text()
    (home / "flywheel.yml").write_text(settings.replace(bucket.name, "no-such-bucket"))
    ended = run(home, as_of=AS_OF, rebuild=True, first=partial(settle_and_die_at, 0))
    assert ended.code == 1 and "Not published" in ended.output and "There is no such bucket" in ended.output
    assert served(home) == expected
