"""The sentences about domains: which are slower or faster, and the paragraph at the top of a domain's page."""

from dashboard.tables import MINIMUM_OBSERVED, Row
from dashboard.words import codes, numbers
from dashboard.words.phrases import Sentence, counted, is_or_are, joined, times

COMPARABLE = f"a comparison needs {MINIMUM_OBSERVED} adoptions that are expected of its ideas"


def is_slow(row: Row) -> bool:
    """Whether a domain is credibly slower than all others, from idea to adoption or in a stage."""
    return row["difference"] == "slower" or bool(row["slow_stage"])


def domains_in_words(rows: list[Row]) -> str:
    """Which domains are credibly slower or faster than all others, and which of them only in a stage."""
    parts = []
    for word in ("slower", "faster"):
        names = [row["domain"] for row in rows if row["difference"] == word]
        if names:
            parts.append(f"{_names(names)} {is_or_are(len(names))} credibly {word}")
    for stage in codes.INTERVALS:
        names = [row["domain"] for row in rows if row["slow_stage"] == stage and row["difference"] != "slower"]
        if names:
            parts.append(f"{_names(names)} {is_or_are(len(names))} credibly slower {from_to(stage)}")
    if parts:
        others = [row["difference"] for row in rows if not is_slow(row) and row["difference"] != "faster"]
        chance, few = others.count("within_chance"), others.count(None)
        rest = (
            f" {counted(chance, 'other')} {'differs' if chance == 1 else 'differ'} by no more than chance."
            if chance
            else ""
        )
        return "; ".join(parts) + "." + rest + (f" {counted(few, 'domain')} can't be compared yet." if few else "")
    if any(row["difference"] for row in rows):
        return "No domain is credibly slower or faster than all others."
    return f"No domain can be compared yet: {COMPARABLE}."


def _names(names: list[str]) -> str:
    return joined(names[:5] + ([f"{len(names) - 5} more"] if len(names) > 5 else []))


def from_to(interval_id: str) -> str:
    """ "from started to deployed"."""
    return f"from {codes.INTERVALS[interval_id].lower().replace('→', 'to')}"


def slow_domain(row: Row) -> str:
    """A domain that is credibly slower, the stage in which it is, and half of that stage against everyone's."""
    text = f"the {row['domain']} domain is slower than all others"
    if row["slow_stage"]:
        text += f"{', mostly' if row['difference'] == 'slower' else ''} {from_to(row['slow_stage'])}"
        own, everyone = row["slow_stage_median_days"], row["slow_stage_all_median_days"]
        if own is not None and everyone is not None and own > everyone:
            text += (
                f" (half within {numbers.days(own)} days, in the whole organisation within {numbers.days(everyone)};"
                " dropped ideas excluded)"
            )
    return text


def domain_answer(row: Row, queues: list[Row]) -> list[Sentence]:
    """The paragraph at the top of a domain's page: adoptions given and taken, pace against the others', its queues."""
    sentences: list[Sentence] = []
    months = counted(row["month_count"], "complete month")
    if row["gave_count"] is None:
        sentences.append(
            [("Its adoptions given and taken are not known", True), (f": {codes.reason('no_adoption_events')}.", False)]
        )
    elif not row["month_count"]:
        sentences.append([("There is no complete month yet.", True)])
    else:
        gave, took = counted(row["gave_count"], "adoption"), counted(row["took_count"], "adoption")
        sentences.append(
            [
                (f"In the last {months} other domains adopted its data products {times(row['gave_count'])}", True),
                (f" ({gave} given), and it adopted others' {times(row['took_count'])} ({took} taken).", False),
            ]
        )
    sentences.append(_pace_sentence(row))
    open_count = sum(queue["open_count"] for queue in queues)
    if open_count:
        sentences.append([(f" {counted(open_count, 'data product')} of its own {is_or_are(open_count)} open", False)])
        older = sum(queue["older_count"] or 0 for queue in queues)
        whom = "85% of those that moved on in the last 12 months"
        took_longer = f", {older:,} of them in their step for longer than {whom}." if older else "."
        sentences[-1].append((took_longer, False))
    return sentences


def _pace_sentence(row: Row) -> Sentence:
    if is_slow(row):
        return [(f" Over all time {slow_domain(row)}.", True)]
    if row["difference"] == "faster":
        return [(" Over all time it is credibly faster than all other domains.", True)]
    if row["difference"] == "within_chance":
        return [(" Over all time its pace differs from that of all others by no more than chance.", False)]
    if not row["product_count"]:
        return [(" It owns no data products.", False)]
    return [(f" Its pace can't be compared: {COMPARABLE}.", False)]
