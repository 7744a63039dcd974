"""Which rows land, in which table and with which columns; what is refused waits with reason, line and text."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from conftest import NOW, as_lines, landed_count, make_event, put, reasons, visible

from orchestration.contracts.odcs import load_layer
from orchestration.landing import rules
from orchestration.landing.land import land_inbox
from orchestration.landing.quarantine import quarantined, refused_rows, replay
from orchestration.landing.receipts import receipts
from orchestration.landing.rules import LandingError

# --- What lands -----------------------------------------------------------------------------------------


def test_each_event_type_lands_in_its_table_with_its_columns(land, home):
    receipt = land(
        make_event("idea_logged", named_consumer_domains=["risk"], initiative="one view"),
        make_event("work_started"),
        make_event("deployed", version="1.0"),
        make_event("adopted", evidence="granted"),
        make_event("withdrawn"),
        make_event("retired"),
        make_event("contract_activated", contract_version="2"),
        make_event("contract_checked"),
        make_event("owner_changed", domain="risk"),
        make_event("stage_reached", stage="stored"),
    )

    assert json.loads(receipt["landed_by_table"]) == {
        "contract_events": 2,
        "ideas_logged": 1,
        "owners_changed": 1,
        "stages_reached": 1,
        "products_adopted": 1,
        "products_closed": 2,
        "products_deployed": 1,
        "work_started": 1,
    }
    [idea] = visible(home, "ideas_logged")
    assert (idea["named_consumer_domains"], idea["initiative"]) == (["risk"], "one view")
    assert [row["close_reason"] for row in visible(home, "products_closed")] == ["withdrawn", "retired"]
    assert [row["contract_event"] for row in visible(home, "contract_events")] == [
        "contract_activated",
        "contract_checked",
    ]
    [adopted] = visible(home, "products_adopted")
    assert (adopted["consumer_domain"], adopted["evidence"], adopted["line_number"]) == ("finance", "granted", 4)
    assert adopted["batch_id"] == adopted["origin_batch_id"] == receipt["batch_id"]
    assert (receipt["rows_read"], receipt["rows_landed"], receipt["rows_quarantined"]) == (10, 10, 0)


def test_what_was_not_sent_takes_its_default_and_what_is_wrong_does_not(land, home):
    land(make_event(), make_event(revision=3, is_retracted=True), make_event(revision="x"), make_event(is_retracted=2))

    assert [(row["revision"], row["is_retracted"]) for row in visible(home, "ideas_logged")] == [(0, False), (3, True)]
    assert reasons(home) == [(3, ["revision_wrong_type"]), (4, ["is_retracted_wrong_type"])]


UNROUTED = make_event() | {"event_type": [5]}


def test_a_row_that_can_not_be_routed_says_why(unchecked, land, home):
    receipt = land(make_event("milestone"), make_event(event_type=None), UNROUTED, make_event(""))

    assert reasons(home) == [
        (1, ["event_type_unknown"]),
        (2, ["event_type_missing"]),
        (3, ["event_type_wrong_type"]),
        (4, ["event_type_unknown"]),
    ]
    first = quarantined(home).to_pylist()[0]
    assert (first["event_type"], first["table_name"]) == ("milestone", None)
    assert "event_type 'milestone' is in no contract; known are abandoned, adopted" in first["message"]
    assert json.loads(receipt["quarantined_by_table"]) == {"": 4}


def test_an_event_type_is_found_in_any_spelling(unchecked, land, home):
    spellings = ("Adopted", "ADOPTED", " adopted ", "aDopted")

    receipt = land(*[make_event("adopted", f"e{n}") | {"event_type": text} for n, text in enumerate(spellings)])
    idea = land(make_event() | {"event_type": "Idea-Logged"}, make_event("nonsense", "n"), name="b.jsonl")

    assert json.loads(receipt["landed_by_table"]) == {"products_adopted": 4}
    assert json.loads(idea["landed_by_table"]) == {"ideas_logged": 1}
    assert reasons(home) == [(2, ["event_type_unknown"])]


def test_a_time_without_offset_is_utc_a_date_is_noon_and_both_are_counted(unchecked, land, home):
    times = ("2026-08-01T10:00:00", "2026-08-01", "2026-08-01T00:00:00", "2026-08-01T10:00:00Z")
    receipt = land(*(make_event(occurred_at=time) for time in times))

    rows = visible(home, "ideas_logged")
    assert [row["occurred_at"].isoformat() for row in rows] == [
        "2026-08-01T10:00:00+00:00",
        "2026-08-01T12:00:00+00:00",
        "2026-08-01T00:00:00+00:00",
        "2026-08-01T10:00:00+00:00",
    ]
    assert [row["is_assumed_utc"] for row in rows] == [True, False, True, False]
    assert [row["is_assumed_time"] for row in rows] == [False, True, False, False]
    assert (receipt["assumed_utc_count"], receipt["warnings"]) == (2, '{"assumed_time":1}')


def test_columns_no_contract_knows_are_kept_and_counted(land, home):
    receipt = land(
        make_event(team="a", mood=None),
        make_event(team="b", room={"z": 1, "a": [2]}),
        make_event(domain=None, team="c"),
    )

    assert [row["attributes"] for row in visible(home, "ideas_logged")] == [
        '{"team":"a"}',
        '{"room":{"a":[2],"z":1},"team":"b"}',
    ]
    assert json.loads(receipt["extra_columns"]) == {"room": 1, "team": 3}


def test_a_column_of_another_event_type_is_kept_beside(unchecked, land, home):
    land(
        make_event("work_started", version="1.0", consumer_domain=None),
        make_event("withdrawn", close_reason="no budget"),
        make_event("contract_checked", contract_event="contract_checked"),
    )

    assert [row["attributes"] for row in visible(home, "work_started")] == ['{"version":"1.0"}']
    [closed] = visible(home, "products_closed")
    assert (closed["close_reason"], closed["attributes"]) == ("withdrawn", '{"close_reason":"no budget"}')
    assert [row["attributes"] for row in visible(home, "contract_events")] == [None]


def test_only_the_fifty_most_frequent_extra_columns_are_named(unchecked, land):
    rows = [make_event(**{f"column {i}": 1 for i in range(k)}) for k in (200, 60, 50)]

    named = json.loads(land(*rows)["extra_columns"])

    assert len(named) == 50
    assert set(named.values()) == {3}


def test_what_the_real_sources_sent_is_accounted_for_to_the_row(shared, home):
    """Of k8s_keps' events 1,022 are milestones, which no contract knows."""
    for name in ("mitodl_dbt", "k8s_keps"):
        put(home, f"{name}.jsonl", (shared / "datasets" / name / "events.jsonl").read_bytes())

    by_file = {r["file_name"]: r for r in land_inbox(home, NOW)}

    for name, receipt in by_file.items():
        lines = (home.inbox / name).read_bytes().splitlines()
        unknown = sum(json.loads(line)["event_type"].startswith("milestone") for line in lines)
        assert receipt["rows_read"] == len(lines)
        assert json.loads(receipt["quarantined_by_reason"]) == ({"event_type_unknown": unknown} if unknown else {})
        assert receipt["rows_landed"] == len(lines) - unknown


