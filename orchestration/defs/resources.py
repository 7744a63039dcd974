"""What a run can be told, the two dates it looks at the events from, and how it runs."""

from datetime import datetime

import dagster as dg

from orchestration.home import Home, parse_instant


class AnalysisDates(dg.ConfigurableResource):
    """RFC 3339 texts. Empty: as_of is the sample's end in a sample home, else now; known_at is all that landed."""

    as_of: str = ""
    known_at: str = ""

    def resolve(self, home: Home) -> tuple[datetime, datetime | None]:
        """(as_of, known_at)."""
        return home.as_of(self.as_of), parse_instant(self.known_at) if self.known_at else None


@dg.definitions
def resources() -> dg.Definitions:
    """Resources by the name steps ask for them, and the executor of every run, ad-hoc ones from the UI included."""
    # three steps in one process: half the time, because the imports are paid once
    return dg.Definitions(resources={"dates": AnalysisDates()}, executor=dg.in_process_executor)
