"""A contract that can't be trusted is refused with its place; one that can becomes every check it promises."""

import ast
import json

import pytest
import yaml
from conftest import NOW, make_event, put, visible

from orchestration.contracts.contract import ContractError
from orchestration.contracts.dbt_properties import dbt_properties
from orchestration.contracts.expectations import expectation_suites
from orchestration.contracts.odcs import CONTRACTS, load_contract, load_layer
from orchestration.landing.land import land_inbox
from orchestration.landing.quarantine import quarantined

SHIPPED = sorted(CONTRACTS.glob("*/*.odcs.yaml"))
TEXT = (CONTRACTS / "landing" / "work_started.odcs.yaml").read_text()


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}/{path.name.split('.')[0]}")
def test_a_shipped_contract_is_valid_odcs_and_says_what_it_is(path):
    contract = load_contract(path)

    assert yaml.safe_load(path.read_text())["apiVersion"] == "v3.1.0"
    assert contract.name == path.name.removesuffix(".odcs.yaml")
    assert contract.description.startswith("One row per ")
    assert contract.purpose and contract.owner and contract.version
    assert contract.grain or contract.hides_values  # equal answers of two people are two rows


def test_every_event_type_lands_in_one_table():
    kinds = [kind for contract in load_layer("landing").values() for kind in contract.event_types]

    closings = ["abandoned", "rejected", "retired", "withdrawn"]
    others = ["contract_activated", "contract_checked", "owner_changed", "stage_reached"]
    assert sorted(kinds) == sorted([*closings, *others, "adopted", "deployed", "idea_logged", "work_started"])


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
LIBRARY_RULE = """\
        type: library
        metric: duplicateValues
        arguments:
          properties:
            - source
            - event_id
            - revision
"""
ALLOWED = "- property: allowedText\n            value: "
BROKEN = {
    "an alias": ("version: 2.1.0\n", "version: &v 2.1.0\ntenant: *v\n", "line 6: aliases"),
    "a YAML bomb": (TEXT, BOMB, "line 2: aliases"),
    "a key twice": ("status: active", "status: active\nstatus: draft", "line 7: the key 'status' stands twice"),
    "a key twice inside": ("maxLength: 500", "maxLength: 500\n          maxLength: 5", "line 49: the key 'maxLength'"),
    "a number as key": ("status: active", "status: active\n1: one", "line 7: the key 1 is not text"),
    "a list as key": ("status: active", "status: active\n? [a]\n: one", r"line 7: the key \['a'\] is not text"),
    "more than a megabyte": ("status: active", "status: active #" + "x" * 1_000_000, "at most 1,000,000"),
    "an unknown key": ("status: active", "status: active\nstatsu: active", "line 7, .*'statsu' was unexpected"),
    "an unknown key inside": (
        "- name: title\n",
        "- name: title\n        requierd: true\n",
        "line 124, .*'requierd' was",
    ),
    "another ODCS": ("apiVersion: v3.1.0", "apiVersion: v3.0.2", r"line 1, \$.apiVersion: 'v3.1.0' was expected"),
    "another table": ("  - name: work_started", "  - name: work_begun", "named as the file, not work_begun"),
    "no owner": ("team:\n  name: data-engineering\n", "", "name the team"),
    "no purpose": ("purpose: >-\n    A team started", "limitations: >-\n    A team started", "add its purpose"),
    "no description": (
        "description: >-\n          Link",
        "businessName: >-\n          Link",
        "source_ref: add its",
    ),
    "an unknown type": ("logicalType: boolean", "logicalType: object", "is_retracted: logicalType must be one of"),
    "a default of another type": ("value: 0\n", "value: none\n", "revision: its default 'none' is not of type integer"),
    "a NULL marker as a word": (
        "- property: default\n            value: 0",
        f"{ALLOWED}NA",
        "its allowedText must be a list",
    ),
    "a NULL marker that is a number": (
        "- property: default\n            value: 0",
        f"{ALLOWED}[NA]",
        "revision: allowedText is for columns of type string or array",
    ),
    "allowed text that is no NULL marker": (
        "    description: >-\n          Link or commit",
        f"    customProperties:\n          {ALLOWED}[NA, sales]\n        description: >-\n          Link or commit",
        "source_ref: allowedText lists sales, which is allowed without it",
    ),
    "a pattern that is none": ("maxLength: 500", "maxLength: 500\n          format: uuid", "source: format can't be"),
    "an option nobody checks": (
        "- name: recorded_at\n",
        "- name: recorded_at\n        unique: true\n",
        "recorded_at: .*uniq",
    ),
    "a bound that is no time": ("'1970-01-01T00:00:00Z'", "'the beginning'", "occurred_at: the bound 'the beginning'"),
    "a rule ODCS does not know": ("metric: duplicateValues", "metric: noise", "line 150, .*'noise' is not one of"),
    "a rule nobody checks": (
        "metric: duplicateValues",
        "metric: nullValues",
        "event_repeated_in_batch can't be checked",
    ),
    "a rule that allows some": ("mustBe: 0", "mustBeLessThan: 5", "event_repeated_in_batch can't be checked"),
    "a rule in SQL": (LIBRARY_RULE, "        type: sql\n        query: select 0\n", "event_repeated_in_batch can't be"),
    "a rule about a table": (
        "expect_column_values_to_not_be_in_set",
        "expect_table_row_count_to_equal",
        "domain_reserved",
    ),
    "a rule for most rows": ("column: domain\n", "column: domain\n                mostly: 0.9\n", "without `mostly`"),
    "a rule about no column": (
        "column: domain\n",
        "column: domian\n",
        "a rule names domian, which the table does not have",
    ),
    "a rule without a name": (
        "- name: domain_reserved\n            description",
        "- description",
        "domain: name the rule",
    ),
    "code": ("status: active", "status: !!python/object/apply:os.getcwd []", "line 6, column 9"),
    "half a list": (
        "properties:\n      - name: event_id",
        "properties: [\n      - name: event_id",
        "line 28, column 7",
    ),
    "nothing": (TEXT, "", "line 1, .*None is not of type 'object'"),
    "a list": (TEXT, "- a\n", "line 1, .*is not of type 'object'"),
    "bytes that are not UTF-8": ("A team started", "A team st\udcffrted", "not YAML that can be read"),
}