def test_a_rule_that_several_tables_state_refuses_the_right_rows_of_each(home):
    """Two files, three tables; the rule on `title` is the same in each, the one on `version` is one table's own."""
    kinds = ["idea_logged", "work_started", "deployed"]
    for k, name in enumerate(["a.jsonl", "b.jsonl"]):
        rows = [make_event(kind, f"{kind} {i}", title="x" * (2001 * (i == k))) for i in range(3) for kind in kinds]
        put(home, name, as_lines([*rows, make_event("deployed", "own", version="x" * 2001)]))

    land_inbox(home, NOW)

    rows = refused_rows(home).select(["file_name", "line_number", "table_name"]).to_pylist()
    refused = [tuple(row.values()) for row in rows]
    tables = ["ideas_logged", "work_started", "products_deployed"]
    assert refused == [
        *zip(["a.jsonl"] * 3, [1, 2, 3], tables, strict=True),
        ("a.jsonl", 10, "products_deployed"),
        *zip(["b.jsonl"] * 3, [4, 5, 6], tables, strict=True),
        ("b.jsonl", 10, "products_deployed"),
    ]
    for table in tables:
        rows = visible(home, table)
        assert [len(row["title"]) for row in rows] == [0] * 4


def test_a_rule_that_one_table_states_twice_gives_both_reasons(promise, land, home):
    again = (
        "          - name: domain_of_nobody\n            description: Again.\n            type: custom\n"
        "            engine: greatExpectations\n            implementation:\n              type: "
    )
    promise("work_started", RESERVED, RESERVED + again + RESERVED)

    land(make_event("work_started", domain="all"), make_event("deployed", domain="all"))

    assert reasons(home) == [(1, ["domain_reserved", "domain_of_nobody"]), (2, ["domain_reserved"])]


UNIQUE = """expect_column_values_to_be_unique
              kwargs:
                column: domain
"""


