"""Reads what the pages show from the serving file: rows as data, NULL as None, times in UTC.

Belongs here: the SELECTs, in the order the pages need, bounded so that a page stays small. Does not belong here:
computing a figure. Anything else that reads the serving file read-only can use `connect`.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from dashboard.kept import Comparison, compare

Row = dict[str, Any]  # column: value as served, None for NULL
EVERYONE = "all"
WHOLE_WAY, ADOPTION_LAG = "idea_to_adopted", "deployed_to_adopted"
HEADLINE = "incidence"  # the estimator of the headline: a dropped idea is never adopted
MINIMUM_OBSERVED = 10  # data products that completed an interval: fewer give no median and no comparison
PROVISIONAL_POINTS = 10  # process limits from fewer points are provisional
LISTED = 10  # rows of a list on a page
MOVES_DRAWN = 40  # on the S-curve, the most common ones

SELECTS = {
    "publication": "from main.publication",
    "definitions": "from authoritative.metric_definitions order by metric_id",
    "north_star": "from authoritative.north_star_monthly order by month_starting",
    "leading": "from authoritative.leading_metrics_monthly order by domain, metric_id, month_starting",
    "time_to_value": "from authoritative.time_to_value order by domain, interval_id, cohort, estimator",
    "curves": """
        from authoritative.time_to_value_curve
        where interval_id in ('idea_to_adopted', 'deployed_to_adopted')
            or (interval_id = 'idea_to_deployed' and domain = 'all')
        order by domain, interval_id, day
    """,
    "stages_open": """
        select coalesce(domain, '') as domain, count(*) as open_count, count(*) filter (is_overdue) as overdue_count,
            count(is_overdue) as judged_count, count(*) filter (stage = 'deployed') as deployed_count,
            count(*) filter (stage <> 'deployed') as undeployed_count
        from authoritative.open_ideas group by 1 order by 1
    """,
    "open_ideas": f"""
        from authoritative.open_ideas
        qualify overdue_rank <= {LISTED} or row_number() over (partition by domain order by overdue_rank) <= {LISTED}
        order by overdue_rank
    """,
    "domains": "from authoritative.domain_scorecard order by gave_count desc nulls last, took_count desc, domain",
    "outlook": "from authoritative.outlook order by month_starting",
    "evidence": "from authoritative.influence_evidence order by metric_id",
    "evolution": """
        select certainty, position, ubiquity_share, ubiquity_basis, count(*) as product_count
        from authoritative.product_evolution group by all order by all
    """,
    "evolution_moves": f"""
        select before_certainty, before_ubiquity_share, certainty, ubiquity_share, position, count(*) as product_count,
            sum(count(*)) over ()::bigint as moved_count
        from authoritative.product_evolution
        where position is not null and before_certainty <> 'not_measured' and before_ubiquity_share is not null
            and (certainty, ubiquity_share) is distinct from (before_certainty, before_ubiquity_share)
        group by all
        order by product_count desc, before_certainty, before_ubiquity_share, certainty, ubiquity_share, position
        limit {MOVES_DRAWN}
    """,
    "evolution_examples": f"""
        select *, case when position = 'certain_but_under_used' then 1 else -1 end * consuming_domains_count as sequence
        from authoritative.product_evolution where position <> 'on_curve'
        qualify row_number() over (partition by domain, position order by sequence, data_product_id) <= {LISTED}
            or row_number() over (partition by position order by sequence, data_product_id) <= {LISTED}
        order by position, sequence, data_product_id
    """,
    "flywheel": "from authoritative.flywheel_scorecard order by flywheel_phase, metric_id",
    "accounting": """
        select count(*) as batch_count, coalesce(sum(read_count), 0)::bigint as read_count,
            coalesce(sum(landed_count), 0)::bigint as landed_count,
            coalesce(sum(quarantined_count), 0)::bigint as quarantined_count,
            coalesce(sum(current_count), 0)::bigint as current_count,
            coalesce(sum(superseded_count), 0)::bigint as superseded_count,
            coalesce(sum(duplicate_count), 0)::bigint as duplicate_count,
            coalesce(sum(retracted_count), 0)::bigint as retracted_count,
            coalesce(sum(not_yet_known_count), 0)::bigint as not_yet_known_count
        from authoritative.event_accounting
    """,
    "quality": """
        select rule_id, any_value(description) as description, any_value(what_to_do) as what_to_do,
            count(*) as row_count
        from curated.data_quality_issues group by 1 order by 1
    """,
    "refused": """
        select count(*) as waiting_count, count(*) filter (row_number is null) as file_count,
            (list(distinct file_name order by file_name) filter (row_number is null))[:3] as file_names
        from curated.quarantined_events where state = 'waiting'
    """,
    "contracts": """
        select count(*) as table_count from duckdb_tables()
        where database_name = 'serving' and schema_name = 'authoritative'
    """,
}


@dataclass(frozen=True)
class PageData:
    """Everything the pages show, as rows by name of SELECT."""

    publication: Row
    definitions: dict[str, Row]  # by metric_id
    north_star: list[Row]
    leading: dict[tuple[str, str], list[Row]]  # by (domain, metric_id)
    time_to_value: dict[tuple[str, str, str, str], Row]  # by (domain, interval_id, cohort, estimator)
    curves: dict[str, list[Row]]  # by domain
    open_counts: dict[str, Row]  # by owning domain, '' where the owner is not known
    open_ideas: list[Row]
    domains: list[Row]
    outlook: list[Row]
    evidence: dict[str, Row]  # by metric_id
    evolution: list[Row]
    evolution_moves: list[Row]
    evolution_examples: list[Row]
    flywheel: list[Row]
    accounting: Row
    quality: list[Row]
    refused: Row
    table_count: int
    earlier: Comparison | None = None  # with the latest earlier page

    def of_everyone(self) -> "PageData":
        """The rows of the main page: no series of a domain, and no id of the run."""
        return replace(
            self,
            publication=self._publication(),
            leading={key: rows for key, rows in self.leading.items() if key[0] == EVERYONE},
            time_to_value={key: row for key, row in self.time_to_value.items() if key[0] == EVERYONE},
            curves={EVERYONE: self.curves.get(EVERYONE, [])},
        )

    def of_domain(self, domain: str) -> "PageData":
        """The rows of a domain's page: its own, and the latest complete row of each metric of everyone to compare."""
        latest = {key: [last_complete(rows) or rows[-1]] for key, rows in self.leading.items() if key[0] == EVERYONE}
        own = {key: rows for key, rows in self.leading.items() if key[0] == domain}
        return replace(
            self,
            publication=self._publication(),
            north_star=[],
            leading=latest | own,
            time_to_value={key: row for key, row in self.time_to_value.items() if key[0] == domain},
            curves={domain: self.curves.get(domain, [])},
            open_counts={domain: self.open_counts[domain]} if domain in self.open_counts else {},
            open_ideas=[row for row in self.open_ideas if row["domain"] == domain],
            domains=[row for row in self.domains if row["domain"] == domain],
            outlook=[],
            evidence={},
            evolution=[],
            evolution_moves=[],
            evolution_examples=[row for row in self.evolution_examples if row["domain"] == domain],
            flywheel=[],
            accounting={},
            quality=[],
            refused={},
            earlier=None,
        )

    def _publication(self) -> Row:
        return {name: value for name, value in self.publication.items() if name != "run_id"}

    @property
    def quarterly(self) -> set[str]:
        """The leading metrics with one row per quarter."""
        return {metric for (_, metric), rows in self.leading.items() if rows[0]["period"] == "quarter"}

    def headline(self, domain: str = EVERYONE) -> Row | None:
        """Time to value of a domain: from the idea to adoption; where no idea was ever logged, from deployment on."""
        whole, lag = (
            self.time_to_value.get((domain, interval, EVERYONE, HEADLINE)) for interval in (WHOLE_WAY, ADOPTION_LAG)
        )
        return lag if lag and lag["product_count"] and whole and not whole["product_count"] else whole


