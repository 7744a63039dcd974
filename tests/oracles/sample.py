"""What is true of the sample organisation's events, from pandas and numpy: adoptions, shares, times, signals and leads.

Events are rows with `at` (UTC) and `month` (its first day). A series has one value for each of the 36 complete months.
"""

from collections import Counter

import numpy as np
import pandas as pd

from orchestration.sample import organisation

MONTHS = pd.date_range("2023-01-01", "2025-12-01", freq="MS")
CHANGE = pd.Timestamp(organisation.PROCESS_CHANGE_ON)
CHANGE_AT = MONTHS.get_loc(CHANGE)

REQUIRED = {
    "idea_logged": {"domain"},
    "work_started": set(),
    "deployed": set(),
    "adopted": {"consumer_domain"},
    "withdrawn": set(),
    "abandoned": set(),
    "rejected": set(),
    "retired": set(),
    "contract_activated": set(),
    "owner_changed": {"domain"},
    "stage_reached": {"stage"},
    "contract_checked": {"passed_count", "failed_count"},
}
ALWAYS = {"event_id", "source", "event_type", "data_product_id", "occurred_at"}
OPTIONAL = {"recorded_at", "revision", "domain", "title", "source_ref", "named_consumer_domains", "initiative"}
OPTIONAL |= {"version", "consumer_domain", "evidence", "contract_version", "passed_count", "failed_count", "stage"}


def frame(rows: list[dict]) -> pd.DataFrame:
    """Events with `at` and `month`."""
    events = pd.DataFrame(rows)
    events["at"] = pd.to_datetime(events["occurred_at"], utc=True)
    events["month"] = events["at"].dt.tz_localize(None).dt.to_period("M").dt.start_time
    return events


def pairs(events: pd.DataFrame) -> pd.DataFrame:
    """The first adoption of every (product, consuming domain other than the owner)."""
    owner = events[events.event_type == "idea_logged"].set_index("data_product_id").domain
    adopted = events[events.event_type == "adopted"].sort_values("at")
    others = adopted[adopted.consumer_domain != adopted.data_product_id.map(owner)]
    return others.drop_duplicates(["data_product_id", "consumer_domain"])


def monthly_adoptions(events: pd.DataFrame) -> np.ndarray:
    return pairs(events).groupby("month").size().reindex(MONTHS, fill_value=0).to_numpy(float)


def named_share(events: pd.DataFrame) -> np.ndarray:
    ideas = events[events.event_type == "idea_logged"]
    return ideas.named_consumer_domains.notna().groupby(ideas.month).mean().reindex(MONTHS).to_numpy(float)


def products(events: pd.DataFrame) -> pd.DataFrame:
    """One row a product: its domain and the first time of each stage."""
    ideas = events[events.event_type == "idea_logged"].set_index("data_product_id")
    first = events.pivot_table(index="data_product_id", columns="event_type", values="at", aggfunc="min")
    first["closed"] = first[list(organisation.CLOSINGS)].min(axis=1)
    first["adopted"] = pairs(events).groupby("data_product_id")["at"].min()
    return first.assign(domain=ideas.domain)


def days(start: pd.Series, end: pd.Series) -> pd.Series:
    return (end - start).dt.total_seconds() / 86_400


def signals(values: np.ndarray, baseline: np.ndarray) -> list[int]:
    """Where the three rules fire against the baseline's XmR limits."""
    center, half_width = baseline.mean(), 2.66 * np.abs(np.diff(baseline)).mean()
    lower, upper = max(0, center - half_width), center + half_width
    found = []
    for i, value in enumerate(values):
        last_8, last_4 = values[max(0, i - 7) : i + 1], values[max(0, i - 3) : i + 1]
        one_side = len(last_8) == 8 and (all(last_8 > center) or all(last_8 < center))
        far = max(sum(last_4 > (center + upper) / 2), sum(last_4 < (center + lower) / 2)) >= 3
        if value > upper or value < lower or one_side or far:
            found.append(i)
    return found


def within_phases(values: np.ndarray) -> np.ndarray:
    before, after = values[:CHANGE_AT], values[CHANGE_AT:]
    return np.concatenate([before - before.mean(), after - after.mean()])


def without_ar1(values: np.ndarray) -> np.ndarray:
    centred = values - values.mean()
    now, then = centred[1:], centred[:-1]
    return now - (now @ then) / (then @ then) * then


def lead(driver: np.ndarray, outcome: np.ndarray) -> tuple[int, float, float]:
    """The best of lags 1 to 6, the correlation there, and p from permuting the maximum."""

    def correlations(drivers: np.ndarray) -> np.ndarray:
        lagged = [(drivers[:, :-lag], outcome[lag:]) for lag in range(1, 7)]
        scored = [((a - a.mean(1, keepdims=True)) / a.std(1, keepdims=True), b) for a, b in lagged]
        return np.array([a @ (b - b.mean()) / b.std() / len(b) for a, b in scored]).T

    actual = correlations(driver[None, :])[0]
    permuted = np.random.default_rng(1).permuted(np.tile(driver, (2_000, 1)), axis=1)
    highest = np.abs(correlations(permuted)).max(axis=1)
    lag = int(np.abs(actual).argmax()) + 1
    return lag, actual[lag - 1], (1 + sum(highest >= np.abs(actual).max())) / 2_001


def monthly_shares_and_adoptions(events: list[dict]) -> tuple[list, list]:
    """The share of ideas that name a consumer and its cross-domain adoptions, by month; without pandas."""
    months = [f"{month:%Y-%m}" for month in MONTHS]
    ideas, named, first, owners = Counter(), Counter(), {}, {}
    for event in events:
        product, month = event["data_product_id"], event["occurred_at"][:7]
        if event["event_type"] == "idea_logged":
            owners[product] = event["domain"]
            ideas[month] += 1
            named[month] += any(domain != event["domain"] for domain in event.get("named_consumer_domains", ()))
        elif event["event_type"] == "adopted":
            first.setdefault((product, event["consumer_domain"]), month)
    adoptions = Counter(month for (product, consumer), month in first.items() if owners[product] != consumer)
    shares = [named[month] / ideas[month] if ideas[month] else None for month in months]
    return shares, [adoptions[month] for month in months]
