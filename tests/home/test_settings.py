"""What a home's flywheel.yml may say, and what is refused, with file, line and what to write."""

import json
import re

import pytest
import yaml
from conftest import CHECKOUT
from typer.testing import CliRunner

from orchestration.build.builds import fingerprint
from orchestration.cli import app
from orchestration.home import Home
from orchestration.settings import TEMPLATE, Engine, Settings, SettingsError, load_settings, write_settings
from orchestration.summary import engine_in_words


def of_the_tables(home: Home, text: str) -> dict:
    home.settings.write_text(text)
    return json.loads(load_settings(home).of_the_tables())


@pytest.fixture
def home(tmp_path) -> Home:
    return Home.at(tmp_path)


def test_a_home_without_a_file_has_the_defaults_and_so_has_the_file_that_init_writes(home):
    assert load_settings(home) == Settings()
    assert write_settings(home) == home.settings and home.settings.read_text() == TEMPLATE
    assert load_settings(home) == Settings()
    assert write_settings(home) is None
    assert engine_in_words(home) == ""


@pytest.mark.parametrize("text", ["", "# nothing\n", "north_star:\n", "north_star:\n  k: null\n  metric: null\n"])
def test_what_is_left_out_or_null_is_its_default(home, text):
    assert of_the_tables(home, text) == {
        "statement": None,
        "owner": None,
        "metric": "cross_domain_adoptions",
        "kind": "flow",
        "outcome": None,
        "target": None,
        "target_by": None,
        "period": "month",
        "k": 3,
        "days": 180,
        "has_limits": True,
        "no_limits_reason": "limits_switched_off",
        "timezone": "UTC",
        "lateness_days": 5,
        "governance_model": None,
    }


def test_what_is_set_reaches_the_tables(home):
    text = """
north_star: {metric: products_reaching_k_domains, k: 2, target: 0, period: quarter}
reporting: {timezone: Europe/Zurich, lateness_days: 0}
governance: {model: mesh}
"""
    found = of_the_tables(home, text)
    assert (found["metric"], found["k"], found["target"], found["period"]) == (
        "products_reaching_k_domains",
        2,
        0,
        "quarter",
    )
    assert (found["timezone"], found["lateness_days"], found["governance_model"]) == ("Europe/Zurich", 0, "mesh")
    assert of_the_tables(home, "north_star: {metric: adopted_within_days}")["period"] == "quarter"


def test_the_purpose_and_the_outcome_reach_the_tables_as_they_were_written(home):
    text = """
purpose:
  statement: >-
    We don't guess: every decision of "ours"
    has figures.
  owner: Ann O'Hara, CDO
north_star: {outcome: Überschuss je Vertrag, target: 20, target_by: 2027-12-31}
"""
    found = of_the_tables(home, text)
    assert found["statement"] == 'We don\'t guess: every decision of "ours" has figures.'
    assert (found["owner"], found["outcome"]) == ("Ann O'Hara, CDO", "Überschuss je Vertrag")
    assert (found["target"], found["target_by"]) == (20, "2027-12-31")


