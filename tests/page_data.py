"""Made-up rows of served tables, as the page's words and charts read them.

Belongs here: rows with a default for every column. Does not belong here: any expectation.
"""

from datetime import date

from dashboard.tables import PageData

ADOPTIONS = {
    "metric_id": "cross_domain_adoptions",
    "name": "Cross-domain adoptions",
    "unit": "adoptions",
    "kind": "flow",
    "good_direction": "up",
}
MEDIAN = {"metric_id": "time_to_value_median", "name": "Median time to value", "unit": "days", "kind": "duration"}


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
        "verdict": "no_change",
        "verdict_reason": None,
        "reason": None,
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


def waiting(opened: int, judged: int, overdue: int, deployed: int) -> dict:
    counts = {"open_count": opened, "judged_count": judged, "overdue_count": overdue}
    return counts | {"deployed_count": deployed, "undeployed_count": opened - deployed}


def refused(waiting=0, files=(), read=1_000) -> dict:
    """What waits of so many rows read, as `served` takes it."""
    files = sorted(files)
    return {"waiting_count": waiting, "file_count": len(files), "file_names": files[:3], "read_count": read}


def served(
    *months, definition=ADOPTIONS, leading=(), intervals=None, domains=(), open_counts=(), waits=None
) -> PageData:
    waits = waits or refused()
    intervals = {"incidence": interval()} if intervals is None else intervals
    definitions = {d["metric_id"]: d for d in (definition, {"metric_id": "build_time", "name": "Build time"})}
    return PageData(
        publication={},
        definitions=definitions,
        north_star=list(months),
        leading={("all", row["metric_id"]): [row] for row in leading},
        time_to_value={("all", "idea_to_adopted", "all", name): row for name, row in intervals.items()},
        curves={},
        open_counts={str(i): row for i, row in enumerate(open_counts)},
        open_ideas=[],
        domains=list(domains),
        outlook=[],
        evidence={},
        evolution=[],
        evolution_moves=[],
        evolution_examples=[],
        flywheel=[],
        accounting={"read_count": waits["read_count"]},
        quality=[],
        refused=waits,
        table_count=0,
    )
