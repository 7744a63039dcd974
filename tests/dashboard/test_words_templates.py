"""Every sentence template with random rows: each number in it stands in the row that it names, and it is short enough.

A template is (text, the served rows it is about). Which columns of these may stand in it is declared here.
"""

import random
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import cache
from itertools import product

import pytest
from page_data import aim, definitions, domain, evidence, interval, judged, queue, refused, served, source, unjudged

from dashboard.words import (
    answer,
    codes,
    domains,
    drivers,
    evolution,
    flywheel,
    north_star,
    numbers,
    products,
    time_to_value,
    trust,
)
from dashboard.words import verdicts as verdict_words
from dashboard.words.phrases import plain_text
from orchestration.contracts.odcs import load_layer

NORTH_STARS = ("cross_domain_adoptions", "sustained_adoptions", "products_reaching_k_domains", "adopted_within_days")
NEVER_LIMITED = ("time_to_value_median", "active_cross_domain_pairs")
RULES = ("outside_limits", "eight_on_one_side", "three_of_four_near_limit")
CONSTANTS = {"85%", "95%", "180", "12", "90", "182"}  # of definitions, not of rows
LEVELS = ("value", "judged_value", "signal_value", "center", "lower_limit", "upper_limit")
LEVELS += tuple(f"previous_{name}" for name in LEVELS[3:])


@cache
def allowed(table: str, column: str) -> list[str]:
    """The values that a contract allows in a column."""
    [found] = [p for p in load_layer("authoritative")[table].properties if p.name == column]
    [values] = [values for rule in found.quality if (values := rule.get("arguments", {}).get("validValues"))]
    return values


def written(row: dict, unit: str, *columns: str) -> set[str]:
    """The numbers of a row as the pages write them: figures in their unit, counts, dates as periods."""
    found = set()
    for name in columns or row:
        value = row.get(name)
        if isinstance(value, date):
            moment = value.date() if isinstance(value, datetime) else value
            found |= {
                numbers.period(moment, "month"),
                numbers.period(moment, "quarter"),
                f"{moment:%b %Y}",
                f"{moment:%Y}",
            }
            found.add(f"{moment:%-d %B %Y}")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found |= {numbers.figure(value, unit), numbers.days(value), f"{value:,}", numbers.number(abs(value))}
            found |= {numbers.share(value)} if unit == "share" or name.startswith("share") else set()
    return found


def strange(text: str, *allowed: set[str]) -> list[str]:
    """The numbers of a text that none of its rows holds."""
    known = set().union(*allowed)
    for words in sorted((words for words in known if " " in words), key=len, reverse=True):
        text = text.replace(words, "·")
    found = re.findall(r"Q?\d+(?:,\d{3})*(?:\.\d+)?%?", text)
    return [number for number in found if not {number, number.rstrip("%")} & known and number not in CONSTANTS]


def faults(text: str) -> list[str]:
    return re.findall(r"None|\bnan\b|  | [.,;:]|\.\.|\{|\}|\( *\)", text)


def figure(chance: random.Random, unit: str) -> float:
    return chance.random() if unit == "share" else round(chance.uniform(0, chance.choice((9, 90, 9_000))), 1)


def any_date(chance: random.Random) -> date:
    return date(chance.randrange(2019, 2027), chance.randrange(1, 13), 1)


def north_star_rows(chance: random.Random) -> Iterator[dict]:
    """The verdict row of the North Star in every case: verdict, basis, rule, period of the limits, gaps."""
    for metric, code in product(NORTH_STARS, codes.VERDICTS):
        is_judged, is_changed = code != "not_enough_data", code not in ("no_change", "not_enough_data")
        bases = ("", "previous_") if is_changed else ("",)
        for before, rule, period, is_provisional in product(bases, RULES, ("month", "quarter"), (False, True)):
            unit = definitions()[metric]["unit"]
            row = judged(code, metric_id=metric, limits_period=period, is_provisional=is_provisional)
            row |= {name: figure(chance, unit) for name in LEVELS}
            dates = ("month_starting", "judged_starting", "limits_starting", "process_phase_starting")
            row |= {name: any_date(chance) for name in dates} | {"limits_count": chance.randrange(6, 25)}
            if is_changed:
                row |= {"rule": before + rule, "verdict_since": any_date(chance), "signal_starting": any_date(chance)}
            yield row
            if before or code == "no_change":
                yield row | dict.fromkeys(("center", "lower_limit", "upper_limit"))
            if not is_judged:
                yield row | {"value": None, "reason": chance.choice(allowed("metric_verdicts", "reason"))}
    for metric, because in product((*NORTH_STARS, *NEVER_LIMITED), allowed("metric_verdicts", "verdict_reason")):
        yield unjudged(because, metric_id=metric, value=figure(chance, definitions()[metric]["unit"]))
    yield unjudged("no_complete_month", month_starting=None, value=None)


