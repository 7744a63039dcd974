"""Does a leading metric lead the North Star, or the part of it that it hangs under? One row per leading metric.

Here belong: taking phases and autocorrelation out of the series, their cross-correlation at lags of 1 to 6 months, and
the p-value of the strongest of all. Not here: the metrics and their phases (process_limits), what to expect next
(north_star_forecasts), a claim that one causes the other or that it does not: 24 to 36 months can show evidence,
never its absence.

Method, on the months between the North Star's first and last known one, of the whole organisation:
1. Each phase's mean, and its straight line where it has LINE_FROM months, is taken out of every series: a declared
   change moves all of them, and in a programme that grows everything grows, which would correlate anything.
2. Each is prewhitened by its own autoregression (Box and Jenkins, Time Series Analysis, ch. 11; Haugh 1976), fitted on
   those residuals within runs of known months of a phase (Burg 1975). Its order, 0 to LARGEST_ORDER, has the least
   AICc (Hurvich and Tsai 1989): a calendar of releases or of years is no evidence.
3. The statistic of a lag is |t| of the later series on the leading one, by HC3 (MacKinnon and White 1985): where a
   calendar leaves few months that differ from 0, they are not taken for many (DiCiccio and Romano 2017).
4. p is the share of DRAW_COUNT draws in which any tested metric reaches as much at any lag against any outcome (max-T:
   Westfall and Young, Resampling-Based Multiple Testing, 1993), counting the data itself as one (Phipson and Smyth
   2010). So searching metrics, outcomes and lags is paid for. A draw gives the outcomes random phases of their Fourier
   transforms, the same for all (Theiler et al. 1992; Prichard and Theiler 1994): what autocorrelation step 2 left
   stays, and so does the relation of the parts to the total. Step 1 is repeated on each (Freedman and Lane 1983).

False evidence and what is found: measured in docs/metrics.md.
"""

import math
from collections import defaultdict

import numpy as np
import pyarrow as pa

LAGS = range(1, 7)
FEWEST_MONTHS = 24
LINE_FROM = 12  # months; a shorter phase's slope is mostly noise
LARGEST_ORDER = 12  # months, a year
DRAW_COUNT = 2_000
SEED = 20_230_101  # any constant
SIGNIFICANT_BELOW = 0.04  # draws are a little too even for counts and calendars: with 0.05 up to 7 % show it
ROUNDING = 1e-9  # of a statistic; also the share of a series' size below which nothing is left of it
SCHEMA = pa.schema(
    [
        ("metric_id", pa.string()),
        ("outcome_metric_id", pa.string()),
        ("lag", pa.int32()),
        ("correlation", pa.float64()),
        ("p_value", pa.float64()),
        ("observation_count", pa.int32()),
        ("verdict", pa.string()),
        ("reason", pa.string()),
    ]
)

Months = dict[int, tuple[int, float]]


def by_month(rows: list[dict]) -> Months:
    """Return {months since year 0: (process phase, process value)} of the complete months whose value is known."""
    return {
        row["month_starting"].year * 12 + row["month_starting"].month: (
            row["process_phase"],
            float(row["process_value"]),
        )
        for row in rows
        if row["period"] == "month"
        and row["is_complete"]
        and row["process_value"] is not None
        and math.isfinite(row["process_value"])
    }


def on_calendar(months: Months, calendar: range) -> tuple[np.ndarray, np.ndarray]:
    """Return the value (NaN where unknown) and the process phase (-1 there), one entry per month of the calendar."""
    found = [months.get(month, (-1, math.nan)) for month in calendar]
    return np.array([value for _, value in found]), np.array([phase for phase, _ in found])


def phase_lines(phases: np.ndarray) -> np.ndarray:
    """Return each phase's level, and its slope where it is long enough, as orthonormal rows (lines x months)."""
    months = np.arange(len(phases))
    lines = []
    for phase in np.unique(phases[phases >= 0]):
        is_in_phase = phases == phase
        lines.append(is_in_phase.astype(float))
        if is_in_phase.sum() >= LINE_FROM:
            lines.append(np.where(is_in_phase, months - months[is_in_phase].mean(), 0.0))
    return np.array([line / np.sqrt(np.sum(line**2)) for line in lines])


