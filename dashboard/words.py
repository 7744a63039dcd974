"""Says served figures in plain words: numbers, verdicts, reasons, and the paragraph that answers first.

Belongs here: sentences, each true of the rows it is made from. Does not belong here: computing a figure, HTML.
A sentence is a list of (text, is_strong); every function takes rows as `dashboard.tables` reads them.
"""

from datetime import date

from dashboard.tables import EVERYONE, Row, Served

Sentence = list[tuple[str, bool]]
SMALL_DENOMINATOR = 20  # under it a share is told as "7 of 9"
FEW_TO_COMPARE = 10  # adoptions under which a domain is not compared

VERDICTS = {
    "improving": "Improving",
    "worsening": "Worsening",
    "no_change": "No change",
    "not_enough_data": "Not enough data yet",
}
PHASE_VERDICTS = {
    "gaining": "Gaining",
    "steady": "Steady",
    "slowing": "Slowing",
    "not_enough_data": "Not enough data yet",
}
EVIDENCE_CLASSES = {
    "measured": "counted from events",
    "derived": "estimated from events",
    "declared": "said by people",
    "missing": "not known",
}
INTERVALS = {
    "idea_to_started": "Idea → started",
    "started_to_deployed": "Started → deployed",
    "idea_to_deployed": "Idea → deployed",
    "deployed_to_adopted": "Deployed → adopted",
    "idea_to_adopted": "Idea → adopted",
}
STAGES = {"idea": "Idea, not started", "started": "In build", "deployed": "Deployed, no consumer"}
PHASES = {
    "I": "Clarity of purpose",
    "II": "Challenge and landscape",
    "III": "Next best action",
    "IV": "Long-term value",
}
REASONS = {
    "checks_failing": "fewer than 95% of its checks pass",
    "constant": "it never changed",
    "declared": "said by people, so there is nothing to judge",
    "fewer_than_24_months": "under 24 months known",
    "finished_ideas_only": "beside it for comparison: it favours fast ideas",
    "incomplete": "not complete yet",
    "limits_switched_off": "limits are switched off",
    "no_adoption_events": "no adoption has ever been sent",
    "no_adoptions": "there were no adoptions",
    "no_complete_month": "there is no complete month yet",
    "no_contract_events": "no contract event has ever been sent",
    "no_deployment_events": "no deployment has ever been sent",
    "no_deployments": "nothing was deployed",
    "no_idea": "its idea was never logged",
    "no_ideas": "no idea was logged",
    "no_named_consumers": "no idea has ever named a consumer",
    "no_other_domain": "there is no other domain",
    "no_products": "there are no data products",
    "no_repeat_use_events": "no repeated use has ever been sent",
    "no_target": "no target is declared",
    "no_work_started_events": "no start of work has ever been sent",
    "north_star_not_a_flow": "this North Star is not counted by month",
    "not_a_count": "this North Star is not a count by month",
    "not_enough_data": "not enough data yet",
    "not_monthly": "known by quarter only",
    "not_reached": "fewer than half get there",
    "nothing_checked": "nothing was checked",
    "nothing_landed": "no rows landed in that month",
    "overlapping_windows": "its windows overlap, so its changes can't be judged",
    "owner_unknown": "nobody is known to own it",
    "p85_not_reached": "fewer than 85% ever get through",
    "signal_in_phase": "the latest months hold a signal, so the past does not tell what comes next",
    "stock": "it is a stock, so its changes can't be judged",
    "too_few_expected": "too few were due for a ratio to mean anything",
    "too_few_points": "fewer than 6 months are known",
    "too_recent": "not everyone could be followed for long enough yet",
}
NEVER_JUDGED = {"declared", "finished_ideas_only", "limits_switched_off", "no_target", "overlapping_windows", "stock"}
PACED = {"time_to_value", "build_time", "adoption_lag"}  # judged by their pace index, which is drawn; up is faster


def plain(sentences: list[Sentence]) -> str:
    """Sentences as plain text."""
    return " ".join("".join(text for text, _ in sentence).strip() for sentence in sentences if sentence)


def reason(code: str | None) -> str:
    """Why a figure is not known, as half a sentence."""
    return REASONS[code] if code else "not known"


def number(value: float) -> str:
    """A count or an average: whole numbers whole, others to one decimal."""
    return f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 1000 else f"{value:,.1f}"


def days(value: float) -> str:
    """A duration in days, whole from ten on."""
    return f"{value:,.0f}" if value >= 9.95 else f"{value:.1f}"


