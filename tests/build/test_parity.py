"""Every table of a build is the same, value by value, whichever engine makes its things."""

import pytest
from conftest import SETS
from engines import built_again, differing, needs_sail, needs_spark, spark_cluster
from pipeline import build_file, published, sample_home

from orchestration.settings import Engine

SAIL = Engine("sail")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Engine:
    """Spark on a master and two workers."""
    with spark_cluster(tmp_path_factory.mktemp("cluster")) as address, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        yield Engine("spark", address)


@needs_sail
@pytest.mark.slow
def test_the_sample_is_the_same_on_sail():
    assert differing(built_again(sample_home(), SAIL), build_file(sample_home())) == []


@needs_spark
@pytest.mark.soak
def test_the_sample_is_the_same_on_a_cluster_of_spark(cluster):
    assert differing(built_again(sample_home(), cluster), build_file(sample_home())) == []


@needs_sail
@needs_spark
@pytest.mark.soak
@pytest.mark.parametrize("name", SETS)
def test_real_events_are_the_same_on_sail_and_on_a_cluster_of_spark(name, shared, cluster):
    home = published(name, shared / "datasets" / name / "events.jsonl", as_of=SETS[name])
    for engine in (SAIL, cluster):
        assert differing(built_again(home, engine), build_file(home)) == [], engine
