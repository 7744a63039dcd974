"""What is said of refused rows, which refused files stop publication, and what was assumed."""

import ast
import gzip
from dataclasses import replace
from datetime import timedelta

import pytest
from conftest import CHECKOUT, KNOWN_COLUMNS, NOW, as_lines, make_event, put
from page_data import served
from typer.testing import CliRunner

from orchestration import summary
from orchestration.cli import app
from orchestration.contracts.expectations import rules
from orchestration.contracts.odcs import load_layer
from orchestration.landing import refusals
from orchestration.landing.land import land_inbox
from orchestration.landing.quarantine import dismiss, quarantined, replay
from orchestration.landing.receipts import receipts

DAY = timedelta(days=1)
HEADER = b"event_id,source,event_type,data_product_id,occurred_at,domain,title\n"
NOT_PUBLISHED = (
    "Nothing is published until the source sends the rows again, or a better file of 20 rows or more; or a contract is "
    "changed and `flywheel replay` lands the rows; or `flywheel quarantine --dismiss FILE --note WHY` dismisses them."
)


def csv_rows(good: int, latin_1: int) -> bytes:
    """A CSV file whose last rows have bytes that are not UTF-8."""
    row = "e{},jira,idea_logged,p{},2026-08-01T10:00:00Z,sales,K\xfcche\n"
    texts = [row.format(i, i).encode("utf-8" if i < good else "latin-1") for i in range(good + latin_1)]
    return HEADER + b"".join(texts)


def lines_of(count: int, **columns) -> bytes:
    return as_lines(make_event(event_id=f"e{i}", **columns) for i in range(count))


@pytest.fixture
def gate(home, unchecked):
    """Land files in one run, on a later day each time: gate(name=content) -> (whether it is published, words)."""
    from orchestration.defs.landing import _file_share_check

    days = iter(range(100))

    def land(**files: bytes) -> tuple[bool, str]:
        for name, content in files.items():
            put(home, name.replace("_", "."), content)
        land_inbox(home, NOW + next(days) * DAY)
        result = _file_share_check(receipts(home), quarantined(home).to_pylist())
        assert result.metadata["limit"].value == 0.5
        return result.passed, result.description

    return land


def test_a_file_of_which_54_of_60_rows_are_not_utf_8_stops_publication(gate):
    passed, words = gate(orders_csv=csv_rows(6, 54))
    assert not passed
    first = "First: orders.csv line 8: has bytes that are not UTF-8"
    assert words.startswith(f"orders.csv: 54 of its 60 rows are refused (90%, the limit is 50%). {first}")
    assert words.endswith(f". Send the rows again in a file that was saved as UTF-8. {NOT_PUBLISHED}")


PASSED = (True, "Of no file of the latest landing more than 50% of all rows are refused.")


@pytest.mark.parametrize(
    ("files", "is_published"),
    [
        ({"a_csv": csv_rows(0, 30)}, False),
        ({"a_jsonl": lines_of(30, event_type="milestone")}, False),
        ({"a_jsonl": lines_of(30) + b"nonsense\n" * 31}, False),
        ({"a_jsonl": lines_of(30) + b"nonsense\n" * 30}, True),
        ({"a_jsonl": b"nonsense\n" * 19}, True),
        ({"a_jsonl_gz": gzip.compress(lines_of(30))[:-20]}, False),
        ({"a_parquet": b"PAR1 broken"}, False),
        ({"a_json": b"[" + lines_of(1)}, False),
        ({"a_csv": "\N{BYTE ORDER MARK}Käse,Küche\n1,2\n".encode("utf-16")}, False),
        ({"notes_txt": b"remember the milk"}, True),
        ({"a_csv": b""}, True),
        # the files of one run have no order: a good one hides no bad one
        ({"a_csv": csv_rows(0, 30), "b_csv": csv_rows(60, 0)}, False),
        ({"b_csv": csv_rows(0, 30), "a_csv": csv_rows(60, 0)}, False),
    ],
)
def test_all_rows_of_a_file_count_and_a_file_that_can_not_be_read_is_refused_completely(gate, files, is_published):
    assert gate(**files)[0] == is_published


