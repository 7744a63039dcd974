"""The twelve tenets: a figure, an assessment, or what is missing, worked by hand; pulse surveys by group only.

Belongs here: tenet_evidence, pulse_results and what may be derived from them. Does not belong here: the figures' own
tables.
"""

import csv
from datetime import date
from itertools import chain
from itertools import product as each_of

import duckdb
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from shaped import DBT_PROJECT, event, rows, shaped

from orchestration.build.builds import begin
from orchestration.contracts.odcs import load_layer
from orchestration.declared import DeclarationError, read_declared
from orchestration.home import Dates, Home, parse_instant
from orchestration.pulse import MINIMUM, group_figures
from orchestration.sample.declarations import declared_rows
from orchestration.sample.tenets import PULSES, QUESTIONS, SMALL_GROUP

DAY, QUESTION = date(2025, 10, 31), "Safe?"


def evidence(events: list[dict], **declared: list[dict]) -> dict[str, dict]:
    with shaped(events, declared=declared, tables=["tenet_evidence"]) as db:
        return {row["tenet_id"]: row for row in rows(db, "from authoritative.tenet_evidence")}


def assessment(tenet_id: str, day: date, level: int) -> dict:
    return {"tenet_id": tenet_id, "assessed_on": day, "assessed_by": "CTO", "level": level}


def answers(groups: dict[str, list[int]], day: date = DAY) -> list[dict]:
    about = {"asked_on": day, "question": QUESTION}
    return [about | {"respondent_group": group, "level": level} for group, levels in groups.items() for level in levels]


def figures(groups: dict[str, list[int]]) -> dict[str, dict]:
    """The figures of one question, by group."""
    columns = {p.name: p.arrow_type for p in load_layer("declared")["pulse_answers"].properties}
    found = group_figures(pa.Table.from_pylist(answers(groups), pa.schema(columns)))
    return {row["respondent_group"]: row for row in found.to_pylist()}


def life(product: str, deployed: float, *used: float) -> list[dict]:
    events = [event("deployed", product, deployed, domain="sales")]
    return events + [event("adopted", product, days, consumer_domain="finance") for days in used]


# used again lately; used long ago; never used; younger than 182 days
WORLD = [*life("a", 700, 600, 60, 20), *life("b", 700, 600), *life("c", 700), *life("d", 100, 30)]
DECLARED = {
    "domains": [{"domain": "sales", "kind": "domain"}],
    "capabilities": [
        {"capability": "seen", "reviewed_on": date(2025, 6, 1)},
        {"capability": "old", "reviewed_on": date(2024, 6, 1)},
        {"capability": "never"},
        {"capability": "planned", "reviewed_on": date(2026, 6, 1)},
    ],
    "product_costs": [
        {"data_product_id": name, "month": month, "co2_kg": kg}
        for name, month, kg in [("a", "2025-11", 6.0), ("b", "2025-11", 3.0), ("a", "2026-01", 99.0)]
    ],
    "tenet_assessments": [
        assessment("psychological_safety", date(2025, 1, 5), 2),
        assessment("psychological_safety", date(2026, 1, 1), 4),
        assessment("psychological_safety", date(2026, 1, 2), 5),
        assessment("map_the_org", date(2025, 2, 2), 1),
    ],
}


@pytest.fixture(scope="module")
def by_hand() -> dict[str, dict]:
    return evidence(WORLD, **DECLARED)


@pytest.mark.parametrize(
    ("tenet_id", "evidence_class", "value", "unit", "reason"),
    [
        ("map_the_market", "declared", 1 / 3, "share", None),
        ("map_the_org", "declared", 1.0, "share", None),
        ("code_is_a_liability", "measured", 2 / 4, "share", None),
        # a alone is in use at the end of November, and b's carbon is in the sum
        ("low_carbon_footprint", "declared", 9.0, "kg", None),
        ("map_your_solution", "not_measured", None, "share", "no_contract_events"),
        # 182 days ago a, b and c were live and unused in the 90 days before; a is used since
        ("map_the_emerging_value", "measured", 1 / 3, "share", None),
        ("psychological_safety", "declared", None, None, "not_inferred_from_events"),
        ("clarity_of_purpose", "not_measured", None, "share", "no_named_consumers"),
        ("problem_prevention", "not_measured", None, "share", "no_contract_events"),
    ],
)
def test_a_tenets_figure_by_hand(by_hand, tenet_id, evidence_class, value, unit, reason):
    row = by_hand[tenet_id]
    found = row["evidence_class"], row["figure_value"], row["figure_unit"], row["figure_reason"]
    assert found == (evidence_class, pytest.approx(value) if value is not None else None, unit, reason)


