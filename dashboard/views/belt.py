"""The purpose, the belt of initiatives, its slips and quick wins: sections of the CDO's page, in short on the index.

Belongs here: what `templates/persona/purpose.html`, `belt.html`, `slips.html` and `quick-wins.html` print. Does not
belong here: sentences (`words/belt.py`).
"""

from dashboard.links import slug
from dashboard.rows import Row
from dashboard.tables import LONGEST, PageData
from dashboard.views import parts
from dashboard.views.parts import View
from dashboard.words import belt, codes, numbers
from dashboard.words import north_star as target_words

INITIATIVES_SHOWN = 40  # those with the most data products
QUARTERS_SHOWN = 8  # the latest that have a share


def purpose_section(data: PageData) -> View:
    """What people declared that data is for, what the North Star leads, and its target."""
    row = data.purpose
    definition = data.definitions[row["metric_id"]]
    period = data.north_star[-1]["period"] if data.north_star else "month"
    judged = data.north_star_verdict
    aim = data.target if data.target and data.target["target"] is not None else None
    is_declared = any(row[name] is not None for name in ("statement", "outcome", "target"))
    return {
        "title": "Purpose" if row["statement"] else "Purpose: nobody has declared it",
        "classes": ["declared"] if is_declared else ["not_measured"],
        "statement": row["statement"] or "",
        "owner": row["owner"] or "",
        "outcome": row["outcome"] or "",
        "target": belt.target(row, definition, period),
        "capability": target_words.capability_in_words(aim, definition["unit"]) if aim else "",
        "north_star": definition["name"],
        "page": row["metric_id"] if data.north_star else "",
        "verdict": parts.verdict(judged, definition) if judged and judged["value"] is not None else None,
        "ask": belt.ask_for_purpose(row),
    }


def purpose_line(data: PageData) -> View:
    """The purpose and the belt in two lines on top of the main page."""
    section = purpose_section(data)
    return section | {"belt": belt.in_one_line(data), "ask": "" if section["statement"] else belt.NO_PURPOSE}


def belt_section(data: PageData) -> View:
    """The initiatives, and last what serves none; without a row where no initiative is known."""
    rows = belt.initiatives(data.initiatives)
    others = [row for row in data.initiatives if row["initiative_id"] == belt.NOTHING]
    shown = [*rows[:INITIATIVES_SHOWN], *others] if rows else []
    return {
        "title": belt.heading(data),
        "classes": ["declared", "measured"] if rows else ["not_measured"],
        "missing": "" if rows else belt.HOW_TO_DECLARE,
        "about": f"{belt.share_that_serves(data.initiatives)} {belt.use_in_words(shown)}".strip() if rows else "",
        "claim": belt.NO_CLAIM,
        "rows": [_initiative(row) for row in shown],
        "more": max(len(rows) - INITIATIVES_SHOWN, 0),
    }


def _initiative(row: Row) -> View:
    is_none = row["initiative_id"] == belt.NOTHING
    median, interval = belt.time_to_value(row)
    return {
        "is_none": is_none,
        "name": "No initiative" if is_none else belt.name_of(row),
        "id": "" if is_none or belt.name_of(row) == row["initiative_id"] else row["initiative_id"],
        "is_declared": row["is_declared"],
        "sponsor": row["sponsor"] or "",
        "unit": row["unit"] or "",
        "ideas": belt.count_or_reason(row["ideas_count"], row["ideas_reason"]),
        "deployed": belt.count_or_reason(row["deployed_count"], row["deployed_reason"]),
        "adopted": belt.count_or_reason(row["adopted_count"], row["use_reason"]),
        "in_use": belt.count_or_reason(row["in_use_count"], row["use_reason"]),
        "is_unused": not is_none and row["in_use_count"] == 0,
        "domains": belt.count_or_reason(row["consuming_domains_count"], row["use_reason"]),
        "median": median,
        "interval": interval,
        "kpi": row["kpi"] or "",
        "target": belt.kpi_target(row),
        "value": belt.kpi_value(row),
    }


def slips_section(data: PageData) -> View:
    """The three kinds of slip, each with its count and those that slip longest."""
    is_known = bool(belt.initiatives(data.initiatives))
    slugs = {row["domain"]: slug(row["domain"]) for row in data.domains}
    kinds = [_slips(data, kind, slugs) for kind in belt.SLIPS]
    return {
        "title": "Where the belt slips" if is_known else "Where the belt slips: not known",
        "classes": ["measured"] if is_known else ["not_measured"],
        "missing": "" if is_known else "It is known once an initiative is declared or an event names one.",
        "kinds": [kind for kind in kinds if kind["count"]] if is_known else [],
        "none": [kind["name"].lower() for kind in kinds if not kind["count"]] if is_known else [],
    }


def _slips(data: PageData, kind: str, slugs: dict[str, str]) -> View:
    rows = [row for row in data.slips if row["kind"] == kind]
    return {
        "kind": kind,
        "name": codes.BELT_SLIPS[kind],
        "count": belt.slip_count(data, kind),
        "rows": [_slip(row, slugs) for row in rows[:LONGEST]],
    }


def _slip(row: Row, slugs: dict[str, str]) -> View:
    return {
        "title": belt.name_of(row, "id"),
        "page": slug(row["id"]) if row["has_page"] and row["kind"] != "initiative_without_use" else "",
        "domain": row["domain"] or "",
        "slug": slugs.get(row["domain"], ""),
        "age": belt.slip_age(row),
    }


def quick_wins_section(data: PageData) -> View:
    """The share of quick wins by quarter, latest first."""
    known = [row for row in data.quick_wins if row["quick_wins_share"] is not None][-QUARTERS_SHOWN:]
    return {
        "title": belt.quick_wins_heading(data.quick_wins),
        "classes": ["measured"] if known else ["not_measured"],
        "about": belt.QUICK_WIN,
        "missing": belt.why_no_quick_wins(data.quick_wins),
        "rows": [
            {
                "quarter": numbers.period(row["month_starting"], "quarter"),
                "adopted": f"{row['adopted_count']:,}",
                "quick": f"{row['quick_count']:,}",
                "aligned": f"{row['aligned_count']:,}",
                "wins": f"{row['quick_wins_count']:,}",
                "value": parts.machine_value(row["quick_wins_share"]),
                "share": numbers.share(row["quick_wins_share"]),
                "length": parts.percent_of(row["quick_wins_share"], max(r["quick_wins_share"] for r in known) or 1),
            }
            for row in reversed(known)
        ],
    }