def targets(chance: random.Random) -> Iterator[dict]:
    """The row of the target in every case."""
    yield aim()
    for metric, capability, month in product(NORTH_STARS, codes.CAPABILITIES, (3, 12)):
        unit = definitions()[metric]["unit"]
        levels = {name: figure(chance, unit) for name in ("target", "lower_limit", "upper_limit", "year_value")}
        row = aim(**levels | {"capability": capability, "metric_id": metric, "year_target": figure(chance, unit)})
        yield row | {"month_starting": date(2025, month, 1)}
        yield row | {"year_value": None}
    for because in allowed("north_star_target", "capability_reason"):
        yield aim(target=16.0, capability_reason=because)


def levers(chance: random.Random) -> Iterator[dict]:
    """The evidence and the flywheel in every case."""
    phases = [{"flywheel_phase": p, "flywheel_phase_verdict": "slowing"} for p in codes.FLYWHEEL_PHASES]
    tested = [m for m, d in definitions().items() if d["edge"] == "influence"]
    for metric, sign, outcome in product(tested, (1, -1), (*codes.OUTCOMES, "cross_domain_adoptions")):
        row = evidence(metric, correlation=sign * 0.5, lag=chance.randrange(1, 7), outcome_metric_id=outcome)
        yield {"evidence": {metric: row}, "flywheel": phases[: chance.randrange(5)]}
    yield {"evidence": {"a": evidence(verdict="not_enough_evidence")}, "flywheel": phases}
    yield {"evidence": {}, "flywheel": []}


def calls(chance: random.Random) -> Iterator[dict]:
    """Domains and queues in every case."""
    names = ("claims", "a name of five short words", "D" * 80, "one two three")
    for name, stage, count in product(names, (None, *codes.INTERVALS), (1, 3)):
        yield {"domains": [domain(name, slow_stage=stage, difference="slower")] * count}
    for name, older in product(codes.QUEUES_IN_WORDS, (None, 0, chance.randrange(1, 9_999))):
        yield {"queues": [queue(name, chance.randrange(1, 99_999), older)]}
    yield {}


def test_the_five_lines_never_have_more_than_sixty_words():
    """The first clauses always stand, further ones where they fit. Rows of different kinds are independent, but that
    the target has a capability exactly where the North Star has limits.
    """
    chance = random.Random(13)
    first: dict[bool, list[int]] = {True: [], False: []}  # by whether there are limits
    for row in north_star_rows(chance):
        first[row["center"] is not None].append(words(0, verdicts=[row]) + words(1, verdicts=[row]))
    third: dict[bool, list[int]] = {True: [], False: []}
    for row in targets(chance):
        third[row["capability"] is not None].append(words(2, target=row))
    fourth = [words(3, **case) for case in levers(chance)]
    worse = [judged("worsening", metric_id=metric) for metric, d in definitions().items() if d["edge"]]
    fifth = [words(4, **case) for case in calls(chance)]
    fifth += [words(4, verdicts=[row], leading=[row]) for row in worse]
    fifth.append(words(4, verdicts=[unjudged("no_adoption_events", reason="no_adoption_events", value=None)]))
    assert min(len(first[True]), len(first[False])) > 100
    for has_limits in (True, False):
        assert max(first[has_limits]) + max(third[has_limits]) + max(fourth) + max(fifth) <= answer.MOST_WORDS


def words(at: int, **case) -> int:
    """Words of a line's label and first clause."""
    line = answer.five_lines(served(**case))[at]
    return len(f"{line.label} {line.clauses[0].text}".split())


