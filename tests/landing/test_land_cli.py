"""`flywheel land` and `flywheel erase`: their words and their exit codes."""

from datetime import datetime

import pytest
from conftest import as_lines, make_event, put
from typer.testing import CliRunner

from orchestration.cli import app
from orchestration.home import Home
from orchestration.landing.receipts import receipts


def command(home: Home, *words: str) -> tuple[int, str]:
    ended = CliRunner().invoke(app, [*words, "--home", str(home.root)])
    return ended.exit_code, ended.output


def test_land_lands_and_builds_nothing(home, unchecked, tmp_path):
    (tmp_path / "events.jsonl").write_bytes(as_lines([make_event(), make_event("nonsense")]))
    code, output = command(home, "land", "--events", str(tmp_path / "events.jsonl"))
    assert (code, output.splitlines()) == (
        0,
        [
            "events.jsonl: 1 rows landed, 1 quarantined.",
            "1 files: 1 rows landed, 1 quarantined. `flywheel run` publishes them.",
        ],
    )
    assert command(home, "land") == (0, "Nothing new in the inbox.\n")
    assert not list(home.builds.iterdir())


@pytest.mark.parametrize("wrong", ["no such file", "sample"])
def test_land_refuses_what_a_run_refuses(home, wrong):
    if wrong == "sample":
        put(home, "mine.jsonl", as_lines([make_event()]))
        home.remember_sample(datetime(2026, 1, 1), [], [])
    code, output = command(home, "land", *(["--events", "missing.jsonl"] if wrong == "no such file" else []))
    assert code == 2 and ("no such file: missing.jsonl" in output or "holds the sample organisation's events" in output)
    assert receipts(home) == []


def test_erase_lists_first_and_erases_what_cannot_land_again(home, unchecked, land):
    batch = land(make_event(), name="a.jsonl")["batch_id"]
    land(make_event("adopted"), name="b.jsonl")
    assert command(home, "erase", "c.jsonl") == (2, "c.jsonl: no such file or batch has landed.\n")
    refused = f"a.jsonl would land again: delete it from {home.inbox} first.\n"
    assert command(home, "erase", "a.jsonl") == (2, refused)
    (home.inbox / "a.jsonl").unlink()
    listed = f"a.jsonl: 1 rows landed, 0 quarantined. Batch {batch}.\n"
    assert command(home, "erase", batch[:8]) == (0, f"{listed}`--yes` erases them.\n")
    assert len(receipts(home)) == 2
    code, output = command(home, "erase", "a.jsonl", "--yes")
    assert (code, output) == (0, f"{listed}Erased; `flywheel run` publishes without them.\n")
    assert [receipt["file_name"] for receipt in receipts(home)] == ["b.jsonl"]
    assert not list(home.landing.glob(f"*/{batch}*"))
