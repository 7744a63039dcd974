"""The sentences about costs, energy and carbon: by month, per data product in use and per adoption, with coverage.

Belongs here: words about rows of `product_costs`; units are never added or converted. Does not belong here: charts.
"""

from datetime import date

from dashboard.rows import Row, grouped
from dashboard.tables import PageData
from dashboard.words import codes, numbers
from dashboard.words.phrases import Clause, counted, is_or_are, joined

NOT_DECLARED = (
    "Not declared. List them in declared/product_costs.csv: data_product_id, month, cost with its currency, kwh, "
    "co2_kg and the basis of the figures."
)
MONTHS_SHOWN = 12
UNITS_NAMED = 3  # currencies in the heading


def series(rows: list[Row]) -> list[list[Row]]:
    """The rows of each measure and unit in the last MONTHS_SHOWN complete months with figures of any: cost first."""
    complete = [row for row in rows if row["is_complete"]]
    last = max((row["month_starting"] for row in complete), default=None)
    of = grouped([row for row in complete if months_before(row, last) < MONTHS_SHOWN], "measure", "unit")
    measures = [*codes.COST_MEASURES]
    return [of[key] for key in sorted(of, key=lambda key: (measures.index(key[0]), key[1]))]


def months_before(row: Row, last: date | None) -> int:
    """How many months a row lies before the month that starts on `last`."""
    month = row["month_starting"]
    return 12 * (last.year - month.year) + last.month - month.month if last else 0


def latest(rows: list[Row]) -> list[Row]:
    """The rows of the latest complete month of any, cost first: one a unit."""
    last = [months[-1] for months in series(rows)]
    month = max((row["month_starting"] for row in last), default=None)
    return [row for row in last if row["month_starting"] == month]


def heading(rows: list[Row]) -> str:
    """What the latest complete month cost, by currency, and of how many of the live data products that is known."""
    if not rows:
        return "Cost, energy and carbon: not declared"
    of = latest(rows)
    if not of:
        return "Cost, energy and carbon: no month with figures is complete yet"
    month = numbers.period(of[0]["month_starting"], "month")
    known = [row for row in of if row["amount"] is not None]
    money = [row for row in known if row["measure"] == "cost"] or known
    if not money:
        return f"Cost, energy and carbon in {month}: no event knows the data products of these figures"
    named = [with_unit(row["amount"], row) for row in money[:UNITS_NAMED]]
    more = [f"{len(money) - UNITS_NAMED:,} more"] if len(money) > UNITS_NAMED else []
    what = codes.COST_MEASURES[money[0]["measure"]]
    return f"{what} in {month}: {joined(named + more)}, {coverage(money[0])}"


def coverage(row: Row) -> str:
    """Of which share of the live data products a figure is declared."""
    if row["coverage_share"] is None:
        return "no data product is live"
    return f"known of {numbers.share(row['coverage_share'])} of live data products"


def with_unit(value: float, row: Row) -> str:
    """ "28,025 CHF"."""
    return f"{amount(value)} {row['unit']}"


def amount(value: float) -> str:
    """An amount, whole from 1,000 on, small ones to three digits."""
    return f"{value:.3g}" if 0 < abs(value) < 1 else numbers.number(value)


def name(row: Row) -> str:
    """ "Cost, CHF"."""
    return f"{codes.COST_MEASURES[row['measure']]}, {row['unit']}"


def total(row: Row) -> str:
    """The amount of a month, or why it is not known."""
    return amount(row["amount"]) if row["amount"] is not None else f"not known: {codes.reason(row['reason'])}"


def per_product(row: Row) -> tuple[str, str]:
    """The amount for each data product in use, and how many these are; or why it is not known."""
    if row["amount_per_product_in_use"] is None:
        return "–", codes.reason(row["in_use_reason"])
    return amount(row["amount_per_product_in_use"]), f"{row['in_use_count']:,} in use"


def per_adoption(row: Row) -> tuple[str, str]:
    """The amount for each adoption of the month, and how many these are; or why it is not known."""
    if row["amount_per_adoption"] is None:
        return "–", codes.reason(row["adoption_reason"])
    return amount(row["amount_per_adoption"]), counted(row["adoption_count"], "adoption")


def about(rows: list[Row]) -> str:
    """What a data product in use and the currencies are."""
    of = latest(rows)
    if not of:
        return ""
    basis = next((row["use_basis"] for row in of if row["use_basis"]), None)
    in_use = f" In use: {codes.USE_BASES[basis]} by another domain." if basis else ""
    is_several = sum(row["measure"] == "cost" for row in of) > 1
    return f"The cost of unused data products is in each figure.{in_use}" + (
        " Currencies are not added up or converted." if is_several else ""
    )


def missing(rows: list[Row]) -> str:
    """Which measures are not declared, and which figures are left out; empty where nothing is missing."""
    if not rows:
        return NOT_DECLARED
    columns = {"cost": "cost and currency", "energy": "kwh", "carbon": "co2_kg"}
    unknown = [m for m in codes.COST_MEASURES if m not in {row["measure"] for row in rows}]
    parts = []
    if unknown:
        names = joined([codes.COST_MEASURES[m].lower() for m in unknown])
        fill = joined([columns[m] for m in unknown])
        parts.append(f"Not declared: {names}. Fill in {fill} in declared/product_costs.csv.")
    parts += [_left_out(row) for row in latest(rows) if row["left_out_count"]]
    return " ".join(parts)


def _left_out(row: Row) -> str:
    count = row["left_out_count"]
    left = f"{counted(count, 'figure')} of {codes.COST_MEASURES[row['measure']].lower()} in {row['unit']}"
    return f"{left} {is_or_are(count)} left out: no event knows the data product."


def to_act_on(data: PageData) -> list[Clause]:
    """Figures of unknown data products, and a cost that is known of fewer than all live data products."""
    of = latest(data.costs)
    found = []
    if out := max((row["left_out_count"] for row in of), default=0):
        found.append(Clause(f"Correct {counted(out, 'cost figure')} of data products that no event knows.", "#costs"))
    row = next((row for row in of if row["measure"] == "cost"), None)
    if row and row["coverage_share"] is not None and row["coverage_share"] < 1:
        share = numbers.share(row["coverage_share"])
        found.append(Clause(f"Declare the cost of all live data products: it is known of {share}.", "#costs"))
    return found
