"""The sentences about the data factory: how far data products get, how long they wait, where they wait longest.

Belongs here: words about rows of `factory_stages`, in order of stage_number. Does not belong here: the strip.
"""

from dashboard.rows import Row
from dashboard.tables import PageData
from dashboard.words import codes, numbers
from dashboard.words.phrases import Clause, counted, is_or_are, joined

STAND_INS = {"governed": "contract_activated", "exposed": "deployed"}  # stage: the event that stands for it


def known(rows: list[Row]) -> list[Row]:
    """The stages of which any event was sent."""
    return [row for row in rows if row["product_count"] is not None]


def is_drawn(rows: list[Row]) -> bool:
    """Whether there is a way to draw: data products that reached two stages or more."""
    return len(known(rows)) > 1


def bottleneck(rows: list[Row]) -> Row | None:
    """The stage before which data products wait longest; None where there is none, or several share it."""
    return next((row for row in rows if row["is_bottleneck"]), None)


def heading(rows: list[Row]) -> str:
    """Where the factory's bottleneck is, or why none can be named."""
    if not is_drawn(rows):
        return "Data factory: not measured yet"
    if found := bottleneck(rows):
        return f"Data factory: the bottleneck is {step(rows, found)}, half take {_days(found)} or more"
    medians = [row for row in rows if row["median_days"] is not None]
    if len(medians) > 1:
        return "Data factory: no bottleneck, the longest waits are equal"
    return f"Data factory: no bottleneck can be named, {counted(len(medians), 'wait')} {is_or_are(len(medians))} known"


def step(rows: list[Row], row: Row) -> str:
    """ "stored → governed": from the stage before to this one."""
    before = next((other["stage"] for other in rows if other["stage_number"] == row["stage_number"] - 1), "")
    return f"{before} → {row['stage']}" if before else row["stage"]


def wait(row: Row) -> str:
    """The median wait before a stage and of how many, or why it is not known; empty for the first stage."""
    if row["reason"] == "first_stage":
        return ""
    if row["median_days"] is not None:
        return f"{_days(row)} (median of {row['wait_count']:,})"
    if row["reason"] == "not_enough_data":
        return f"wait not known: it takes 10 that came this way, {row['wait_count']:,} did"
    return "wait not known"


def left(row: Row) -> str:
    """How many data products got no further: open, and closed."""
    closed = "closed" if row["stage"] == "exposed" else "lost"
    return f"{row['open_count']:,} open here, {row['lost_count']:,} {closed}"


def notes(rows: list[Row]) -> list[str]:
    """What stands for a stage, and what no wait counts."""
    found = [
        f"{name(row)}: {row['reported_count']:,} of {row['product_count']:,} by a stage_reached event, the others by "
        f"{STAND_INS[row['stage']]}."
        for row in known(rows)
        if row["stage"] in STAND_INS and row["reported_count"] < row["product_count"]
    ]
    return found + [
        f"{counted(row['out_of_order_count'], 'data product')} went the other way round ({step(rows, row)}) and "
        f"{is_or_are(row['out_of_order_count'])} in no wait."
        for row in known(rows)
        if row["out_of_order_count"]
    ]


def missing(rows: list[Row]) -> str:
    """Which stages are not measured, and what to send; what is known all the same. Empty where all are known."""
    unknown = [row["stage"] for row in rows if row["product_count"] is None]
    if not unknown:
        return ""
    events = ["stage_reached events of " + ("it" if len(unknown) == 1 else "these stages")]
    events += [f"{STAND_INS[stage]} for {stage}" for stage in unknown if stage in STAND_INS]
    line = f"Not measured: {joined(unknown)}. Send {' or '.join(events)}."
    return line if is_drawn(rows) else " ".join([line, *(_alone(row) for row in known(rows))])


def _alone(row: Row) -> str:
    """What is known of a stage where no other one is."""
    count, by = row["product_count"], STAND_INS.get(row["stage"])
    is_stand_in = by and not row["reported_count"]
    reached = f"{counted(count, 'data product')} reached {row['stage']}"
    return f"Known so far: {reached}{f', by their {by} event' if is_stand_in else ''}."


def to_act_on(data: PageData) -> list[Clause]:
    """The bottleneck of the data factory, and how long data products wait there."""
    row = bottleneck(data.factory)
    if row is None:
        return []
    where = step(data.factory, row)
    return [Clause(f"Shorten {where}, the bottleneck of the data factory: half take {_days(row)} or more.", "#factory")]


def _days(row: Row) -> str:
    return numbers.days_with_unit(row["median_days"])


def name(row: Row) -> str:
    """The name of a stage."""
    return codes.FACTORY_STAGES[row["stage"]]