def test_the_latest_assessment_by_the_analysis_date_stands_beside_the_figure(by_hand):
    safety, org = by_hand["psychological_safety"], by_hand["map_the_org"]
    assert (safety["assessed_level"], safety["assessed_on"], safety["assessed_by"]) == (4, date(2026, 1, 1), "CTO")
    assert (org["assessed_level"], org["figure_value"]) == (1, 1.0)
    assert {row["assessment_reason"] for name, row in by_hand.items() if row["assessed_level"] is None} == {
        "not_assessed"
    }


def test_without_events_and_declarations_nothing_is_invented():
    found = evidence([])
    assert len(found) == 12
    assert {row["evidence_class"] for row in found.values()} == {"not_measured"}
    assert all(row["figure_value"] is None and row["figure_reason"] and row["needed"] for row in found.values())


def test_contracts_place_data_products_on_the_curve_and_move_them():
    contract = [event("contract_activated", "b", 100), event("contract_checked", "b", 5, passed_count=9)]
    found = evidence([*WORLD, *contract, *life("no owner", 50)[1:], event("deployed", "no owner", 50)])
    # of five one has no owner, so nobody can say who is another domain
    assert found["map_your_solution"]["figure_value"] == 4 / 5
    # b had no contract, and nobody else's was known: its certainty is not compared, and its use did not rise
    assert found["map_the_emerging_value"]["figure_value"] == pytest.approx(1 / 3)
    earlier = [event("contract_activated", "c", 300)]
    assert evidence([*WORLD, *contract, *earlier])["map_the_emerging_value"]["figure_value"] == pytest.approx(2 / 3)


def test_the_catalogue_and_the_contract_know_the_same_tenets_and_only_served_figures():
    with (DBT_PROJECT / "seeds" / "declared" / "tenets.csv").open() as file:
        tenets = list(csv.DictReader(file))
    with (DBT_PROJECT / "seeds" / "declared" / "metrics.csv").open() as file:
        metrics = {row["metric_id"] for row in csv.DictReader(file)}
    [tenet_id] = [p for p in load_layer("declared")["tenet_assessments"].properties if p.name == "tenet_id"]
    assert [row["tenet_id"] for row in tenets] == tenet_id.quality[0]["arguments"]["validValues"]
    assert [row["flywheel_phase"] for row in tenets] == [phase for phase in ("I", "II", "III", "IV") for _ in "123"]
    assert {row["figure_metric_id"] for row in tenets} <= metrics | {""}
    assert {row["figure_table"] for row in tenets} <= load_layer("authoritative").keys() | {""}
    assert [row["tenet_id"] for row in tenets if not row["figure"]] == ["psychological_safety"]