def test_a_rule_on_several_rows_sees_the_rows_of_its_own_table_only(promise, land, home):
    for table in ("work_started", "products_deployed"):
        promise(table, RESERVED, UNIQUE)

    land(
        make_event("work_started", "e1", domain="sales"),
        make_event("deployed", "e2", domain="sales"),
        make_event("deployed", "e3", domain="risk"),
        make_event("work_started", "e4", domain="risk"),
        make_event("deployed", "e5", domain="risk"),
    )

    assert reasons(home) == [(3, ["domain_reserved"]), (5, ["domain_reserved"])]


def test_many_small_files_are_checked_together_without_a_file_open_for_each(home, monkeypatch):
    resource = pytest.importorskip("resource")
    checks = []
    results = rules._results
    monkeypatch.setattr(rules, "_results", lambda rules, *args: checks.extend(rules[:1]) or results(rules, *args))
    for i in range(60):
        put(home, f"{i}.jsonl", as_lines([make_event(event_id=f"e{i}"), make_event("adopted", f"a{i}"), "bad"]))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(list(Path("/proc/self/fd").iterdir())) + 100, hard))
    try:
        land_inbox(home, NOW)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert landed_count(home) == 120
    assert len(checks) == 5  # the rules both tables state, those of either, and the repeats in either


