"""Two sections of the main page: the table of domains, and the matrix of who adopts from whom."""

from dashboard.rows import Row
from dashboard.tables import MINIMUM_OBSERVED, PageData
from dashboard.views import parts
from dashboard.views.parts import View
from dashboard.words import codes, domains, numbers, phrases

DOMAINS_LISTED = 16  # on the main page; all others share one row, and each has its own page
MATRIX_DOMAINS = 12  # in the matrix; all others share one row and one column
SHADES = 4  # of cells that hold adoptions


def domains_card(data: PageData, slugs: dict[str, str]) -> View:
    """The domains by adoptions given, with their days and difference; `slugs`, the file names of their pages."""
    rows = data.domains
    highest = 1.1 * max([r["median_upper_days"] or r["median_days"] or 0 for r in rows] + [1])
    largest = max([r[c] or 0 for r in rows for c in ("gave_count", "took_count")] + [1])
    listed, rest = (rows, []) if len(rows) <= DOMAINS_LISTED + 1 else (rows[:DOMAINS_LISTED], rows[DOMAINS_LISTED:])
    known = [row for row in rows if row["gave_count"] is not None]
    return {
        "summary": domains.domains_in_words(rows),
        "months": max((row["month_count"] for row in rows), default=0),
        "rows": [_domain_row(row, slugs, largest, highest) for row in listed],
        "rest": {
            "names": [(row["domain"], slugs[row["domain"]]) for row in rest],
            "gave": sum(row["gave_count"] or 0 for row in rest),
            "took": sum(row["took_count"] or 0 for row in rest),
        },
        "gave": sum(row["gave_count"] for row in known) if known else None,
        "took": sum(row["took_count"] for row in known) if known else None,
        "minimum_observed": MINIMUM_OBSERVED,
        "whole": _medians_of_everyone(rows),
        "headline": _headline_median(data),
    }


def _medians_of_everyone(rows: list[Row]) -> str:
    """The medians of the whole organisation that the domains stand against, each with its scope."""
    medians = {
        row["estimator"]: row["all_median_days"]
        for row in rows
        if row["is_rankable"] and row["median_days"] is not None and row["all_median_days"] is not None
    }
    return phrases.joined([f"{numbers.days(days)} days ({_scope(name)})" for name, days in sorted(medians.items())])


def _scope(estimator: str) -> str:
    return codes.ESTIMATORS[estimator].split(",")[0]  # the table says once that dropped ideas are excluded


def _headline_median(data: PageData) -> str:
    """The median of the headline estimator, in which dropped ideas are never adopted; empty where it is not known."""
    row = data.headline()
    return numbers.days(row["median_days"]) if row and row["median_days"] is not None else ""


def _domain_row(row: Row, slugs: dict[str, str], largest: int, highest: float) -> View:
    is_known = row["median_days"] is not None and row["is_rankable"]
    open_end = row["median_upper_days"] is None
    low = row["median_lower_days"] or 0
    return {
        "domain": row["domain"],
        "slug": slugs[row["domain"]],
        "gave": row["gave_count"],
        "took": row["took_count"],
        "gave_width": parts.percent_of(row["gave_count"] or 0, largest),
        "took_width": parts.percent_of(row["took_count"] or 0, largest),
        "median": numbers.days(row["median_days"]) if is_known else "–",
        "interval": numbers.interval(row["median_lower_days"], row["median_upper_days"]) if is_known else "",
        "scope": _scope(row["estimator"]) if is_known else "",
        "whole_at": parts.percent_of(row["all_median_days"], highest) if row["all_median_days"] is not None else "",
        "is_known": is_known,
        "at": parts.percent_of(row["median_days"], highest) if is_known else "",
        "low_at": parts.percent_of(low, highest),
        "length": parts.percent_of((highest if open_end else row["median_upper_days"]) - low, highest)
        if is_known
        else "",
        "is_open_end": open_end,
        "difference": row["difference"] or "",
        "slow_stage": codes.INTERVALS[row["slow_stage"]].lower() if row["slow_stage"] else "",
        "is_rankable": row["is_rankable"],
        "observed": numbers.observed_of_all(row),
        "reason": _why_no_median(row),
    }


def _why_no_median(row: Row) -> str:
    if row["gave_count"] is None or not row["reason"]:
        return "–"
    return "no ideas of its own" if row["reason"] == "no_products" else codes.reason(row["reason"])


def flows_card(data: PageData, slugs: dict[str, str]) -> View:
    """Who adopts from whom: a row for each giver, a column for each taker, adoptions of the last 12 complete months.

    The first MATRIX_DOMAINS by adoptions given and taken are named; the others share a row and a column.
    """
    known = [row for row in data.domains if row["gave_count"] is not None]
    flowing = [row for row in known if row["gave_count"] or row["took_count"]]
    ranked = sorted(flowing, key=lambda row: (-row["gave_count"] - row["took_count"], row["domain"]))
    named = [row["domain"] for row in ranked[: MATRIX_DOMAINS if len(ranked) > MATRIX_DOMAINS + 1 else None]]
    others = len(ranked) - len(named)
    cells = _cells(data.flows, named)
    largest = max((count for ends, count in cells.items() if all(ends)), default=0)
    ends = [*named, *([""] if others else [])]
    return {
        "months": max((row["month_count"] for row in data.domains), default=0),
        "reason": "" if known else codes.reason("no_adoption_events"),
        "takers": [{"domain": name, "slug": slugs.get(name, "")} for name in ends],
        "others": others,
        "rows": [_giver(name, ends, cells, largest, slugs) for name in ends],
        "totals": [sum(cells.get((giver, taker), 0) for giver in ends) for taker in ends],
        "total": sum(cells.values()),
    }


def _cells(flows: list[Row], named: list[str]) -> dict[tuple[str, str], int]:
    """{(giver, taker): adoptions}; "" stands for all domains that are not named."""
    cells: dict[tuple[str, str], int] = {}
    for flow in flows:
        giver, taker = (name if name in named else "" for name in (flow["owner_domain"], flow["consumer_domain"]))
        if flow["adoption_count"]:
            cells[giver, taker] = cells.get((giver, taker), 0) + flow["adoption_count"]
    return cells


def _giver(
    name: str, takers: list[str], cells: dict[tuple[str, str], int], largest: int, slugs: dict[str, str]
) -> View:
    counts = [cells.get((name, taker), 0) for taker in takers]
    return {
        "domain": name,
        "slug": slugs.get(name, ""),
        "cells": [
            {"count": count, "shade": _shade(count, largest) if name and taker else 0, "is_own": name == taker != ""}
            for taker, count in zip(takers, counts, strict=True)
        ],
        "total": sum(counts),
    }


def _shade(count: int, largest: int) -> int:
    """From 1 to SHADES by a count's share of the largest one, 0 without adoptions."""
    return -(-SHADES * count // largest) if count else 0
