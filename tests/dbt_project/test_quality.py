"""Every data quality rule finds what breaks it, in words, and nothing else: one build of events made by hand."""

import csv
from datetime import UTC, datetime, timedelta

import pytest
from conftest import SETS
from pipeline import CHECKOUT, attached, build_file, build_well, published, shared_home, write_events

pytestmark = pytest.mark.slow

AS_OF = "2026-06-01T00:00:00Z"
START = datetime(2026, 1, 1, 8, tzinfo=UTC)
SOURCE = "delivery.example.com"
LONG = "x" * 201


def at(day: float) -> str:
    return (START + timedelta(days=day)).isoformat()


def event(product, kind, day, **columns) -> dict:
    return {
        "event_id": f"{product}/{kind}",
        "source": SOURCE,
        "event_type": kind,
        "data_product_id": product,
        "occurred_at": at(day),
        "recorded_at": "2026-05-30T00:00:00Z",
        **columns,
    }


def idea(product, day=0, domain="sales", **columns) -> dict:
    return event(product, "idea_logged", day, domain=domain, **columns)


def adopted(product, day, consumer="finance", **columns) -> dict:
    return event(product, "adopted", day, consumer_domain=consumer, **columns)


def checked(product, day, **columns) -> dict:
    return event(product, "contract_checked", day, passed_count=9, failed_count=1, **columns)


