"""The open data products by the step they wait for: a section of the main page, and the page of all of them."""

from dashboard.links import slug
from dashboard.products import IN_QUEUE
from dashboard.rows import EVERYONE, Row
from dashboard.tables import LONGEST, PageData
from dashboard.views import parts
from dashboard.views.parts import View
from dashboard.words import codes


def queues_card(data: PageData, domain: str, slugs: dict[str, str], limit: int = LONGEST) -> View:
    """The queues of a domain or of everyone that anything is in, in the order of delivery, each with the longest there.

    Parameters: `slugs`, the file names of the domains that have a page to link to.
    """
    rows = in_order([row for row in data.queues if row["domain"] == domain])
    return {
        "count": sum(row["open_count"] for row in rows),
        "queues": [parts.queue(row, data.open_ideas, slugs, limit) for row in rows if row["open_count"]],
        "empty": [codes.QUEUES[row["queue"]].lower() for row in rows if not row["open_count"]],
    }


def in_order(rows: list[Row]) -> list[Row]:
    """Rows of queues in the order of delivery."""
    return sorted(rows, key=lambda row: list(codes.QUEUES).index(row["queue"]))


def open_page(data: PageData) -> View:
    """What `open.html` prints: every open data product by queue, the longest there first, at most IN_QUEUE of each."""
    slugs = {row["domain"]: slug(row["domain"]) for row in data.domains}
    card = queues_card(data, EVERYONE, slugs, IN_QUEUE)
    return {
        "publication": parts.publication(data),
        "count": card["count"],
        "queues": card["queues"],
        "limit": IN_QUEUE,
        "has_unknown_chance": any(row["chance_of_adoption_90d"] is None for row in data.open_ideas),
    }
