"""Made-up rows of served tables, as the page's words and charts read them.

Belongs here: rows with a default for every column. Does not belong here: any expectation.
"""

import csv
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

from dashboard.products import Products
from dashboard.tables import PageData

SEED = Path(__file__).parent.parent / "dbt_project" / "seeds" / "declared" / "metrics.csv"
NOW = datetime(2026, 1, 7, tzinfo=UTC)
PUBLICATION = {"is_sample": False, "as_of": NOW, "known_at": None, "data_through": None, "as_of_day": date(2026, 1, 7)}
COUNTS = ("batch", "landed", "quarantined", "current", "superseded", "duplicate", "retracted", "not_yet_known")


@cache
def definitions() -> dict[str, dict]:
    """The declared metrics, by metric_id."""
    with SEED.open() as file:
        return {row["metric_id"]: row | {"definition_version": 1} for row in csv.DictReader(file)}


ADOPTIONS = definitions()["cross_domain_adoptions"]
MEDIAN = definitions()["time_to_value_median"]


def month(number: int, value, **columns) -> dict:
    """A complete month of 2025 in the only phase, routine between 5 and 15 around 10."""
    return {
        "metric_id": "cross_domain_adoptions",
        "month_starting": date(2025, number, 1),
        "period": "month",
        "value": value,
        "target": None,
        "is_complete": True,
        "process_phase": 1,
        "process_phase_note": None,
        "center": 10.0,
        "lower_limit": 5.0,
        "upper_limit": 15.0,
        "limits_period": "month",
        "is_provisional": False,
        "rule": None,
        "signal": "none",
        "signal_reason": None,
        "reason": None,
        **columns,
    }


def judged(verdict="no_change", **columns) -> dict:
    """The verdict on adoptions as of December 2025: 12, routine between 5 and 15 around 10 over 24 months."""
    return {
        "metric_id": "cross_domain_adoptions",
        "domain": "all",
        "period": "month",
        "month_starting": date(2025, 12, 1),
        "value": 12.0,
        "reason": None,
        "limits_period": "month",
        "judged_starting": date(2025, 12, 1),
        "judged_value": 12.0,
        "center": 10.0,
        "lower_limit": 5.0,
        "upper_limit": 15.0,
        "limits_starting": date(2024, 1, 1),
        "limits_count": 24,
        "is_provisional": False,
        "process_phase": 1,
        "process_phase_starting": date(2023, 1, 1),
        "previous_center": None,
        "previous_lower_limit": None,
        "previous_upper_limit": None,
        "verdict": verdict,
        "verdict_since": None,
        "rule": None,
        "signal_starting": None,
        "signal_value": None,
        "verdict_reason": None,
        **columns,
    }


def changed(verdict="improved", **columns) -> dict:
    """Since the change of December 2024 17.3 a month in place of 8.5, routine between 5.8 and 28.8."""
    phase = {"process_phase": 2, "process_phase_starting": date(2024, 12, 1), "limits_starting": date(2024, 12, 1)}
    limits = {"center": 17.3, "lower_limit": 5.8, "upper_limit": 28.8, "limits_count": 13}
    before = {"previous_center": 8.5, "previous_lower_limit": 1.2, "previous_upper_limit": 15.8}
    rule = {"rule": "previous_eight_on_one_side", "signal_starting": date(2025, 12, 1), "signal_value": 17.0}
    told = {"verdict_since": date(2024, 12, 1), "value": 17.0, "judged_value": 17.0}
    return judged(verdict, **phase | limits | before | rule | told | columns)


def unjudged(because: str, **columns) -> dict:
    """No verdict, for this reason."""
    limits = dict.fromkeys(("center", "lower_limit", "upper_limit", "limits_starting"))
    return judged("not_enough_data", verdict_reason=because, **limits | {"limits_count": 0} | columns)


def aim(target=None, capability=None, **columns) -> dict:
    """The row of the target: in 2025 208 adoptions; routine between 5.8 and 28.8."""
    return {
        "metric_id": "cross_domain_adoptions",
        "month_starting": date(2025, 12, 1),
        "target": target,
        "center": 17.3,
        "lower_limit": 5.8,
        "upper_limit": 28.8,
        "capability": capability,
        "capability_reason": None if capability else "no_target",
        "year_starting": date(2025, 1, 1),
        "year_period_count": 12,
        "year_value": 208.0,
        "year_target": None if target is None else 12 * target,
        "year_reason": None,
        "total_chance_of_target": None,
        "chance_reason": None,
        **columns,
    }