CLEAN = [
    idea("clean", named_consumer_domains=["finance"], recorded_at=at(0)),
    event("clean", "work_started", 5),
    event("clean", "deployed", 10, domain="sales"),
    event("clean", "contract_activated", 12),
    checked("clean", 15),
    adopted("clean", 20),
    event("clean", "retired", 60),
    idea("clean, same moment", 3, initiative="Belt"),
    *[event("clean, same moment", kind, 3) for kind in ("work_started", "deployed", "withdrawn")],
    adopted("clean, same moment", 3),
]
ORDER = [
    idea("started first", 10),
    event("started first", "work_started", 5),
    event("started first", "deployed", 20),
    idea("deployed first", 10),
    event("deployed first", "deployed", 5),
    idea("adopted first", 10),
    event("adopted first", "deployed", 12),
    adopted("adopted first", 5),
    idea("closed first", 10),
    event("closed first", "rejected", 5),
    idea("started last"),
    event("started last", "deployed", 5),
    event("started last", "work_started", 8),
    idea("used early"),
    adopted("used early", 5),
    event("used early", "deployed", 10),
    idea("never deployed"),
    adopted("never deployed", 5),
    idea("came back"),
    event("came back", "deployed", 5),
    event("came back", "retired", 10),
    adopted("came back", 15),
    adopted("came back", 16, "ops", event_id="came back/again"),
    idea("worked on"),
    event("worked on", "withdrawn", 5),
    event("worked on", "work_started", 8),
]
MISSING = [
    event("no idea", "deployed", 5, domain="sales"),
    event("no owner", "deployed", 5),
    adopted("no owner", 8),
    event("only a contract", "contract_activated", 5, domain="sales"),
    idea("never activated"),
    event("never activated", "deployed", 5),
    checked("never activated", 6),
]
NAMES = [
    idea("orders"),
    idea("Orders"),
    idea("moved"),
    event("moved", "deployed", 3, domain="sales"),
    adopted("moved", 4, "marketing"),
    idea("moved", 5, "marketing", event_id="moved/again"),
    adopted("moved", 6, "sales", event_id="moved/back"),
    event("only an owner", "owner_changed", 3, domain="sales"),
    idea("moved again"),
    event("moved again", "owner_changed", 3, domain="marketing"),
    event("moved again", "owner_changed", 4, domain="marketing", event_id="moved again/repeated"),
    event("owned late", "owner_changed", 3, domain="marketing"),
    event("owned late", "contract_activated", 5),
    idea("own use"),
    event("own use", "deployed", 5),
    adopted("own use", 6, "sales"),
    idea("twin"),
    event("twin", "deployed", 5),
    adopted("twin", 6, "Sales"),
    idea("lake", domain="data-ops"),
    idea("pond", domain="Data Ops"),
    idea("sea", domain="data_ops"),
    idea("nowhere", domain="\u200b"),
    idea("asks itself", named_consumer_domains=["finance", "sales"]),
    idea("asks nobody", named_consumer_domains=["", "\u200b", "all", "fi\u0007nance", LONG, "finance"]),
]
FACTORY = [
    event("no other event", "stage_reached", 3, stage="stored"),
    idea("in no order", domain="ops"),
    event("in no order", "stage_reached", 9, stage="stored"),
    event("in no order", "stage_reached", 5, stage="governed", event_id="in no order/governed"),
]
DECLARED = {
    "domains": "domain,kind,ended_on\nsales,domain,\nmoon,central,\nops,domain,2027-01-01\n",
    "capabilities": "capability,reviewed_on\nCatalog,2026-06-02\n",
    "product_costs": "data_product_id,month,cost,currency\nnowhere to be seen,2026-02,1,CHF\nclean,2026-07,1,CHF\n"
    "own use,1969-12,1,CHF\ntwin,2026-01,1,\nlake,2026-01,,\npond,2026-01,2,EUR\n",
    "tenet_assessments": "tenet_id,assessed_on,assessed_by,level\ntime_to_value,2026-06-01,CTO,2\n"
    "time_to_value,2026-06-02,CTO,3\n",
    "pulse_answers": "asked_on,respondent_group,question,level\n2026-06-01,ops,safe?,3\n2026-06-02,ops,safe?,3\n"
    "2026-06-02,ops,safe?,4\n",
    "initiatives": "initiative_id,started_on\nbelt,2026-06-01\nplan,2026-06-02\n",
    "initiative_kpis": "initiative_id,measured_on,value\nbelt,2026-06-01,1\nbelt,2026-06-02,1\n"
    "nobody's,2026-05-01,1\nBelt,2026-05-01,1\n",
    "initiative_products": "initiative_id,data_product_id\nbelt,clean\nBelt,clean\nnobody's,clean\nbelt,unheard of\n"
    "belt,later still\n",
}
TOLD = [
    idea("twice", title="Orders"),
    idea("retracted or not", domain="ops"),
    idea("settled", title="Orders"),
    idea("settled", title="Sold orders"),
    idea("settled", title="Orders", revision=1),
    idea("recorded later", title="Orders"),
    idea("recorded later", title="Sold orders", recorded_at="2026-05-31T00:00:00Z"),
    idea("repeated"),
    idea("zone", occurred_at="2026-01-05T08:00:00"),
    idea("day", occurred_at="2026-01-05", recorded_at="2026-01-05T08:00:00Z"),
    idea("planned", 5, recorded_at=at(4)),
    idea("planned day", occurred_at="2026-01-05", recorded_at="2026-01-04T23:00:00Z"),
    idea("empty date", occurred_at="1970-01-01T00:00:00Z"),
]
SECOND_BATCH = [
    idea("twice", title="All orders"),
    idea("retracted or not", domain="ops", is_retracted=True),
    idea("repeated"),
]
# what is no issue any more, or not yet
HARMLESS = [
    idea("corrected", 10),
    event("corrected", "deployed", 5),
    event("corrected", "deployed", 15, revision=1),
    idea("asks again", named_consumer_domains=["", "sales"]),
    idea("asks again", named_consumer_domains=["finance"], revision=1),
    idea("taken back"),
    event("taken back", "deployed", 5),
    adopted("taken back", 6, "sales"),
    adopted("taken back", 6, "sales", revision=1, is_retracted=True),
    idea("very old", occurred_at="1990-01-01T00:00:00Z"),
    idea("later"),
    adopted("later", 200, recorded_at=at(201)),
    event("later still", "deployed", 200, recorded_at=at(201)),
]
FOUND = {
    "started_before_idea": {"started first"},
    "deployed_before_idea": {"deployed first"},
    "adopted_before_idea": {"adopted first"},
    "closed_before_idea": {"closed first"},
    "started_after_deployment": {"started last"},
    "adopted_before_deployment": {"adopted first", "used early"},
    "adopted_without_deployment": {"never deployed"},
    "adopted_after_closing": {"came back"},
    "worked_on_after_closing": {"worked on"},
    "missing_idea": {"no idea", "no owner"},
    "missing_owner": {"no owner"},
    "contract_without_delivery": {"only a contract", "owned late"},
    "checked_without_contract": {"never activated"},
    "product_ids_differ_only_in_case": {"orders"},
    "owner_changed": {"moved", "moved again"},
    "owner_change_without_product": {"only an owner/owner_changed"},
    "owner_change_without_former_owner": {"owned late/owner_changed"},
    "owner_change_without_effect": {"moved again/repeated"},
    "own_domain_adoption": {"own use/adopted"},
    "adoption_without_known_owner": {"no owner/adopted"},
    "adopted_by_look_alike_owner": {"twin"},
    "domains_differ_only_in_case": {"sales (events: 40), also written Sales"},
    "domains_look_alike": {
        "data-ops (events: 1), also written Data Ops",
        "data_ops (events: 1), also written Data Ops",
    },
    "domain_name_blank": {'"\u200b" (events: 1)'},
    "named_consumer_is_owner": {"asks itself/idea_logged"},
    "named_consumer_unusable": {"asks nobody/idea_logged"},
    "conflicting_revision": {"twice/idea_logged", "retracted or not/idea_logged"},
    "assumed_utc": {"zone/idea_logged"},
    "assumed_time": {"day/idea_logged", "planned day/idea_logged"},
    "recorded_before_it_occurred": {"planned/idea_logged", "planned day/idea_logged"},
    "implausibly_early": {"empty date/idea_logged"},
    "initiative_of_unknown_product": {
        "initiative_products: unheard of, of belt",
        "initiative_products: later still, of belt",
    },
    "initiative_not_declared": {
        "initiative_products: nobody's, of clean",
        "initiative_kpis: nobody's on 2026-05-01",
        "initiative_kpis: Belt on 2026-05-01",
    },
    "initiative_date_to_come": {"initiative_kpis: belt on 2026-06-02", "initiatives: plan starts on 2026-06-02"},
    "initiative_only_in_events": {"Belt (data products: 1)"},
    "initiatives_differ_only_in_case": {"belt, also written Belt"},
    "stage_without_product": {"no other event/stage_reached"},
    "stages_out_of_order": {"in no order/governed"},
    "cost_of_unknown_product": {"nowhere to be seen"},
    "cost_in_the_future": {"clean"},
    "cost_before_the_first_month": {"own use"},
    "cost_without_currency": {"twin"},
    "cost_without_figure": {"lake"},
    "costs_in_several_currencies": {"costs in CHF, EUR"},
    "domain_not_declared": {
        f"{domain} (events: {count}) is not in domains.csv"
        for domain, count in [
            ("Data Ops", 1),
            ("Sales", 1),
            ("\u200b", 1),
            ("data-ops", 1),
            ("data_ops", 1),
            ("finance", 7),
            ("marketing", 5),
        ]
    },
    "declared_domain_unknown": {"moon is in no event"},
    "domain_ends_in_the_future": {"ops ends on 2027-01-01"},
    "capability_reviewed_in_the_future": {"Catalog was reviewed on 2026-06-02"},
    "assessment_in_the_future": {"time_to_value was assessed on 2026-06-02"},
    "pulse_in_the_future": {"answers of 2026-06-02"},
}