@pytest.mark.parametrize(
    ("chosen", "has_limits", "reason"),
    [
        ("metric: adopted_within_days", True, "limits_switched_off"),
        ("metric: time_to_value_median", False, "overlapping_windows"),
        ("metric: active_cross_domain_pairs", False, "stock"),
        ("metric: active_cross_domain_pairs, limits: false", False, "stock"),
        ("limits: false", False, "limits_switched_off"),
    ],
)
def test_only_a_flow_or_a_rate_has_limits(home, chosen, has_limits, reason):
    found = of_the_tables(home, f"north_star: {{{chosen}}}")
    assert (found["has_limits"], found["no_limits_reason"]) == (has_limits, reason)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (
            "north_star:\n  metrics: x",
            2,
            "north_star has no setting metrics; its settings are metric, outcome, target,",
        ),
        ("north_stars: {}", 1, "the file has no setting north_stars; its settings are purpose, north_star, reporting"),
        ("- north_star", 1, 'the file can\'t be ["north_star"]; write the sections purpose, north_star, report'),
        ("north_star: 4", 1, "north_star can't be 4; write a section with metric, outcome"),
        ("north_star:\n  metric: downloads", 2, 'can\'t be "downloads"; write one of cross_domain_adoptions, sust'),
        (
            "north_star:\n\n  target: many",
            3,
            'north_star.target can\'t be "many"; write a number of 0 or more, or null',
        ),
        ("governance:\n  model: anarchy", 2, 'governance.model can\'t be "anarchy"; write one of centralised, distr'),
        ("north_star:\n  target: -1", 2, "north_star.target can't be -1; write a number of 0 or more"),
        ("north_star:\n  target: true", 2, "north_star.target can't be true; write a number of 0 or more"),
        ("north_star:\n  target: .nan", 2, "north_star.target can't be nan; write a number of 0 or more"),
        ("north_star:\n  target: .inf", 2, "north_star.target can't be inf; write a number of 0 or more"),
        ("north_star:\n  target_by: soon", 2, 'target_by can\'t be "soon"; write a date, such as 2027-12-31, or null'),
        ("north_star:\n  target_by: 2027-02-30", 2, 'target_by can\'t be "2027-02-30"; write a date'),
        ("north_star:\n  target_by: 2027-12-31T10:00:00Z", 2, 'target_by can\'t be "2027-12-31T10:00:00Z"; write'),
        ("north_star:\n  target_by: 20271231", 2, "target_by can't be 20271231; write a date, such as 2027-12-31"),
        ("purpose:\n  statement: 7", 2, "purpose.statement can't be 7; write a text of 1 to 1,000 characters, or null"),
        ("purpose:\n  statement: ' '", 2, 'purpose.statement can\'t be " "; write a text of 1 to 1,000 characters'),
        ("purpose:\n  owner: ''", 2, 'purpose.owner can\'t be ""; write a text of 1 to 200 characters, or null'),
        ('purpose:\n  owner: "a\\tb"', 2, 'purpose.owner can\'t be "a\\tb"; write a text of 1 to 200 characters'),
        ("purpose:\n  owner: [CDO]", 2, 'purpose.owner can\'t be ["CDO"]; write a text'),
        (f"north_star:\n  outcome: {'x' * 501}", 2, "write a text of 1 to 500 characters, or null"),
        ("north_star:\n  period: week", 2, 'north_star.period can\'t be "week"; write month, quarter or null'),
        ("north_star:\n  k: 0", 2, "north_star.k can't be 0; write a whole number of 1 or more"),
        ("north_star:\n  k: 1.5", 2, "north_star.k can't be 1.5; write a whole number of 1 or more"),
        ("north_star:\n  k: true", 2, "north_star.k can't be true; write a whole number of 1 or more"),
        ("north_star:\n  days: -30", 2, "north_star.days can't be -30; write a whole number from 1 to 3650"),
        ("reporting:\n  lateness_days: -5", 2, "reporting.lateness_days can't be -5; write a whole number from 0"),
        ("reporting:\n  timezone: Mars/Base", 2, "'Mars/Base' is no timezone; write a name such as UTC or Europe/Zuri"),
        (
            "north_star:\n  metric: active_cross_domain_pairs\n  limits: true",
            3,
            "can't have process limits: a stock carries most of last month over",
        ),
        (
            "north_star:\n  limits: true\n  metric: time_to_value_median",
            2,
            "can't have process limits: its windows of 180 days overlap",
        ),
        (
            "north_star:\n  metric: adopted_within_days\n  period: month",
            3,
            "can't be reported by month: a month has too few ideas for a share. Write period: quarter",
        ),
        ("north_star:\n  k: 1\n  k: 2", 3, "the key 'k' stands twice"),
        ("north_star: [", 1, "not YAML that can be read"),
    ],
)
def test_what_can_not_be_set_is_refused_with_file_line_and_what_to_write(home, text, line, words):
    home.settings.write_text(text)
    with pytest.raises(SettingsError) as refused:
        load_settings(home)
    message = str(refused.value)
    assert words in message and message.startswith(str(home.settings))
    assert f"line {line}" in message.replace(f"line {line},", f"line {line}:")


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("sail", "sc://sail.example.com:50051"),
        ("spark", "sc://[::1]:15002"),
        ("spark", "sc://dbc-1.example.com:443/;use_ssl=true;x-databricks-cluster-id=0123-456-abc"),
        ("spark", "spark://10.0.0.1:7077"),
        ("spark", "local[4]"),
    ],
)
def test_an_engine_has_an_address_of_its_kind(home, name, address):
    home.settings.write_text(f"engine:\n  name: {name}\n  address: {address}\n")
    assert load_settings(home).engine == Engine(name, address)
    assert engine_in_words(home).endswith(f", {address}")


