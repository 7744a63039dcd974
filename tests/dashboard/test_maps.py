"""The Wardley maps: where components stand, what is counted, what the parser of OnlineWardleyMaps reads of the text."""

import json
import subprocess
import xml.etree.ElementTree as ET
from datetime import date
from itertools import combinations
from pathlib import Path

import pytest
from conftest import SECONDS, examples, once_a_session
from hypothesis import given, settings
from hypothesis import strategies as st
from npm_packages import fetch
from page_data import served
from typer.testing import CliRunner

from dashboard import maps
from dashboard.charts import wardley
from dashboard.charts.labels import Label, place_labels, text_width
from dashboard.maps import Component, WardleyMap
from dashboard.owm import DECORATORS, owm_name, owm_text
from dashboard.views.maps import capability_map, map_section
from orchestration.cli import app

OWM = Path(__file__).parent.parent / "owm"
HAZARDS = (
    *"[](){};\"'\\/|<>&,:+-*#=\n\t\r\u2028\u202e\u200d\ufeff\ufffe ",
    *("//", "/*", "*/", "->", "+<>", "+'x'>", " [0.5, 0.5]", "(build)", "(market)", "label ", "evolve 0.9", "\\n"),
    *("inertia", "build", "buy", "outsource", "component ", "title ", "url", "anchor x", "note", "evolution", "}", "{"),
    *("ﷺ", "日本語", "Überwachung", "مخاطر", "👩‍💻", "é", "é", "İ", "ß", "SS", "null", "undefined", ""),
)
NAMES = st.lists(st.sampled_from(HAZARDS) | st.text(max_size=4), max_size=6).map("".join)


def place(certainty, share, count, position="on_curve") -> dict:
    return {
        "certainty": certainty,
        "position": position,
        "ubiquity_share": share,
        "ubiquity_basis": "last_90_days",
        "product_count": count,
    }


def product(name, certainty, share, position) -> dict:
    return {"data_product_id": name, "title": name, "position": position} | place(certainty, share, 1, position)


def capability(name, **columns) -> dict:
    return {
        "capability": name,
        "need": "find what exists",
        "sourcing": "buy",
        "evolution": "product",
        "is_building_a_commodity": False,
        "is_review_due": False,
        **columns,
    }


