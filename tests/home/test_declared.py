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
    capabilities, products, domains, path, costs, accounts, timezones = write_declared(home)
    assert products.read_text() == "data_product_id,domain,source,key\n"
    assert path.read_text() == "changed_on,note\n"
    assert accounts.read_text() == "account,source,note\n"
    assert timezones.read_text() == "source,timezone,note\n"
    assert domains.read_text() == "domain,kind,unit,ended_on\n"
    assert capabilities.read_text() == "capability,need,sourcing,evolution,owner,gap,reviewed_on\n"
    assert costs.read_text() == "data_product_id,month,cost,currency,kwh,co2_kg,basis\n"
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
