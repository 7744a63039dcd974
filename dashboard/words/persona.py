"""The words of the pages of the four personas: titles, questions, tenets, and what any phase can act on.

Belongs here: sentences about tenets, metrics and queues of a phase. Does not belong here: sentences about what one
section shows (the module of its area).
"""

from dataclasses import dataclass

from dashboard.rows import EVERYONE, Row
from dashboard.tables import PageData
from dashboard.words import codes, numbers, verdicts
from dashboard.words.north_star import capability_in_words
from dashboard.words.phrases import Clause, capitalised, counted, has_or_have, is_or_are, it_or_them

ALL_GROUPS = "All groups"
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


def needed(row: Row) -> str:
    """What would have to be sent or declared to measure a tenet; empty where it is measured."""
    if row["figure_value"] is not None or row["figure_reason"] == "not_reached":
        return ""
    if row["figure_reason"] == "not_inferred_from_events" and row["assessed_level"] is not None:
        return f"{capitalised(codes.reason(row['figure_reason']))}."
    return f"Needed: {row['needed']}"


def pulse_cell(row: Row | None) -> str:
    """What a group answered: the mean level, the share of low answers and their number."""
    if row is None:
        return "–"
    low = numbers.share(row["low_share"])
    return f"{row['mean_level']:.1f} ({low} low, {counted(row['answer_count'], 'answer')})"


def hidden_groups(rows: list[Row]) -> str:
    """How many groups of a survey are not shown and why; empty where all are."""
    hidden = {(row["respondent_group"], row["reason"]) for row in rows if not row["is_shown"]}
    small = len({group for group, reason in hidden if reason == "group_too_small" and group != EVERYONE})
    parts = [f"{counted(small, 'group')} with too few answers {is_or_are(small)} not shown"] if small else []
    held = len({group for group, reason in hidden if reason != "group_too_small" and group != EVERYONE})
    parts += [f"{counted(held, 'more group')} {is_or_are(held)} not shown, which would reveal one"] if held else []
    if any(group == EVERYONE for group, _ in hidden):
        parts.append("the total is not shown, from which a group could be worked out")
    return f"{capitalised('; '.join(parts))}." if parts else ""


def north_star(data: PageData) -> list[Clause]:
    """The North Star where it worsens, and its target where it is not reached reliably."""
    row, found = data.north_star_verdict, []
    if row and row["verdict"] == "worsening" and row["value"] is not None:
        found.append(_worsening(row, data.definitions[row["metric_id"]]))
    if data.target and data.target["capability"] in ("hit_or_miss", "misses_reliably"):
        unit = data.definitions[data.target["metric_id"]]["unit"]
        words = capability_in_words(data.target, unit)
        found.append(Clause(f"The target: {words[:1].lower()}{words[1:]}.", "#purpose"))
    return found


def late(data: PageData) -> list[Clause]:
    """The queue in which most open data products are older than usual."""
    rows = [row for row in data.queues if row["domain"] == EVERYONE and row["older_count"]]
    if not rows:
        return []
    row = max(rows, key=lambda row: (row["older_count"], row["queue"]))
    things, count = counted(row["open_count"], *codes.QUEUES_IN_WORDS[row["queue"]]), row["older_count"]
    words = f"Of {things} {count:,} {has_or_have(count)} waited longer than usual: finish or close {it_or_them(count)}."
    return [Clause(words, "../open.html")]


def worsening(data: PageData) -> list[Clause]:
    """The leading metrics of the phase that worsen, each with its latest value and a link to its page."""
    found = []
    for domain, metric in data.leading:
        row, definition = data.verdicts.get((domain, metric)), data.definitions[metric]
        if domain != EVERYONE or row is None or row["verdict"] != "worsening" or row["value"] is None:
            continue
        found.append(_worsening(row, definition))
    return found[:METRICS_NAMED]


def _worsening(row: Row, definition: Row) -> Clause:
    value = numbers.with_unit(row["value"], definition["unit"])
    period, verdict = numbers.period(row["month_starting"], row["period"]), verdicts.verdict_in_words(row, definition)
    words = f"{definition['name']}: {verdict.lower()}, {value} in {period}."
    return Clause(words, f"../metrics/{definition['metric_id']}.html")
