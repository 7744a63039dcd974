"""What drives the North Star: the line at the top, the evidence of a lever, the flywheel, and what is not known.

Belongs here: words about `influence_evidence`, `flywheel_scorecard` and metrics without a value. Does not belong here:
verdicts on one series (`verdicts.py`).
"""

from dashboard.tables import EVERYONE, PageData, Row
from dashboard.words import codes, numbers, verdicts
from dashboard.words.phrases import Clause, Line, capitalised, counted, is_or_are, joined

PARTS = ("expansion_adoptions", "first_adoptions")


def lever(data: PageData) -> Line:
    """The lever with the strongest evidence, the flywheel phase that slows or gains, and the part that changed."""
    clauses = [Clause(_lever(data), "#drivers")]
    if phase := flywheel_in_words(data.flywheel):
        clauses.append(Clause(phase, "#flywheel"))
    if parts := _changed_parts(data):
        clauses.append(Clause(parts, "#drivers"))
    return Line("Lever?", tuple(clauses))


def _lever(data: PageData) -> str:
    found = [row for row in data.evidence.values() if row["verdict"] == "evidence"]
    if not found:
        is_tested = any(row["reason"] is None for row in data.evidence.values())
        return "No lever has evidence yet" if is_tested else "No lever can be tested yet"
    row = min(found, key=lambda row: (row["p_value"], row["metric_id"]))
    name, against = data.definitions[row["metric_id"]]["name"], "" if row["correlation"] > 0 else " inversely"
    return f"{name}:{against} {counted(row['lag'], 'month')} ahead of {_outcome(row)}"


def _outcome(row: Row) -> str:
    return codes.OUTCOMES.get(row["outcome_metric_id"], "the North Star")


def _changed_parts(data: PageData) -> str:
    """The exact parts that moved as the North Star did, by their own verdict; empty where it or they did not."""
    whole = data.north_star_verdict
    if whole is None or whole["metric_id"] != "cross_domain_adoptions":
        return ""
    is_up, changes = verdicts.is_higher(whole, data.definitions[whole["metric_id"]]), []
    for metric in PARTS:
        row = data.verdicts.get((EVERYONE, metric))
        if row and is_up is not None and verdicts.is_higher(row, data.definitions[metric]) == is_up:
            changes.append(f"{codes.OUTCOMES[metric]} are {'higher' if is_up else 'lower'}")
    return joined(changes)


def evidence_in_words(row: Row | None) -> str:
    """Whether a metric moves ahead of the North Star or a part; `row`, its `influence_evidence`, None for a part."""
    if row is None:
        return "exact part"
    if row["reason"]:
        return f"untested: {codes.reason(row['reason'])}"
    if row["verdict"] == "evidence":
        against = "" if row["correlation"] > 0 else ", in the opposite direction"
        return (
            f"evidence: leads {_outcome(row)} by {counted(row['lag'], 'month')}{against} (r {row['correlation']:.2f})"
        )
    return "tested: no evidence so far"


def flywheel_in_words(rows: list[Row]) -> str:
    """Which phases of the flywheel are slowing, else gaining; or that none is slowing. Empty where none is known."""
    of = {row["flywheel_phase"]: row["flywheel_phase_verdict"] for row in rows}
    for verdict in ("slowing", "gaining"):
        found = [phase for phase in of if of[phase] == verdict]
        if found:
            return f"phase{'s' * (len(found) > 1)} {joined(found)} {is_or_are(len(found))} {verdict}"
    return "no phase is slowing" if "steady" in of.values() else ""


def pace_change(row: Row) -> str:
    """What each doubling of adopted data products does to the time to value: "11.6% slower", "4% faster".

    Parameters: `row`, of momentum or momentum_completed_only in `flywheel_scorecard`; above 0 is slower.
    """
    size = numbers.number(abs(row["value"]))
    if size == "0.0" or size == "0":
        return "as fast as before"
    return f"{size}% {'slower' if row['value'] > 0 else 'faster'}"


def momentum_interval(row: Row) -> str:
    """ " (−3 to +28%)", the 95 % interval; empty without one."""
    if row["lower"] is None or row["upper"] is None:
        return ""
    return f" ({_signed(row['lower'])} to {_signed(row['upper'])}%)"


def _signed(value: float) -> str:
    sign = "+" if value > 0 else "−" if value < 0 else ""
    return sign + numbers.number(abs(value))


def unknown_metrics(metrics: list[tuple[Row, str | None]]) -> list[str]:
    """The line about metrics without a value and what to send, then a sentence for each kind of event to send.

    Parameters: `metrics`, (row of `metric_definitions`, reason) of each. Returns none where all are known.
    """
    if not metrics:
        return []
    needs: dict[str, list[Row]] = {}
    waits: dict[str, list[Row]] = {}
    for definition, reason in metrics:
        event = codes.EVENTS_THAT_TELL.get(reason or "")
        (needs if event else waits).setdefault(event or codes.reason(reason), []).append(definition)
    waiting = [f"{joined([_lower(d['name']) for d in of])} ({reason})" for reason, of in waits.items()]
    later = f"Not known yet: {'; '.join(waiting)}." if waiting else ""
    if not needs:
        return [later]
    names = joined([_lower(d["name"]) for of in needs.values() for d in of])
    count = sum(len(of) for of in needs.values())
    which, whom = (f"{names} ({count})", "them") if count > 1 else (names, "it")
    line = f"Not known: {which}. To know {whom}, send: {'; '.join(needs)}. {later}".strip()
    return [line, *(f"{capitalised(event)}: for {_purposes(of)}." for event, of in needs.items())]


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]


def _purposes(definitions: list[Row]) -> str:
    """Each metric, and what it would answer."""
    return joined([_lower(d["name"]) + (f" ({why})" if (why := _why(d)) else "") for d in definitions])


def _why(definition: Row) -> str:
    return codes.WHY_IT_MATTERS.get(definition["metric_id"]) or definition["lever"]
