"""The analyst's notebooks: they run headless on any input, show what is served, and let nothing in or out.

A notebook runs in this process as marimo runs it, `app.run()`, which raises what a cell raises and gives what each
cell shows and defines. The inputs are the sample, hostile titles and domains, next to nothing, and real events.
"""

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest
from conftest import SETS, SHOWN_SETS
from notebook_runs import NOTEBOOKS, home_of, notebook, query, run, run_once, words_of
from pipeline import served

pytestmark = pytest.mark.slow

ONE = pytest.param("one_event", marks=pytest.mark.soak)
INTERVALS = ["idea_to_started", "started_to_deployed", "idea_to_deployed", "deployed_to_adopted", "idea_to_adopted"]
UNFIT = re.compile(r"\b(NaN|NaT|None|nan|inf|undefined|Traceback)\b|\{\{|\( *\)|(?<![\d.,–])1 (days|finished ones)\b")


@pytest.fixture(scope="module", params=["sample", "hostile", "nothing", ONE, *SHOWN_SETS])
def home(request) -> Path:
    """A folder that holds one serving file, as FLYWHEEL_HOME."""
    name = request.param
    return home_of(name, request.getfixturevalue("shared") / "datasets" if name in SETS else None)


@pytest.fixture(scope="module")
def sample() -> Path:
    return home_of("sample", None)


