"""The sentences about the North Star: whether it rose, whether the change is real, whether it is on target."""

from dashboard.tables import EVERYONE, PROVISIONAL_POINTS, PageData, Row, last_complete
from dashboard.words import codes, numbers, verdicts
from dashboard.words.phrases import Sentence, joined


def north_star_answer(data: PageData) -> list[Sentence]:
    """Whether the North Star rose, whether the change is real, and whether it reaches its target."""
    rows = data.north_star
    row = last_complete(rows)
    if row is None:
        so_far = rows[-1]["value"] if rows else None
        known = f" The current one has {numbers.number(so_far)} so far." if so_far is not None else ""
        return [[("There is no complete month yet.", True), (known, False)]]
    definition = data.definitions[row["metric_id"]]
    name, when = definition["name"], numbers.period(row["month_starting"], row["period"])
    if row["value"] is None:
        return [[(f"{name}: not known for {when}", True), (f", because {codes.reason(row['reason'])}.", False)]]
    change = _change(rows, row, definition)
    if row["metric_id"] == "cross_domain_adoptions" and (row["rule"] or "").startswith("previous_"):
        change.insert(2, (_change_of_parts(data, row), False))
    return [change, _target(row, definition["unit"])]


def _change(rows: list[Row], row: Row, definition: Row) -> Sentence:
    unit, when = definition["unit"], numbers.period(row["month_starting"], row["period"])
    value = numbers.with_unit(row["value"], unit)
    if row["verdict"] in ("improving", "worsening"):
        if row["rule"].startswith("previous_"):
            return _change_since_declared(rows, row, definition)
        rule = verdicts.rule_in_words(rows, row, unit)
        return [(f"{_headline(row, definition)}: {value} in {when}.", True), (f" The change is real: {rule}.", False)]
    if row["verdict"] == "no_change":
        head = f"{definition['name']} have not changed" if _is_plural(definition) else "The North Star has not changed"
        return [(head, True), (f": {value} in {when} is routine variation{_routine_level(rows, row, unit)}.", False)]
    return [
        (f"{definition['name']}, {when}: {value}.", True),
        (f" Whether it changed is not known: {verdicts.why_not_judged(row)}.", False),
    ]


def _change_of_parts(data: PageData, row: Row) -> str:
    """The average of each exact part of the North Star, before and since a declared change."""
    changes = []
    for metric in ("expansion_adoptions", "first_adoptions"):
        rows = data.leading.get((EVERYONE, metric), [])
        since = next((r for r in rows if r["month_starting"] == row["month_starting"]), None)
        before = since and verdicts.previous_process_phase(rows, since)
        if not since or not before or since["center"] is None or before["center"] is None:
            return ""
        name = data.definitions[metric]["name"].lower()
        changes.append(f"{name} went from {numbers.number(before['center'])} to {numbers.number(since['center'])}")
    return f" {changes[0][0].upper()}{joined(changes)[1:]}."


def _change_since_declared(rows: list[Row], row: Row, definition: Row) -> Sentence:
    unit, before = definition["unit"], verdicts.limits_before_change(rows, row)
    start = verdicts.process_phase_start(rows, row)
    each = "" if definition["kind"] != "flow" else f" a {row['period']}"
    now = numbers.with_unit(row["center"], unit) if row["center"] is not None else None
    then = numbers.figure(before["center"], unit)
    value, when = numbers.with_unit(row["value"], unit), numbers.period(row["month_starting"], row["period"])
    since = f"since {numbers.period(start['month_starting'], row['period'])}"
    is_up = row["center"] is not None and row["center"] > before["center"]
    head = f"{_headline(row, definition)}: {now}{each} on average {since}, {'up' if is_up else 'down'} from {then}."
    if now is None:
        head = f"{_headline(row, definition)} {since}: {value} in {when}, {then}{each} on average before."
    rule = f" The change is real: {verdicts.rule_in_words(rows, row, unit)}."
    if row["lower_limit"] is None:
        return [(head, True), (rule, False)]
    rest = f" {when}, with {value}, is within today's limits, {numbers.limits(row, unit)}: routine variation."
    if row["limits_period"] == "quarter":
        rest = f" {when} had {value}; since the change its quarters show routine variation."
    return [(head, True), (rule, False), (rest, False)]


def _headline(row: Row, definition: Row) -> str:
    is_better = row["verdict"] == "improving"
    if row["metric_id"] == "cross_domain_adoptions":
        return f"{'More' if is_better else 'Less'} data is crossing domains"
    return f"{definition['name']}: {'better' if is_better else 'worse'} than before"


def _is_plural(definition: Row) -> bool:
    return definition["name"].endswith("adoptions")


def _routine_level(rows: list[Row], row: Row, unit: str) -> str:
    """The average of a routine value, or the limits before the change where there are too few points since."""
    if row["center"] is None:
        return f" by the limits before the change, {numbers.limits(verdicts.limits_before_change(rows, row), unit)}"
    level = f" around {numbers.with_unit(row['center'], unit)}"
    if not row["is_provisional"]:
        return level
    return f"{level}; its limits rest on fewer than {PROVISIONAL_POINTS} points, so they are provisional"


def _target(row: Row, unit: str) -> Sentence:
    if row["target"] is None:
        return [(" No target is declared.", False)]
    is_met = row["value"] >= row["target"] if unit != "days" else row["value"] <= row["target"]
    verb = "reaches" if is_met else "misses"
    return [(f" It {verb} the target of {numbers.with_unit(row['target'], unit)}.", not is_met)]