@pytest.mark.parametrize(("old", "new", "message"), BROKEN.values(), ids=BROKEN)
def test_a_contract_that_can_not_be_trusted_is_refused_with_its_file_and_place(tmp_path, old, new, message):
    path = tmp_path / "work_started.odcs.yaml"
    assert TEXT.count(old) == 1
    path.write_bytes(TEXT.replace(old, new).encode("utf-8", "surrogateescape"))

    with pytest.raises(ContractError, match=f"(?s){path}: .*{message}"):
        load_contract(path)


def test_an_expectation_that_great_expectations_does_not_know_is_refused(promise):
    path = promise("work_started", "expect_column_values_to_not_be_in_set", "expect_column_values_to_be_nice")
    contract = load_contract(path)

    with pytest.raises(ContractError, match=f"{path}: the rule domain_reserved can't be checked: .*to_be_nice"):
        expectation_suites(contract)


def test_a_suite_holds_every_rule_of_its_contract():
    refusing, warning = expectation_suites(load_layer("landing")["contract_events"])

    assert {rule.meta["reason"] for rule in warning.expectations} == {"event_repeated_in_batch"}
    assert sorted(rule.meta["reason"] for rule in refusing.expectations) == [
        "contract_event_missing",
        "contract_event_not_allowed",
        "contract_version_length",
        "contract_version_pattern",
        "data_product_id_length",
        "data_product_id_missing",
        "data_product_id_pattern",
        "domain_length",
        "domain_pattern",
        "domain_reserved",
        "event_id_length",
        "event_id_missing",
        "event_id_pattern",
        "failed_count_missing",
        "failed_count_out_of_range",
        "initiative_length",
        "initiative_pattern",
        "is_retracted_missing",
        "occurred_at_in_the_future",
        "occurred_at_missing",
        "occurred_at_out_of_range",
        "passed_count_missing",
        "passed_count_out_of_range",
        "revision_missing",
        "revision_out_of_range",
        "source_length",
        "source_missing",
        "source_pattern",
        "source_ref_length",
        "source_ref_pattern",
        "title_length",
        "title_pattern",
    ]


def test_every_promise_of_every_landing_contract_is_in_its_suite():
    """Counted from the YAML as it stands, not from what odcs.py made of it."""
    for path in sorted((CONTRACTS / "landing").glob("*.yaml")):
        [table] = yaml.safe_load(path.read_text())["schema"]
        promised = len(table["quality"])
        for column in table["properties"]:
            options = column.get("logicalTypeOptions", {}).keys()
            promised += column.get("required", False) + len(column.get("quality", []))
            promised += bool(options & {"minLength", "maxLength"}) + ("pattern" in options)
            promised += bool(options & {"minimum", "maximum"})

        refusing, warning = expectation_suites(load_contract(path))

        assert len(refusing.expectations) + len(warning.expectations) == promised


