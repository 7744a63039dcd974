"""What starts runs: the sensor on the inbox."""

import os

import dagster as dg
import pytest

from orchestration.defs.automation import ATTEMPTS, WAITING_TAG, inbox_sensor
from orchestration.home import Home


@pytest.fixture
def home(tmp_path, monkeypatch) -> Home:
    monkeypatch.setenv("FLYWHEEL_HOME", str(tmp_path))
    return Home.at()


def put(home: Home, name: str) -> None:
    path = home.inbox / name
    path.write_text(f"{name}\n")
    os.utime(path, (1_700_000_000, 1_700_000_000))


def test_a_waiting_file_starts_one_run_and_another_after_a_failed_one(home):
    with dg.DagsterInstance.ephemeral() as instance:

        def tick():
            return inbox_sensor(dg.build_sensor_context(instance=instance))

        assert isinstance(tick(), dg.SkipReason)
        put(home, "a.jsonl")
        first = tick()
        assert first.run_key == tick().run_key

        run = dg.DagsterRun(job_name="flywheel", tags=first.tags, status=dg.DagsterRunStatus.STARTED)
        instance.add_run(run)
        assert "has not ended" in tick().skip_message
        instance.report_run_failed(run)
        again = tick()
        assert again.run_key != first.run_key and again.tags == first.tags

        for _ in range(ATTEMPTS - 1):
            instance.add_run(dg.DagsterRun(job_name="flywheel", tags=first.tags, status=dg.DagsterRunStatus.FAILURE))
        assert "a.jsonl" in tick().skip_message
        put(home, "b.jsonl")
        assert tick().tags[WAITING_TAG] != first.tags[WAITING_TAG]


def test_the_sensor_says_why_it_can_t_look_into_a_bucket(home):
    home.settings.write_text("storage: {inbox: s3://bucket, endpoint: 'http://127.0.0.1:9'}\n")
    with dg.DagsterInstance.ephemeral() as instance:
        skipped = inbox_sensor(dg.build_sensor_context(instance=instance))
    assert skipped.skip_message.startswith("storage.inbox s3://bucket: ")
