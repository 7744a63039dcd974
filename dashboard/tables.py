"""Reads what the pages show from the serving file: rows as data, NULL as None, times in UTC.

Belongs here: the SELECTs, in the order the pages need, bounded so that a page stays small. Does not belong here:
computing a figure. Anything else that reads the serving file read-only can use `connect`.
"""

from dataclasses import dataclass, fields, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import duckdb

from dashboard.counted import rows_behind
from dashboard.kept import Comparison, compare
from dashboard.products import IN_QUEUE, NO_PAGES, PAGED, Products, read_products
from dashboard.rows import EVERYONE, Row, connect, grouped, last_complete, select

WHOLE_WAY, ADOPTION_LAG = "idea_to_adopted", "deployed_to_adopted"
HEADLINE = "incidence"  # the estimator of the headline: a dropped idea is never adopted
MINIMUM_OBSERVED = 10  # data products that completed an interval: fewer give no median and no comparison
LISTED = 10  # rows of a list on a page
MOVES_DRAWN = 40  # on the S-curve, the most common ones
LONGEST = 5  # of a queue: those that are there longest, on the main page and on that of a domain

OF_PERSONA = {  # flywheel_phase: the rows that the sections of its page show
    "I": ("purpose", "north_star", "target", "initiatives", "slips", "quick_wins"),
    "II": ("capabilities", "ownership", "ownership_changes", "pulse"),
    "III": ("factory", "queues", "liability", "evolution", "evolution_examples"),
    "IV": ("survival", "costs"),
}
# of these, what the main page shows too
OF_MAIN_PAGE = ("purpose", "north_star", "target", "initiatives", "slips", "queues", "evolution", "evolution_examples")

