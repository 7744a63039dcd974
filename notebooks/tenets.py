"""The section on the twelve tenets and the pulse survey of the notebook north_star.py.

Belongs here: the section's tables and the text between them. Does not belong here: cells, what another section needs.
"""

import duckdb
import marimo as mo
from notebook_tools import rows, table

from dashboard.words import codes

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
ABOUT = """
Of each tenet: a figure that says something true about a part of it, and the latest assessment, from 1 to 5. A figure is
**measured** where it rests on events alone; an assessment is always **declared**. They stand side by side and are never
one number. Psychological safety has no figure: no event says anything about it.
"""
ABOUT_PULSE = """
**Declared.** Groups of fewer than 5 answers are hidden. `all` is hidden too where it would give one of them away.
"""


def tenets_section(db: duckdb.DuckDBPyConnection) -> mo.Html:
    """What is known about each tenet, and the pulse surveys by group."""
    pulse = rows(db, PULSE)
    nothing = mo.md(f"There is no pulse survey: {codes.reason('not_declared')} (`pulse_answers.csv`).")
    return mo.vstack(
        [
            mo.md("## The twelve tenets"),
            mo.md(ABOUT),
            table(rows(db, TENETS), page_size=12),
            mo.md("### The pulse survey"),
            mo.vstack([mo.md(ABOUT_PULSE), table(pulse)]) if pulse.num_rows else nothing,
        ]
    )
