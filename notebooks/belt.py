"""The section on purpose and the belt of the notebook north_star.py.

Belongs here: the section's tables and the text between them. Does not belong here: cells, what another section needs.
"""

import duckdb
import marimo as mo
from notebook_tools import rows, sentences_html, table, with_interval

from dashboard.words import codes

INITIATIVES = """
select
    initiative_id, title, sponsor, product_count, deployed_count, adopted_count, in_use_count, consuming_domains_count,
    median_days, median_lower_days, median_upper_days, median_reason, kpi, kpi_unit, kpi_target, kpi_value,
    kpi_measured_on, kpi_reason, is_declared, further_product_count, use_basis
from authoritative.belt_initiatives order by initiative_id = 'none', in_use_count desc nulls last, initiative_id
"""
SLIPS = "select kind, id, title, domain, age_days from authoritative.belt_slips order by kind, age_days desc, id"
QUICK_WINS = "from authoritative.quick_wins order by month_starting desc"
LIVES = "from authoritative.adoption_survival order by day"
MEASURED = """
An initiative is the belt by which data products turn the business. Title, sponsor and KPI are **declared**; counts and
days are **measured**. The KPI is in none of them: nothing here says that the data products moved it. A data product
counts in one initiative, or in `none`.
"""
LASTING = """
A **quick win** is adopted by another domain within 90 days of its idea, serves an initiative, and is still used 90 to
180 days later. An adoption **ends** 90 days after its last use; the share is by Kaplan–Meier, with its 95 % interval.
"""


def belt_section(db: duckdb.DuckDBPyConnection) -> mo.Html:
    """The declared purpose, initiatives, slips, quick wins and how long adoptions last."""
    [purpose] = rows(db, "from authoritative.purpose").to_pylist()
    [(has_none,)] = db.execute("select count(reason) > 0 from authoritative.belt_initiatives").fetchall()
    slips = rows(db, SLIPS)
    why = codes.reason("no_initiatives") if has_none else "every data product serves an initiative that is used"
    return mo.vstack(
        [
            mo.md("## Purpose and the belt"),
            sentences_html([[(words, False)] for words in purpose_in_words(purpose)]),
            mo.md(MEASURED),
            table(with_interval(rows(db, INITIATIVES))),
            table(slips) if slips.num_rows else mo.md(f"Nothing slips: {why}."),
            mo.md(LASTING),
            table(rows(db, QUICK_WINS)),
            table(rows(db, LIVES), show_search=False),
        ]
    )


def purpose_in_words(purpose: dict) -> list[str]:
    """Sentences on what people declared, and on what they did not."""
    by = f" ({purpose['owner']})" if purpose["owner"] else ""
    statement = purpose["statement"]
    outcome = purpose["outcome"]
    return [
        f"The declared purpose{by}: {statement} " if statement else "No purpose is declared in flywheel.yml. ",
        f"The North Star is declared to lead: {outcome}."
        if outcome
        else "Nobody has declared what the North Star leads.",
    ]
