"""The tables that people declare: read behind their contract, refused with file, line and reason."""

from datetime import date

import pytest

from orchestration.declared import DeclarationError, declared_tables, read_declared, write_declared
from orchestration.home import Home


@pytest.fixture
def home(tmp_path) -> Home:
    home = Home.at(tmp_path)
    home.declared.mkdir()
    return home


def changes(home: Home, text: str | bytes) -> list[dict]:
    path = home.declared / "process_changes.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return declared_tables(home)["process_changes"].to_pylist()


def test_a_home_that_declares_nothing_has_empty_tables(tmp_path):
    home = Home.at(tmp_path)
    assert declared_tables(home)["process_changes"].num_rows == 0
    written = {path.stem: path for path in write_declared(home)}
    path = written.pop("process_changes")
    assert path.read_text() == "changed_on,note\n"
    assert {name: path.read_text() for name, path in written.items()} == {
        "capabilities": "capability,need,sourcing,evolution,owner,gap,reviewed_on\n",
        "data_products": "data_product_id,domain,source,key\n",
        "domains": "domain,kind,unit,ended_on\n",
        "initiatives": "initiative_id,title,sponsor,unit,started_on,ended_on,kpi,kpi_unit,kpi_target\n",
        "initiative_kpis": "initiative_id,measured_on,value\n",
        "initiative_products": "initiative_id,data_product_id\n",
        "product_costs": "data_product_id,month,cost,currency,kwh,co2_kg,basis\n",
        "pulse_answers": "asked_on,respondent_group,question,level\n",
        "service_accounts": "account,source,note\n",
        "source_timezones": "source,timezone,note\n",
        "tenet_assessments": "tenet_id,assessed_on,assessed_by,level,note,link\n",
    }
    assert declared_tables(home)["process_changes"].num_rows == 0
    path.write_text("changed_on,note\n2025-01-01,mine\n")
    assert write_declared(home) == [] and "mine" in path.read_text()


def test_declared_rows_are_typed(home):
    text = 'note,changed_on\n"Self-service, for all",2024-12-01\nÜbergabe ohne Ticket,2025-03-31\n'
    assert changes(home, text) == [
        {"changed_on": date(2024, 12, 1), "note": "Self-service, for all"},
        {"changed_on": date(2025, 3, 31), "note": "Übergabe ohne Ticket"},
    ]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("changed_on,note\n2025-01-01,ok\n2025-02-30,no such day\n", 3, "changed_on: '2025-02-30' is not a date"),
        ("changed_on,note\n01.12.2024,German\n", 2, "changed_on: '01.12.2024' is not a date, like 2026-08-22"),
        ("changed_on,note\n2025-01-01,\n", 2, "note is missing"),
        ("changed_on,note\n,something\n", 2, "changed_on is missing"),
        ("changed_on,note,who\n2025-01-01,ok,me\n", 1, "who is no column of this table; its columns are changed_on,"),
        ("changed_on\n2025-01-01\n", 2, "note is missing"),
        ("changed_on,note\n2025-01-01,ok,too,many\n", 2, ""),
        ("changed_on,note\n2025-01-01,twice\n2025-01-01,twice\n", 2, "is declared twice; keep one row"),
        (b"changed_on,note\n2025-01-01,\xff\xfe\n", 2, ""),
    ],
)
def test_a_row_that_breaks_the_contract_is_named_with_file_line_and_reason(home, text, line, words):
    with pytest.raises(DeclarationError) as refused:
        changes(home, text)
    message = str(refused.value)
    assert f"{home.declared / 'process_changes.csv'} line {line}: " in message and words in message
    assert message.endswith("Correct the file and run again.")


BROKEN = [
    ("domains", "domain,kind\nsales,center\n", 2, "kind: 'center' must be one of central, domain"),
    ("domains", "domain,kind\nsales,\n", 2, "kind is missing"),
    ("domains", "domain,kind\nall,domain\n", 2, "domain: 'all' is kept for the whole organisation; write another name"),
    (
        "domains",
        "domain,kind\nsales,domain\nrisk,domain\nsales,central\n",
        4,
        "domain: 'sales' is declared twice; keep one row",
    ),
    ("domains", "domain,kind,ended_on\nsales,domain,soon\n", 2, "ended_on: 'soon' is not a date"),
    ("capabilities", "capability,sourcing\nCatalog,make\n", 2, "sourcing: 'make' must be one of build, buy, commodity"),
    (
        "capabilities",
        "capability,evolution\nCatalog,old\n",
        2,
        "evolution: 'old' must be one of genesis, custom, product,",
    ),
    ("capabilities", "capability\nCatalog\nCatalog\n", 3, "capability: 'Catalog' is declared twice; keep one row"),
    (
        "product_costs",
        "data_product_id,month,cost,currency\np,2025-3,1,CHF\n",
        2,
        "month: '2025-3' is no month; write it as 2026-08",
    ),
    (
        "product_costs",
        "data_product_id,month,cost,currency\np,2025-13,1,CHF\n",
        2,
        "month: '2025-13' is no month; write it",
    ),
    ("product_costs", "data_product_id,month,cost,currency\np,2025-03,-1,CHF\n", 2, "cost: -1.0 must be not below 0"),
    ("product_costs", "data_product_id,month,cost,currency\np,2025-03,1'000,CHF\n", 2, 'cost: "1\'000" is not'),
    (
        "product_costs",
        "data_product_id,month,cost,currency\np,2025-03,1,Fr.\n",
        2,
        "currency: 'Fr.' is no currency; write three capital",
    ),
    ("product_costs", "data_product_id,month,kwh\np,2025-03,inf\n", 2, ""),
    (
        "product_costs",
        "data_product_id,month,cost,currency\np,2025-03,1,CHF\np,2025-03,1,EUR\np,2025-03,2,CHF\n",
        4,
        "is declared twice for this month and currency; keep one row",
    ),
]