RESERVED = """expect_column_values_to_not_be_in_set
              kwargs:
                column: domain
                value_set:
                  - all
"""
CRASHING = """expect_column_values_to_be_between
              kwargs:
                column: domain
                min_value: 1
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (RESERVED, CRASHING, "the rule domain_reserved could not be checked: .*must .*of the same type"),
        (
            "landed_at_plus_ten_minutes",
            "nobody_gives_it",
            "its rules could not be checked: No value found for .PARAMETER nobody",
        ),
    ],
    ids=["a rule that crashes", "a rule without its parameter"],
)
def test_a_rule_that_can_not_run_stops_the_batch(promise, land, home, old, new, message):
    promise("work_started", old, new)

    with pytest.raises(LandingError, match=rf"work_started: {message}"):
        land(make_event(), make_event("work_started", domain="sales"))

    assert (receipts(home), landed_count(home)) == ([], 0)
    assert not list(home.landing.glob("*/*.tmp"))


def test_a_home_without_events_has_every_promised_column_and_nothing_in_quarantine(home):
    assert quarantined(home).num_rows == 0
    assert (receipts(home), land_inbox(home, NOW), replay(home, NOW)) == ([], [], None)
    for table, contract in load_layer("landing").items():
        [empty] = (home.landing / table).glob("*.parquet")
        assert pq.read_schema(empty).names[: len(contract.properties)] == [p.name for p in contract.properties]


def test_a_column_added_to_a_contract_can_be_read_at_once_also_of_old_batches(promise, land, home):
    receipt = land(make_event("work_started", title="\x00"))
    column = "      - name: team\n        logicalType: string\n        description: Who.\n      - name: title\n"
    promise("work_started", "      - name: title\n", column)

    land(make_event("work_started", event_id="e2", team="x"), name="b.jsonl")

    assert [row["team"] for row in visible(home, "work_started")] == ["x"]
    assert quarantined(home)["batch_id"].to_pylist() == [receipt["batch_id"]]


# --- The hostile file -----------------------------------------------------------------------------------

START = b'{"event_id": "bad", "source": "s", "data_product_id": "p", "event_type": "idea_logged", "domain": "d", '
TEN_THOUSAND = {f"column {i:05}": i for i in range(10_000)}
LONG = b'{"event_id": "x'
HOSTILE = [
    # (the line, its reasons; none where it lands)
    (b'{"event_id": "x"', ["malformed_json"]),
    (b"{'event_id': 'x'}", ["malformed_json"]),
    (LONG, ["line_too_long"]),
    (b'{"event_id": "a\x00b"}', ["malformed_json"]),
    (b"\x00\x00\x00", ["malformed_json"]),
    (make_event(event_id="nul\x00"), ["event_id_pattern"]),
    (make_event(title="nul\x00"), ["title_pattern"]),
    (b'{"event_id": "\xff\xfe"}', ["invalid_utf8"]),
    (b'{"event_id": "\\ud800"}', ["malformed_json"]),
    (b'{"event_id": "\\udc00\\ud800"}', ["malformed_json"]),
    (b"[" * 100_000 + b"]" * 100_000, ["malformed_json"]),
    (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, ["malformed_json"]),
    (START + b'"occurred_at": "2026-08-01", "deep": ' + b"[" * 900 + b"]" * 900 + b"}", ["nested_too_deep"]),
    (make_event(event_id=json.loads("[" * 200 + "]" * 200)), ["event_id_wrong_type"]),
    (b'"text"', ["not_an_object"]),
    (b"NaN", ["malformed_json"]),
    (START + b'"occurred_at": "2026-08-01", "revision": 1e999}', ["malformed_json"]),
    (make_event(occurred_at=20260801), ["occurred_at_wrong_type"]),
    (make_event(occurred_at=175_586_400_000.5), ["occurred_at_wrong_type"]),
    (make_event(occurred_at="0000-01-01T00:00:00Z"), ["occurred_at_wrong_type"]),
    (make_event(occurred_at="0001-01-01T00:00:00Z"), ["occurred_at_out_of_range"]),
    (make_event(occurred_at="9999-12-31T23:59:59Z"), ["occurred_at_in_the_future"]),
    (make_event(occurred_at="10000-01-01T00:00:00Z"), ["occurred_at_wrong_type"]),
    (make_event(occurred_at="2027-01-01T00:00:00Z"), ["occurred_at_in_the_future"]),
    (make_event(recorded_at="9999-12-31T23:59:59Z"), None),
    (make_event(title="'; drop table ideas_logged; --"), None),
    (make_event(title="<script>alert(1)</script>", source_ref="javascript:alert(1)"), None),
    (make_event(title='=HYPERLINK("http://evil.example","x")', domain="+1+cmd|' /C calc'!A0"), None),
    (make_event(title="👩‍👩‍👧‍👦 🇩🇪 é é"), None),
    (make_event(title="\u202eevil\u202c مرحبا שלום"), None),
    (make_event(**TEN_THOUSAND), None),
    (START.replace(b"bad", b"first") + b'"occurred_at": "2026-08-01", "event_id": "last"}', None),
    (make_event(domain="all"), ["domain_reserved"]),
    (make_event(event_id=""), ["event_id_length"]),
    (make_event(data_product_id=""), ["data_product_id_length"]),
    (make_event(event_id="e\n"), ["event_id_pattern"]),
    (make_event(data_product_id="p\n"), ["data_product_id_pattern"]),
    (make_event(event_id="x" * 201), ["event_id_length"]),
    (make_event(event_id="x" * 200), None),
    (make_event(revision=True), ["revision_wrong_type"]),
    (make_event(revision=-1), ["revision_out_of_range"]),
    (make_event(revision=2**63), ["revision_wrong_type"]),
    (make_event(revision=2**70), ["revision_wrong_type"]),
    (make_event(is_retracted="maybe"), ["is_retracted_wrong_type"]),
    (make_event(event_type="__proto__"), ["event_type_unknown"]),
    (make_event(event_id="good"), None),
]


@pytest.mark.slow
def test_a_hostile_file_lands_its_good_rows_and_every_other_waits_with_reason_line_and_text(home):
    lines = [as_lines([row]).rstrip(b"\n") + b"x" * (50 << 20) * (row == LONG) for row, _ in HOSTILE]
    put(home, "hostile.jsonl", b"\n".join(lines))

    [receipt] = land_inbox(home, NOW)

    bad = [(number, row, found) for number, (row, found) in enumerate(HOSTILE, 1) if found]
    good = [(number, row) for number, (row, found) in enumerate(HOSTILE, 1) if not found]
    assert (receipt["rows_read"], receipt["rows_landed"], receipt["rows_quarantined"]) == (46, 10, 36)
    waiting = quarantined(home).to_pylist()
    assert [(row["line_number"], row["reasons"]) for row in waiting] == [(number, found) for number, _, found in bad]
    for row, (number, *_) in zip(waiting, bad, strict=True):
        text = lines[number - 1].decode("utf-8", "backslashreplace")
        assert row["original_text"] == (text[:4096] if row["reasons"] == ["line_too_long"] else text)
        assert row["file_name"] == "hostile.jsonl"
        assert row["message"]
    landed = visible(home, "ideas_logged")
    assert [row["line_number"] for row in landed] == [number for number, _ in good]
    by_line = {row["line_number"]: row for row in landed}
    for number, row in good:
        if isinstance(row, dict):
            assert [by_line[number][c] for c in ("event_id", "title", "domain")] == [
                row.get(c) for c in ("event_id", "title", "domain")
            ]
    assert json.loads(next(row["attributes"] for row in landed if row["attributes"])) == TEN_THOUSAND
    assert "last" in {row["event_id"] for row in landed}
    assert replay(home, NOW) is None
    assert len(list(home.landing.glob("ideas_logged/*"))) == 2