@pytest.fixture(scope="module")
def issues(tmp_path_factory) -> list[dict]:
    """What one build finds in all of the events above."""
    inbox = tmp_path_factory.mktemp("inbox")
    first = write_events(inbox / "first.jsonl", [*CLEAN, *ORDER, *MISSING, *NAMES, *FACTORY, *TOLD, *HARMLESS])
    second = write_events(inbox / "second.jsonl", SECOND_BATCH)
    home = shared_home().empty()
    (home / "declared").mkdir()
    for name, text in DECLARED.items():
        (home / "declared" / f"{name}.csv").write_text(text)
    build_well(home, first, second, as_of=AS_OF)
    with attached(build_file(home)) as db:
        found = db.execute("from curated.data_quality_issues order by all")
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def of_rule(issues, rule_id) -> list[dict]:
    return [issue for issue in issues if issue["rule_id"] == rule_id]


def test_each_rule_finds_what_breaks_it_and_nothing_else(issues):
    found = {}
    for issue in issues:
        subject = issue["event_id"] or issue["data_product_id"] or issue["detail"]
        found.setdefault(issue["rule_id"], set()).add(subject)
    assert found == FOUND


def test_every_declared_rule_is_one_that_can_be_found(issues):
    with (CHECKOUT / "dbt_project/seeds/declared/data_quality_rules.csv").open() as file:
        declared = {rule["rule_id"]: rule for rule in csv.DictReader(file)}
    assert declared.keys() == FOUND.keys()
    for issue in issues:
        rule = declared[issue["rule_id"]]
        assert {name: issue[name] for name in ("severity", "description", "what_to_do")} == {
            name: rule[name] for name in ("severity", "description", "what_to_do")
        }
        is_about = "event" if issue["event_id"] else "data product" if issue["data_product_id"] else "name"
        assert is_about == (rule["subject"] if rule["subject"] in ("event", "data product") else "name")
        assert (issue["source"] is None) == (issue["event_id"] is None)