@pytest.mark.parametrize(("table", "text", "line", "words"), BROKEN)
def test_a_row_of_domains_capabilities_or_costs_that_breaks_its_contract_is_named(home, table, text, line, words):
    path = home.declared / f"{table}.csv"
    path.write_text(text)
    with pytest.raises(DeclarationError) as refused:
        read_declared(path, table)
    assert f"{path} line {line}: " in str(refused.value) and words in str(refused.value)


def test_an_account_is_declared_once_for_a_source_and_once_for_all(home):
    path = home.declared / "service_accounts.csv"
    path.write_text("account,source,note\nLOADER,,every night\nLOADER,warehouse,\nbot,warehouse,\n")
    rows = declared_tables(home)["service_accounts"].to_pylist()
    assert [(row["account"], row["source"]) for row in rows] == [
        ("LOADER", None),
        ("LOADER", "warehouse"),
        ("bot", "warehouse"),
    ]
    path.write_text(f"{path.read_text()}LOADER,,\nbot,warehouse,\n")
    with pytest.raises(DeclarationError) as refused:
        declared_tables(home)
    named = [line.partition(" line ")[2] for line in str(refused.value).splitlines()]
    words = "row is declared twice for this source; keep one row."
    assert named == [*(f"{line}: {words}" for line in (2, 4, 5, 6)), ""]


INITIATIVES = "initiative_id,title,started_on,ended_on,kpi_target\n"


@pytest.mark.parametrize(
    ("table", "text", "line", "words"),
    [
        ("initiatives", f"{INITIATIVES}none,Nothing,,,\n", 2, "initiative_id is missing"),
        ("initiatives", f"{INITIATIVES}a,,2025-02-30,,\n", 2, "started_on: '2025-02-30' is not a date"),
        ("initiatives", f"{INITIATIVES}b,,,,\na,,2025-02-03,2025-02-02,\n", 3, "row ends before it starts; correct"),
        ("initiatives", f"{INITIATIVES}a,,,,\nb,,,,\na,,,,\n", 2, "initiative_id: 'a' is declared twice; keep one row"),
        ("initiatives", f"{INITIATIVES}a,,,,many\n", 2, "kpi_target: 'many' is not a number"),
        ("initiatives", f"{INITIATIVES}a,{'x' * 201},,,\n", 2, "must have 0 to 200 characters"),
        ("initiatives", "initiative_id,budget\na,7\n", 1, "budget is no column of this table; its columns are"),
        ("initiative_kpis", "initiative_id,measured_on,value\na,2025-01-31,\n", 2, "value is missing"),
        (
            "initiative_kpis",
            "initiative_id,measured_on,value\na,2025-01-31,1e999\n",
            2,
            "value: '1e999' is not a number",
        ),
        (
            "initiative_kpis",
            "initiative_id,measured_on,value\na,2025-01-31,1\na,2025-02-28,1\na,2025-01-31,2\n",
            4,
            "row is declared twice for this day; keep one row",
        ),
        ("initiative_products", "initiative_id,data_product_id\na,\n", 2, "data_product_id is missing"),
        ("initiative_products", "initiative_id,data_product_id\na,p\na,p\n", 3, "row is declared twice; keep one row"),
    ],
)
def test_a_wrong_row_about_an_initiative_is_named_with_file_line_and_reason(home, table, text, line, words):
    (home.declared / f"{table}.csv").write_text(text)
    with pytest.raises(DeclarationError) as refused:
        declared_tables(home)
    message = str(refused.value)
    assert f"{home.declared / f'{table}.csv'} line {line}: " in message and words in message
    assert message.endswith("Correct the file and run again.")


def test_an_initiative_may_start_and_end_on_one_day_or_have_no_days(home):
    rows = "a,,2025-02-03,2025-02-03,\nb,,,2025-02-03,\nc,,2025-02-03,,7.5\n"
    (home.declared / "initiatives.csv").write_text(INITIATIVES + rows)
    found = declared_tables(home)["initiatives"].to_pylist()
    assert [(row["initiative_id"], row["ended_on"], row["kpi_target"]) for row in found] == [
        ("a", date(2025, 2, 3), None),
        ("b", date(2025, 2, 3), None),
        ("c", None, 7.5),
    ]
