"""The paragraph at the top of the main page, and its last sentence: what calls for action."""

from dashboard.tables import EVERYONE, PageData, last_complete
from dashboard.words import codes, domains
from dashboard.words.north_star import north_star_answer
from dashboard.words.phrases import Sentence, counted, is_or_are, joined
from dashboard.words.time_to_value import time_to_value_answer

NONE_CURRENT = "none was sent, or all were replaced or retracted"


def main_answer(data: PageData) -> list[Sentence]:
    """The paragraph at the top: the North Star, time to value, and what to act on."""
    return [s for s in (*north_star_answer(data), time_to_value_answer(data), act_on(data)) if s]


def act_on(data: PageData) -> Sentence:
    """What calls for action: metrics that worsen, slow domains, overdue ideas, ideas without a consumer."""
    parts = []
    worse = [data.definitions[m]["name"].lower() for m in _leading_metrics_with(data, "worsening")]
    if worse:
        parts.append(f"worsening: {joined(worse)}")
    parts += [domains.slow_domain(row) for row in data.domains if domains.is_slow(row)][:2]
    parts += [part for part in (overdue(data), without_consumer(data)) if part]
    if any(row["reason"] == "no_adoption_events" for row in data.north_star[-1:]):
        parts.insert(0, f"{codes.reason('no_adoption_events')}, so value is not known: {NONE_CURRENT}")
    if parts:
        return [("Act on:", True), (f" {'; '.join(parts)}.", False)]
    if not any(row["verdict"] == "no_change" for rows in data.leading.values() for row in rows[-2:]):
        return []
    return [("Nothing calls for action:", True), (" all variation is routine.", False)]


def overdue(data: PageData) -> str:
    """How many open ideas with a known threshold are overdue; empty where none is."""
    count, judged = (sum(row[f"{kind}_count"] for row in data.open_counts.values()) for kind in ("overdue", "judged"))
    ideas = counted(judged, "open idea")
    return f"{count:,} of {ideas} with a known threshold {is_or_are(count)} overdue" if count else ""


def without_consumer(data: PageData) -> str:
    """How many open ideas are deployed and used by no other domain, where most open ideas are; else empty."""
    opened, deployed, elsewhere = (
        sum(row[f"{kind}_count"] for row in data.open_counts.values()) for kind in ("open", "deployed", "undeployed")
    )
    has_adoptions = any(row["value"] is not None for row in data.north_star)
    if not has_adoptions or deployed <= elsewhere:
        return ""
    return f"{deployed:,} of {counted(opened, 'open idea')} {is_or_are(deployed)} deployed and used by no other domain"


def _leading_metrics_with(data: PageData, verdict: str) -> list[str]:
    metrics = []
    for (domain, metric), rows in data.leading.items():
        row = last_complete(rows)
        if domain == EVERYONE and row and row["verdict"] == verdict:
            metrics.append(metric)
    return metrics