# --- Pulse surveys ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("groups", "hidden"),
    [
        ({"a": [1, 2, 3, 4, 5], "b": [3] * 7}, {}),
        ({"a": [1, 2, 3, 4, 5], "b": [3] * 4}, {"b": "group_too_small", "all": "would_reveal_a_group"}),
        # 4 and 1: together 5, some low and some not, of open sizes
        ({"a": [3] * 9, "b": [1, 2, 3, 4], "c": [4]}, {"b": "group_too_small", "c": "group_too_small"}),
        # together under 5
        (
            {"a": [3] * 9, "b": [1, 2, 3], "c": [4]},
            {"b": "group_too_small", "c": "group_too_small", "all": "would_reveal_a_group"},
        ),
        # 8 of two groups: each has 4
        (
            {"b": [1, 2, 3, 4], "c": [4, 4, 1, 1]},
            {"b": "group_too_small", "c": "group_too_small", "all": "would_reveal_a_group"},
        ),
        # nobody is low, so nobody in b is
        (
            {"a": [1] * 9, "b": [3, 3, 4, 4], "c": [4]},
            {"b": "group_too_small", "c": "group_too_small", "all": "would_reveal_a_group"},
        ),
        ({"a": [1, 2], "b": [3]}, {"a": "group_too_small", "b": "group_too_small", "all": "group_too_small"}),
    ],
)
def test_groups_that_are_small_or_would_be_revealed_are_hidden(groups, hidden):
    found = figures(groups)
    assert {group: row["reason"] for group, row in found.items() if not row["is_shown"]} == hidden
    for group, levels in (groups | {"all": [*chain.from_iterable(groups.values())]}).items():
        figure = found[group]["answer_count"], found[group]["mean_level"], found[group]["low_share"]
        low = sum(level <= 2 for level in levels)
        shown = len(levels), pytest.approx(sum(levels) / len(levels)), pytest.approx(low / len(levels))
        assert figure == ((None, None, None) if group in hidden else shown)


def _splits(levels: list[int], groups: int):
    """Each way to deal answers to so many groups of 1 to 4."""
    for owners in each_of(range(groups), repeat=len(levels)):
        dealt = [[level for level, owner in zip(levels, owners, strict=True) if owner == g] for g in range(groups)]
        if all(0 < len(part) < MINIMUM for part in dealt):
            yield dealt


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(1, 5), min_size=1, max_size=5), min_size=1, max_size=4))
@example([[1, 2, 3, 4], [4, 4, 1, 1]])
@example([[1], [2], [3], [4], [5]])
@example([[1, 2, 3, 4], [4], [3] * 9])
def test_nothing_hidden_can_be_reconstructed(groups):
    """An attacker takes the shown groups from `all`: each hidden group can still have two counts, means and shares."""
    named = {f"g{number}": levels for number, levels in enumerate(groups)}
    found = figures(named)
    small = {name: levels for name, levels in named.items() if len(levels) < MINIMUM}
    assert {name for name in named if not found[name]["is_shown"]} == small.keys()
    shown = [row for name, row in found.items() if name in named and row["is_shown"]]
    assert all(row["answer_count"] >= MINIMUM for row in found.values() if row["is_shown"])
    if not found["all"]["is_shown"] or not small:
        return
    left = found["all"]["answer_count"] - sum(row["answer_count"] for row in shown)
    everyone = [*chain.from_iterable(small.values())]
    assert left == len(everyone) >= MINIMUM
    if len(small) ** left <= 20_000:
        splits = list(_splits(everyone, len(small)))
        for group in range(len(small)):
            assert len({len(split[group]) for split in splits}) > 1
            assert len({sum(split[group]) / len(split[group]) for split in splits}) > 1
            assert len({sum(level <= 2 for level in split[group]) / len(split[group]) for split in splits}) > 1


def test_a_survey_of_a_day_to_come_is_not_served():
    declared = answers({"a": [3] * 5}) + answers({"a": [3] * 5}, date(2026, 1, 2))
    with shaped([], declared={"pulse_answers": declared}, tables=["pulse_results"]) as db:
        found = rows(db, "select asked_on, respondent_group from authoritative.pulse_results order by all")
    assert [tuple(row.values()) for row in found] == [(DAY, "a"), (DAY, "all")]


SECRET = "Only Ana thinks so"
BROKEN = [
    (f"2025-10-31,{SECRET},Safe?,9", 2, "level must be not below 1 and not above 5"),
    (f"2025-10-31,{SECRET},Safe?,four", 2, "level is not a whole number"),
    (f"31.10.2025,{SECRET},Safe?,4", 2, "asked_on is not a date"),
    (f"2025-10-31,{SECRET},,4", 2, "question is missing"),
    (f"2025-10-31,{SECRET},Safe?,4,{SECRET}", 2, "can't be read: wrong_field_count"),
    ("2025-10-31,all,Safe?,4", 2, "respondent_group is kept for all groups together; write another name"),
]