@pytest.mark.parametrize(
    ("rule_id", "detail"),
    [
        ("deployed_before_idea", "deployed 2026-01-06 08:00:00+00, idea logged 2026-01-11 08:00:00+00"),
        ("started_after_deployment", "deployed 2026-01-06 08:00:00+00, work started 2026-01-09 08:00:00+00"),
        (
            "adopted_after_closing",
            "closed 2026-01-11 08:00:00+00, adopted 2026-01-16 08:00:00+00 (events: 2); it counts as adopted",
        ),
        (
            "worked_on_after_closing",
            "closed 2026-01-06 08:00:00+00, worked on 2026-01-09 08:00:00+00 (events: 1); it counts as started",
        ),
        (
            "owner_change_without_product",
            "owned by sales from 2026-01-04 08:00:00+00, and there is no other event of it",
        ),
        (
            "owner_change_without_former_owner",
            "owned by marketing from 2026-01-04 08:00:00+00, and no event before names an owner",
        ),
        ("owner_change_without_effect", "owned by marketing from 2026-01-05 08:00:00+00, which owned it already"),
        (
            "stages_out_of_order",
            "reached governed 2026-01-06 08:00:00+00, and stored only 2026-01-10 08:00:00+00",
        ),
        ("own_domain_adoption", "adopted by sales, its owner at the time"),
        ("adopted_by_look_alike_owner", "owned by sales, adopted by Sales"),
        ("missing_owner", "no event names its domain; it counts as deployed"),
        ("product_ids_differ_only_in_case", "also written Orders"),
        ("assumed_utc", "sent without an offset, read as 2026-01-05 08:00:00+00"),
        ("implausibly_early", "idea_logged 1970-01-01 00:00:00+00"),
    ],
)
def test_the_detail_says_the_values_concerned(issues, rule_id, detail):
    assert [issue["detail"] for issue in of_rule(issues, rule_id)] == [detail]


def test_an_event_sent_as_a_date_is_early_only_when_recorded_before_that_day(issues):
    assert {issue["detail"] for issue in of_rule(issues, "assumed_time")} == {
        "sent as a date, read as 2026-01-05 12:00:00+00"
    }
    assert {issue["detail"] for issue in of_rule(issues, "recorded_before_it_occurred")} == {
        "occurred 2026-01-06 08:00:00+00, recorded 2026-01-05 08:00:00+00",
        "occurred 2026-01-05 12:00:00+00, recorded 2026-01-04 23:00:00+00",
    }


def test_an_unusable_consumer_is_shown_as_it_was_sent(issues):
    found = {issue["detail"] for issue in of_rule(issues, "named_consumer_unusable")}
    assert found == {'names ""', 'names "\u200b"', 'names "all"', 'names "fi\\u0007nance"', f'names "{LONG[:200]}"'}


def test_a_conflict_names_both_batches_and_lines(issues):
    with attached(build_file(shared_home().home)) as db:
        batches = dict(db.execute("select file_name, batch_id from curated.batch_accounting").fetchall())
    lines = [*CLEAN, *ORDER, *MISSING, *NAMES, *FACTORY, *TOLD]
    places = {
        f"batch {batches['first.jsonl']} line {1 + lines.index(TOLD[0])}",
        f"batch {batches['second.jsonl']} line 1",
    }
    [twice] = [i for i in of_rule(issues, "conflicting_revision") if i["data_product_id"] == "twice"]
    wins, differs = twice["detail"].removeprefix("revision 0 counts as in ").split(", and differs in ")
    assert {wins, differs} == places


def test_an_issue_is_dated_by_the_earlier_of_two_moments_in_the_wrong_order(issues):
    [issue] = of_rule(issues, "adopted_before_idea")
    assert issue["occurred_at"].isoformat() == at(5)


# The rules and the quirks that a set's own makers listed, product by product, when they derived its events
QUIRKS = {
    "k8s_keps": {
        "started_after_deployment": "work_started_after_deployed",
        "deployed_before_idea": "deployed_before_idea_logged",
        "adopted_before_idea": "adopted_before_idea_logged",
    },
    "mitodl_dbt": {
        "owner_changed": "owning_domain_changed",
        "worked_on_after_closing": "redeployed_after_retired",
        "adopted_after_closing": "adopted_after_retired",
    },
}


@pytest.mark.parametrize("name", QUIRKS)
def test_the_known_quirks_of_real_events_are_found_and_no_others(shared, name):
    folder = shared / "datasets" / name
    with (folder / "quirks.csv").open() as file:
        known = {(row["quirk"], row["data_product_id"]) for row in csv.DictReader(file)}
    home = published(name, folder / "events.jsonl", as_of=SETS[name])
    with attached(build_file(home)) as db:
        found = set(db.execute("select rule_id, data_product_id from curated.data_quality_issues").fetchall())
    for rule_id, quirk in QUIRKS[name].items():
        assert {product for rule, product in found if rule == rule_id} == {p for q, p in known if q == quirk}