def test_the_five_lines_say_nothing_that_is_not_in_their_rows_and_do_not_contradict_each_other():
    chance = random.Random(7)
    rows, aims, evidences, actions = (list(cases(chance)) for cases in (north_star_rows, targets, levers, calls))
    for row in rows:
        case = chance.choice(evidences) | chance.choice(actions)
        target = chance.choice(aims) | {"metric_id": row["metric_id"]}
        unit = definitions()[row["metric_id"]]["unit"]
        rising, real, aimed, lever, act = answer.five_lines(served(verdicts=[row], target=target, **case))
        texts = [line.text for line in (rising, real, aimed, lever, act)]
        assert [fault for text in texts for fault in faults(text)] == [], texts
        assert sum(line.word_count for line in (rising, real, aimed, lever, act)) <= answer.MOST_WORDS
        limits = reasons_of(row["verdict_reason"], row["reason"])
        assert strange(rising.text, written(row, unit)) == [], rising.text
        assert strange(real.text, written(row, unit), limits) == [], real.text
        latest = written(row, unit, "value", "month_starting")
        assert strange(aimed.text, written(target, unit), latest, reasons_of(target["capability_reason"])) == []
        found = case.get("evidence", {}).values()
        names = {n for e in found for n in re.findall(r"\d+", definitions()[e["metric_id"]]["name"])}
        assert strange(lever.text, names, *(written(e, "", "lag") for e in found)) == [], lever.text
        counts = [written(r, "", "open_count", "older_count") for r in case.get("queues", [])]
        assert strange(act.text, *counts, {str(len(case.get("domains", [])) - 1)}, {"Q"}) == [], act.text
        assert agree(row["verdict"], rising.text, real.text), (rising.text, real.text)


def reasons_of(*reasons: str | None) -> set[str]:
    """The numbers in the words of these reasons, which are part of a definition."""
    return {number for code in reasons if code for number in re.findall(r"\d+%?", codes.REASONS[code])}


def agree(verdict: str, rising: str, real: str) -> bool:
    """Whether two lines about one series give one verdict."""
    if verdict == "not_enough_data":
        return rising.startswith("Not known") and real.startswith("Not known")
    if verdict == "no_change":
        return rising.startswith("No change") and real.startswith(("No:", "Probably not:", "Not clear:"))
    return real.startswith(("Yes:", "Probably:")) and not rising.startswith(("No change", "Not known"))


def test_a_mark_and_what_stands_under_it_say_what_is_in_the_verdict_row():
    chance = random.Random(5)
    for row in north_star_rows(chance):
        definition = definitions()[row["metric_id"]]
        unit, allowed = definition["unit"], written(row, definition["unit"])
        texts = [verdict_words.verdict_in_words(row, definition)]
        if row["month_starting"]:
            texts.append(verdict_words.why(row, definition))
        if row["center"] is not None:
            texts += [verdict_words.scope_of_average(row), numbers.limits_or_dash(row, unit)]
        for text in texts:
            limits = reasons_of(row["verdict_reason"], row["reason"])
            assert (strange(text, allowed, limits), faults(text)) == ([], []), text


@pytest.mark.parametrize("seed", range(20))
def test_every_other_sentence_says_what_is_in_its_row(seed):
    chance = random.Random(seed)
    for text, *allowed in (
        *time_to_value_sentences(chance),
        *trust_sentences(chance),
        *flywheel_sentences(chance),
        *target_sentences(chance),
        *queue_sentences(chance),
        *product_sentences(chance),
        *domain_sentences(chance),
    ):
        assert (strange(text, *allowed), faults(text)) == ([], []), text


def time_to_value_sentences(chance: random.Random) -> Iterator[tuple]:
    row = interval(product_count=chance.randrange(1, 400), observed_count=chance.randrange(400))
    row |= {name: chance.uniform(0, 900) for name in ("median_days", "median_lower_days", "median_upper_days")}
    row |= {
        "share_by_day_180": chance.random(),
        "interval_id": chance.choice(["idea_to_adopted", "deployed_to_adopted"]),
    }
    finished = interval(median_days=chance.uniform(0, 400))
    row = chance.choice([row, row | {"median_upper_days": None}, row | {"median_days": None}])
    yield time_to_value.headline(row), written(row, "")
    yield time_to_value.scope(row), written(row, "")
    data = served(intervals={"incidence": row | {"interval_id": "idea_to_adopted"}, "completed_only": finished})
    yield time_to_value.finished_only(data), written(finished, "", "median_days")


def trust_sentences(chance: random.Random) -> Iterator[tuple]:
    waits = refused(chance.randrange(500), ["a", "b"][: chance.randrange(3)], read=chance.randrange(500, 9_000))
    row = source("the source", days_silent=chance.uniform(30, 900), longest_gap_days=chance.uniform(0, 900))
    row |= {"last_event_at": datetime.combine(any_date(chance), datetime.min.time(), UTC)}
    share = numbers.share(waits["waiting_count"] / waits["read_count"])
    yield (
        plain_text(trust.trust_line(served(waits=waits, sources=[row]))),
        written(waits, ""),
        written(row, ""),
        {share},
    )


