"""What starts runs: the whole job, a sensor on the inbox, a daily schedule."""

import hashlib

import dagster as dg

from orchestration.home import Home
from orchestration.landing.inbox import waiting_files
from orchestration.publish.record import is_current

flywheel_job = dg.define_asset_job(
    "flywheel",
    selection=dg.AssetSelection.all(),
    description="Land the inbox, shape the events, publish the tables, draw the pages.",
)


@dg.sensor(
    job=flywheel_job, minimum_interval_seconds=30, default_status=dg.DefaultSensorStatus.RUNNING, name="inbox_sensor"
)
def inbox_sensor(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Start one run for everything new in the inbox, once the files are no longer written to."""
    home = Home.at()
    waiting = [(file.path.name, file.size, file.modified_ns) for file in waiting_files(home)]
    if not waiting:
        return dg.SkipReason("Nothing new in the inbox.")
    # one key for the set: a key never fires twice, so a file that comes back together with others must not be skipped
    return dg.RunRequest(run_key=hashlib.sha256(repr(waiting).encode()).hexdigest())


@dg.schedule(
    job=flywheel_job, cron_schedule="0 6 * * *", default_status=dg.DefaultScheduleStatus.RUNNING, name="daily_schedule"
)
def daily_schedule() -> dg.RunRequest | dg.SkipReason:
    """Once a day even without new files: as_of moves on, and months complete. A sample's as_of does not."""
    home = Home.at()
    return dg.SkipReason("Nothing has changed.") if is_current(home, home.dates()) else dg.RunRequest()