def parsed(texts: list[str]) -> list[dict]:
    """What the parser of OnlineWardleyMaps makes of each text."""
    folder = once_a_session("owm", lambda path: fetch(OWM, path))
    command = ["node", "parse.js"]
    done = subprocess.run(command, cwd=folder, input=json.dumps(texts), capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def check_round_trip(drawn: list[WardleyMap]) -> None:
    """Every component, its place, its decorator, the anchors, links and flags come back."""
    for wanted, found in zip(drawn, parsed([owm_text(each) for each in drawn]), strict=True):
        assert found["errors"] == []
        assert found["title"] == wanted.title
        places = [(owm_name(c.name), c.visibility, c.evolution) for c in wanted.components]
        assert [(c["name"], c["visibility"], c["maturity"]) for c in found["components"]] == places
        decorators = [{DECORATORS[c.sourcing]} if c.sourcing else set() for c in wanted.components]
        assert [{d for d, on in c["decorators"].items() if on} for c in found["components"]] == decorators
        assert not any(c["inertia"] or c["evolving"] for c in found["components"]) and not found["evolved"]
        anchors = [(owm_name(a.name), a.visibility, a.evolution) for a in wanted.anchors]
        assert [(a["name"], a["visibility"], a["maturity"]) for a in found["anchors"]] == anchors
        links = [(owm_name(need), owm_name(c.name)) for c in wanted.components for need in c.needs]
        assert [(link["start"], link["end"]) for link in found["links"]] == links
        flags = {n: [(c.visibility, c.evolution) for c in wanted.components if n in c.flags] for n in wanted.flags}
        occurances = {
            a["number"]: [(o["visibility"], o["maturity"]) for o in a["occurances"]] for a in found["annotations"]
        }
        assert occurances == {number: places for number, places in flags.items() if places}


CELLS = [
    place("raw", 0.0, 140),
    place("raw", 0.2, 3, "used_beyond_its_certainty"),
    place("contract_not_kept", 0.0, 10),
    place("authoritative", 0.0, 7, "certain_but_under_used"),
    place("authoritative", 0.1, 5),
    place("raw", None, 2) | {"position": None},
]
EXAMPLES = [
    product("Loss ratios", "raw", 0.2, "used_beyond_its_certainty"),
    *(product(f"Reserves {n}", "authoritative", 0.0, "certain_but_under_used") for n in range(7)),
]
CAPABILITIES = [
    capability("Catalog"),
    capability("Fraud graph", sourcing="build", evolution="custom", need="see who knows whom", is_review_due=True),
    capability("Identity", sourcing="build", evolution="commodity", is_building_a_commodity=True),
    capability("Warehouse", sourcing="commodity", evolution="commodity", need=None),
    capability("Scoring", sourcing=None, evolution=None),
]


def test_data_products_stand_by_use_and_certainty_and_all_are_counted_once():
    drawn = maps.product_map(served(evolution=CELLS, evolution_examples=EXAMPLES))
    by_name = {c.name: c for c in drawn.components}
    # the axis ends at 20%: 0.14 is 0%, 0.92 is 20%
    assert by_name["140 raw, ubiquity 0%"] == Component("140 raw, ubiquity 0%", 0.14, 0.087, 140)
    assert by_name["5 authoritative, ubiquity 10%"].visibility == 0.53
    assert by_name["Loss ratios"].visibility == 0.92 and by_name["Loss ratios"].flags == (1,)
    assert by_name["2 authoritative, ubiquity 0%"].flags == (2,)  # five of seven are named
    assert 0.7 < by_name["Reserves 0"].evolution < by_name["Reserves 4"].evolution < 1
    assert "Reserves 5" not in by_name
    assert sum(c.count or 1 for c in drawn.components) == 165
    assert drawn.notes[-1] == "□ Not measured, so not placed: 2 data products of unknown owner"


def test_capabilities_stand_under_their_needs_and_what_is_not_declared_is_not_placed():
    drawn = maps.capability_map(served(capabilities=CAPABILITIES))
    assert {c.name: (c.visibility, c.needs, c.flags) for c in drawn.components} == {
        "Catalog": (0.34, ("find what exists",), ()),
        "Fraud graph": (0.34, ("see who knows whom",), (2,)),
        "Identity": (0.34, ("find what exists",), (1,)),
        "Warehouse": (0.34, (), ()),
    }
    places = {c.name: c.evolution for c in drawn.components}
    assert places == {"Fraud graph": 0.287, "Catalog": 0.55, "Warehouse": 0.775, "Identity": 0.925}
    # above what serves it: Catalog at 0.55 and Identity at 0.925
    assert {a.name: a.evolution for a in drawn.anchors} == {"see who knows whom": 0.287, "find what exists": 0.738}
    assert "□ Evolution not declared, so not placed: Scoring" in drawn.notes
    assert "1 capability has no declared need" in drawn.notes
    assert drawn.flags == {1: "Built though a commodity: 1", 2: "Not reviewed for a year: 1"}


def test_of_many_capabilities_the_flagged_ones_are_drawn_and_the_others_counted():
    many = [capability(f"C{n:02}", is_review_due=n >= 18) for n in range(20)]
    drawn = maps.capability_map(served(capabilities=many))
    assert [c.name for c in drawn.components] == ["C00", "C01", "C02", "C03", "C18", "C19"]
    assert drawn.notes[0] == "Left out: 14 at product"


@settings(max_examples=examples(40), deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(maps.CERTAINTIES),
            st.integers(0, 40),
            st.integers(1, 5000),
            st.sampled_from(["on_curve", "used_beyond_its_certainty", "certain_but_under_used"]),
        ),
        min_size=1,
        max_size=60,
        unique_by=lambda cell: (cell[0], cell[1], cell[3]),
    )
)
def test_counted_and_named_data_products_add_up_and_stay_in_their_stage(cells):
    rows = [place(certainty, used / 40, count, position) for certainty, used, count, position in cells]
    listed = [product(f"p{n}", r["certainty"], r["ubiquity_share"], r["position"]) for n, r in enumerate(rows)]
    drawn = maps.product_map(
        served(evolution=rows, evolution_examples=[r for r in listed if r["position"] != "on_curve"])
    )
    for stage, certainty in enumerate(maps.CERTAINTIES):
        inside = [c for c in drawn.components if maps.STAGES[stage] <= c.evolution < maps.STAGES[stage + 1]]
        assert sum(c.count or 1 for c in inside) == sum(r["product_count"] for r in rows if r["certainty"] == certainty)
    assert len({c.name for c in drawn.components}) == len(drawn.components) <= 4 * 3 * (maps.BANDS + 1) + 10


@pytest.mark.slow
def test_the_text_opens_in_onlinewardleymaps_with_every_component_in_its_place():
    data = served(evolution=CELLS, evolution_examples=EXAMPLES, capabilities=CAPABILITIES)
    check_round_trip([drawn for is_narrow in (False, True) for drawn in maps.all_maps(data, is_narrow).values()])


@pytest.mark.slow
@settings(max_examples=examples(8), deadline=None)
@given(st.lists(st.lists(st.tuples(NAMES, NAMES), min_size=1, max_size=24), min_size=1, max_size=6))
def test_whatever_people_name_a_thing_the_text_opens(named):
    drawn = []
    for pairs in named:
        sourcing = ("build", "buy", "commodity", None)
        rows = [
            capability(
                name,
                need=need or None,
                sourcing=sourcing[n % 4],
                evolution=maps.EVOLUTIONS[n % 3],
                is_review_due=n == 0,
            )
            for n, (name, need) in enumerate(pairs)
        ]
        listed = [product(name, "raw", 0.5, "used_beyond_its_certainty") for name, _ in pairs]
        cells = [place("raw", 0.5, len(pairs), "used_beyond_its_certainty")]
        data = served(capabilities=rows, evolution=cells, evolution_examples=listed)
        drawn += maps.all_maps(data).values()
    check_round_trip(drawn)
    for each in drawn:
        ET.fromstring(wardley.wardley_file(each))


