"""The words of the pages of the four personas: titles, questions, tenets, and what any phase can act on.

Belongs here: sentences about tenets, metrics and queues of a phase. Does not belong here: sentences about what one
section shows (the module of its area).
"""

from dataclasses import dataclass

from dashboard.rows import EVERYONE
from dashboard.tables import PageData
from dashboard.words import numbers, verdicts
from dashboard.words.phrases import Clause

LEVELS = 5  # of an assessment
METRICS_NAMED = 3  # of those that worsen


@dataclass(frozen=True)
class Persona:
    """Who answers for a phase of the flywheel, and the question that their page answers."""

    slug: str
    name: str
    question: str


PERSONAS = {  # by flywheel_phase
    "I": Persona(
        "cdo", "Chief Data Officer", "What is our data for, and how soon does an idea reach the people who use it?"
    ),
    "II": Persona(
        "engineering", "Engineering", "Which landscape do we build in, and can teams change what holds them up?"
    ),
    "III": Persona("product-leaders", "Product leaders", "Which step comes next, and what stops it?"),
    "IV": Persona("cto", "CTO", "Does the value last, and does each data product make the next one easier?"),
}


def worsening(data: PageData) -> list[Clause]:
    """The leading metrics of the phase that worsen, each with its latest value and a link to its page."""
    found = []
    for domain, metric in data.leading:
        row, definition = data.verdicts.get((domain, metric)), data.definitions[metric]
        if domain != EVERYONE or row is None or row["verdict"] != "worsening" or row["value"] is None:
            continue
        value = numbers.with_unit(row["value"], definition["unit"])
        period = numbers.period(row["month_starting"], row["period"])
        words = f" is {value} in {period}. {verdicts.verdict_in_words(row, definition)}."
        found.append(Clause(words, f"../metrics/{metric}.html", definition["name"]))
    return found[:METRICS_NAMED]