def take_out(lines: np.ndarray, series: np.ndarray) -> np.ndarray:
    """Return the residuals of series (months, or series x months; NaN where unknown) from the lines."""
    residuals = series - np.nan_to_num(series) @ lines.T @ lines
    is_only_rounding = np.nanmax(np.abs(residuals)) < ROUNDING * np.nanmax(np.abs(series))
    return residuals * 0.0 if is_only_rounding else residuals


def scaled(series: np.ndarray) -> np.ndarray:
    """Return the series in units of its largest month, so that no square of it is too large or too small."""
    return series / (np.nanmax(np.abs(series)) or 1.0)


def known_before(phases: np.ndarray) -> np.ndarray:
    """Return for each month how many known months of its phase precede it without a gap."""
    counts = np.zeros(len(phases), dtype=int)
    for month in range(1, len(phases)):
        if phases[month] >= 0 and phases[month] == phases[month - 1]:
            counts[month] = counts[month - 1] + 1
    return counts


def aicc(variances: np.ndarray, count: int, line_count: int) -> np.ndarray:
    """Return AICc of the orders 0, 1, ... from their error variances; infinite where months are too few for it."""
    parameters = np.arange(len(variances)) + line_count + 1
    left = count - parameters - 1
    penalties = np.divide(2.0 * parameters * count, left, out=np.full(len(left), math.inf), where=left > 0)
    return count * np.log(variances) + penalties