def connect(serving: Path) -> duckdb.DuckDBPyConnection:
    """The serving file read-only, in a new connection, so that it reads the newest file at that path."""
    db = duckdb.connect()
    db.execute("set TimeZone = 'UTC'")
    db.execute("attach '{}' as serving (read_only)".format(str(serving).replace("'", "''")))
    db.execute("use serving")
    return db


def read(serving: Path, archive: Path | None = None) -> PageData:
    """Everything the pages show; raises duckdb.Error where the file is not a serving file.

    Parameters: `archive`, the folder in which the pages and tables of earlier months are kept, to compare with.
    """
    with connect(serving) as db:
        rows = {name: _select(db, sql) for name, sql in SELECTS.items()}
        complete = last_complete(rows["north_star"])
        earlier = compare(db, archive, complete["month_starting"] if complete else None)
    return PageData(
        publication=rows["publication"][0],
        definitions={row["metric_id"]: row for row in rows["definitions"]},
        north_star=rows["north_star"],
        leading=_grouped(rows["leading"], "domain", "metric_id"),
        time_to_value={
            (row["domain"], row["interval_id"], row["cohort"], row["estimator"]): row for row in rows["time_to_value"]
        },
        curves={domain: rows_of for (domain,), rows_of in _grouped(rows["curves"], "domain").items()},
        open_counts={row["domain"]: row for row in rows["stages_open"]},
        open_ideas=rows["open_ideas"],
        domains=rows["domains"],
        outlook=rows["outlook"],
        evidence={row["metric_id"]: row for row in rows["evidence"]},
        evolution=rows["evolution"],
        evolution_moves=rows["evolution_moves"],
        evolution_examples=rows["evolution_examples"],
        flywheel=rows["flywheel"],
        accounting=rows["accounting"][0],
        quality=rows["quality"],
        refused=rows["refused"][0],
        table_count=rows["contracts"][0]["table_count"],
        earlier=earlier,
    )


def last_complete(rows: list[Row]) -> Row | None:
    """The latest complete period, None where there is none."""
    return next((row for row in reversed(rows) if row["is_complete"]), None)


def _select(db: duckdb.DuckDBPyConnection, sql: str) -> list[Row]:
    result = db.execute(sql)
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _grouped(rows: list[Row], *columns: str) -> dict[Any, list[Row]]:
    """{(value of each column): rows}, in order."""
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[column] for column in columns), []).append(row)
    return groups
