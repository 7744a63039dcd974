"""What a run is given, its two dates, and how it runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import dagster as dg
from pydantic import Field, PrivateAttr

from orchestration.home import Dates, Home, PublishedFolder
from orchestration.settings import load_settings
from orchestration.sources.pull import Pulled


class AnalysisDates(dg.ConfigurableResource):
    """RFC 3339 texts. Empty: as_of is the sample's end in a sample home, else now; known_at is all that landed.

    With either a run looks back: it publishes into a folder of its own, and leaves what people read as it is. The
    resource holds the home for the whole run, and its dates are the same in every step.
    """

    as_of: str = ""
    known_at: str = ""
    _home: Home = PrivateAttr()
    _dates: Dates = PrivateAttr()

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["AnalysisDates"]:
        """Hold the home from the run's first step to its last, so that no other run lands or builds in between."""
        self._home = Home.at()
        with self._home.lock():
            try:
                self._dates = self._home.dates(self.as_of, self.known_at)
                load_settings(self._home)
            except ValueError as error:
                raise dg.Failure(str(error)) from error
            yield self

    @property
    def home(self) -> Home:
        """The home this run holds."""
        return self._home

    @property
    def dates(self) -> Dates:
        """The dates of this run."""
        return self._dates

    @property
    def folder(self) -> PublishedFolder:
        """Where this run publishes."""
        return self._home.folder_for(self._dates)


class PulledSources(dg.ConfigurableResource):
    """What `flywheel run` pulled before it started the run, by source: it is not asked again."""

    pulled: dict[str, dict] = Field(default_factory=dict)

    def of(self, name: str) -> Pulled | None:
        """What was pulled of a source; None where it is still to do."""
        return Pulled(**self.pulled[name]) if name in self.pulled else None


def published_daily() -> dg.FreshnessPolicy | None:
    """How old what people read may get: a day, and two hours for the run. A sample stands still and has no policy."""
    if Home.at().sample():
        return None
    return dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=48), warn_window=timedelta(hours=26))


@dg.definitions
def resources() -> dg.Definitions:
    """Resources by the name steps ask for them, and the executor of every run, ad-hoc ones from the UI included."""
    # all steps in one process: half the time, because the imports are paid once, and one lock for the whole run
    return dg.Definitions(
        resources={"dates": AnalysisDates(), "sources": PulledSources()}, executor=dg.in_process_executor
    )