def share(value: float) -> str:
    """A share in percent; one decimal near 0 and near 1, where whole percents would hide what is left."""
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


def out_of(row: Row) -> str | None:
    """ "7 of 9" for a share of fewer than SMALL_DENOMINATOR, else None."""
    whole = row["denominator"]
    if row["numerator"] is None or whole is None or whole >= SMALL_DENOMINATOR:
        return None
    return f"{row['numerator']:,} of {whole:,}"


def interval(lower: float | None, upper: float | None) -> str:
    """The 95 % interval of a median in days; open at the top where the band never comes down to a half."""
    low = days(lower) if lower is not None else "0"
    return f"{low} or more" if upper is None else f"{low} to {days(upper)}"


def period(start: date, kind: str) -> str:
    """ "December 2025", or "Q4 2025"."""
    return f"{start:%B %Y}" if kind == "month" else f"Q{(start.month + 2) // 3} {start:%Y}"


def listed(names: list[str]) -> str:
    """ "a, b and c"."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def several(count: int, one: str, many: str | None = None) -> str:
    """ "1 idea", "12 ideas"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def last_complete(rows: list[Row]) -> Row | None:
    """The latest complete period, None where there is none."""
    return next((row for row in reversed(rows) if row["is_complete"]), None)


def phase_before(rows: list[Row], row: Row) -> Row | None:
    """A row of the phase before that of `row`, for its limits; None in the first phase."""
    return next((r for r in reversed(rows) if r["process_phase"] < row["process_phase"]), None)


def phase_start(rows: list[Row], row: Row) -> Row:
    """The first row of the phase of `row`."""
    return next(r for r in rows if r["process_phase"] == row["process_phase"])


def rule_in_words(rows: list[Row], row: Row, unit: str) -> str:
    """Which rule makes this more than routine variation; `row` is the one judged, `rows` all of its series."""
    code = row["rule"]
    is_before = code.startswith("previous_")
    basis = phase_before(rows, row) if is_before else row
    when = "before the change" if is_before else ""
    what = "quarters" if row["limits_period"] == "quarter" or row["period"] == "quarter" else "months"
    value = row.get("pace_index") if row.get("pace_index") is not None else row["value"]
    is_above = value is not None and value > basis["center"]
    kind = "" if row.get("pace_index") is not None else unit
    side = "above" if is_above else "below"
    if code.endswith("outside_limits"):
        limit = basis["upper_limit"] if is_above else basis["lower_limit"]
        name = "upper" if is_above else "lower"
        if what == "quarters" and row["period"] == "month":
            return f"its quarter lies outside the limits {when}".strip()
        whose = f"the {name} limit {when}".strip()
        return f"{figure(value, kind)} is {side} {whose}, {figure(limit, kind)}"
    if code.endswith("eight_on_one_side"):
        where = "on one side of" if what == "quarters" and row["period"] == "month" else side
        return f"at least eight {what} in a row lie {where} the average {when}".strip()
    return f"of the last four {what}, at least three lie nearer a limit than the average {when}".strip()


def answer(served: Served) -> list[Sentence]:
    """The paragraph that answers first: the North Star, time to value, and what to act on."""
    return [s for s in (*north_star_answer(served), time_to_value_answer(served), act_on(served)) if s]


def north_star_answer(served: Served) -> list[Sentence]:
    """Is value rising, is it real, are we on target."""
    rows = served.north_star
    row = last_complete(rows)
    if row is None:
        so_far = rows[-1]["value"] if rows else None
        known = f" The current one has {number(so_far)} so far." if so_far is not None else ""
        return [[("There is no complete month yet.", True), (known, False)]]
    definition = served.definitions[row["metric_id"]]
    name, when = definition["name"], period(row["month_starting"], row["period"])
    if row["value"] is None:
        return [[(f"{name}: not known for {when}", True), (f", because {reason(row['reason'])}.", False)]]
    change = _change(rows, row, definition)
    if row["metric_id"] == "cross_domain_adoptions" and (row["rule"] or "").startswith("previous_"):
        change.insert(2, (_parts(served, row), False))
    return [change, _target(row, definition["unit"])]


