"""What the wheel of the flywheel says: the verdict of a phase, and in the middle the momentum.

Belongs here: words in the drawing and its text alternative. Does not belong here: the line at the top (`drivers.py`).
"""

from dashboard.tables import Row
from dashboard.words import codes
from dashboard.words.drivers import momentum_interval, pace_change

MOMENTUM = "momentum"
SHAPES = {"gaining": "▲", "slowing": "▽", "steady": "○"}
LINE = 24  # characters of a line in the middle


def tone(code: str) -> str:
    """Shape and word of the verdict of a phase."""
    return f"{SHAPES.get(code, '…')} {codes.FLYWHEEL_VERDICTS[code]}"


def momentum_lines(rows: list[Row]) -> list[str]:
    """What each doubling of adopted data products does to the time to value, in lines of the wheel's middle."""
    row = next((row for row in rows if row["metric_id"] == MOMENTUM), None)
    if row is None or row["value"] is None:
        return ["Momentum", "is not known", *([] if row is None else _wrapped(f"{codes.reason(row['reason'])}"))]
    interval = momentum_interval(row).strip(" ()")
    ends = [f"95% interval {interval}"] if interval else []
    return ["Momentum", "each doubling of", "adopted data products:", pace_change(row), *ends]


def momentum(rows: list[Row]) -> str:
    """The same as one sentence."""
    first, second, *rest = momentum_lines(rows)
    if second == "each doubling of":
        return f"{first}: {second} {rest[0]} {', '.join(rest[1:])}."
    return f"{first} {second}{': ' if rest else ''}{' '.join(rest)}."


def _wrapped(words: str) -> list[str]:
    lines = [""]
    for word in words.split():
        if len(lines[-1]) + len(word) > LINE and lines[-1]:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
