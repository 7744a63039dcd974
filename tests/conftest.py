"""What the tests share: a home, events to send, a way to land them, and the real events beside the checkout."""

import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from s3_server import bucket as bucket  # a fixture

from orchestration.contracts.odcs import CONTRACTS, load_layer
from orchestration.home import Home
from orchestration.landing import inbox, quarantine, rules
from orchestration.landing import land as landing
from orchestration.landing.check import wire_columns
from orchestration.landing.formats import read_file
from orchestration.landing.receipts import live_files

pytest.register_assert_rewrite("oracles")

CHECKOUT = Path(__file__).resolve().parent.parent
SESSION_FOLDER = "FLYWHEEL_TEST_SESSION"  # what the processes of one session share
NOW = datetime(2026, 8, 22, 12, tzinfo=UTC)
SETS = {  # the real events in shared/datasets, and the day of their references
    "mitodl_dbt": "2026-08-22T00:00:00Z",
    "k8s_keps": "2026-07-25T00:00:00Z",
    "dbt_core_changes": "2026-08-22T12:00:00Z",
}
# of those that pages and notebooks are looked at with, make test takes one: the made-up inputs are odder
SHOWN_SETS = ["mitodl_dbt", *(pytest.param(name, marks=pytest.mark.soak) for name in list(SETS)[1:])]
SECONDS = 600  # what is not done by then hangs: nothing takes so long, however busy the machine
SETTLED = 1_750_000_000  # long before any run of these tests
KNOWN_COLUMNS = wire_columns(load_layer("landing"))
SOAK_FACTOR = 15  # times as many examples in `make soak`


class Crash(Exception):
    """What a test raises where it has a process die."""


def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        os.environ[SESSION_FOLDER] = tempfile.mkdtemp(prefix="flywheel-session-")


def pytest_unconfigure(config):
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ[SESSION_FOLDER], ignore_errors=True)


def examples(count: int) -> int:
    """How many examples hypothesis tries, `count` of them in `make test`."""
    return count * SOAK_FACTOR if os.environ.get("FLYWHEEL_SOAK") else count


def once_a_session(name: str, make: Callable[[Path], None]) -> Path:
    """A file or folder that the session's processes share; `make(path)` is called by whichever asks first."""
    path = Path(os.environ[SESSION_FOLDER]) / name
    with path.with_name(f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            unfinished = path.with_name(f"{name}.unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            make(unfinished)
            unfinished.rename(path)
    return path


def wait_for(condition: Callable):
    """What `condition` returns, once that is not empty; a server that does not answer yet is asked again."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError):
            if found := condition():
                return found
        time.sleep(0.2)
    raise AssertionError(f"did not come true within {SECONDS} seconds")


def make_event(event_type="idea_logged", event_id="e1", **columns) -> dict:
    """An event that keeps its contract; `columns` change it, and None removes one."""
    own = {
        "idea_logged": {"domain": "sales"},
        "adopted": {"consumer_domain": "finance"},
        "contract_checked": {"passed_count": 3, "failed_count": 0},
    }
    event = {
        "event_id": event_id,
        "source": "jira.example.com",
        "event_type": event_type,
        "data_product_id": "orders",
        "occurred_at": "2026-08-01T10:00:00Z",
        **own.get(event_type, {}),
        **columns,
    }
    return {name: value for name, value in event.items() if value is not None}


def as_lines(events) -> bytes:
    """Events as JSON Lines; one that is text or bytes already stays as it is."""
    texts = (event if isinstance(event, str | bytes) else json.dumps(event) for event in events)
    return b"".join((text.encode() if isinstance(text, str) else text) + b"\n" for text in texts)


def put(home: Home, name: str, content: bytes) -> Path:
    """A file that has stood in the inbox for a while."""
    path = home.inbox / name
    path.write_bytes(content)
    os.utime(path, (SETTLED, SETTLED))
    return path


def visible(home: Home, table: str) -> list[dict]:
    """The rows of one landing table whose batch has its receipt, in the order they were sent."""
    files = (home.landing / table / f"{name}.parquet" for name in live_files(home))
    rows = [row for file in files if file.exists() for row in pq.read_table(file).to_pylist()]
    return sorted(rows, key=lambda row: (row["batch_id"], row["row_number"] or 0))


def landed_count(home: Home) -> int:
    """How many rows have landed, in all tables."""
    return sum(len(visible(home, table)) for table in load_layer("landing"))


def reasons(home: Home) -> list[tuple]:
    """(line, reasons) of what waits in quarantine."""
    return [(row["line_number"], row["reasons"]) for row in quarantine.quarantined(home).to_pylist()]


def read_rows(path: Path) -> tuple[list[tuple], list[tuple]]:
    """([(line, row)], [(line, column, reason)]) of a file; raises UnreadableFile."""
    good, bad, numbers = [], [], []
    for chunk in read_file(path, KNOWN_COLUMNS):
        for i, line in enumerate(chunk.lines):
            extra = chunk.extras[i] if chunk.extras else None
            sent = {name: column[i] for name, column in chunk.columns.items()} | (extra or {})
            values = {n: v.as_py() if isinstance(v, pa.Scalar) else v for n, v in sent.items()}
            good.append((line, {n: v for n, v in values.items() if v is not None}))
        bad += [(u.line, u.column, u.reason) for u in chunk.unreadable]
        numbers += [*chunk.rows, *(u.row for u in chunk.unreadable)]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))
    return good, bad


@pytest.fixture
def home(tmp_path) -> Home:
    """An empty home folder."""
    return Home.at(tmp_path / "home")


@pytest.fixture
def file(tmp_path):
    """A file to read: file(name, content as text or bytes) -> its path."""

    def write(name, content) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.fixture
def unchecked(monkeypatch):
    """Leave out Great Expectations, half a second a table, where a test is not about rules."""
    monkeypatch.setattr(rules, "_failures", lambda *_: iter(()))


@pytest.fixture
def land(home):
    """Send events as one JSON Lines file and land it: land(event, …) -> its receipt."""

    def land_events(*events, name="events.jsonl", now=NOW) -> dict:
        put(home, name, as_lines(events))
        [receipt] = landing.land_inbox(home, now)
        return receipt

    return land_events


@pytest.fixture
def promise(tmp_path, monkeypatch):
    """Land under changed copies of the contracts: promise("work_started", old text, new text)."""
    root = tmp_path / "data_contracts"
    shutil.copytree(CONTRACTS / "landing", root / "landing")
    for module in (landing, quarantine, inbox):
        monkeypatch.setattr(module, "load_layer", lambda layer: load_layer(layer, root))

    def change(table: str, old: str, new: str) -> Path:
        path = root / "landing" / f"{table}.odcs.yaml"
        text = path.read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path.name}"
        path.write_text(text.replace(old, new))
        return path

    change.folder = root / "landing"
    return change


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real events, FLYWHEEL_SHARED or `shared` beside the checkout; too large and not ours to ship."""
    folder = Path(os.environ.get("FLYWHEEL_SHARED") or CHECKOUT.parent / "shared")
    if not (folder / "datasets").is_dir():
        message = f"no real events in {folder}; set FLYWHEEL_SHARED to the folder that has datasets/"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return folder