def test_a_file_that_is_refused_in_large_part_blocks_what_comes_after_landing():
    from orchestration.defs.landing import _check_specs

    checks = {(*spec.asset_key.path, spec.name): spec.blocking for spec in _check_specs()}
    assert checks["landing", "batches", "quarantine_share"]


def test_a_file_that_was_cut_short_is_named_with_what_to_do(gate):
    passed, words = gate(a_json=b"[" + lines_of(1))
    assert not passed
    assert words.startswith(
        "a.json: the whole file is refused. First: a.json: it ends on line 1 where it should have a"
    )
    advice = "Send the whole file, with the format in its name (.csv, .json); dismiss a file without events."
    assert words.endswith(f"{advice} {NOT_PUBLISHED}")


def test_rows_that_are_sent_again_and_land_clear_the_gate(gate):
    assert not gate(a_csv=csv_rows(6, 54))[0]
    assert not gate(b_jsonl=lines_of(19))[0]
    assert gate(c_csv=csv_rows(0, 0) + csv_rows(60, 0).removeprefix(HEADER)) == PASSED


def test_a_better_file_clears_the_gate_and_a_smaller_one_does_not(gate):
    assert not gate(a_csv=csv_rows(0, 30))[0]
    assert not gate(b_jsonl=lines_of(19))[0]
    assert gate(c_jsonl=lines_of(20)) == PASSED


def test_a_dismissal_clears_the_gate_and_of_a_broken_file_it_clears_nothing_else(gate, home):
    assert not gate(a_csv=csv_rows(0, 30))[0]
    assert not gate(b_parquet=b"PAR1 broken")[0]
    dismiss(home, "b.parquet", None, "sent by mistake")
    passed, words = gate()
    assert (passed, words[:39]) == (False, "a.csv: 30 of its 30 rows are refused (1")
    dismiss(home, "a.csv", None, "sent by mistake")
    assert gate() == PASSED


def test_a_replay_clears_the_gate(gate, home, promise):
    promise("ideas_logged", "          - idea_logged", "          - another_name")
    assert not gate(a_jsonl=lines_of(30))[0]
    path = promise.folder / "ideas_logged.odcs.yaml"
    path.write_text(path.read_text().replace("- another_name", "- idea_logged"))
    assert replay(home, NOW)["rows_landed"] == 30
    assert gate() == PASSED


# --- the words for each reason --------------------------------------------------------------------


def reasons_of_the_readers() -> set[str]:
    """The reason codes that stand in the code of landing; of one that begins with a column's name, its ending."""
    found = set()
    for path in (CHECKOUT / "orchestration" / "landing").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            found |= _codes(node)
    return found - KNOWN_COLUMNS


def _codes(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Call):
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        held = node.args if name in ("refuse", "Unreadable", "refusal") else []
    elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in ("reason", "problem"):
        held = [] if isinstance(node.value, ast.Call) else [node.value]
    elif isinstance(node, ast.Tuple) and node.elts and isinstance(node.elts[0], ast.JoinedStr):
        ending = node.elts[0].values[-1]
        return {f"column{ending.value}"} if isinstance(ending, ast.Constant) else set()
    elif isinstance(node, ast.Tuple) and ast.unparse(node).endswith(", str(error))"):
        held = node.elts[:1]
    else:
        return set()
    texts = [leaf.value for value in held for leaf in ast.walk(value) if isinstance(leaf, ast.Constant)]
    return {text for text in texts if isinstance(text, str) and "_" in text and text.replace("_", "").isalnum()}


def test_the_readers_reasons_are_found():
    assert {
        "ambiguous_column",
        "column_wrong_type",
        "event_type_unknown",
        "invalid_utf8",
        "malformed_json",
        "unreadable_file",
    } <= reasons_of_the_readers()


def test_every_reason_has_its_own_advice():
    reasons = reasons_of_the_readers() | {"consumer_domain_null_marker"}
    for contract in load_layer("landing").values():
        reasons |= {f"{p.name}_wrong_type" for p in contract.properties}
        reasons |= {meta["reason"] for severity, _, _, meta in rules(contract) if severity == "error"}
    assert {reason for reason in reasons if refusals.advice(reason) == refusals.OTHERWISE} == set()


