"""A domain's page: its sections in the order of `templates/domain.html`."""

from dashboard.links import slug
from dashboard.rows import EVERYONE, Row, last_complete
from dashboard.tables import LISTED, PageData
from dashboard.views import parts, queues
from dashboard.views.parts import View
from dashboard.words import codes, domains, numbers, products


def domain_page(data: PageData) -> View:
    """What `domain.html` prints, from the rows of one domain."""
    [row] = data.domains
    domain: str = row["domain"]
    return {
        "publication": parts.publication(data),
        "domain": domain,
        "answer": domains.domain_answer(row, data.queues),
        "time_to_value": parts.time_to_value_card(data, domain),
        "stages": parts.stages_card(data, domain),
        "metrics": _metrics(data, domain),
        "queues": queues.queues_card(data, domain, {}),  # one owner, whose page this is: no links
        "lists": _off_the_curve(data),
        "flows": _flows(data, domain),
        "taken": _taken(data, domain),
        "products": _products(data, domain),
    }


def _metrics(data: PageData, domain: str) -> list[View]:
    return [
        parts.metric(data, domain, definition) | {"whole": _value_of_everyone(data, definition)}
        for definition in sorted(data.definitions.values(), key=lambda d: (d["flywheel_phase"], d["metric_id"]))
        if (domain, definition["metric_id"]) in data.leading
    ]


def _value_of_everyone(data: PageData, definition: Row) -> str:
    row = last_complete(data.leading.get((EVERYONE, definition["metric_id"]), []))
    return parts.latest_value(row, definition["unit"]) if row else "–"


def _off_the_curve(data: PageData) -> list[View]:
    """Its data products off the S-curve; a position without any is left out."""
    lists = []
    for name, (title, what) in codes.POSITIONS.items():
        rows = [row for row in data.evolution_examples if row["position"] == name][:LISTED]
        if rows:
            lists.append({"title": title, "what": what, "rows": [parts.example_product(row, {}) for row in rows]})
    return lists


def _flows(data: PageData, domain: str) -> list[View]:
    """The other domains that it gave to or took from, with the adoptions of 12 months and of all time."""
    others = sorted({row["owner_domain"] for row in data.flows} | {row["consumer_domain"] for row in data.flows})
    flows = {(row["owner_domain"], row["consumer_domain"]): row for row in data.flows}
    nothing = {"adoption_count": 0, "total_adoption_count": 0}
    pairs = [(n, flows.get((domain, n), nothing), flows.get((n, domain), nothing)) for n in others if n != domain]
    pairs.sort(key=lambda pair: (-pair[1]["total_adoption_count"] - pair[2]["total_adoption_count"], pair[0]))
    return [
        {
            "domain": name,
            "slug": slug(name),
            "counts": [f"{flow[count] or 0:,}" for flow in (gave, took) for count in nothing],
        }
        for name, gave, took in pairs
    ]


def _taken(data: PageData, domain: str) -> View:
    """The data products of other domains that it uses, the latest adoption first."""
    rows = data.products.taken.get(domain, [])
    return {
        "count": rows[0]["taken_count"] if rows else 0,
        "rows": [
            parts.product(row | {"domain": row["owner_domain"]}, {row["owner_domain"]: slug(row["owner_domain"])})
            | {"first": numbers.day(row["first_adopted_at"]), "last": numbers.day(row["last_adopted_at"])}
            for row in rows
        ],
    }


def _products(data: PageData, domain: str) -> View:
    """Its data products that have a page, the longest in a queue first."""
    rows = list(data.products.rows.values())
    return {
        "count": data.products.owned.get(domain, 0),
        "basis": codes.UBIQUITY_BASES[next((r["ubiquity_basis"] for r in rows if r["ubiquity_basis"]), "ever")],
        "rows": [
            parts.product(row | {"has_page": True}, {})
            | {
                "place": products.place_in_words(row),
                "days": numbers.days(row["days_in_queue"]) if row["queue"] else "–",
                "used_by": products.consumers_of_all(row),
            }
            for row in rows
        ],
    }
