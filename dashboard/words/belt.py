"""The words of the purpose, the belt, its slips and quick wins.

Belongs here: sentences about `purpose`, `belt_initiatives`, `belt_slips` and `quick_wins`. Does not belong here: which
rows are shown (`views/belt.py`).
"""

from dashboard.rows import Row
from dashboard.tables import PageData
from dashboard.words import codes, numbers
from dashboard.words.phrases import Clause, counted, it_or_them, serves_or_serve

NOTHING = "none"  # the initiative of data products that serve none
SLIPS = {  # kind: (of one, of many), in the order in which a CDO asks
    "initiative_without_use": ("initiative", "initiatives"),
    "open_idea_without_initiative": ("open idea", "open ideas"),
    "adopted_without_initiative": ("adopted data product", "adopted data products"),
}
HOW_TO_DECLARE = (
    "Declare initiatives in declared/initiatives.csv. Then name one in each idea_logged event, or link data products "
    "to them in declared/initiative_products.csv."
)
NO_PURPOSE = "Nobody has declared what data is for here. Declare it as purpose.statement in flywheel.yml."
NO_CLAIM = "Nothing here says that the data products moved a KPI: it is declared, and stands next to what is measured."
QUICK_WIN = (
    "A quick win: another domain uses the data product within 90 days of the idea, it serves an initiative, and "
    "another domain still uses it 90 to 180 days later. The share is of all data products first adopted in the quarter."
)
NAMED = 2  # initiatives that the calls for action name


def ask_for_purpose(row: Row) -> str:
    """Which settings would say what data is for; empty where all of them are there."""
    missing = [
        setting
        for setting, column in (
            ("purpose.statement", "statement"),
            ("purpose.owner", "owner"),
            ("north_star.outcome", "outcome"),
            ("north_star.target", "target"),
            ("north_star.target_by", "target_by"),
        )
        if row[column] is None
    ]
    return f"To declare in flywheel.yml: {', '.join(missing)}." if missing else ""


def target(row: Row, definition: Row, period: str) -> str:
    """The declared target of the North Star, and its day; empty where there is none."""
    if row["target"] is None:
        return ""
    each = f" a {period}" if definition["kind"] == "flow" else ""
    by = f" by {row['target_by']:%-d %b %Y}" if row["target_by"] else ""
    return f"{numbers.with_unit(row['target'], definition['unit'])}{each}{by}"


def initiatives(rows: list[Row]) -> list[Row]:
    """The initiatives, those with the most data products first; without the row of those that serve none."""
    named = [row for row in rows if row["initiative_id"] != NOTHING]
    return sorted(named, key=lambda row: (-row["product_count"], row["initiative_id"]))


def name_of(row: Row, of_id: str = "initiative_id") -> str:
    """The title of an initiative or of what slips, its id where it has none; `of_id`, the column of the id."""
    return (row["title"] or "").strip() or row[of_id]


def heading(data: PageData) -> str:
    """How many initiatives there are, and how many of them have no data product in use."""
    rows = initiatives(data.initiatives)
    if not rows:
        return "The belt: no initiative is known"
    unused = slip_count(data, "initiative_without_use")
    without = f", {unused:,} without a data product in use" if unused else ""
    return f"The belt: {counted(len(rows), 'initiative')}{without}"


def in_one_line(data: PageData) -> str:
    """The same, and how many open ideas serve no initiative."""
    if not initiatives(data.initiatives):
        return f"{heading(data)}. Declare one in declared/initiatives.csv"
    free = slip_count(data, "open_idea_without_initiative")
    return f"{heading(data)}; {counted(free, 'open idea')} without an initiative" if free else heading(data)


def slip_count(data: PageData, kind: str) -> int:
    """How many slips of a kind there are, listed or not."""
    return next((row["slip_count"] for row in data.slips if row["kind"] == kind), 0)


def share_that_serves(rows: list[Row]) -> str:
    """How many of all data products serve an initiative."""
    whole = sum(row["product_count"] for row in rows)
    serving = sum(row["product_count"] for row in initiatives(rows))
    of = f"{serving:,} of {counted(whole, 'data product')}"
    return f"{of} {serves_or_serve(serving)} an initiative; each counts in one row."