@pytest.mark.parametrize(
    ("name", "address", "words"),
    [
        ("sail", "spark://a:7077", "engine.address can't be 'spark://a:7077' where engine.name is sail; write sc://"),
        ("duckdb", "sc://a:1", "engine.address can't be 'sc://a:1' where engine.name is duckdb; write sc://HOST:PORT"),
        ("spark", "http://a:1", 'engine.address can\'t be "http://a:1"; write sc://HOST:PORT, sc://HOST:PORT/;NAME='),
        ("spark", "sc://user@a:1", "engine.address can't be"),
        ("spark", "sc://a:1/path", "engine.address can't be"),
        ("spark", "sc://a:1/;use_ssl", "engine.address can't be"),
        ("spark", "sc://a:1/;token=hush", "engine.address holds a secret, and this file is no place for one. Put a "),
        ("spark", "sc://a:1/;x-Authorization=hush;b=c", "engine.address holds a secret"),
        ("sail", "spark://a:1/;token=hush", 'engine.address can\'t be "spark://a:1/;token=…"; write sc://HOST:PORT'),
    ],
)
def test_an_address_that_is_none_or_holds_a_secret_is_refused_and_no_secret_is_shown(home, name, address, words):
    home.settings.write_text(f"engine:\n  name: {name}\n  address: {address}\n")
    with pytest.raises(SettingsError) as error:
        load_settings(home)
    assert f"{home.settings} line 3: {words}" in str(error.value)
    assert "hush" not in str(error.value)


def test_every_fault_is_named_at_once(home):
    home.settings.write_text("north_star:\n  k: 0\n  days: no\nreporting:\n  zone: UTC\n")
    with pytest.raises(SettingsError) as refused:
        load_settings(home)
    assert [line.partition(" line ")[2][:1] for line in str(refused.value).splitlines()] == ["2", "3", "5"]


@pytest.mark.parametrize("command", ["run", "status"])
def test_a_command_stops_at_a_wrong_setting(home, command):
    home.settings.write_text("north_star:\n  target: many\n")
    ended = CliRunner().invoke(app, [command, "--home", str(home.root)])
    assert ended.exit_code == 2 and "flywheel.yml line 2: north_star.target can't be" in ended.output.replace("\n", "")


def test_another_setting_or_declaration_is_another_build(home):
    dates = home.dates()
    before = fingerprint(home, dates)
    home.settings.write_text(TEMPLATE)
    assert fingerprint(home, dates) == before
    home.settings.write_text("north_star: {target: 20}\n")
    with_target = fingerprint(home, dates)
    home.declared.mkdir()
    (home.declared / "process_changes.csv").write_text("changed_on,note\n2025-01-01,new way\n")
    assert len({before, with_target, fingerprint(home, dates)}) == 3


def test_init_writes_what_is_missing_and_changes_nothing_else(home):
    home.settings.write_text("north_star: {target: 20}\n")
    ended = CliRunner().invoke(app, ["init", "--home", str(home.root)])
    assert ended.exit_code == 0 and "process_changes.csv" in ended.output
    assert home.settings.read_text() == "north_star: {target: 20}\n"
    assert "nothing was changed" in CliRunner().invoke(app, ["init", "--home", str(home.root)]).output.replace(
        "\n", " "
    )


def test_dbt_without_a_home_has_the_same_defaults():
    macro = (CHECKOUT / "dbt_project" / "macros" / "settings.sql").read_text()
    [chosen] = re.findall(r"set chosen = (\{.*?\})", macro, re.DOTALL)

    assert yaml.safe_load(chosen.replace("none", "null")) == json.loads(Settings().of_the_tables())
