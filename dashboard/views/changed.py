"""The section of what changed since the page of an earlier month: `templates/changed.html`."""

from dashboard.tables import LISTED, PageData
from dashboard.views.parts import View
from dashboard.words import changed, numbers


def changed_card(data: PageData, slugs: dict[str, str]) -> View | None:
    """What changed, by kind; None where there is no earlier page to compare with."""
    earlier = data.earlier
    if earlier is None or not changed.is_comparable(earlier):
        return None
    north_star = data.north_star[-1]
    order = dict.fromkeys([north_star["metric_id"], *data.definitions])
    names = {metric: data.definitions[metric]["name"] for metric in order}
    groups = [
        _group("Verdicts", changed.verdicts(earlier, names), {}),
        _group("Target", changed.target(earlier), {}),
        _group("Queues", changed.queues(earlier), {}),
        _group("Domains", changed.domains(earlier), slugs),
    ]
    return {
        "since": numbers.period(earlier.month_starting, north_star["period"]),
        "groups": [g for g in groups if g["rows"]],
    }


def _group(title: str, changes: list[changed.Change], slugs: dict[str, str]) -> View:
    """The first changes of a kind; `slugs`, the file names of pages that a name leads to."""
    rows = [{"name": name, "slug": slugs.get(name, ""), "how": how} for name, how in changes[:LISTED]]
    return {"title": title, "rows": rows, "more": len(changes) - len(rows)}