def use_in_words(rows: list[Row]) -> str:
    """What in use means here; empty where no use was ever sent."""
    basis = rows[0]["use_basis"] if rows else None
    return f"In use: {codes.USE_BASES[basis]}, by another domain, and not closed." if basis else ""


def count_or_reason(value: int | None, reason: str | None) -> str:
    """A count, or why it is not known."""
    return f"{value:,}" if value is not None else f"not known: {codes.reason(reason)}"


def time_to_value(row: Row) -> tuple[str, str]:
    """The days within which half of the ideas are adopted, and their interval or why they are not known."""
    lower, upper = row["median_lower_days"], row["median_upper_days"]
    if row["median_days"] is not None:
        return numbers.days(row["median_days"]), numbers.interval(lower, upper)
    why = codes.reason(row["median_reason"])
    return "–", f"{why}, {numbers.interval(lower, upper)}" if lower is not None else why


def kpi_target(row: Row) -> str:
    """What the KPI shall reach."""
    return _with_unit(row["kpi_target"], row) if row["kpi_target"] is not None else "not declared"


def kpi_value(row: Row) -> str:
    """The latest declared value of the KPI and its day, or why there is none."""
    if row["kpi_value"] is None:
        return codes.reason(row["kpi_reason"])
    return f"{_with_unit(row['kpi_value'], row)} on {row['kpi_measured_on']:%-d %b %Y}"


def _with_unit(value: float, row: Row) -> str:
    unit = row["kpi_unit"] or ""
    text = numbers.number(value)
    return f"{text}{'' if unit.startswith('%') else ' '}{unit}".strip()


def slip_age(row: Row) -> str:
    """For how long something slips."""
    return numbers.days_with_unit(row["age_days"]) if row["age_days"] is not None else codes.reason(row["age_reason"])


def quick_wins_heading(rows: list[Row]) -> str:
    """The share of the latest quarter that has one."""
    known = [row for row in rows if row["quick_wins_share"] is not None]
    if not known:
        return "Quick wins: not known"
    last = known[-1]
    return (
        f"Quick wins: {last['quick_wins_count']:,} of {last['adopted_count']:,} first adoptions in "
        f"{numbers.period(last['month_starting'], 'quarter')}"
    )


def why_no_quick_wins(rows: list[Row]) -> str:
    """Why no quarter has a share, and what to send; empty where one has."""
    if any(row["quick_wins_share"] is not None for row in rows):
        return ""
    reasons = [row["reason"] for row in rows if row["reason"]]
    lasting = [reason for reason in reasons if reason not in ("too_recent", "no_adoptions")]
    code = (lasting or reasons or ["no_adoption_events"])[-1]
    event = codes.EVENTS_THAT_TELL.get(code)
    return f"Not measured: {codes.reason(code)}." + (f" To measure them, send {event}." if event else "")


def to_act_on(data: PageData) -> list[Clause]:
    """Initiatives that no data product carries, then open ideas and adopted data products that serve none."""
    unused = [row for row in data.slips if row["kind"] == "initiative_without_use"]
    products = {row["initiative_id"]: row["product_count"] for row in data.initiatives}
    found = [_unused(row, products.get(row["id"], 0)) for row in unused[:NAMED]]
    for kind in [kind for kind in SLIPS if kind != "initiative_without_use"]:
        rows = [row for row in data.slips if row["kind"] == kind]
        if rows:
            found.append(Clause(_without_initiative(rows[0]), "#slips"))
    return found


def _unused(row: Row, product_count: int) -> Clause:
    since = f" for {numbers.days_with_unit(row['age_days'])}" if row["age_days"] is not None else ""
    of = counted(product_count, "data product") if product_count else "no data product"
    words = f" has had nothing in use{since}, with {of}: ask its sponsor what it waits for."
    return Clause(words, "#belt", name_of(row, "id"))


def _without_initiative(row: Row) -> str:
    count = row["slip_count"]
    things = counted(count, *SLIPS[row["kind"]])
    oldest = f", the oldest for {numbers.days_with_unit(row['age_days'])}" if row["age_days"] is not None else ""
    what = "link or close" if row["kind"] == "open_idea_without_initiative" else "link"
    return f"{things} {serves_or_serve(count)} no initiative{oldest}: {what} {it_or_them(count)}."
