"""The declared sources: one asset each, pulled before the inbox lands; one that fails stops nothing."""

from collections.abc import Iterator

import dagster as dg

from orchestration.defs.inputs import SOURCES
from orchestration.defs.resources import AnalysisDates, PulledSources
from orchestration.home import Home
from orchestration.progress import report
from orchestration.sources.declaration import SourceError, load_source
from orchestration.sources.pull import Pulled, try_to_pull

CHECK = "pulled"


def _asset(name: str, key: dg.AssetKey) -> dg.AssetsDefinition:
    @dg.asset(
        key=key,
        group_name="sources",
        pool="home",
        kinds={"duckdb"},
        owners=["team:data-engineering"],
        check_specs=[dg.AssetCheckSpec(CHECK, asset=key, description="The source could be read, mapped and compared.")],
        description=(
            f"The events of `<home>/sources/{name}.yml`: its records are received, mapped by `{name}.sql`, and what "
            "has changed goes into the inbox as one file. Where a step fails, what it said last stands."
        ),
    )
    def source(dates: AnalysisDates, sources: PulledSources) -> Iterator:
        report("sources", name)
        yield from _results(key, sources.of(name) or try_to_pull(dates.home, name))

    return source


def _results(key: dg.AssetKey, pulled: Pulled) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """A materialization also where it failed: landing waits for it, and what the source said last stands."""
    counts = {name: getattr(pulled, name) for name in ("records", "events", "new", "corrected", "retracted")}
    report("sources", pulled.words.splitlines()[0], is_end=not pulled.error)
    yield dg.MaterializeResult(asset_key=key, metadata={} if pulled.error else counts)
    yield dg.AssetCheckResult(
        passed=not pulled.error,
        asset_key=key,
        check_name=CHECK,
        severity=dg.AssetCheckSeverity.WARN,
        description=pulled.words,
    )


def _schedule(name: str, key: dg.AssetKey) -> dg.ScheduleDefinition | None:
    """The schedule that its file declares; what it sends starts a run by the sensor on the inbox."""
    try:
        source = load_source(Home.at(), name)
    except SourceError:
        return None  # its check says what is wrong
    if source.schedule is None:
        return None
    return dg.ScheduleDefinition(
        name=f"pull_{name}",
        cron_schedule=source.schedule,
        target=dg.AssetSelection.assets(key),
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Pull {name}, as its file declares.",
    )


@dg.definitions
def sources() -> dg.Definitions:
    """An asset for each declared source, and a schedule where it declares one."""
    return dg.Definitions(
        assets=[_asset(name, key) for name, key in SOURCES.items()],
        schedules=[found for name, key in SOURCES.items() if (found := _schedule(name, key))],
    )