def interval(**columns) -> dict:
    """Half within 90 days, 80 to 110, of 40 ideas."""
    return {
        "median_days": 90.0,
        "median_lower_days": 80.0,
        "median_upper_days": 110.0,
        "share_by_day_180": 0.55,
        "share_by_day_365": 0.7,
        "product_count": 40,
        "observed_count": 30,
        "reason": None,
        **columns,
    }


def domain(name="claims", **columns) -> dict:
    known = {"month_count": 12, "gave_count": 3, "took_count": 1, "product_count": 20, "difference": "within_chance"}
    return {"domain": name, "slow_stage": None} | known | columns


def queue(name="deployed_unused", open_count=106, older_count=40, **columns) -> dict:
    """A queue of the whole organisation."""
    counts = {"open_count": open_count, "older_count": older_count}
    return {"queue": name, "domain": "all", "moved_on_p85_days": 90.0, "moved_on_count": 30} | counts | columns


def evidence(metric="named_consumer_share", **columns) -> dict:
    """Two months ahead of expansion adoptions."""
    outcome = {"outcome_metric_id": "expansion_adoptions", "lag": 2, "correlation": 0.58, "p_value": 0.002}
    return {"metric_id": metric, "verdict": "evidence", "reason": None} | outcome | columns


def source(name="our-jira", **columns) -> dict:
    """A source that sent every week."""
    return {
        "source": name,
        "event_count": 100,
        "first_event_at": datetime(2023, 1, 2, tzinfo=UTC),
        "last_event_at": datetime(2025, 3, 3, tzinfo=UTC),
        "days_silent": 310.0,
        "longest_gap_days": 12.4,
        "is_silent": True,
        "silent_reason": None,
    } | columns


def refused(waiting=0, files=(), read=1_000) -> dict:
    """What waits of so many rows read, as `served` takes it."""
    files = sorted(files)
    return {"waiting_count": waiting, "file_count": len(files), "file_names": files[:3], "read_count": read}


def purpose(**columns) -> dict:
    """Declared: what data is for, who stands for it, and which outcome the North Star leads."""
    return {
        "statement": "Every claim is settled on data that its domain vouches for.",
        "statement_reason": None,
        "owner": "Chief Data Officer",
        "metric_id": "cross_domain_adoptions",
        "outcome": "A lower combined ratio",
        "outcome_reason": None,
        "target": 16.0,
        "target_by": date(2026, 12, 31),
    } | columns


NO_PURPOSE = dict.fromkeys(("statement", "owner", "outcome", "target", "target_by"))
NO_PURPOSE |= {"statement_reason": "not_declared", "outcome_reason": "not_declared"}


def initiative(name="faster claims", **columns) -> dict:
    """A declared initiative: 42 ideas, 33 deployed, 19 adopted, 10 in use; half within 643 days; 16 of 12 days."""
    return {
        "initiative_id": name,
        "is_declared": name != "none",
        "title": "Claims settled faster",
        "sponsor": "Head of claims",
        "unit": "Claims",
        "started_on": date(2023, 1, 1),
        "ended_on": None,
        "reason": None,
        "product_count": 42,
        "further_product_count": 0,
        "ideas_count": 42,
        "ideas_reason": None,
        "deployed_count": 33,
        "deployed_reason": None,
        "adopted_count": 19,
        "in_use_count": 10,
        "consuming_domains_count": 11,
        "observed_count": 19,
        "use_basis": "last_90_days",
        "use_reason": None,
        "median_days": 642.8,
        "median_lower_days": 153.6,
        "median_upper_days": None,
        "median_reason": None,
        "first_begun_at": datetime(2023, 1, 7, tzinfo=UTC),
        "kpi": "Days from report to payment",
        "kpi_unit": "days",
        "kpi_target": 12.0,
        "kpi_value": 16.0,
        "kpi_measured_on": date(2025, 12, 31),
        "kpi_reason": None,
    } | columns