def test_a_rule_that_someone_wrote_has_an_advice():
    assert refusals.advice("weekend_only") == (
        "Correct the value at the source; or, if the rule is wrong, change its contract and run `flywheel replay`."
    )


def test_the_summary_names_for_each_reason_how_many_the_first_row_and_what_to_do(land, home):
    kinds = {"event_type": "nonsense"}, {"occurred_at": 5}, {"occurred_at": 5, "revision": "x"}, {"title": [5]}
    rows = [make_event(event_id=f"{n} {i}", **columns) for n, columns in enumerate(kinds) for i in range(4 - n)]
    land(*rows, "bad", name="a.jsonl")

    *lines, last = summary.reason_lines(quarantined(home).to_pylist())

    assert [line[:40] for line in lines[::2]] == [
        "occurred_at_wrong_type 5: a.jsonl line 5",
        "event_type_unknown 4: a.jsonl line 1: ev",
        "revision_wrong_type 2: a.jsonl line 8: o",
        "title_wrong_type 1: a.jsonl line 10: tit",
        "malformed_json 1: a.jsonl line 11 column",
    ]
    assert lines[1] == "  What to do: Send RFC 3339 times with their offset, as 2026-03-01T09:00:00+01:00."
    assert last == "`flywheel quarantine` lists them."
    assert summary.reason_lines([]) == []


def test_what_a_source_sent_can_not_break_the_summary():
    row = {"file_name": "[/]\x1b.jsonl", "line_number": 2, "column_number": None, "reasons": ["r"]}
    line, *_ = summary.reason_lines([row | {"message": "two\nlines \x1b[31m " + "x" * 500}])

    assert line.startswith("r 1: [/]�.jsonl line 2: two lines �[31m x")
    assert len(line) < 220 and line.endswith("x…")


@pytest.mark.parametrize(
    ("name", "one", "many"),
    [
        ("assumed_time", "1 date without a time read as noon", "1,200 dates without a time read as noon"),
        ("null_marker", "1 NULL marker read as no value", "1,200 NULL markers read as no value"),
        ("empty_row", "1 empty row skipped", "1,200 empty rows skipped"),
        ("repeated_column", "1 repeated column name numbered", "1,200 repeated column names numbered"),
        (
            "column_renamed",
            "1 column matched without case, spaces or byte-order mark",
            "1,200 columns matched without case, spaces or byte-order marks",
        ),
        (
            "envelope_differs",
            "1 CloudEvents envelope names another value than its data, which counts",
            "1,200 CloudEvents envelopes name other values than their data, which count",
        ),
        ("a_rule", "1 row breaks the rule a_rule", "1,200 rows break the rule a_rule"),
    ],
)
def test_what_landed_with_an_assumption_is_said_with_its_number(name, one, many):
    receipt = f'{{"{name}": 1}}', f'{{"{name}": 1199}}'
    assert refusals.assumptions([{"warnings": receipt[0]}, {"warnings": None}]) == [one]
    assert refusals.assumptions([{"warnings": text} for text in receipt]) == [many]


def test_status_names_what_waits_before_anything_is_published(land, home):
    land(make_event("milestone"), name="a.jsonl")
    output = " ".join(CliRunner().invoke(app, ["status", "--home", str(home.root)]).output.split())
    assert "Published: nothing yet; `flywheel run` publishes. Rows: 0 landed, 1 in quarantine" in output
    assert "event_type_unknown 1: a.jsonl line 1: event_type 'milestone' is in no contract;" in output
    assert "What to do: Send one of the event types that the message names;" in output


def test_the_summary_names_events_with_contradicting_versions_and_what_to_send():
    row = {"rule_id": "conflicting_revision", "row_count": 8, "what_to_do": "Send the right content."}
    assert summary.conflicts(replace(served(), quality=[row])) == (
        "8 events have different contents in one revision; one of each counts, chosen by content. Send the right "
        "content. The table curated.data_quality_issues lists them: conflicting_revision."
    )
    one = summary.conflicts(replace(served(), quality=[row | {"row_count": 1}]))
    assert one.startswith("1 event has different contents in one revision; one of each counts, chosen by content.")
    assert summary.conflicts(replace(served(), quality=[row | {"rule_id": "assumed_utc"}])) == ""