def flywheel_sentences(chance: random.Random) -> Iterator[tuple]:
    row = {name: chance.uniform(-40, 40) for name in ("value", "lower", "upper")}
    row |= {"reason": None, "metric_id": "momentum"}
    yield flywheel.momentum([row]), written(row, "")
    yield flywheel.momentum([row | {"value": None, "reason": "not_enough_data"}]), set()
    metrics = chance.sample([*definitions().values()], chance.randrange(1, 9))
    reasons = [chance.choice([*codes.REASONS]) for _ in metrics]
    named = {number for d in metrics for number in re.findall(r"\d+", d["name"])}
    known = reasons_of(*reasons) | named | {f"{sum(reason in codes.EVENTS_THAT_TELL for reason in reasons)}"}
    yield " ".join(drivers.unknown_metrics(list(zip(metrics, reasons, strict=True)))), known
    row = evidence(lag=chance.randrange(1, 7), correlation=chance.uniform(-1, 1))
    yield drivers.evidence_in_words(row), written(row, ""), {f"{abs(row['correlation']):.2f}"}


def target_sentences(chance: random.Random) -> Iterator[tuple]:
    for row in targets(chance):
        if row["target"] is not None:
            unit = definitions()[row["metric_id"]]["unit"]
            yield north_star.capability_in_words(row, unit), written(row, unit), reasons_of(row["capability_reason"])
            yield north_star.year_to_date(row), written(row, "")


def queue_sentences(chance: random.Random) -> Iterator[tuple]:
    days = {name: chance.uniform(0, 1_200) for name in ("median_age_days", "oldest_age_days", "moved_on_p85_days")}
    row = queue(open_count=chance.randrange(1, 2_000), older_count=chance.choice([None, chance.randrange(2_000)]))
    row |= days | {"moved_on_count": chance.randrange(2_000), "reason": None}
    unknown = row | {"moved_on_p85_days": None, "reason": "not_enough_data"}
    for words in (products.age_in_words, products.moving_on_in_words, products.older_in_words):
        yield words(row), written(row, "")
    yield products.moving_on_in_words(unknown), written(unknown, ""), {"10"}  # that 10 are needed is the definition
    own = {"days_in_queue": chance.uniform(0, 900), "queued_at": datetime(2025, 3, chance.randrange(1, 29), tzinfo=UTC)}
    own |= {"queue": "in_build", "is_older": chance.random() < 0.5, "moved_on_p85_days": chance.uniform(0, 900)}
    yield products.queue_of_product(own), written(own, ""), {f"{own['queued_at']:%-d %b %Y}"}
    yield products.against_others(own), written(own, "", "moved_on_p85_days")


def product_sentences(chance: random.Random) -> Iterator[tuple]:
    row = {"consuming_domains_count": chance.randrange(40), "other_domains_count": chance.randrange(1, 40)}
    row |= {"ubiquity_share": chance.random(), "ubiquity_basis": chance.choice([*codes.UBIQUITY_BASES])}
    row |= {"ubiquity_reason": None, "certainty": "raw", "reason": "no_active_contract"}
    for words in (products.use_in_words, products.consumers_of_all, products.certainty_in_words, evolution.used_by):
        yield words(row), written(row, "share"), written(row, "")
    moved, drawn = chance.randrange(90), chance.randrange(90)
    yield evolution.movement(moved, drawn), {f"{moved}", f"{drawn}"}


def domain_sentences(chance: random.Random) -> Iterator[tuple]:
    counts = {name: chance.randrange(2_000) for name in ("gave_count", "took_count", "month_count")}
    medians = {f"slow_stage_{name}": chance.uniform(0, 900) for name in ("median_days", "all_median_days")}
    stage = chance.choice([None, *codes.INTERVALS])
    row = domain(**counts, **medians, slow_stage=stage, difference=chance.choice(["slower", "within_chance", None]))
    waiting = queue(open_count=chance.randrange(500), older_count=chance.randrange(500))
    known = written(row, ""), written(waiting, "", "open_count", "older_count")
    yield plain_text(domains.domain_answer(row, [waiting])), *known, {"10"}
    yield domains.slow_domain(row), written(row, "")
    others = [row | {"domain": f"d{name}"} for name in "abcdefgh"[: chance.randrange(8)]]
    yield domains.domains_in_words(others), {f"{count}" for count in range(len(others) + 1)}, {"10"}