def _change(rows: list[Row], row: Row, definition: Row) -> Sentence:
    unit, when = definition["unit"], period(row["month_starting"], row["period"])
    value = said(row["value"], unit)
    if row["verdict"] in ("improving", "worsening"):
        if row["rule"].startswith("previous_"):
            return _change_since(rows, row, definition)
        words = rule_in_words(rows, row, unit)
        return [(f"{_headline(row, definition)}: {value} in {when}.", True), (f" The change is real: {words}.", False)]
    if row["verdict"] == "no_change":
        head = f"{definition['name']} have not changed" if _is_plural(definition) else "The North Star has not changed"
        return [(head, True), (f": {value} in {when} is routine variation{_around(rows, row, unit)}.", False)]
    return [
        (f"{definition['name']}, {when}: {value}.", True),
        (f" Whether it changed can't be said: {reason(row['verdict_reason'])}.", False),
    ]


def _parts(served: Served, row: Row) -> str:
    """Where a change since a declared one comes from: each exact part's average, before and since."""
    told = []
    for metric in ("expansion_adoptions", "first_adoptions"):
        rows = served.leading.get((EVERYONE, metric), [])
        since = next((r for r in rows if r["month_starting"] == row["month_starting"]), None)
        before = since and phase_before(rows, since)
        if not before or since["center"] is None or before["center"] is None:
            return ""
        name = served.definitions[metric]["name"].lower()
        told.append(f"{name} went from {number(before['center'])} to {number(since['center'])}")
    return f" {told[0][0].upper()}{listed(told)[1:]}."


def _change_since(rows: list[Row], row: Row, definition: Row) -> Sentence:
    unit, before = definition["unit"], phase_before(rows, row)
    start = phase_start(rows, row)
    each = "" if definition["kind"] != "flow" else f" a {row['period']}"
    now, then = said(row["center"], unit) if row["center"] is not None else None, figure(before["center"], unit)
    value, when = said(row["value"], unit), period(row["month_starting"], row["period"])
    since = f"since {period(start['month_starting'], row['period'])}"
    is_up = row["center"] is not None and row["center"] > before["center"]
    head = f"{_headline(row, definition)}: {now}{each} on average {since}, {'up' if is_up else 'down'} from {then}."
    if now is None:
        head = f"{_headline(row, definition)} {since}: {value} in {when}, {then}{each} on average before."
    words = f" The change is real: {rule_in_words(rows, row, unit)}."
    if row["lower_limit"] is None:
        return [(head, True), (words, False)]
    rest = f" {when}, with {value}, is within today's limits, {limits(row, unit)}: routine variation."
    if row["limits_period"] == "quarter":
        rest = f" {when} had {value}; since the change its quarters vary as routine does."
    return [(head, True), (words, False), (rest, False)]


def _headline(row: Row, definition: Row) -> str:
    is_better = row["verdict"] == "improving"
    if row["metric_id"] == "cross_domain_adoptions":
        return f"{'More' if is_better else 'Less'} data is crossing domains"
    return f"{definition['name']}: {'better' if is_better else 'worse'} than before"


def _is_plural(definition: Row) -> bool:
    return definition["name"].endswith("adoptions")


def _around(rows: list[Row], row: Row, unit: str) -> str:
    """What a routine value varies around; a phase too young for an average is judged by the one before."""
    if row["center"] is None:
        return f" by the limits before the change, {limits(phase_before(rows, row), unit)}"
    provisional = "; its limits rest on fewer than 10 points, so they are provisional" if row["is_provisional"] else ""
    return f" around {said(row['center'], unit)}{provisional}"


def limits(row: Row, unit: str) -> str:
    """The routine range, "5.8 to 28.8"."""
    return f"{figure(row['lower_limit'], unit)} to {figure(row['upper_limit'], unit)}"


def _target(row: Row, unit: str) -> Sentence:
    if row["target"] is None:
        return [(" No target is declared.", False)]
    is_met = row["value"] >= row["target"] if unit != "days" else row["value"] <= row["target"]
    words = "reaches" if is_met else "misses"
    return [(f" It {words} the target of {said(row['target'], unit)}.", not is_met)]


def said(value: float, unit: str) -> str:
    """A value with its unit as one says it: "12 adoptions", "643 days", "40%"."""
    if unit == "share":
        return share(value)
    return f"{figure(value, unit)} {unit_of(value, unit)}"


def unit_of(value: float, unit: str) -> str:
    """The unit's name beside a value: singular for 1, none for a share."""
    if unit == "share":
        return ""
    return unit[:-1] if abs(value) == 1 and unit.endswith("s") else unit


