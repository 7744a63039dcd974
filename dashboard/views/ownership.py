"""Who owns, hand-overs and the landscape of capabilities: sections of the page of engineering.

Belongs here: what `templates/persona/ownership.html`, `hand-overs.html` and `landscape.html` print. Does not belong
here: sentences (`words/ownership.py`, `words/landscape.py`).
"""

from dashboard import charts
from dashboard.links import slug
from dashboard.rows import Row, grouped
from dashboard.tables import PageData
from dashboard.views import maps, parts
from dashboard.views.parts import View
from dashboard.words import codes, landscape, numbers, ownership
from dashboard.words.phrases import capitalised, counted

SIZES = {"wide": (560, 240), "narrow": (316, 230)}
TALL = 340  # in pixels, of the wide chart next to the table with the kinds of owners
KINDS = ("owner_ended", "owner_gone", "handed_over")  # of changes: those to act on first
CAPABILITIES_LISTED = 40
FACTS = (  # (label, name in the view) of what is owned
    ("All", "total"),
    ("Owned by the central team", "central"),
    ("Owned by domains", "domains"),
    ("Kind of owner not declared", "unknown"),
    ("Share outside the central team", "outside"),
    ("Declared model", "agreement"),
    ("Herfindahl index", "index"),
)
ALWAYS = ("total", "index")  # of these, what needs no declared kind of domain


def ownership_section(data: PageData) -> View:
    """Who owns by quarter, how concentrated that is, and whether it agrees with the declared model."""
    rows = data.ownership
    of, pages = ownership.latest(rows), {row["domain"] for row in data.domains}
    column = "outside_share" if any(row["outside_share"] is not None for row in rows) else "largest_domain_share"
    is_known_kind = column == "outside_share"
    is_drawn = sum(row["is_complete"] and row[column] is not None for row in rows) > 1
    return {
        "title": ownership.heading(rows),
        "classes": ownership.classes(rows),
        "concentration": ownership.concentration(of.get("products")),
        "model": ownership.model(rows),
        "missing": ownership.missing(rows),
        "facts": [fact for fact in FACTS if is_known_kind or fact[1] in ALWAYS],
        "has_units": any(row["largest_unit"] for row in of.values()),
        "chart": _ownership_charts(rows, column) if is_drawn else None,
        "chart_about": codes.OWNERSHIP_SHARES[column],
        "rows": [_owned(measure, row, pages) for measure, row in of.items() if row["total_count"] is not None],
        "table": _by_quarter(rows, column) if is_drawn else [],
    }


def _ownership_charts(rows: list[Row], column: str) -> View:
    has_kinds = column == "outside_share"
    return {
        size: parts.chart_svg(
            charts.ownership_chart(rows, column, width, TALL if has_kinds and size == "wide" else height),
            f"ownership-{size}",
            f"{codes.OWNERSHIP_SHARES[column]}, by quarter",
            f"{ownership.heading(rows)}.",
        )
        for size, (width, height) in SIZES.items()
    }


def _owned(measure: str, row: Row, pages: set[str]) -> View:
    """What is owned, in the latest complete quarter."""
    return {
        "name": capitalised(codes.OWNED[measure]),
        "period": ownership.period(row),
        "total": f"{row['total_count']:,}",
        "central": f"{row['central_count']:,}",
        "domains": f"{row['domain_count']:,}",
        "unknown": f"{row['unknown_kind_count']:,}",
        "outside": numbers.figure_or_dash(row["outside_share"], "share"),
        "domain": row["largest_domain"] or "",
        "domain_slug": slug(row["largest_domain"]) if row["largest_domain"] in pages else "",
        "domain_share": numbers.figure_or_dash(row["largest_domain_share"], "share"),
        "unit": row["largest_unit"] or "",
        "unit_share": numbers.figure_or_dash(row["largest_unit_share"], "share"),
        "index": f"{row['herfindahl_index']:.2f}" if row["herfindahl_index"] is not None else "–",
        "agreement": ownership.agreement(row),
    }


def _by_quarter(rows: list[Row], column: str) -> list[View]:
    """The share of each measure by quarter, latest first."""
    quarters = sorted(grouped(rows, "month_starting").items(), reverse=True)
    return [
        {"quarter": ownership.period(of[0])}
        | dict.fromkeys(codes.OWNED, "–")
        | {row["measure"]: numbers.figure_or_dash(row[column], "share") for row in of}
        for _, of in quarters
    ]


def hand_overs_section(data: PageData) -> View:
    """Data products that nobody may look after, and those that another domain owns since."""
    by_kind = grouped(data.ownership_changes, "kind")
    pages = {row["domain"] for row in data.domains}
    lists = [by_kind[kind] for kind in KINDS if kind in by_kind]
    return {
        "title": ownership.hand_overs_heading(data.ownership_changes),
        "classes": sorted({row["evidence_class"] for row in data.ownership_changes}, reverse=True) or ["measured"],
        "about": ownership.hand_overs_about(data.ownership_changes, data.ownership),
        "lists": [
            {
                "title": ownership.list_title(rows),
                "when": ownership.CHANGED_WHEN[rows[0]["kind"]],
                "has_new_owner": rows[0]["to_domain"] is not None,
                "rows": [_change(row, pages) for row in rows],
            }
            for rows in lists
        ],
    }


def _change(row: Row, pages: set[str]) -> View:
    slugs = {name: slug(name) for name in (row["from_domain"], row["to_domain"]) if name in pages}
    return parts.product(row | {"domain": row["from_domain"]}, slugs) | {
        "to": row["to_domain"] or "",
        "to_slug": slugs.get(row["to_domain"], ""),
        "at": numbers.day(row["changed_at"]),
        "evidence": ownership.evidence(row),
        "code": row["evidence_class"],
    }


def landscape_section(data: PageData) -> View:
    """The declared capabilities, those that call for action first."""
    rows = landscape.in_order(data.capabilities)
    more = len(rows) - CAPABILITIES_LISTED
    return {
        "title": landscape.heading(rows),
        "classes": ["declared"] if rows else ["not_measured"],
        "missing": "" if rows else landscape.NOT_DECLARED,
        "unknown": landscape.unknown(rows),
        "map": maps.capability_map(data),
        "rows": [_capability(row) for row in rows[:CAPABILITIES_LISTED]],
        "more": f"{counted(more, 'more')} in the table capabilities." if more > 0 else "",
    }


def _capability(row: Row) -> View:
    return {
        "name": row["capability"],
        "need": row["need"] or "–",
        "sourcing": landscape.sourcing(row),
        "evolution": landscape.evolution(row),
        "owner": row["owner"] or "–",
        "gap": row["gap"] or "–",
        "review": landscape.review(row),
        "flags": landscape.flags(row),
    }