SELECTS = {
    "publication": """
        select * exclude settings, settings ->> 'timezone' as timezone, cast(settings ->> 'k' as integer) as k,
            cast(settings ->> 'days' as integer) as days,
            cast(timezone(settings ->> 'timezone', as_of) as date) as as_of_day
        from main.publication
    """,
    "definitions": "from authoritative.metric_definitions order by metric_id",
    "north_star": "from authoritative.north_star_monthly order by month_starting",
    "leading": "from authoritative.leading_metrics_monthly order by domain, metric_id, month_starting",
    "verdicts": "from authoritative.metric_verdicts order by metric_id, domain",
    "target": "from authoritative.north_star_target",
    "time_to_value": "from authoritative.time_to_value order by domain, interval_id, cohort, estimator",
    "curves": """
        from authoritative.time_to_value_curve
        where interval_id in ('idea_to_adopted', 'deployed_to_adopted')
            or (interval_id = 'idea_to_deployed' and domain = 'all')
        order by domain, interval_id, day
    """,
    "queues": "from authoritative.queues order by domain, queue",
    "open_ideas": f"""
        select *, data_product_id in (select data_product_id from paged) as has_page
        from authoritative.open_ideas
        qualify queue_rank <= {IN_QUEUE}
            or row_number() over (partition by domain, queue order by queue_rank) <= {LONGEST}
        order by queue, queue_rank
    """,
    "flows": "from authoritative.adoption_flows order by owner_domain, consumer_domain",
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
        select *, data_product_id in (select data_product_id from paged) as has_page,
            case when position = 'certain_but_under_used' then 1 else -1 end * consuming_domains_count as sequence
        from authoritative.product_evolution where position <> 'on_curve'
        qualify row_number() over (partition by domain, position order by sequence, data_product_id) <= {LISTED}
            or row_number() over (partition by position order by sequence, data_product_id) <= {LISTED}
        order by position, sequence, data_product_id
    """,
    "flywheel": "from authoritative.flywheel_scorecard order by flywheel_phase, metric_id",
    "purpose": "from authoritative.purpose",
    "initiatives": "from authoritative.belt_initiatives order by initiative_id = 'none', initiative_id",
    "slips": f"""
        select *, id in (select data_product_id from paged) as has_page, count(*) over (partition by kind) as slip_count
        from authoritative.belt_slips
        qualify row_number() over (partition by kind order by age_days desc nulls last, id) <= {LISTED}
        order by kind, age_days desc nulls last, id
    """,
    "quick_wins": "from authoritative.quick_wins order by month_starting",
    "factory": "from authoritative.factory_stages order by stage_number",
    "ownership": "from authoritative.ownership_shares order by measure, month_starting",
    "ownership_changes": f"""
        select changes.*, title, data_product_id in (select data_product_id from paged) as has_page,
            count(*) over (partition by changes.kind) as change_count
        from authoritative.ownership_changes as changes left join curated.data_products using (data_product_id)
        qualify row_number() over (partition by changes.kind order by changed_at desc, data_product_id) <= {LISTED}
        order by changes.kind, changed_at desc, data_product_id
    """,
    "capabilities": "from authoritative.capabilities order by capability",
    "costs": "from authoritative.product_costs order by measure, unit, month_starting",
    "liability": "from authoritative.liability_quarterly order by month_starting",
    "survival": "from authoritative.adoption_survival order by day",
    "tenets": "from authoritative.tenet_evidence order by tenet_number",
    "pulse": """
        from authoritative.pulse_results
        where asked_on = (select max(asked_on) from authoritative.pulse_results)
        order by question, respondent_group = 'all', respondent_group
    """,
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
    "sources": "from authoritative.source_activity order by source",
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
    verdicts: dict[tuple[str, str], Row]  # by (domain, metric_id)
    target: Row | None  # of the North Star; None in hand-made rows only
    time_to_value: dict[tuple[str, str, str, str], Row]  # by (domain, interval_id, cohort, estimator)
    curves: dict[str, list[Row]]  # by domain
    queues: list[Row]
    open_ideas: list[Row]  # the longest of each queue, and of each queue of each domain
    flows: list[Row]
    domains: list[Row]
    outlook: list[Row]
    evidence: dict[str, Row]  # by metric_id
    evolution: list[Row]
    evolution_moves: list[Row]
    evolution_examples: list[Row]
    flywheel: list[Row]
    purpose: Row
    initiatives: list[Row]  # the row `none` last
    slips: list[Row]  # of each kind the longest, with the count of all
    quick_wins: list[Row]  # by quarter
    factory: list[Row]  # its five stages
    ownership: list[Row]  # by measure and quarter
    ownership_changes: list[Row]  # of each kind the latest, with the count of all
    capabilities: list[Row]
    costs: list[Row]  # by measure, unit and month
    liability: list[Row]  # by quarter
    survival: list[Row]  # of adoptions, by length of time
    tenets: list[Row]  # of the flywheel, by number
    pulse: list[Row]  # of the latest survey, by question and group of respondents
    accounting: Row
    sources: list[Row]
    quality: list[Row]
    refused: Row
    table_count: int
    products: Products  # listed one by one, each on a page of its own
    behind: dict[str, list[Row]]  # by metric_id: the rows that its latest number counts
    earlier: Comparison | None = None  # with the latest earlier page

    def of_everyone(self) -> "PageData":
        """The rows of the main page: no series of a domain, and no id of the run."""
        of_personas = {"tenets", *chain.from_iterable(OF_PERSONA.values())}
        elsewhere: dict[str, Any] = {name: [] for name in of_personas.difference(OF_MAIN_PAGE)}
        return replace(
            self,
            publication=self._publication(),
            leading={key: rows for key, rows in self.leading.items() if key[0] == EVERYONE},
            verdicts=self._verdicts_of_everyone(),
            time_to_value={key: row for key, row in self.time_to_value.items() if key[0] == EVERYONE},
            curves={EVERYONE: self.curves.get(EVERYONE, [])},
            queues=[row for row in self.queues if row["domain"] == EVERYONE],
            open_ideas=[row for row in self.open_ideas if row["queue_rank"] <= LONGEST],
            products=Products(),
            behind={},
            **elsewhere,
        )

    def of_open_products(self) -> "PageData":
        """The rows of the page of all open data products."""
        return self._only(
            queues=[row for row in self.queues if row["domain"] == EVERYONE],
            open_ideas=[row for row in self.open_ideas if row["queue_rank"] <= IN_QUEUE],
            domains=[{"domain": row["domain"]} for row in self.domains],
        )

    def of_metric(self, metric: str) -> "PageData":
        """The rows of a metric's page: its months, its verdict in each domain, what its latest number counts."""
        changes = [row for row in self.north_star if row["process_phase_note"]]
        is_north_star = any(row["metric_id"] == metric for row in self.north_star)
        return self._only(
            definitions={metric: self.definitions[metric]},
            north_star=self.north_star if is_north_star else changes,
            leading={(EVERYONE, metric): self.leading.get((EVERYONE, metric), [])},
            verdicts={key: row for key, row in self.verdicts.items() if key[1] == metric},
            behind={metric: self.behind.get(metric, [])},
        )

    def of_persona(self, phase: str) -> "PageData":
        """The rows of the page of a phase's persona: its leading metrics, its tenets, and what its sections show."""
        metrics = {row["metric_id"] for row in self.definitions.values() if row["flywheel_phase"] == phase}
        own = {name: getattr(self, name) for name in OF_PERSONA[phase]}
        return self._only(
            leading={key: rows for key, rows in self.leading.items() if key[0] == EVERYONE and key[1] in metrics},
            verdicts=self._verdicts_of_everyone(),
            evidence={metric: row for metric, row in self.evidence.items() if metric in metrics},
            flywheel=self.flywheel,
            tenets=[row for row in self.tenets if row["flywheel_phase"] == phase],
            queues=[row for row in own.pop("queues", []) if row["domain"] == EVERYONE],
            domains=[{"domain": row["domain"]} for row in self.domains],
            **own,
        )

    def of_domain(self, domain: str) -> "PageData":
        """The rows of a domain's page: its own, and the latest complete row of each metric of everyone to compare."""
        latest = {key: [last_complete(rows) or rows[-1]] for key, rows in self.leading.items() if key[0] == EVERYONE}
        own = {key: rows for key, rows in self.leading.items() if key[0] == domain}
        return self._only(
            leading=latest | own,
            verdicts={key: row for key, row in self.verdicts.items() if key[0] in (domain, EVERYONE)},
            target=None,
            time_to_value={key: row for key, row in self.time_to_value.items() if key[0] == domain},
            curves={domain: self.curves.get(domain, [])},
            queues=[row for row in self.queues if row["domain"] == domain],
            open_ideas=[row for row in self.open_ideas if row["domain"] == domain],
            flows=[row for row in self.flows if domain in (row["owner_domain"], row["consumer_domain"])],
            domains=[row for row in self.domains if row["domain"] == domain],
            evolution_examples=[row for row in self.evolution_examples if row["domain"] == domain],
            products=self.products.of_domain(domain),
        )

    def _only(self, **rows: Any) -> "PageData":
        """These rows and the definitions; nothing of any other SELECT, and no id of the run."""
        nothing = {
            name.name: type(getattr(self, name.name))()
            for name in fields(self)
            if name.name not in ("publication", "definitions", "earlier")
        }
        return replace(self, **(nothing | {"publication": self._publication(), "earlier": None} | rows))

    @property
    def metrics(self) -> list[str]:
        """The metrics that have a page: the North Star, then the others of the whole organisation."""
        leading = [metric for domain, metric in self.leading if domain == EVERYONE]
        return [*dict.fromkeys([row["metric_id"] for row in self.north_star[-1:]] + leading)]

    def _publication(self) -> Row:
        return {name: value for name, value in self.publication.items() if name != "run_id"}

    def _verdicts_of_everyone(self) -> dict[tuple[str, str], Row]:
        return {key: row for key, row in self.verdicts.items() if key[0] == EVERYONE}

    @property
    def quarterly(self) -> set[str]:
        """The leading metrics with one row per quarter."""
        return {metric for (_, metric), rows in self.leading.items() if rows[0]["period"] == "quarter"}

    @property
    def north_star_verdict(self) -> Row | None:
        """The one row that judges the North Star; None where there is no event."""
        return self.verdicts.get((EVERYONE, self.target["metric_id"])) if self.target else None

    def headline(self, domain: str = EVERYONE) -> Row | None:
        """Time to value of a domain: from the idea to adoption; where no idea was ever logged, from deployment on."""
        whole, lag = (
            self.time_to_value.get((domain, interval, EVERYONE, HEADLINE)) for interval in (WHOLE_WAY, ADOPTION_LAG)
        )
        return headline_row(whole, lag)


def headline_row(whole: Row | None, lag: Row | None) -> Row | None:
    """Of time to value from the idea and from deployment, the one to show: the latter where no idea was ever logged."""
    return lag if lag and lag["product_count"] and whole and not whole["product_count"] else whole


def read(serving: Path, archive: Path | None = None) -> PageData:
    """Everything the pages show; raises duckdb.Error where the file is not a serving file.

    Parameters: `archive`, the folder in which the pages and tables of earlier months are kept, to compare with.
    """
    with connect(serving) as db:
        db.execute(PAGED)
        rows = _select_all(db)
        about, run = rows["publication"][0], partial(select, db)
        complete = last_complete(rows["north_star"])
        listed: dict[str, Any] = {
            "products": read_products(run, about["timezone"]),
            "behind": rows_behind(run, series_of_everyone(rows["north_star"], rows["leading"]), about),
            "earlier": compare(db, archive, complete["month_starting"] if complete else None),
        }
    return PageData(**_by_key(rows), **listed)


def read_figures(serving: Path) -> PageData:
    """The same without what pages list one by one, as if no data product had a page: for the terminal and notebooks.

    At 5,000,000 events the lists take 4 CPU-s.
    """
    with connect(serving) as db:
        db.execute(NO_PAGES)
        return PageData(**_by_key(_select_all(db)), products=Products(), behind={})


def _select_all(db: duckdb.DuckDBPyConnection) -> dict[str, list[Row]]:
    return {name: select(db, sql) for name, sql in SELECTS.items()}


def _by_key(rows: dict[str, list[Row]]) -> dict[str, Any]:
    """What each SELECT read, as PageData has it."""
    alone = ("publication", "target", "purpose", "accounting", "refused")
    by_metric = ("definitions", "evidence")
    intervals = grouped(rows["time_to_value"], "domain", "interval_id", "cohort", "estimator")
    return (
        {name: found for name, found in rows.items() if name != "contracts"}
        | {name: rows[name][0] for name in alone}
        | {name: {row["metric_id"]: row for row in rows[name]} for name in by_metric}
        | {
            "leading": grouped(rows["leading"], "domain", "metric_id"),
            "curves": grouped(rows["curves"], "domain"),
            "verdicts": {(row["domain"], row["metric_id"]): row for row in rows["verdicts"]},
            "time_to_value": {key: row for key, [row] in intervals.items()},
            "table_count": rows["contracts"][0]["table_count"],
        }
    )


def series_of_everyone(north_star: list[Row], leading: list[Row]) -> dict[str, list[Row]]:
    """{metric_id: its rows of the whole organisation}, the North Star's too."""
    series = grouped([row for row in leading if row["domain"] == EVERYONE], "metric_id")
    return series | grouped(north_star, "metric_id")