CHECKED = {"event_type": "contract_checked"}
# What a row must not do, and the reason it is refused with. Each differs from a good event in one thing.
RULES = [
    ({"event_id": None}, "event_id_missing"),
    ({"event_id": ""}, "event_id_length"),
    ({"event_id": "e" * 201}, "event_id_length"),
    ({"event_id": "e\n"}, "event_id_pattern"),
    ({"event_id": "e\x00"}, "event_id_pattern"),
    ({"event_id": "e\x7f"}, "event_id_pattern"),
    ({"event_id": 7.5}, "event_id_wrong_type"),
    ({"source": None}, "source_missing"),
    ({"source": "s" * 501}, "source_length"),
    ({"source": "a\tb"}, "source_pattern"),
    ({"data_product_id": None}, "data_product_id_missing"),
    ({"data_product_id": "p" * 201}, "data_product_id_length"),
    ({"data_product_id": "p\n"}, "data_product_id_pattern"),
    ({"occurred_at": None}, "occurred_at_missing"),
    ({"occurred_at": "soon"}, "occurred_at_wrong_type"),
    ({"occurred_at": "1969-12-31T23:59:59.999999Z"}, "occurred_at_out_of_range"),
    ({"occurred_at": "2026-08-22T12:10:00.000001Z"}, "occurred_at_in_the_future"),
    ({"recorded_at": 5}, "recorded_at_wrong_type"),
    ({"revision": -1}, "revision_out_of_range"),
    ({"revision": True}, "revision_wrong_type"),
    ({"is_retracted": "maybe"}, "is_retracted_wrong_type"),
    ({"domain": None}, "domain_missing"),
    ({"domain": ""}, "domain_length"),
    ({"domain": "d" * 201}, "domain_length"),
    ({"domain": "d\n"}, "domain_pattern"),
    ({"domain": "all"}, "domain_reserved"),
    ({"title": "t" * 2001}, "title_length"),
    ({"title": "t\x00"}, "title_pattern"),
    ({"source_ref": "r" * 2001}, "source_ref_length"),
    ({"source_ref": "\x00r"}, "source_ref_pattern"),
    ({"initiative": "i" * 2001}, "initiative_length"),
    ({"named_consumer_domains": [1]}, "named_consumer_domains_wrong_type"),
    ({"event_type": "owner_changed", "domain": None}, "domain_missing"),
    ({"event_type": "owner_changed", "domain": "all"}, "domain_reserved"),
    ({"event_type": "deployed", "initiative": "i" * 2001}, "initiative_length"),
    ({"event_type": "adopted", "consumer_domain": None}, "consumer_domain_missing"),
    ({"event_type": "adopted", "consumer_domain": "all"}, "consumer_domain_reserved"),
    ({"event_type": "adopted", "evidence": "guessed"}, "evidence_not_allowed"),
    (CHECKED | {"passed_count": None}, "passed_count_missing"),
    (CHECKED | {"failed_count": None}, "failed_count_missing"),
    (CHECKED | {"passed_count": -1}, "passed_count_out_of_range"),
    (CHECKED | {"failed_count": 0.5}, "failed_count_wrong_type"),
    (CHECKED | {"contract_version": ""}, "contract_version_length"),
    (CHECKED | {"contract_version": "1\n"}, "contract_version_pattern"),
    (CHECKED | {"contract_version": "v" * 201}, "contract_version_length"),
]
KEPT = [
    {"event_id": "e" * 200},
    {"event_id": "é" * 200},  # characters, not bytes
    {"event_id": "a b"},
    {"source": "s" * 500},
    {"occurred_at": "1970-01-01T00:00:00Z"},
    {"occurred_at": "2026-08-22T12:10:00Z"},
    {"recorded_at": "2031-01-01T00:00:00Z"},
    {"revision": 2**63 - 1},
    {"domain": "ALL"},
    {"title": "t" * 2000},
    {"title": ""},
    {"title": "two\nlines\n"},
    {"named_consumer_domains": []},
    {"event_type": "adopted", "evidence": "observed"},
    {"event_type": "contract_activated"},
    CHECKED | {"passed_count": 0, "failed_count": 0, "contract_version": "1.0\u202e"},
]


def test_a_row_that_breaks_one_rule_is_refused_for_that_rule_and_no_other(land, home):
    receipt = land(*(make_event(**columns) for columns, _ in RULES), *(make_event(**columns) for columns in KEPT))

    refused = quarantined(home).to_pylist()
    assert [(row["line_number"], row["reasons"]) for row in refused] == [
        (line, [reason]) for line, (_, reason) in enumerate(RULES, 1)
    ]
    assert receipt["rows_landed"] == len(KEPT)


