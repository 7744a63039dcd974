"""Every table of a build is the same, value by value, whichever engine makes its things."""

from pathlib import Path

import pytest
from conftest import SETS
from engines import (
    built_again,
    copied,
    differing,
    landed_only,
    needs_sail,
    needs_spark,
    spark_cluster,
    without_columns,
)
from hostile import TIMEZONE, at_the_edges
from pages import AS_OF, hostile
from pipeline import build_file, published, run_well, sample_home, served

from orchestration.sample.organisation import SAMPLE_AS_OF
from orchestration.settings import Engine

DUCKDB, SAIL, SPARK = Engine(), Engine("sail"), Engine("spark")
SAMPLE_DAY = SAMPLE_AS_OF.isoformat()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Engine:
    """Spark on a master and two workers."""
    with spark_cluster(tmp_path_factory.mktemp("cluster")) as address, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        yield Engine("spark", address)


@pytest.fixture(scope="module")
def hostile_home(tmp_path_factory) -> tuple[Path, Path]:
    """A home of everything that a contract just lets through, and its build on DuckDB."""
    events = [*hostile(), *at_the_edges()]
    home = landed_only(tmp_path_factory.mktemp("a home"), events, TIMEZONE)
    without_columns(home, "work_started", ["initiative", "is_assumed_time"])
    return home, built_again(home, DUCKDB, AS_OF)


@needs_sail
@pytest.mark.slow
def test_the_sample_is_the_same_on_sail():
    assert differing(built_again(sample_home(), SAIL, SAMPLE_DAY), build_file(sample_home())) == []


@needs_spark
@pytest.mark.soak
def test_a_whole_run_of_the_sample_serves_the_same_from_a_cluster_of_spark(cluster):
    home = copied(sample_home(), cluster)
    run_well(home, as_of="")
    mine, theirs = served(home), served(sample_home())
    assert [name for name in theirs if repr(mine.get(name)) != repr(theirs[name])] == ["main.publication"]


@needs_sail
@pytest.mark.soak
def test_hostile_events_are_the_same_on_sail(hostile_home):
    assert differing(built_again(hostile_home[0], SAIL, AS_OF), hostile_home[1]) == []


@needs_spark
@pytest.mark.soak
@pytest.mark.parametrize("is_cluster", [False, True])
def test_hostile_events_are_the_same_on_spark_and_on_a_cluster_of_it(hostile_home, is_cluster, request):
    engine = request.getfixturevalue("cluster") if is_cluster else SPARK
    assert differing(built_again(hostile_home[0], engine, AS_OF), hostile_home[1]) == []


@needs_sail
@needs_spark
@pytest.mark.soak
@pytest.mark.parametrize("name", SETS)
def test_real_events_are_the_same_on_sail_and_on_a_cluster_of_spark(name, shared, cluster):
    home = published(name, shared / "datasets" / name / "events.jsonl", as_of=SETS[name])
    for engine in (SAIL, cluster):
        assert differing(built_again(home, engine, SETS[name]), build_file(home)) == [], engine


@needs_sail
@pytest.mark.soak
def test_a_home_without_events_is_the_same_on_sail(tmp_path):
    home = landed_only(tmp_path / "empty", [], "UTC")
    assert differing(built_again(home, SAIL, AS_OF), built_again(home, DUCKDB, AS_OF)) == []