NO_INITIATIVE = dict.fromkeys(("title", "sponsor", "unit", "started_on", "kpi", "kpi_unit", "kpi_target"))
NO_INITIATIVE |= {"kpi_value": None, "kpi_measured_on": None, "kpi_reason": "not_declared"}


def slip(kind="initiative_without_use", slip_count=1, **columns) -> dict:
    """An initiative without a data product in use, for 281 days."""
    row = {"kind": kind, "id": "paperless intake", "title": "Intake without paper", "domain": None, "age_days": 281.0}
    return row | {"age_reason": None, "has_page": False, "slip_count": slip_count} | columns


def quick_win(quarter=1, **columns) -> dict:
    """Of 24 adopted in a quarter of 2025 ten were quick, six of those serve an initiative, four are still used."""
    counts = {"adopted_count": 24, "quick_count": 10, "aligned_count": 6, "quick_wins_count": 4}
    when = {"month_starting": date(2025, 3 * quarter - 2, 1), "is_complete": True}
    return when | counts | {"quick_wins_share": 4 / 24, "reason": None} | columns


def tenet(name="time_to_value", **columns) -> dict:
    """A measured tenet with a metric and an assessment."""
    return {
        "tenet_id": name,
        "tenet_number": 2,
        "flywheel_phase": "I",
        "persona": "CDO",
        "value_flywheel_persona": "CEO",
        "name": "Time to value",
        "tenet": "The time from an idea to its first use is known and gets shorter.",
        "source": "The Value Flywheel Effect",
        "evidence_class": "measured",
        "figure": "Time to value",
        "figure_class": "measured",
        "figure_table": "leading_metrics_monthly",
        "figure_metric_id": "time_to_value",
        "figure_value": 643.0,
        "figure_unit": "days",
        "figure_starting": date(2025, 12, 1),
        "figure_verdict": "no_change",
        "figure_reason": None,
        "assessed_level": 3,
        "assessed_on": date(2025, 12, 15),
        "assessed_by": "Head of delivery",
        "assessment_note": "Known, and looked at each month.",
        "assessment_link": "https://wiki.example.com/tenets",
        "assessment_reason": None,
        "needed": "Send idea_logged and adopted events.",
    } | columns


def pulse(group="Analysts", answer_count=8, **columns) -> dict:
    """What a group answered to one question: 3.6 of 5 on average, an eighth low."""
    row = {"asked_on": date(2025, 10, 31), "respondent_group": group, "question": "I can say when something fails."}
    row |= {"answer_count": answer_count, "mean_level": 3.6, "low_share": 0.125, "is_shown": True, "reason": None}
    return row | columns


HIDDEN = {"answer_count": None, "mean_level": None, "low_share": None, "is_shown": False, "reason": "group_too_small"}


def served(*months, verdicts=(), target=None, leading=(), intervals=None, waits=None, **parts) -> PageData:
    """Everything a page shows: nothing but these rows."""
    waits = waits or refused()
    intervals = {"incidence": interval()} if intervals is None else intervals
    nothing = ("domains", "open_ideas", "queues", "outlook", "evolution", "evolution_examples", "flywheel", "quality")
    nothing += ("sources", "flows", "evolution_moves", "initiatives", "slips", "quick_wins", "factory", "ownership")
    nothing += ("ownership_changes", "capabilities", "costs", "liability", "survival", "tenets", "pulse")
    rows: dict = dict(zip(nothing, ([] for _ in nothing), strict=True)) | {"evidence": {}, "curves": {}, "behind": {}}
    rows |= {"purpose": purpose(**NO_PURPOSE)}
    return PageData(
        publication=PUBLICATION,
        definitions=definitions(),
        north_star=list(months),
        leading={("all", row["metric_id"]): [row] for row in leading},
        verdicts={(row["domain"], row["metric_id"]): row for row in verdicts},
        target=target or aim(metric_id=months[-1]["metric_id"] if months else "cross_domain_adoptions"),
        time_to_value={("all", "idea_to_adopted", "all", name): row for name, row in intervals.items()},
        accounting=dict.fromkeys((f"{name}_count" for name in COUNTS), 0) | {"read_count": waits["read_count"]},
        refused=waits,
        table_count=0,
        products=Products(),
        **rows | parts,
    )