def test_a_row_that_breaks_several_rules_is_refused_once_with_all_of_them(land, home):
    receipt = land(make_event(event_id="", domain="all", revision=-3, title="\x00" * 2001))

    [row] = quarantined(home).to_pylist()
    assert row["reasons"] == [
        "event_id_length",
        "revision_out_of_range",
        "domain_reserved",
        "title_length",
        "title_pattern",
    ]
    assert "domain: 'all' `all` is kept for the whole organisation" in row["message"]
    assert "revision: -3 must be not below 0" in row["message"]
    assert receipt["rows_quarantined"] == 1


def test_no_rule_of_a_landing_table_stands_in_python(promise, land):
    """With the rules taken out of the contracts, and only there, everything of the right type lands."""
    for path in promise.folder.glob("*.yaml"):
        document = yaml.safe_load(path.read_text())
        [table] = document["schema"]
        table.pop("quality")
        for column in table["properties"]:
            for rule in ("required", "logicalTypeOptions", "quality"):
                column.pop(rule, None)
        path.write_text(yaml.safe_dump(document))

    receipt = land(*(make_event(**columns) for columns, reason in RULES if not reason.endswith("wrong_type")))

    assert receipt["rows_quarantined"] == 0
    assert receipt["rows_landed"] == len(RULES) - 7


def test_landing_names_no_column_of_a_table_but_the_time_it_counts_offsets_of():
    columns = {p.name for contract in load_layer("landing").values() for p in contract.properties}
    named = {"rows.py": {"source", "event_id"}, "cloud_events.py": columns}  # the key of an event, and the mapping
    for module in (CONTRACTS.parent / "orchestration" / "landing").glob("*.py"):
        tree = ast.parse(module.read_text())
        words = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
        assert words & columns <= {"occurred_at"} | named.get(module.name, set()), module.name


def test_a_pattern_does_not_match_before_a_trailing_newline(promise, land, home):
    promise(
        "work_started",
        "name: title\n        logicalType: string",
        r"""name: title
        logicalType: string
        quality: []""",
    )
    path = promise.folder / "work_started.odcs.yaml"
    title, rest = path.read_text().split("- name: source_ref")
    path.write_text(title.replace(r"'^[^\x00]*$'", r"'^[€$\$]?\$?[0-9]+$|^none$'") + "- name: source_ref" + rest)

    land(
        *(make_event("work_started", title=title) for title in ("5", "5\n", "$5", "€$5", "none", "none\n", "no", "5$"))
    )

    assert [row["line_number"] for row in quarantined(home).to_pylist()] == [2, 6, 7, 8]


def test_an_event_said_twice_in_one_batch_warns_and_refuses_nothing(land):
    twice = [make_event(event_id="e1", title="Orders"), make_event(event_id="e1", title="All orders")]
    exact = [make_event(event_id="e2"), make_event(event_id="e2")]
    revised = [make_event(event_id="e3"), make_event(event_id="e3", revision=1)]
    elsewhere = [make_event(event_id="e4"), make_event(event_id="e4", source="other")]

    receipt = land(*twice, *exact, *revised, *elsewhere)

    assert (receipt["rows_landed"], receipt["rows_quarantined"]) == (8, 0)
    assert json.loads(receipt["warnings"]) == {"event_repeated_in_batch": 2}


def test_an_event_said_again_in_another_file_is_no_repetition_in_a_batch(home):
    put(home, "a.jsonl", json.dumps(make_event(title="Orders")).encode())
    put(home, "b.jsonl", json.dumps(make_event(title="All orders")).encode())

    assert [json.loads(receipt["warnings"]) for receipt in land_inbox(home, NOW)] == [{}, {}]
    assert len(visible(home, "ideas_logged")) == 2


def test_dbt_properties_enforce_each_column_once():
    authoritative = load_layer("authoritative")
    text = dbt_properties(authoritative)

    models = yaml.safe_load(text)["models"]
    assert text.startswith("# Generated")
    assert [model["name"] for model in models] == sorted(authoritative)
    for model in models:
        contract = authoritative[model["name"]]
        assert model["config"]["contract"] == {"enforced": True}
        assert [(c["name"], c["data_type"]) for c in model["columns"]] == [
            (p.name, p.physical_type) for p in contract.properties
        ]
        assert [c["name"] for c in model["columns"] if "constraints" in c] == [
            p.name for p in contract.properties if p.required
        ]


@pytest.mark.parametrize("is_there", [True, False], ids=["an empty folder", "no folder"])
def test_a_layer_without_a_contract_is_an_error(tmp_path, is_there):
    if is_there:
        (tmp_path / "landing").mkdir()

    with pytest.raises(ContractError, match=rf"{tmp_path}/landing holds no contract.*Restore the folder"):
        load_layer("landing", tmp_path)
