"""The sentences about domains: which are slower or faster, and the paragraph at the top of a domain's page."""

from dashboard.tables import MINIMUM_OBSERVED, Row
from dashboard.words import codes, numbers
from dashboard.words.phrases import Sentence, counted, is_or_are, joined, times


def domains_in_words(rows: list[Row]) -> str:
    """Which domains are credibly slower or faster than the whole organisation."""
    parts = []
    for word in ("slower", "faster"):
        names = [row["domain"] for row in rows if row["difference"] == word]
        shown = names[:5] + ([f"{len(names) - 5} more"] if len(names) > 5 else [])
        if names:
            parts.append(f"{joined(shown)} {'is' if len(names) == 1 else 'are'} credibly {word}")
    if parts:
        chance = sum(row["difference"] == "within_chance" for row in rows)
        few = sum(row["difference"] is None for row in rows)
        rest = (
            f" {counted(chance, 'other')} {'differs' if chance == 1 else 'differ'} by no more than chance."
            if chance
            else ""
        )
        return "; ".join(parts) + "." + rest + (f" {counted(few, 'domain')} can't be compared yet." if few else "")
    if any(row["difference"] for row in rows):
        return "No domain is credibly slower or faster than the whole organisation."
    return f"No domain can be compared yet: a comparison needs {MINIMUM_OBSERVED} adoptions of its ideas."


def slow_domain(row: Row) -> str:
    """A domain that is credibly slower, and its slowest stage against everyone's."""
    text = f"the {row['domain']} domain is slower than the whole organisation"
    if row["slow_stage"]:
        stage = codes.INTERVALS[row["slow_stage"]].lower().replace("→", "to")
        text += (
            f", mostly from {stage} (half within {numbers.days(row['slow_stage_median_days'])} days"
            f" against {numbers.days(row['slow_stage_all_median_days'])}, dropped ideas excluded)"
        )
    return text


def domain_answer(row: Row, counts: Row) -> list[Sentence]:
    """The paragraph at the top of a domain's page: adoptions given and taken, pace against everyone's, open ideas."""
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
    if counts["open_count"]:
        opened = counted(counts["open_count"], "open idea")
        sentences.append(
            [(f" Of its {opened}, {counts['overdue_count']:,} {is_or_are(counts['overdue_count'])} overdue.", False)]
        )
    return sentences


def _pace_sentence(row: Row) -> Sentence:
    if row["difference"] == "slower":
        return [(f" {slow_domain(row)[0].upper()}{slow_domain(row)[1:]}.", True)]
    if row["difference"] == "faster":
        return [(" It is credibly faster than the whole organisation.", True)]
    if row["difference"] == "within_chance":
        return [(" Its pace differs from the whole organisation's by no more than chance.", False)]
    if not row["product_count"]:
        return [(" It owns no data products.", False)]
    return [(f" Its pace can't be compared: a comparison needs {MINIMUM_OBSERVED} adoptions of its ideas.", False)]
