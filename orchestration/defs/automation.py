"""What starts runs: the whole job, a sensor on the inbox, a daily schedule."""

import hashlib

import dagster as dg

from orchestration.home import Home
from orchestration.landing.inbox import waiting_files
from orchestration.landing.mirrors import sync
from orchestration.landing.storage import StorageError
from orchestration.publish.record import is_current
from orchestration.settings import SettingsError

WAITING_TAG = "flywheel/waiting_files"
ATTEMPTS = 3  # runs for the same waiting files; one that lands them leaves none waiting, whatever fails after that

flywheel_job = dg.define_asset_job(
    "flywheel",
    selection=dg.AssetSelection.all(),
    description="Land the inbox, shape the events, publish the tables, draw the pages.",
)


@dg.sensor(
    job=flywheel_job, minimum_interval_seconds=30, default_status=dg.DefaultSensorStatus.RUNNING, name="inbox_sensor"
)
def inbox_sensor(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Start one run for everything new in the inbox, once no file is written to any more; again where one failed."""
    try:
        sync(Home.at(), may_wait=False)
    except (StorageError, SettingsError) as error:
        return dg.SkipReason(str(error))
    waiting = [(file.name, file.size, file.modified_ns) for file in waiting_files(Home.at())]
    if not waiting:
        return dg.SkipReason("Nothing new in the inbox.")
    files = hashlib.sha256(repr(waiting).encode()).hexdigest()[:32]
    earlier = context.instance.get_runs(dg.RunsFilter(tags={WAITING_TAG: files}))
    if any(not run.is_finished for run in earlier):
        return dg.SkipReason("A run for these files has not ended yet.")
    if len(earlier) >= ATTEMPTS:
        names = ", ".join(name for name, *_ in waiting[:3])
        return dg.SkipReason(
            f"{len(earlier)} runs for {names} have failed. Look at the last one, then materialize all by hand."
        )
    # a key never fires twice: it names the set of files, as one may come back together with others, and the attempt
    return dg.RunRequest(run_key=f"{files}-{len(earlier)}", tags={WAITING_TAG: files})


@dg.schedule(
    job=flywheel_job, cron_schedule="0 6 * * *", default_status=dg.DefaultScheduleStatus.RUNNING, name="daily_schedule"
)
def daily_schedule() -> dg.RunRequest | dg.SkipReason:
    """Once a day even without new files: as_of moves on, and months complete. A sample's as_of does not."""
    home = Home.at()
    return dg.SkipReason("Nothing has changed.") if is_current(home, home.dates()) else dg.RunRequest()
