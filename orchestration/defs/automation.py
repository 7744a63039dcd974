"""What starts runs: the whole job, a sensor on the inbox, a daily schedule."""

import hashlib

import dagster as dg

from orchestration import landing
from orchestration.home import Home

flywheel_job = dg.define_asset_job(
    "flywheel",
    selection=dg.AssetSelection.all(),
    description="Land the inbox, shape the events, publish the tables, draw the pages.",
)


@dg.sensor(
    job=flywheel_job, minimum_interval_seconds=30, default_status=dg.DefaultSensorStatus.RUNNING, name="inbox_sensor"
)
def inbox_sensor(context: dg.SensorEvaluationContext):
    """Start one run for everything new in the inbox, once the files are no longer written to."""
    home = Home.at()
    landed = {(r["file_name"], r["file_bytes"], r["file_modified_ns"]) for r in landing.receipts(home)}
    found = [(p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in landing.settled_files(home.inbox)]
    waiting = sorted(set(found) - landed)
    if not waiting:
        return dg.SkipReason("Nothing new in the inbox.")
    # one key for the set: a key never fires twice, so a file that returns beside others must not be skipped
    return dg.RunRequest(run_key=hashlib.sha256(repr(waiting).encode()).hexdigest())


@dg.schedule(
    job=flywheel_job, cron_schedule="0 6 * * *", default_status=dg.DefaultScheduleStatus.RUNNING, name="daily_schedule"
)
def daily_schedule():
    """Once a day even without new files: as_of moves on, and months complete."""
    return dg.RunRequest()
