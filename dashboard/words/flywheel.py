"""The sentences about the flywheel: its phases, its momentum, the metrics of a phase that are not known."""

from dashboard.tables import Row
from dashboard.words import codes, numbers
from dashboard.words.phrases import joined

MOMENTUM = "momentum"
SHAPES = {"gaining": "▲", "slowing": "▽", "steady": "○"}


def tone(code: str) -> str:
    """Shape and word of the verdict of a phase."""
    return f"{SHAPES.get(code, '…')} {codes.FLYWHEEL_VERDICTS[code]}"


def momentum_lines(rows: list[Row]) -> list[str]:
    """What each doubling of adopted data products does to the time to value, in lines of the wheel's hub."""
    row = next((row for row in rows if row["metric_id"] == MOMENTUM), None)
    if row is None or row["value"] is None:
        return ["Momentum", "is not known", *([] if row is None else _why(row))]
    ends = [f"95%: {_signed(row['lower'])} to {_signed(row['upper'])}"] if row["lower"] is not None else []
    return ["Momentum", "each doubling of", "adopted products:", _pace(row["value"]), *ends]


def momentum(rows: list[Row]) -> str:
    """The same as one sentence."""
    first, second, *rest = momentum_lines(rows)
    if rest[:1] == ["adopted products:"]:
        return f"{first}: {second} {rest[0]} {', '.join(rest[1:])}."
    return f"{first} {second}{': ' if rest else ''}{' '.join(rest)}."


def _why(row: Row) -> list[str]:
    words = codes.reason(row["reason"]).split()
    lines = [""]
    for word in words:
        if len(lines[-1]) + len(word) > 24 and lines[-1]:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _pace(percent: float) -> str:
    """ "11.6% slower", as longer times to value are."""
    if round(abs(percent), 1) == 0:
        return "as fast as before"
    return f"{numbers.number(abs(percent))}% {'slower' if percent > 0 else 'faster'}"


def _signed(percent: float) -> str:
    text = numbers.number(abs(percent))
    return f"{'' if text == '0' else '+' if percent > 0 else '−'}{text}%"


def not_known(names: dict[str, list[str]]) -> str:
    """The metrics of a phase that are not known, by reason, in one line; empty where all are known.

    Parameters: `names`, {reason in words: names of metrics}.
    """
    if not names:
        return ""
    return "Not known: " + "; ".join(f"{joined(metrics)} ({reason})" for reason, metrics in names.items()) + "."


def flywheel_in_words(rows: list[Row]) -> str:
    """Which phases of the flywheel are slowing or gaining."""
    verdicts = {row["flywheel_phase"]: row["flywheel_phase_verdict"] for row in rows}
    for code in ("slowing", "gaining"):
        phases = [phase for phase, verdict in verdicts.items() if verdict == code]
        if phases:
            return f"phase {phases[0]} is {code}" if len(phases) == 1 else f"phases {joined(phases)} are {code}"
    return "not known" if all(verdict == "not_enough_data" for verdict in verdicts.values()) else "steady"