def time_to_value_answer(served: Served) -> Sentence:
    """Do ideas reach people faster."""
    whole = served.headline()
    if whole is None or whole["reason"] in ("no_products", "no_adoption_events"):
        return [("Time to value is not known", True), (f": {reason(whole and whole['reason'])}.", False)]
    row = last_complete(served.leading.get((EVERYONE, "time_to_value"), []))
    heads = {
        "improving": "Ideas reach other domains faster than before",
        "worsening": "Ideas reach other domains more slowly than before",
        "no_change": "The pace from idea to use has not credibly changed",
    }
    verdict = row["verdict"] if row else "not_enough_data"
    return [(heads.get(verdict, "Time to value"), True), (f": {half_within(whole)}.", False)]


def half_within(row: Row, whose: str = "all ideas") -> str:
    """The headline of an interval to another domain's hands: half within how many days, or how many in a year."""
    if row["median_days"] is not None:
        within = f"within {days(row['median_days'])} days"
        band = f"(95% interval {interval(row['median_lower_days'], row['median_upper_days'])})"
        if row["median_upper_days"] is None:  # then a single late adoption may make the half
            by_180 = share(row["share_by_day_180"])
            return f"{by_180} of {whose} are in another domain's hands within 180 days, half {within} {band}"
        return f"half of {whose} are in another domain's hands {within} {band}"
    if row["share_by_day_365"] is not None:
        return f"{share(row['share_by_day_365'])} of {whose} are in another domain's hands within a year"
    return reason(row["reason"])


def finished_only(served: Served, domain: str = EVERYONE) -> str:
    """What counting finished ideas only would show instead; empty where nobody could be misled."""
    told = served.time_to_value.get((domain, "idea_to_adopted", EVERYONE, "completed_only"))
    whole = served.headline(domain)
    if not told or told["median_days"] is None:
        return ""
    wrong = f" Counting finished ideas only would show {days(told['median_days'])} days"
    if whole["median_days"] is not None:
        return f"{wrong} instead of {days(whole['median_days'])}."
    return f"{wrong}: it forgets the ideas that are still open or were dropped."


def act_on(served: Served) -> Sentence:
    """What calls for action: metrics that worsen, slow domains, overdue ideas, the lever with evidence."""
    parts = []
    worse = [served.definitions[m]["name"].lower() for m in _leading_with(served, "worsening")]
    if worse:
        parts.append(f"worsening: {listed(worse)}")
    parts += [slow_domain(row) for row in served.domains if row["difference"] == "slower"][:2]
    parts += [words for words in (overdue(served), waiting(served)) if words]
    if any(row["reason"] == "no_adoption_events" for row in served.north_star[-1:]):
        parts.insert(0, "no adoption has ever been sent, and without adoptions nobody can say what is of value")
    if parts:
        return [("Act on:", True), (f" {'; '.join(parts)}.", False)]
    if not any(row["verdict"] == "no_change" for rows in served.leading.values() for row in rows[-2:]):
        return []
    return [("Nothing calls for action:", True), (" what varies is routine.", False)]


def overdue(served: Served) -> str:
    """How many open ideas are overdue, of those of which it can be told; empty where none is."""
    count, judged = (sum(row[f"{kind}_count"] for row in served.open_counts.values()) for kind in ("overdue", "judged"))
    return f"{count:,} of the {several(judged, 'open idea')} that can be judged {_is(count)} overdue" if count else ""


def waiting(served: Served) -> str:
    """How many open ideas are deployed and used by no other domain, where that is the longest queue."""
    opened, deployed, elsewhere = (
        sum(row[f"{kind}_count"] for row in served.open_counts.values()) for kind in ("open", "deployed", "undeployed")
    )
    has_adoptions = any(row["value"] is not None for row in served.north_star)
    if not has_adoptions or deployed <= elsewhere:
        return ""
    return f"{deployed:,} of {several(opened, 'open idea')} {_is(deployed)} deployed and used by no other domain"


def slow_domain(row: Row) -> str:
    """A domain that is credibly slower, and where."""
    words = f"the {row['domain']} domain is slower than the whole organisation"
    if row["slow_stage"]:
        stage = INTERVALS[row["slow_stage"]].lower().replace("→", "to")
        words += (
            f", above all from {stage} (half within {days(row['slow_stage_median_days'])} days"
            f" against {days(row['slow_stage_all_median_days'])}, dropped ideas left out)"
        )
    return words