@contextmanager
def plain(home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB as an analyst starts it, with the served file attached and nothing set."""
    with duckdb.connect() as db:
        db.execute(f"attach '{home / 'serving.duckdb'}' as serving (read_only)")
        db.execute("use serving")
        yield db


# --- Any input ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_headless_and_reads_like_something_a_person_wrote(home, name):
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*")}
    shown, _ = run_once(name, home)
    assert len(shown) >= 2
    assert not re.search(r"\b(NaN|NaT|None|Infinity)\b|<script", " ".join(shown))
    assert not UNFIT.search(words_of(shown)), UNFIT.search(words_of(shown))
    assert {path: path.stat().st_mtime_ns for path in home.rglob("*")} == before


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_says_as_of_when_and_whether_its_events_are_made_up(home, name):
    shown, _ = run_once(name, home)
    [(as_of, is_sample)] = query(home, "select as_of, is_sample from main.publication")
    assert f"As of {as_of:%Y-%m-%d %H:%M} UTC" in words_of(shown)
    assert ("made-up events of a sample organisation" in words_of(shown)) == is_sample


def test_the_tour_draws_the_north_star_as_served(home):
    _, defined = run_once("north_star", home)
    columns, *rows = served(home)["authoritative.north_star_monthly"]
    frame = defined["months"].astype(object)
    frame = frame.where(frame.notna(), None)
    found = [tuple(row) for row in frame[list(columns)].itertuples(index=False)]
    assert sorted((month.date(), *rest) for month, *rest in found) == sorted(rows)


def test_the_finished_ones_are_those_that_are_served_by_cohort_and_by_domain(home):
    """They are worked out from the data products, to show the medians that are too few to be served."""
    steps, compared = notebook("time_to_value"), 0
    with plain(home) as db:
        db.execute("set TimeZone = 'UTC'")
        for interval in INTERVALS:
            start, _, end = interval.partition("_to_")
            for by, other in (("cohort", "domain"), ("domain", "cohort")):
                frame = steps.medians_by(db, interval, steps.STARTS[start], steps.ENDS[end], by)
                expected = query(
                    home,
                    f"select {by}, coalesce(observed_count, 0), median_days from authoritative.time_to_value "
                    f"where interval_id = '{interval}' and estimator = 'completed_only' "
                    f"and {other} = 'all' and {by} <> 'all' order by {by}",
                )
                assert list(zip(frame[by], frame["finished_count"], strict=True)) == [row[:2] for row in expected]
                assert frame["few"].tolist() == [median is None for *_, median in expected]
                assert frame["finished_median"].notna().tolist() == [count > 0 for _, count, _ in expected]
                compared += len(expected)
    assert compared or not query(home, "from curated.data_products")


def test_the_last_quarter_end_is_what_is_served_now(home):
    _, defined = run_once("time_to_value", home)
    last_quarter_end_is_served(defined)


@pytest.mark.parametrize("interval", INTERVALS)
def test_every_interval_can_be_chosen(sample, interval):
    _, defined = run("time_to_value", sample, picked_interval=SimpleNamespace(value=interval))
    assert defined["finished"]["interval_id"] == interval
    assert last_quarter_end_is_served(defined)


def last_quarter_end_is_served(defined: dict) -> bool:
    """Compare the last of the medians by quarter with the served figures; False where the interval is not known."""
    if defined["unknown"]:
        assert "quarter_ends" not in defined
        return False
    last, finished, incidence = defined["quarter_ends"].iloc[-1], defined["finished"], defined["incidence"]
    assert (last["finished_count"], last["open_count"]) == (finished["observed_count"], incidence["open_count"])
    if finished["median_days"] is not None:
        assert last["finished_median"] == pytest.approx(finished["median_days"], abs=1e-6)
    return True


def test_ten_questions_run_in_plain_duckdb_and_say_so_where_there_is_no_answer(home):
    _, defined = run_once("your_questions", home)
    assert len({question.words for question in defined["QUESTIONS"]}) == 10
    with plain(home) as db:
        for question, shown in zip(defined["QUESTIONS"], defined["answers"], strict=True):
            has_rows = bool(db.execute(question.sql).fetchall())
            assert (question.nothing in words_of([shown.text])) != has_rows, question.words
            assert ("<marimo-table" in shown.text) == has_rows, question.words


def test_the_questions_answer_what_the_tables_say(home):
    _, defined = run_once("your_questions", home)
    with plain(home) as db:
        answers = {question.words: db.execute(question.sql).fetchall() for question in defined["QUESTIONS"]}

    def answer(words: str) -> list[tuple]:
        [rows] = [rows for question, rows in answers.items() if words in question]
        return rows

    gave = query(home, "select domain, gave_count from authoritative.domain_scorecard where gave_count > 0")
    assert {row[0]: row[1] for row in answer("consist of")} == dict(gave)
    assert [(len(answer("waited longer")),)] == query(
        home, "select count(*) from authoritative.open_ideas where is_older"
    )
    assert [(sum(row[2] for row in answer("gives most")),)] == query(home, "select count(*) from curated.adoptions")
    assert [(len(answer("declared change")),)] == query(
        home, "select count(process_phase_note) from authoritative.north_star_monthly"
    )
    assert [(len(answer("rows were quarantined")), sum(row[2] for row in answer("rows were quarantined")))] == (
        query(home, "select count(*), coalesce(sum(read_count), 0) from authoritative.event_accounting")
    )
    assert all(row[2] and row[4] for row in answer("NULL")), "every NULL has its reason, every reason its words"
    named = query(home, "select count(idea_logged_at), bool_or(has_named_consumer) from curated.data_products")
    if named[0][1]:
        assert 0 <= named[0][0] - sum(row[1] for row in answer("named a consumer")) <= 10  # out of order, left out


# --- The sample -----------------------------------------------------------------------------------


def test_the_finished_ones_of_the_sample_look_seven_times_as_fast_as_all(sample):
    shown, defined = run_once("time_to_value", sample)
    figures = dict(
        query(
            sample,
            "select estimator, median_days from authoritative.time_to_value "
            "where interval_id = 'idea_to_adopted' and domain = 'all' and cohort = 'all'",
        )
    )
    finished, incidence = figures["completed_only"], figures["incidence"]
    assert (defined["finished"]["median_days"], defined["incidence"]["median_days"]) == (finished, incidence)
    assert 7 < incidence / finished < 8
    assert f"took no longer than {finished:.0f} days" in words_of(shown)
    assert f"half of all 408 finish within {incidence:.0f} days" in words_of(shown)
    medians = defined["quarter_ends"]["finished_median"]
    assert medians.iloc[0] < medians.iloc[-1] / 3, "the young programme has the lowest median"


def test_the_declared_change_of_the_sample_is_found(sample):
    _, defined = run_once("your_questions", sample)
    with plain(sample) as db:
        [(change, month, _, before, after, since, effect)] = db.execute(defined["QUESTIONS"][0].sql).fetchall()
    assert (change, f"{month:%Y-%m}", effect) == ("Self-service access opened to all domains", "2024-12", "better")
    assert 1.8 < after / before < 2.2  # it was planted as a doubling
    assert since >= month


@pytest.mark.parametrize(
    ("metric", "domain", "interval"),
    [
        ("time_to_value", "claims", "started_to_deployed"),
        ("adopted_90d", "all", "idea_to_deployed"),
        ("contract_pass_rate", "all", "deployed_to_adopted"),
    ],
)
def test_the_tour_shows_what_is_chosen(sample, metric, domain, interval):
    choices = {"metric": metric, "domain": domain, "interval": interval, "owner": domain, "table": "curated.adoptions"}
    chosen = {f"picked_{name}": SimpleNamespace(value=value) for name, value in choices.items()}
    shown, defined = run("north_star", sample, **chosen)
    assert set(defined["leading"]["metric_id"]) == {metric}
    assert set(defined["leading"]["domain"]) == {domain}
    [(steps,)] = query(
        sample,
        "select count(*) from authoritative.time_to_value_curve "
        f"where domain = '{domain}' and interval_id = '{interval}'",
    )
    assert len(defined["curve"]) == steps > 0
    assert "sustained_at" in " ".join(shown)
    assert not UNFIT.search(words_of(shown)), UNFIT.search(words_of(shown))


def test_a_metric_that_is_known_for_everyone_only_says_so(sample):
    chosen = {"picked_metric": "contract_pass_rate", "picked_domain": "legal"}
    chosen = {name: SimpleNamespace(value=value) for name, value in chosen.items()}
    shown, _ = run("north_star", sample, **chosen)
    assert "Rows that keep their contract is not known by domain" in words_of(shown)


# --- What an analyst types ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sql",
    [
        "from read_csv('/etc/hostname')",
        "select * from read_text('/etc/hostname')",
        "copy (select 1) to '{folder}/stolen.csv'",
        "attach '{folder}/stolen.duckdb'",
        "export database '{folder}/stolen'",
        "install httpfs",
        "set enable_external_access = true",
        "set python_enable_replacements = true",
        "from answers",  # a variable of the notebook
        "create table serving.main.mine as select 1",
        "delete from authoritative.outlook",
        "update main.publication set is_sample = false",
    ],
)
def test_what_is_typed_reads_the_served_tables_and_nothing_else(sample, tmp_path, sql):
    asked = notebook("your_questions")
    _, defined = run_once("your_questions", sample)
    shown = asked.answer(defined["db"], defined["QUESTIONS"][0], sql.format(folder=tmp_path)).text
    assert "<marimo-callout-output" in shown
    assert not list(tmp_path.iterdir())
    assert socket.gethostname() not in shown


def test_what_is_typed_is_shown_as_text_and_spoils_no_other_question(sample):
    asked = notebook("your_questions")
    _, defined = run_once("your_questions", sample)
    question, db = defined["QUESTIONS"][0], defined["db"]
    for sql in ("selec '<img src=x onerror=alert(1)>'", "select '<img src=x onerror=alert(1)>' as \"<b>\""):
        assert "<img" not in asked.answer(db, question, sql).text
    asked.answer(db, question, "use memory")
    assert "<marimo-table" in asked.answer(db, question, question.sql).text
    assert "first 1,000 rows" in asked.answer(db, question, "from range(1001)").text
    assert "first 1,000 rows" not in asked.answer(db, question, "from range(1000)").text
