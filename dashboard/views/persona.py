"""The pages of the four personas: the frame of each, and the table of their sections.

Belongs here: which sections and which calls for action a page has, its tenets and metrics. Does not belong here: what a
section shows (`views/<area>.py`), its words (`words/<area>.py`).
"""

from collections.abc import Callable
from itertools import chain, zip_longest

from dashboard.links import outside
from dashboard.rows import EVERYONE, Row
from dashboard.tables import PageData
from dashboard.views import belt, costs, factory, maps, ownership, parts
from dashboard.views.north_star import metric_card, unknown
from dashboard.views.parts import View
from dashboard.words import belt as belt_words
from dashboard.words import codes, drivers, flywheel, landscape, liability, momentum, numbers, persona
from dashboard.words import costs as cost_words
from dashboard.words import factory as factory_words
from dashboard.words import ownership as ownership_words
from dashboard.words.persona import PERSONAS
from dashboard.words.phrases import Clause

Section = tuple[str, str, Callable[[PageData], View]]  # (id, template, from the rows to what the template prints)
Calls = Callable[[PageData], list[Clause]]  # what calls for action: each a sentence with a number and a link

# A template reads its view as `section`; `root` is the way to the folder of the pages.
SECTIONS: dict[str, list[Section]] = {
    "cdo": [
        ("purpose", "persona/purpose.html", belt.purpose_section),
        ("belt", "persona/belt.html", belt.belt_section),
        ("slips", "persona/slips.html", belt.slips_section),
        ("quick-wins", "persona/quick-wins.html", belt.quick_wins_section),
    ],
    "engineering": [
        ("landscape", "persona/landscape.html", ownership.landscape_section),
        ("ownership", "persona/ownership.html", ownership.ownership_section),
        ("hand-overs", "persona/hand-overs.html", ownership.hand_overs_section),
    ],
    "product-leaders": [
        ("factory", "persona/factory.html", factory.factory_section),
        ("map", "persona/map.html", maps.map_section),
        ("liability", "persona/liability.html", factory.liability_section),
    ],
    "cto": [
        ("lasting", "persona/lasting.html", costs.lasting_section),
        ("momentum", "persona/momentum.html", costs.momentum_section),
        ("costs", "persona/costs.html", costs.costs_section),
    ],
}
# From each in turn the first sentence, then from each the second, up to MOST_CALLS.
CALLS: dict[str, list[Calls]] = {
    "cdo": [belt_words.to_act_on, persona.north_star, persona.worsening],
    "engineering": [landscape.to_act_on, ownership_words.to_act_on, persona.worsening],
    "product-leaders": [factory_words.to_act_on, persona.late, liability.to_act_on, persona.worsening],
    "cto": [persona.worsening, momentum.to_act_on, cost_words.to_act_on],
}
MOST_CALLS = 5


def persona_page(data: PageData, phase: str) -> View:
    """What `persona.html` prints, from the rows of one phase, "I" to "IV"."""
    who = PERSONAS[phase]
    known, hidden = _metrics(data)
    return {
        "publication": parts.publication(data),
        "phase": _phase(data, phase),
        "others": [_phase(data, other) for other in PERSONAS],
        "question": who.question,
        "act": calls(data, who.slug),
        "tenets": [_tenet(data, row) for row in data.tenets],
        "pulse": _pulse(data.pulse),
        "metrics": known,
        "unknown": hidden,
        "sections": [
            {"id": name, "template": template, "view": view(data)} for name, template, view in SECTIONS[who.slug]
        ],
    }


def calls(data: PageData, slug: str) -> list[Clause]:
    """Up to MOST_CALLS sentences on what to act on; none where nothing calls for action."""
    found = [of(data) for of in CALLS[slug]]
    in_turn = chain.from_iterable(zip_longest(*found))
    return [clause for clause in in_turn if clause][:MOST_CALLS]


def _phase(data: PageData, phase: str) -> View:
    code = next((r["flywheel_phase_verdict"] for r in data.flywheel if r["flywheel_phase"] == phase), "not_enough_data")
    who = PERSONAS[phase]
    return {
        "number": phase,
        "name": codes.FLYWHEEL_PHASES[phase],
        "slug": who.slug,
        "persona": who.name,
        "code": code,
        "tone": flywheel.tone(code),
    }


def _metrics(data: PageData) -> tuple[list[View], list[str]]:
    """A card for each leading metric of the phase that is known, and the sentences about the others."""
    found = [data.definitions[metric] for domain, metric in data.leading if domain == EVERYONE]
    known = [metric_card(data, d) for d in found if parts.is_known(data, EVERYONE, d["metric_id"])]
    return known, drivers.unknown_metrics(unknown(data, found))


def _tenet(data: PageData, row: Row) -> View:
    """A tenet: its class, its figure, its latest assessment, or what would measure it."""
    return {
        "number": row["tenet_number"],
        "name": row["name"],
        "tenet": row["tenet"],
        "code": row["evidence_class"],
        "figure": _figure(data, row),
        "assessment": _assessment(row),
        "needed": persona.needed(row),
    }


def _figure(data: PageData, row: Row) -> View | None:
    """The figure of a tenet with its verdict, where it is a metric; None where the tenet has no figure."""
    if row["figure"] is None:
        return None
    metric, value = row["figure_metric_id"], row["figure_value"]
    judged = data.verdicts.get((EVERYONE, metric)) if metric else None
    return {
        "name": row["figure"],
        "code": row["figure_class"] or "not_measured",
        "value": numbers.with_unit(value, row["figure_unit"]) if value is not None else "",
        "period": numbers.period(judged["month_starting"], judged["period"]) if judged and value is not None else "",
        "is_not_reached": row["figure_reason"] == "not_reached",
        "reason": codes.reason(row["figure_reason"]) if value is None else "",
        "metric": metric if (EVERYONE, metric) in data.leading else "",
        "verdict": parts.verdict(judged, data.definitions[metric]) if metric and judged else None,
    }


def _assessment(row: Row) -> View | None:
    """The latest declared assessment of a tenet; None where nobody has assessed it."""
    if row["assessed_level"] is None:
        return None
    return {
        "level": f"{row['assessed_level']} of {persona.LEVELS}",
        "by": row["assessed_by"],
        "on": f"{row['assessed_on']:%-d %b %Y}",
        "note": row["assessment_note"] or "",
        "link": outside(row["assessment_link"]),
    }


def _pulse(rows: list[Row]) -> View | None:
    """The latest pulse survey: for each question the groups that are shown, and how many are not; None without one."""
    if not rows:
        return None
    groups = list(dict.fromkeys(row["respondent_group"] for row in rows if row["is_shown"]))
    found = {(row["question"], row["respondent_group"]): row for row in rows if row["is_shown"]}
    questions = dict.fromkeys(row["question"] for row in rows)
    return {
        "on": f"{rows[0]['asked_on']:%-d %b %Y}",
        "groups": [persona.ALL_GROUPS if group == EVERYONE else group for group in groups],
        "rows": [
            {"question": question, "cells": [persona.pulse_cell(found.get((question, group))) for group in groups]}
            for question in questions
            if any((question, group) in found for group in groups)
        ],
        "hidden": persona.hidden_groups(rows),
    }
