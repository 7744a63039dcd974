"""A domain's page: its sections in the order of `templates/domain.html`."""

from dashboard.tables import EVERYONE, LISTED, PageData, Row, last_complete
from dashboard.views import parts
from dashboard.views.parts import View
from dashboard.words import codes, domains


def domain_page(data: PageData) -> View:
    """What `domain.html` prints, from the rows of one domain."""
    [row] = data.domains
    domain: str = row["domain"]
    slugs: dict[str, str] = {}  # its ideas have one owner, whose page this is: no links
    metrics = [
        parts.metric(data, domain, definition) | {"whole": _value_of_everyone(data, definition)}
        for definition in sorted(data.definitions.values(), key=lambda d: (d["flywheel_phase"], d["metric_id"]))
        if (domain, definition["metric_id"]) in data.leading
    ]
    counts = data.open_counts.get(domain, {"open_count": 0, "overdue_count": 0, "judged_count": 0})
    ideas = data.open_ideas[:LISTED]
    return {
        "publication": parts.publication(data),
        "domain": domain,
        "answer": domains.domain_answer(row, counts),
        "time_to_value": parts.time_to_value_card(data, domain),
        "stages": parts.stages_card(data, domain),
        "metrics": metrics,
        "open": counts,
        "ideas": [parts.open_idea(idea, slugs) for idea in ideas],
        "more": counts["open_count"] - len(ideas),
        "has_unknown_chance": any(idea["chance_of_adoption_90d"] is None for idea in ideas),
        "lists": [
            {
                "title": title,
                "what": what,
                "rows": [parts.example_product(e, slugs) for e in data.evolution_examples if e["position"] == name][
                    :LISTED
                ],
            }
            for name, (title, what) in codes.POSITIONS.items()
        ],
    }


def _value_of_everyone(data: PageData, definition: Row) -> str:
    row = last_complete(data.leading.get((EVERYONE, definition["metric_id"]), []))
    return parts.latest_value(row, definition["unit"]) if row else "–"