@pytest.mark.parametrize(
    "name", ["Loss ratio, daily", "Überwachung & Prüfung", "日本語の製品", "a/b - c+d", "Motor 4.0 (neu"]
)
def test_a_plain_name_stays_as_it_is(name):
    assert owm_name(name) == name.replace("(", "（")


def test_names_that_differ_only_in_case_or_spaces_are_told_apart():
    found = maps.unique([Component(maps.tidy(name), 0, 0) for name in ("Claims", "claims ", "CLAIMS", "claims, no. 2")])
    assert [c.name for c in found] == ["Claims", "claims, no. 2", "CLAIMS, no. 3", "claims, no. 2, no. 2"]


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 200), st.integers(1, 40)), max_size=30))
def test_no_name_covers_a_mark_or_another_name(drawn):
    labels = [Label("x" * length, x, y, 5) for x, y, length in drawn]
    marks = [(x - 6, y - 6, x + 6, y + 6) for x, y, _ in drawn]
    places = place_labels(labels, list(marks), (0, 0, 600, 220))
    found = [(p.x, p.y - 9, p.x + text_width(la.words), p.y + 2) for la, p in zip(labels, places, strict=True) if p]
    for one, other in [*combinations(found, 2), *((box, mark) for box in found for mark in marks)]:
        assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
    assert all(box[0] >= 0 and box[2] <= 600 for box in found)


def test_a_section_without_rows_says_what_to_send():
    section = map_section(served(evolution=[place("not_measured", None, 4) | {"position": None}]))
    assert section["classes"] == ["not_measured"] and section["map"] is None
    assert "no current contract event" in section["missing"]
    assert capability_map(served()) is None


def test_a_section_names_the_class_and_every_component():
    section = map_section(served(evolution=CELLS, evolution_examples=EXAMPLES))
    assert section["classes"] == ["measured"]
    assert section["title"] == "Map of the data products: 3 used beyond their certainty and 7 certain but under-used"
    first = section["map"]["rows"][0]
    assert (first["name"], first["stage"], first["height"]) == ("2 raw, ubiquity 20%", "Genesis: raw", "0.920")
    assert "Measured" in section["map"]["chart"]["wide"] and "Reserves 0" not in section["map"]["chart"]["narrow"]


@pytest.fixture
def published(tmp_path, monkeypatch):
    """A home with a serving file that holds these rows."""

    def publish(**rows) -> Path:
        (tmp_path / "serving.duckdb").touch()
        monkeypatch.setattr("dashboard.tables.read_figures", lambda _: served(**rows))
        return tmp_path

    return publish


def run(*arguments) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["map", *map(str, arguments)])
    return done.exit_code, " ".join(done.output.split())


def test_the_command_writes_the_same_bytes_each_time(published, tmp_path):
    home = published(evolution=CELLS, evolution_examples=EXAMPLES, capabilities=CAPABILITIES)
    assert run("--home", home)[0] == 0 and run("--home", home, "--to", tmp_path / "again")[0] == 0
    names = ["capabilities.owm", "capabilities.svg", "data_products.owm", "data_products.svg"]
    assert sorted(path.name for path in (home / "maps").iterdir()) == names
    for name in names:
        assert (home / "maps" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_the_command_writes_one_map_and_says_what_the_other_lacks(published):
    home = published(evolution=CELLS, evolution_examples=EXAMPLES)
    code, output = run("--home", home)
    assert code == 0 and "declared/capabilities.csv" in output
    code, output = run("--home", home, "capabilities")
    assert code == 1 and "Wrote" not in output


def test_the_command_says_where_nothing_is_published(tmp_path):
    code, output = run("--home", tmp_path)
    assert code == 1 and "Run `flywheel run` first" in output
    assert not (tmp_path / "maps").exists()


def test_the_command_says_where_the_tables_are_of_another_version(tmp_path):
    (tmp_path / "serving.duckdb").write_bytes(b"no tables")
    code, output = run("--home", tmp_path)
    assert code == 1 and "lacks a table" in output


def test_the_command_says_which_folder_it_cannot_write(published, tmp_path):
    home = published(evolution=CELLS, evolution_examples=EXAMPLES)
    (tmp_path / "file").touch()
    code, output = run("--home", home, "--to", tmp_path / "file" / "maps")
    assert code == 2 and "--to FOLDER" in output


def test_a_title_has_the_day_of_its_rows():
    data = served(evolution=CELLS, evolution_examples=EXAMPLES)
    assert data.publication["as_of_day"] == date(2026, 1, 7)
    assert maps.product_map(data).title == "Data products by use and certainty, 7 Jan 2026"