def _leading_with(served: Served, verdict: str) -> list[str]:
    found = []
    for (domain, metric), rows in served.leading.items():
        row = last_complete(rows)
        if domain == EVERYONE and row and row["verdict"] == verdict:
            found.append(metric)
    return found


def evidence_in_words(row: Row | None) -> str:
    """What influence_evidence says of a leading metric: whether it moves ahead of the North Star."""
    if row is None:
        return "adds up exactly"
    if row["reason"]:
        return f"untested: {reason(row['reason'])}"
    if row["verdict"] == "evidence":
        against = "" if row["correlation"] > 0 else ", against it"
        return f"evidence: leads by {several(row['lag'], 'month')}{against} (r {row['correlation']:.2f})"
    return "tested: no evidence so far"


def domains_in_words(rows: list[Row]) -> str:
    """Which domains are credibly slower or faster; all else is chance."""
    parts = []
    for word in ("slower", "faster"):
        names = [row["domain"] for row in rows if row["difference"] == word]
        shown = names[:5] + ([f"{len(names) - 5} more"] if len(names) > 5 else [])
        if names:
            parts.append(f"{listed(shown)} {'is' if len(names) == 1 else 'are'} credibly {word}")
    if parts:
        chance = sum(row["difference"] == "within_chance" for row in rows)
        few = sum(row["difference"] is None for row in rows)
        rest = (
            f" {several(chance, 'other')} {'differs' if chance == 1 else 'differ'} by no more than chance."
            if chance
            else ""
        )
        return "; ".join(parts) + "." + rest + (f" {several(few, 'domain')} can't be compared yet." if few else "")
    if any(row["difference"] for row in rows):
        return "No domain is credibly slower or faster than the whole organisation."
    return "No domain can be compared yet: that takes 10 adoptions of its ideas."


def flywheel_in_words(rows: list[Row]) -> str:
    """Which phases slow the wheel, which gain."""
    by_phase = {row["flywheel_phase"]: row["flywheel_phase_verdict"] for row in rows}
    slowing = [phase for phase, verdict in by_phase.items() if verdict == "slowing"]
    gaining = [phase for phase, verdict in by_phase.items() if verdict == "gaining"]
    if slowing:
        return (
            f"phase{'s' if len(slowing) > 1 else ''} {listed(slowing)} slow{'' if len(slowing) > 1 else 's'} the wheel"
        )
    if gaining:
        return f"phase{'s' if len(gaining) > 1 else ''} {listed(gaining)} gain{'' if len(gaining) > 1 else 's'}"
    if all(verdict == "not_enough_data" for verdict in by_phase.values()):
        return "not enough data yet"
    return "steady"


def domain_answer(row: Row, counts: Row) -> list[Sentence]:
    """The paragraph a domain's page answers with: gives and takes, pace against everyone's, what waits."""
    sentences: list[Sentence] = []
    months = several(row["month_count"], "complete month")
    if row["gave_count"] is None:
        sentences.append(
            [("What it gives and takes is not known", True), (f": {reason('no_adoption_events')}.", False)]
        )
    elif not row["month_count"]:
        sentences.append([("There is no complete month yet.", True)])
    else:
        gave, took = several(row["gave_count"], "adoption"), several(row["took_count"], "adoption")
        sentences.append(
            [
                (f"In the last {months} other domains adopted its data products {times(row['gave_count'])}", True),
                (f" ({gave} given), and it adopted others' {times(row['took_count'])} ({took} taken).", False),
            ]
        )
    sentences.append(_pace_of(row))
    if counts["open_count"]:
        opened = several(counts["open_count"], "open idea")
        sentences.append(
            [(f" Of its {opened}, {counts['overdue_count']:,} {_is(counts['overdue_count'])} overdue.", False)]
        )
    return sentences


def times(count: int) -> str:
    """ "once", "12 times", "never"."""
    return {0: "not at all", 1: "once", 2: "twice"}.get(count, f"{count:,} times")


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _pace_of(row: Row) -> Sentence:
    if row["difference"] == "slower":
        return [(f" {slow_domain(row)[0].upper()}{slow_domain(row)[1:]}.", True)]
    if row["difference"] == "faster":
        return [(" It is credibly faster than the whole organisation.", True)]
    if row["difference"] == "within_chance":
        return [(" Its pace differs from the whole organisation's by no more than chance.", False)]
    if not row["product_count"]:
        return [(" It owns no data products.", False)]
    return [(f" Its pace can't be compared: that takes {FEW_TO_COMPARE} adoptions of its ideas.", False)]
