"""What starts runs: the whole job, a sensor on the inbox, a daily schedule; the job that only lands."""

import hashlib

import dagster as dg

from orchestration.defs.landing import log_landed
from orchestration.home import Home
from orchestration.landing.inbox import waiting_files
from orchestration.landing.land import land_inbox
from orchestration.landing.mirrors import sync
from orchestration.landing.storage import StorageError
from orchestration.publish.record import is_current
from orchestration.sample.home import other_files
from orchestration.settings import SettingsError

WAITING_TAG = "flywheel/waiting_files"
ATTEMPTS = 3  # runs for the same waiting files; one that lands them leaves none waiting, whatever fails after that

flywheel_job = dg.define_asset_job(
    "flywheel",
    selection=dg.AssetSelection.all(),
    description="Land the inbox, shape the events, publish the tables, draw the pages.",
)


@dg.op
def land_files(context: dg.OpExecutionContext) -> None:
    """Land what is in the inbox. Several runs may, also while a build is at work: each batch has a lock of its own."""
    home = Home.at()
    if others := other_files(home):
        raise dg.Failure(others)
    try:
        new = land_inbox(home)
    except (ValueError, StorageError) as error:  # what people set or declared wrongly; S3
        raise dg.Failure(str(error)) from error
    log_landed(context, new)
    totals = {name: sum(receipt[name] for receipt in new) for name in ("rows_landed", "rows_quarantined")}
    context.add_output_metadata({"files": len(new), **totals})


# no pool and no resource: a run of it neither waits for the home nor holds it
@dg.job(name="flywheel_land", description="Land the inbox, and build nothing. Several runs may work at once.")
def landing_job() -> None:
    """The job that only lands."""
    land_files()


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