@pytest.mark.parametrize(("row", "line", "words"), BROKEN)
def test_a_wrong_answer_is_named_by_its_line_and_no_value(tmp_path, row, line, words):
    path = tmp_path / "pulse_answers.csv"
    path.write_text(f"asked_on,respondent_group,question,level\n{row}\n")
    with pytest.raises(DeclarationError) as refused:
        read_declared(path, "pulse_answers")
    message = str(refused.value).replace(str(path), "")
    assert f"line {line}: {words}" in message
    assert not any(value in message for value in ("Ana", "Safe", "2025", "31", "four", ": 9", "'all'"))


def test_a_file_of_answers_without_a_header_shows_none_of_them(tmp_path):
    path = tmp_path / "pulse_answers.csv"
    for text in (f"2025-10-31,{SECRET},Safe?,4\n", f"asked_on,respondent_group,level,{SECRET}\n2025-10-31,a,4,x\n"):
        path.write_text(text)
        with pytest.raises(DeclarationError) as refused:
            read_declared(path, "pulse_answers")
        assert "Ana" not in str(refused.value)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("clarity,2025-10-31,CTO,3,", "tenet_id: 'clarity' must be one of clarity_of_purpose, time_to_value,"),
        ("time_to_value,2025-10-31,CTO,6,", "level: 6 must be not below 1 and not above 5"),
        ("time_to_value,2025-10-31,CTO,2.5,", "level: '2.5' is not a whole number"),
        ("time_to_value,2025-10-31,,3,", "assessed_by is missing"),
        ("time_to_value,2025-02-30,CTO,3,", "assessed_on: '2025-02-30' is not a date"),
        ("time_to_value,2025-10-31,CTO,3,javascript:alert(1)", "is no address of the web"),
        ("time_to_value,2025-10-31,CTO,3,\ntime_to_value,2025-10-31,CIO,4,", "is declared twice for this day"),
    ],
)
def test_a_wrong_assessment_is_named_with_file_line_and_reason(tmp_path, row, words):
    path = tmp_path / "tenet_assessments.csv"
    path.write_text(f"tenet_id,assessed_on,assessed_by,level,link\n{row}\n")
    with pytest.raises(DeclarationError) as refused:
        read_declared(path, "tenet_assessments")
    assert f"{path} line 2: " in str(refused.value) and words in str(refused.value)


def test_a_build_holds_figures_of_groups_and_no_answer(tmp_path):
    home = Home.at(tmp_path)
    home.declared.mkdir()
    lines = [f"{DAY},{group},{QUESTION},{n % 5 + 1}" for group, size in (("small", 4), ("big", 7)) for n in range(size)]
    path = home.declared / "pulse_answers.csv"
    path.write_text("\n".join(["asked_on,respondent_group,question,level", *lines]) + "\n")
    build = begin(home, "0123456789", Dates(parse_instant("2026-01-01T00:00:00Z"), None, None))
    with duckdb.connect(str(build.path), read_only=True) as db:
        named = db.execute("select table_name from duckdb_columns() where column_name = 'respondent_group'").fetchall()
        found = db.execute("select * from declared.pulse_figures where not is_shown order by all").fetchall()
    assert named == [("pulse_figures",)]
    reasons = [("all", "would_reveal_a_group"), ("small", "group_too_small")]
    assert sorted(found) == sorted((DAY, group, QUESTION, None, None, None, False, why) for group, why in reasons)


def test_the_sample_has_a_survey_with_a_small_group_and_assesses_all_tenets_but_two():
    declared = declared_rows()
    with shaped([], declared=declared, tables=["tenet_evidence", "pulse_results"]) as db:
        hidden = rows(db, "from authoritative.pulse_results where not is_shown")
        [(missing,)] = db.execute(
            "select list(tenet_id order by tenet_number) from authoritative.tenet_evidence where assessed_level is null"
        ).fetchall()
    assert {(row["asked_on"], row["respondent_group"]) for row in hidden} == {
        (PULSES[1], SMALL_GROUP),
        (PULSES[1], "all"),
    }
    assert len(hidden) == 2 * len(QUESTIONS) and missing == ["map_your_solution", "low_carbon_footprint"]
