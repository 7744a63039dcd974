"""The sections on the whole flywheel of the notebook north_star.py: purpose and belt, data factory, tenets.

Belongs here: a section's tables and the text between them. Does not belong here: cells, what another section needs.
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
FACTORY = """
## The data factory, owners and costs

Where data products wait on their way from collected to exposed, who owns them, the landscape that people declare, what
they cost, and what nobody uses. Counts are measured; kinds of domains, capabilities and costs are declared. A figure
that is not known has its reason in the same row.
"""
FACTORY_TABLES = {  # SELECT: rows of a page
    "from authoritative.factory_stages order by stage_number": 5,
    "from authoritative.ownership_shares where measure = 'products' order by month_starting desc": 4,
    "from authoritative.ownership_changes order by changed_at desc, data_product_id": 5,
    "from authoritative.capabilities order by capability": 6,
    "from authoritative.product_costs order by month_starting desc, measure, unit": 6,
    "from authoritative.liability_quarterly order by month_starting desc": 4,
}
TENETS = """
select
    tenet_number, flywheel_phase, persona, name, evidence_class, figure, figure_class, figure_value, figure_unit,
    figure_starting, figure_verdict, figure_reason, assessed_level, assessed_on, assessed_by, assessment_note, needed,
    tenet
from authoritative.tenet_evidence order by tenet_number
"""
PULSE = """
select asked_on, question, respondent_group, answer_count, mean_level, low_share, reason
from authoritative.pulse_results order by asked_on desc, question, respondent_group = 'all', respondent_group
"""
TENETS_ABOUT = """
Of each tenet: a figure that says something true about a part of it, and the latest assessment, from 1 to 5. A figure is
**measured** where it rests on events alone; an assessment is always **declared**. They stand side by side and are never
one number. Psychological safety has no figure: no event says anything about it.
"""
PULSE_ABOUT = """
**Declared.** Groups of fewer than 5 answers are hidden. `all` is hidden too where it would give one of them away.
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


def factory_section(db: duckdb.DuckDBPyConnection) -> mo.Html:
    """The stages of the data factory, owners, capabilities, costs, and what nobody uses."""
    shown = [table(rows(db, select), page_size=size) for select, size in FACTORY_TABLES.items()]
    return mo.vstack([mo.md(FACTORY), *shown])


def tenets_section(db: duckdb.DuckDBPyConnection) -> mo.Html:
    """What is known about each tenet, and the pulse surveys by group."""
    pulse = rows(db, PULSE)
    nothing = mo.md(f"There is no pulse survey: {codes.reason('not_declared')} (`pulse_answers.csv`).")
    return mo.vstack(
        [
            mo.md("## The twelve tenets"),
            mo.md(TENETS_ABOUT),
            table(rows(db, TENETS), page_size=12),
            mo.md("### The pulse survey"),
            mo.vstack([mo.md(PULSE_ABOUT), table(pulse)]) if pulse.num_rows else nothing,
        ]
    )
