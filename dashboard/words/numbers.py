"""How numbers, units, months and instants are written."""

from datetime import UTC, date, datetime

from dashboard.tables import Row
from dashboard.words import codes

SMALL_DENOMINATOR = 20  # a share of fewer is written as "7 of 9"


def number(value: float) -> str:
    """A count or an average: whole numbers whole, others to one decimal."""
    return f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 1000 else f"{value:,.1f}"


def days(value: float) -> str:
    """A duration in days, whole from ten on."""
    return f"{value:,.0f}" if value >= 9.95 else f"{value:.1f}"


def days_with_unit(value: float) -> str:
    """ "1 day", "1.5 days", "643 days"."""
    shown = days(value)
    return f"{shown} day" if shown in ("1", "1.0") else f"{shown} days"


def day(moment: datetime) -> str:
    """ "7 Jan 2026", in UTC."""
    return f"{moment.astimezone(UTC):%-d %b %Y}"


def share(value: float) -> str:
    """A share in percent; one decimal near 0 and near 1, where whole percents would round to 0% or 100%."""
    return f"{value:.0%}" if 0.05 <= value <= 0.95 or value in (0, 1) else f"{value:.1%}"


def chance(value: float | None) -> str:
    """An estimated chance; never 0 % or 100 %, which no estimate can know."""
    if value is None:
        return "–"
    return "under 1%" if value < 0.01 else "over 99%" if value > 0.99 else f"{value:.0%}"


def figure(value: float, unit: str) -> str:
    """A value in its unit's notation, without the unit's name; a share as a percentage."""
    if unit == "share":
        return share(value)
    return days(value) if unit == "days" else number(value)


def small_share(row: Row) -> str | None:
    """ "7 of 9" for a share of fewer than SMALL_DENOMINATOR, else None."""
    whole = row["denominator"]
    if row["numerator"] is None or whole is None or whole >= SMALL_DENOMINATOR:
        return None
    return f"{row['numerator']:,} of {whole:,}"


def interval(lower: float | None, upper: float | None) -> str:
    """The 95 % interval of a median in days; without an upper end where the 95 % band never crosses one half."""
    low = days(lower) if lower is not None else "0"
    return f"{low} or more" if upper is None else f"{low} to {days(upper)}"


def limits(row: Row, unit: str) -> str:
    """The routine range, "5.8 to 28.8"."""
    return f"{figure(row['lower_limit'], unit)} to {figure(row['upper_limit'], unit)}"


def with_unit(value: float, unit: str) -> str:
    """A value with its unit: "12 adoptions", "643 days", "40%"."""
    if unit == "share":
        return share(value)
    return f"{figure(value, unit)} {unit_of(value, unit)}"


def unit_of(value: float, unit: str) -> str:
    """The name of a unit after a value: singular for 1, empty for a share."""
    if unit == "share":
        return ""
    return unit[:-1] if abs(value) == 1 and unit.endswith("s") else unit


def period(start: date, kind: str) -> str:
    """ "December 2025", or "Q4 2025"."""
    return f"{start:%B %Y}" if kind == "month" else f"Q{(start.month + 2) // 3} {start:%Y}"


def figure_or_reason(value: float | None, unit: str, reason: str | None) -> str:
    """A value, or why it is not known, or a dash."""
    if value is not None:
        return figure(value, unit)
    return f"not known: {codes.reason(reason)}" if reason else "–"


def observed_of_all(row: Row) -> str:
    """How many data products completed an interval, of how many; a dash where the closing event was never sent."""
    if row["observed_count"] is None:
        return f"– of {row['product_count']:,}"
    return f"{row['observed_count']:,} of {row['product_count']:,}"


def figure_or_dash(value: float | None, unit: str) -> str:
    """A value in its unit's notation, a dash for None."""
    return figure(value, unit) if value is not None else "–"


def limits_or_dash(row: Row, unit: str) -> str:
    """The routine range, a dash where a row has no limits."""
    if row["lower_limit"] is None:
        return "–"
    return limits(row, unit)


def instant(moment: datetime) -> str:
    """ "7 Jan 2026, 09:30 UTC"."""
    return f"{moment.astimezone(UTC):%-d %b %Y, %H:%M} UTC"