def prediction_errors(residuals: np.ndarray, before: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return Burg's forward errors (orders x months) and their variances (orders), from order 0.

    A month's error of an order above its known months is that of its largest possible order.
    """
    forward = backward = np.nan_to_num(residuals)
    errors, variances = [forward], [np.mean(residuals[~np.isnan(residuals)] ** 2)]
    for order in range(1, LARGEST_ORDER + 1):
        is_deep = before >= order
        ahead, behind = forward[is_deep], np.roll(backward, 1)[is_deep]
        power = np.sum(ahead**2) + np.sum(behind**2)
        reflection = 2 * np.sum(ahead * behind) / power if power > 0 else 0.0
        variance = variances[-1] * (1 - reflection**2)
        if not variance > ROUNDING**2 * variances[0]:
            break
        forward, backward = forward.copy(), backward.copy()
        forward[is_deep], backward[is_deep] = ahead - reflection * behind, behind - reflection * ahead
        errors.append(forward)
        variances.append(variance)
    return np.array(errors), np.array(variances)


def prewhiten(values: np.ndarray, phases: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """Return what lines and an autoregression within phases leave (months; 0 throughout where nothing is left).

    The first months of a run have fewer months to be predicted from; their errors are scaled to the same variance.
    """
    residuals = scaled(take_out(lines, scaled(values)))
    if not np.nansum(residuals**2):
        return residuals
    before = known_before(phases)
    errors, variances = prediction_errors(residuals, before)
    order = int(np.argmin(aicc(variances, int(np.sum(~np.isnan(residuals))), len(lines))))
    reached = np.minimum(before, order)
    whitened = errors[order] * np.sqrt(variances[order] / variances[reached])
    return scaled(take_out(lines, np.where(np.isnan(residuals), np.nan, whitened)))


def strengths(leading: np.ndarray, following: np.ndarray) -> np.ndarray:
    """Return |t| (draws x metrics x lags) of following (draws x months) regressed on leading (metrics x months).

    Its standard error is HC3's, of a slope held back by the sum of squared leverages: two months fit any slope. The
    same months are unknown (NaN) in every draw; they are in no pair.
    """
    is_known = ~np.isnan(following[0])
    leading, following = np.nan_to_num(leading), np.nan_to_num(following)
    found = np.zeros((len(following), len(leading), len(LAGS)))
    for index, lag in enumerate(LAGS):
        early, late = leading[:, :-lag] * is_known[lag:], following[:, lag:]
        power = np.sum(early**2, axis=1, keepdims=True)
        share = np.divide(early**2, power, out=np.zeros_like(early), where=power > ROUNDING)
        weights = (early / np.maximum(1 - share, ROUNDING)) ** 2
        slopes = np.divide(late @ early.T, power.T, out=np.zeros(found.shape[:2]), where=power.T > ROUNDING)
        held = slopes * (1 - np.sum(share**2, axis=1))
        variances = late**2 @ weights.T - 2 * held * (late @ (weights * early).T)
        variances += held**2 * np.sum(weights * early**2, axis=1)
        errors = np.sqrt(np.maximum(variances, ROUNDING**2 * np.sum(late**2, axis=1, keepdims=True)))
        found[:, :, index] = np.abs(slopes) * power.T / (errors + (errors == 0))
    return found


def correlation(leading: np.ndarray, following: np.ndarray, lag: int) -> float:
    """Return r of leading at t with following at t + lag, both of mean 0 within phases; 0 where one is 0 in all."""
    early, late = leading[:-lag], following[lag:]
    is_pair = ~np.isnan(early) & ~np.isnan(late)
    early, late = early[is_pair], late[is_pair]
    size = np.sqrt(np.sum(early**2) * np.sum(late**2))
    return float(early @ late / size) if size > 0 else 0.0


def turns(month_count: int) -> np.ndarray:
    """Return DRAW_COUNT sets of random phases, draws x frequencies; that of the mean stays."""
    generator = np.random.default_rng(SEED)
    drawn = np.exp(2j * np.pi * generator.random((DRAW_COUNT, month_count // 2 + 1)))
    drawn[:, 0] = 1.0
    if month_count % 2 == 0:
        drawn[:, -1] = np.sign(drawn[:, -1].real)
    return drawn


def drawn_anew(series: np.ndarray, lines: np.ndarray, phases_of_waves: np.ndarray) -> np.ndarray:
    """Return copies (draws x months) with the same spectrum and other phases; unknown months stay where they are."""
    copies = np.fft.irfft(np.fft.rfft(np.nan_to_num(series)) * phases_of_waves, len(series), axis=1)
    return take_out(lines, np.where(np.isnan(series), np.nan, copies))


def tested(leading: dict[str, np.ndarray], outcomes: dict[str, tuple], parents: dict, star: str) -> dict[str, dict]:
    """Return {metric: its strongest outcome, lag, correlation and p}; a part with evidence goes before the total.

    leading holds prewhitened series; outcomes those of the North Star `star` and its parts, each with its lines.
    """
    waves = turns(len(outcomes[star][0]))
    maxima, found = np.zeros(DRAW_COUNT), defaultdict(list)
    for outcome, (following, lines) in outcomes.items():
        names = [name for name in leading if outcome in (star, parents[name])]
        if not names:
            continue
        early = np.array([leading[name] for name in names])
        by_chance = np.abs(strengths(early, drawn_anew(following, lines, waves)))
        maxima = np.maximum(maxima, by_chance.max(axis=(1, 2)))
        for name, by_lag in zip(names, np.abs(strengths(early, following[None, :]))[0], strict=True):
            lag = LAGS[int(np.argmax(by_lag))]
            found[name].append((outcome, lag, by_lag.max(), correlation(leading[name], following, lag)))
    best = {}
    for name, candidates in found.items():
        rows = [
            {
                "outcome_metric_id": outcome,
                "lag": lag,
                "correlation": round(r, 10),
                "p_value": round(float((1 + np.sum(maxima >= strength - ROUNDING)) / (1 + DRAW_COUNT)), 10),
            }
            for outcome, lag, strength, r in sorted(candidates, key=lambda one: -one[2])
        ]
        parts = [row for row in rows if row["outcome_metric_id"] != star and row["p_value"] < SIGNIFICANT_BELOW]
        best[name] = (parts or rows)[0]
    return best


def why_untested(rows: list[dict], months: Months, edge: str, north_star: list[dict], star: Months) -> str | None:
    """Return why a metric of these rows is not tested against the North Star; None where it can be."""
    if edge == "arithmetic":
        return "part_of_north_star"
    if any(not row["has_limits"] for row in north_star):
        return "north_star_not_a_flow"
    if not any(row["period"] == "month" for row in rows):
        return "not_monthly"
    if north_star and not any(row["period"] == "month" for row in north_star):
        return "not_monthly"
    return "fewer_than_24_months" if len(months.keys() & star.keys()) < FEWEST_MONTHS else None


def prewhitened(months: Months, calendar: range) -> tuple[np.ndarray, np.ndarray]:
    """Return the prewhitened series on the calendar, and the lines of its phases."""
    values, phases = on_calendar(months, calendar)
    lines = phase_lines(phases)
    return prewhiten(values, phases, lines), lines


def outcomes_of(star_id: str, star: Months, parts: dict[str, Months], calendar: range) -> dict[str, tuple]:
    """Return the prewhitened North Star and those of its parts that are known in enough months, each with its lines."""
    known = {name: months for name, months in parts.items() if len(months.keys() & star.keys()) >= FEWEST_MONTHS}
    return {name: prewhitened(months, calendar) for name, months in ({star_id: star} | known).items()}


def influences(rows: list[dict], definitions: list[dict]) -> list[dict]:
    """Return one row per leading metric, by name, from the rows of process_limits and of metrics in any order.

    observation_count is the number of complete months in which both the metric and the North Star are known.
    """
    organisation = [row for row in rows if row["domain"] == "all"]
    north_star = [row for row in organisation if row["is_north_star"]]
    star, itself = by_month(north_star), {row["metric_id"] for row in north_star}
    by_metric = defaultdict(list)
    for row in organisation:
        if row["metric_id"] not in itself:
            by_metric[row["metric_id"]].append(row)
    monthly = {name: by_month(some) for name, some in by_metric.items()}
    defined = {row["metric_id"]: row for row in definitions}
    found, leading = {}, {}
    calendar = range(min(star, default=0), max(star, default=0) + 1)
    for name in sorted(name for name in by_metric if defined[name]["role"] == "leading"):
        reason = why_untested(by_metric[name], monthly[name], defined[name]["edge"], north_star, star)
        if reason is None:
            leading[name], _ = prewhitened(monthly[name], calendar)
        found[name] = {"reason": reason, "observation_count": len(monthly[name].keys() & star.keys())}
    best = {}
    if leading:
        parents = {name: defined[name]["parent_metric_id"] for name in leading}
        star_id, parts = min(itself), {name: monthly[name] for name in set(parents.values()) & monthly.keys()}
        outcomes = outcomes_of(star_id, star, parts, calendar)
        is_flat = not np.nansum(outcomes[star_id][0] ** 2)
        moving = {} if is_flat else {name: series for name, series in leading.items() if np.nansum(series**2)}
        best = tested(moving, {name: outcomes[name] for name in sorted(outcomes)}, parents, star_id) if moving else {}
    return [_row(name, one, best.get(name)) for name, one in found.items()]


def _row(name: str, found: dict, best: dict | None) -> dict:
    """Return the served row of a metric; best is what `tested` gave, None where it could not be tested."""
    row = dict.fromkeys(SCHEMA.names) | {"metric_id": name, "verdict": "not_enough_evidence"} | found
    if best is None:
        return row | {"reason": found["reason"] or "constant"}
    return row | best | {"verdict": "evidence" if best["p_value"] < SIGNIFICANT_BELOW else "not_enough_evidence"}


def model(dbt, session) -> pa.Table:
    """Run as a dbt model: process_limits and metrics in, one row per leading metric out."""
    limits, metrics = (
        [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]
        for relation in (dbt.ref("process_limits"), dbt.ref("metrics"))
    )
    return pa.Table.from_pylist(influences(limits, metrics), schema=SCHEMA)
