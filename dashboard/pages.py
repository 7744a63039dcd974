"""Assembles the pages: what stands where, from served rows to what the templates print.

Belongs here: sections, their order, the choice of rows, the key by which a drawn page still holds. Does not belong
here: SQL, sentences, marks, markup.
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from dashboard import charts, words
from dashboard.tables import EVERYONE, HEADLINE, LISTED, Row, Served
from dashboard.theme import FONT, svg

DOMAINS_LISTED = 16  # on the main page; the others stand together in one row, and each has its own page
TITLE_LENGTH = 120
WIDTHS = {"wide": 1090, "medium": 640, "narrow": 316}  # of the charts that are drawn once for each kind of screen
HEAD_BYTES = 1000  # of a page, in which its key stands
View = dict[str, Any]


@dataclass(frozen=True)
class Page:
    """A page that can be drawn, and the key of all that it shows: a page drawn under the same key still holds."""

    name: str  # of its file, in the folder of the pages
    template: str
    view: Callable[[Any], View]  # from the rows to what the template prints
    rows: Served | list[str]  # all that the view is given
    options: View  # where it leads

    @cached_property
    def key(self) -> str:
        """A hash of its rows and options and of the code that draws it; of no clock, and of no run."""
        shown = (_drawing(), self.name, sorted(self.options.items()), self.rows)
        return hashlib.sha256(repr(shown).encode()).hexdigest()

    def draw(self, drawn_at: datetime, run_id: str) -> str:
        """Its HTML, which says that it was drawn at that moment by that run."""
        stamp = {"at": _instant(drawn_at), "run": run_id, "key": self.key}
        template = _environment().get_template(self.template)
        return template.render(**self.view(self.rows), **self.options, stamp=stamp, css_font=Markup(FONT))

    def is_drawn(self, path: Path) -> bool:
        """Whether a file is this page, drawn from the same rows by the same code."""
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return f'content="{self.key}"'.encode() in file.read(HEAD_BYTES)


def pages_of(served: Served, archive: str | None, pdf: str | None, looks_back: bool = False) -> list[Page]:
    """The main page, then one for each domain that owns or uses a data product.

    Parameters: `archive` and `pdf`, where the main page links to, None for no link; `looks_back`, whether to say on top
    that these are not the latest figures.
    """
    links = {"archive": archive, "pdf": pdf, "looks_back": looks_back}
    return [
        Page("index.html", "index.html", _index, served.of_everyone(), links),
        *(
            Page(
                f"domains/{_slug(row['domain'])}.html",
                "domain.html",
                _domain,
                served.of_domain(row["domain"]),
                {"looks_back": looks_back},
            )
            for row in served.domains
        ),
    ]


def archive_page(months: list[str]) -> Page:
    """The list of the months whose pages were kept, each in a folder of its name ("2025-12"), latest first."""
    latest_first = sorted(months, reverse=True)
    return Page("index.html", "archive.html", lambda names: {"months": names}, latest_first, {"looks_back": False})


@cache
def _drawing() -> str:
    """A hash of all that decides how rows become a page."""
    folder = Path(__file__).parent
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".py", ".html", ".css"))
    content = b"".join(path.read_bytes() for path in files) + version("vl-convert-python").encode()
    return hashlib.sha256(content).hexdigest()


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("dashboard"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"several": words.several, "short": _short}
    return environment


def _printable(value: object) -> object:
    """Refuse to print what is not words: an unknown figure must be told as one, a float must have been written out."""
    if value is None or isinstance(value, float):
        raise TypeError(f"{value!r} reached a page; say it in words")
    return value


def _index(served: Served) -> View:
    slugs = {row["domain"]: _slug(row["domain"]) for row in served.domains}
    return {
        "publication": _publication(served),
        "answer": words.answer(served),
        "north_star": _north_star(served),
        "drivers": _drivers(served),
        "time_to_value": _time_to_value(served, EVERYONE),
        "stages": _stages(served, EVERYONE),
        "overdue": _overdue(served, slugs),
        "outlook": _outlook(served),
        "domains": _domains(served, slugs),
        "evolution": _evolution(served, slugs),
        "flywheel": _flywheel(served),
        "trust": _trust(served),
        "definitions": _definitions(served),
    }


def _publication(served: Served) -> View:
    row = served.publication
    return {
        "is_sample": row["is_sample"],
        "as_of": _instant(row["as_of"]),
        "known_at": row["known_at"] and _instant(row["known_at"]),
        "data_through": row["data_through"] and _instant(row["data_through"]),
    }


def _north_star(served: Served) -> View:
    rows = served.north_star
    if not rows:
        return {"name": "North Star", "row": None, "facts": [], "value": None, "chart": None}
    row, definition = words.last_complete(rows) or rows[-1], served.definitions[rows[-1]["metric_id"]]
    shown = rows[charts.first_shown([r["is_complete"] for r in rows]) :]
    unit = definition["unit"]
    return {
        "name": definition["name"],
        "meaning": definition["definition"].split(". ")[0].rstrip(".") + ".",
        "period": words.period(row["month_starting"], row["period"]),
        "row": row,
        "unit": words.unit_of(row["value"], unit) if row["value"] is not None else "",
        "value": _exact(row["value"]),
        "words": _figure(row["value"], unit),
        "reason": words.reason(row["reason"]) if row["value"] is None else "",
        "verdict": _verdict(row, _is_up_good(definition), rows),
        "why": words.rule_in_words(rows, row, unit) if row["rule"] else _why_not(row),
        "facts": _facts(rows, row, definition),
        "twelve_months": _twelve_months(rows, definition),
        "chart": _north_star_charts(rows, row, definition) if any(r["value"] is not None for r in rows) else None,
        "changes": [
            f"{number} · {words.period(first['month_starting'], 'month')}: {first['process_phase_note']}"
            for number, first in enumerate((r for r in shown if r["process_phase_note"]), 1)
        ],
        "table": [
            {
                "period": words.period(r["month_starting"], r["period"]) + ("" if r["is_complete"] else " (so far)"),
                "value": _known(r["value"], unit, r["reason"]),
                "average": _figure(r["center"], unit),
                "limits": _limits(r, unit),
                "verdict": words.VERDICTS[r["verdict"]] if r["is_complete"] else "not complete yet",
            }
            for r in shown
        ],
    }


def _why_not(row: Row) -> str:
    if row["verdict"] == "no_change":
        return "routine variation, no explanation needed"
    return words.reason(row["verdict_reason"]) if row["verdict_reason"] else ""


def _facts(rows: list[Row], row: Row, definition: Row) -> list[tuple[str, str]]:
    unit = definition["unit"]
    since = words.phase_start(rows, row)
    found = []
    if row["center"] is not None:
        when = f" since {since['month_starting']:%b %Y}" if words.phase_before(rows, row) else ""
        found.append((f"Average{when}", words.figure(row["center"], unit)))
        found.append(
            ("Routine range" + (" (by quarter)" if row["limits_period"] == "quarter" else ""), _limits(row, unit))
        )
    found.append(("Target", words.figure(row["target"], unit) if row["target"] is not None else "none declared"))
    return found


def _twelve_months(rows: list[Row], definition: Row) -> View | None:
    """The last 12 complete months together, of a North Star that is a monthly count."""
    last = [row for row in rows if row["is_complete"]][-12:]
    if definition["kind"] != "flow" or not last or last[-1]["period"] != "month" or last[-1]["value"] is None:
        return None
    total = sum(row["value"] for row in last if row["value"] is not None)
    return {"label": f"Last {words.several(len(last), 'month')}", "value": _exact(total), "words": words.number(total)}


def _north_star_charts(rows: list[Row], row: Row, definition: Row) -> dict[str, Markup]:
    unit = definition["unit"]
    said = f"{words.period(row['month_starting'], row['period'])}: {_known(row['value'], unit, row['reason'])}."
    if row["center"] is not None:
        said += f" Average {words.figure(row['center'], unit)}, routine range {_limits(row, unit)}."
    said += f" Verdict: {words.VERDICTS[row['verdict']].lower()}."
    return {
        size: _svg(
            charts.north_star_chart(rows, definition, width, 236 if size == "wide" else 230),
            f"north-star-{size}",
            f"{definition['name']} by {row['period']}",
            said,
        )
        for size, width in WIDTHS.items()
    }


def _drivers(served: Served) -> View:
    north_star = words.last_complete(served.north_star)
    root = north_star["metric_id"] if north_star else "cross_domain_adoptions"
    is_exact = root == "cross_domain_adoptions"
    definition = served.definitions[root]
    blocks = [_block(served, metric) for metric in ("first_adoptions", "expansion_adoptions")]
    alone = _cards(served, "cross_domain_adoptions")
    return {
        "name": definition["name"],
        "value": _known(north_star["value"], definition["unit"], None) if north_star else "not known",
        "is_exact": is_exact,
        "blocks": blocks,
        "alone": alone,
        "cards": [*alone, *(card for block in blocks for card in block["cards"])],
    }


def _block(served: Served, metric: str) -> View:
    """One exact part of the North Star, with what is believed to drive it."""
    row = words.last_complete(served.leading.get((EVERYONE, metric), []))
    definition = served.definitions[metric]
    return {
        "id": metric,
        "name": definition["name"],
        "what": {"first_adoptions": "a data product's first other domain", "expansion_adoptions": "one more domain"}[
            metric
        ],
        "value": _exact(row["value"]) if row else None,
        "words": _known(row["value"], definition["unit"], None) if row else "not known",
        "cards": _cards(served, metric),
    }


def _cards(served: Served, parent: str) -> list[View]:
    children = [d for d in served.definitions.values() if d["parent_metric_id"] == parent and d["edge"] == "influence"]
    order = sorted(children, key=lambda d: (d["flywheel_phase"], d["metric_id"]))
    return [_card(served, d) for d in order if (EVERYONE, d["metric_id"]) in served.leading]


def _metric(served: Served, domain: str, definition: Row) -> View:
    """A leading metric in one domain: its latest complete period and the verdict on it, or why it is not known."""
    metric, unit = definition["metric_id"], definition["unit"]
    rows = served.leading[domain, metric]
    row = words.last_complete(rows)
    view = {"id": metric, "name": definition["name"], "verdict": _verdict(row, _is_up_good(definition), rows)}
    if row is None:
        return view | {"value": "–", "unit": "", "reason": words.reason("no_complete_month"), "why": "", "period": "–"}
    is_told = row["value"] is not None or row["reason"] == "not_reached"
    return view | {
        "value": _latest(row, unit),
        "unit": words.unit_of(row["value"], unit) if row["value"] is not None else "",
        "reason": "" if is_told else words.reason(row["reason"]),
        "why": words.rule_in_words(rows, row, unit) if row["rule"] else _why_not(row),
        "period": words.period(row["month_starting"], row["period"]),
    }


def _latest(row: Row, unit: str) -> str:
    if row["value"] is None:
        return "half not reached" if row["reason"] == "not_reached" else "–"
    return (unit == "share" and words.out_of(row)) or words.figure(row["value"], unit)


def _card(served: Served, definition: Row) -> View:
    """A leading metric of everyone, with its sparkline, its lever and the evidence that it leads."""
    metric, is_paced = definition["metric_id"], definition["metric_id"] in words.PACED
    rows, evidence = served.leading[EVERYONE, metric], served.evidence.get(metric)
    row, view = words.last_complete(rows), _metric(served, EVERYONE, definition)
    unit = "" if is_paced else definition["unit"]
    pace = f"pace {row['pace_index']:.2f}" if row and row["pace_index"] is not None else ""
    note = f"{pace or 'pace'}, up is faster" if is_paced else "by month"
    if row and row["period"] == "quarter":
        note = view["period"]
    value = f"{view['value']} {view['unit']}".strip() + (pace and f", {pace}")
    told = f"Not known: {view['reason']}" if view["reason"] else value
    return view | {
        "note": note,
        "lever": definition["lever"],
        "evidence": words.evidence_in_words(evidence),
        "has_evidence": bool(evidence) and evidence["verdict"] == "evidence",
        "average": _figure(row["center"], unit) if row else "–",
        "limits": _limits(row, unit) if row else "–",
        "chart": _svg(
            charts.sparkline(rows, definition),
            f"spark-{metric.replace('_', '-')}",
            f"{definition['name']}, {note}",
            f"{told}. Verdict: {view['verdict']['words'].lower()}.",
        ),
    }


def _is_up_good(definition: Row) -> bool:
    """Whether more is better, of what a verdict speaks of: a pace index, where there is one, is better when higher."""
    return definition["good_direction"] == "up" or definition["metric_id"] in words.PACED


def _verdict(row: Row | None, is_up_good: bool, rows: list[Row] = ()) -> View:
    """Shape, word and colour of a verdict; the shape points the way the value went, and is hollow where that is bad.

    Parameters: `rows`, the series of `row`, to say since when where it is judged against the phase before.
    """
    code = row["verdict"] if row else "not_enough_data"
    is_up = (code == "improving") == is_up_good
    triangles = "▲▼" if code == "improving" else "△▽"
    shape = {"no_change": "○", "not_enough_data": "…"}.get(code) or triangles[not is_up]
    is_judged = row is None or row.get("verdict_reason", row["reason"]) not in words.NEVER_JUDGED
    said = words.VERDICTS[code] if is_judged else "Not judged"
    if row and rows and (row["rule"] or "").startswith("previous_"):
        said += f" since {words.phase_start(rows, row)['month_starting']:%b %Y}"
    return {"code": code, "shape": shape, "words": said}


def _time_to_value(served: Served, domain: str) -> View:
    whole = served.headline(domain)
    curve = [row for row in served.curves.get(domain, []) if row["share_adopted"] is not None]
    has_curve = any(row["interval_id"] == "idea_to_adopted" for row in curve) and whole["observed_count"] > 0
    whose = "all ideas" if domain == EVERYONE else "its ideas"
    view = {"whole": whole, "headline": words.half_within(whole, whose) if whole else "", "chart": None}
    view |= {
        "finished_only": words.finished_only(served, domain),
        "count": whole["product_count"] if whole else 0,
        "table": [],
    }
    if not whole or not has_curve:
        return view | {"reason": words.reason((whole and whole["reason"]) or "no_products")}
    stages = {"idea_to_adopted"} if domain != EVERYONE else {"idea_to_adopted", "idea_to_deployed"}
    drawn = [row for row in curve if row["interval_id"] in stages]
    medians = {"idea_to_adopted": whole["median_days"]}
    sizes = {"wide": (740, 330), "narrow": (WIDTHS["narrow"], 290)} if domain == EVERYONE else {"any": (440, 300)}
    name = "time-to-value" if domain == EVERYONE else "domain-time-to-value"
    view["chart"] = {
        size: _svg(
            charts.time_to_value_chart(drawn, medians, width, height),
            f"{name}-{size}",
            "Share of ideas in another domain's hands, by days since the idea",
            f"{view['headline'][0].upper()}{view['headline'][1:]}.",
        )
        for size, (width, height) in sizes.items()
    }
    view["table"] = _curve_table([row for row in curve if row["interval_id"] == "idea_to_adopted"])
    return view


def _curve_table(curve: list[Row]) -> list[View]:
    """The curve at the days people ask about, as far as anyone was followed."""
    table = []
    for day in (30, 60, 90, 120, 180, 270, 365, 545, 730, 1095, 1460, 1825):
        until = [row for row in curve if row["day"] <= day]
        if until and day <= curve[-1]["day"]:
            row = until[-1]
            band = f"{words.share(row['lower'])} to {words.share(row['upper'])}" if row["lower"] is not None else "–"
            closed = words.share(row["share_closed"]) if row["share_closed"] is not None else "–"
            table.append(
                {"day": f"{day:,}", "share": words.share(row["share_adopted"]), "band": band, "closed": closed}
            )
    return table


def _stages(served: Served, domain: str) -> View:
    found = [
        row
        for name in words.INTERVALS
        if (row := served.time_to_value.get((domain, name, EVERYONE, HEADLINE))) and row["reason"] != _not_sent(name)
    ]
    rows = [
        {
            "name": words.INTERVALS[row["interval_id"]],
            "is_whole": row["interval_id"] == "idea_to_adopted",
            "median": words.days(row["median_days"]) if row["median_days"] is not None else "–",
            "interval": words.interval(row["median_lower_days"], row["median_upper_days"])
            if row["median_days"] is not None
            else words.reason(row["reason"]),
            "by_90": _figure(row["share_by_day_90"], "share"),
            "by_180": _figure(row["share_by_day_180"], "share"),
            "done": _of(row),
        }
        for row in found
    ]
    known = [row for row in found if row["median_days"] is not None]
    chart = None
    if known:
        said = "; ".join(f"{words.INTERVALS[row['interval_id']]} {words.days(row['median_days'])}" for row in known)
        chart = _svg(
            charts.stages_chart(found, words.INTERVALS),
            "stages",
            "Days within which half get through each stage, with 95% interval",
            f"{said} days.",
        )
    return {"rows": rows, "chart": chart}


def _not_sent(interval: str) -> str:
    """The reason that means this stage can't be told apart, because the event between was never sent."""
    return "no_work_started_events" if "started" in interval else ""


def _overdue(served: Served, slugs: dict[str, str]) -> View:
    counts = served.open_counts.values()
    opened, overdue = sum(c["open_count"] for c in counts), sum(c["overdue_count"] for c in counts)
    judged = sum(c["judged_count"] for c in counts)
    rows = [row for row in served.open_ideas if row["is_overdue"]][:LISTED]
    return {
        "open": opened,
        "overdue": overdue,
        "judged": judged,
        "unjudged": opened - judged,
        "rows": [_open_idea(row, slugs) for row in rows],
        "more": overdue - len(rows),
        "has_unknown_chance": any(row["chance_of_adoption_90d"] is None for row in rows),
    }


def _open_idea(row: Row, slugs: dict[str, str]) -> View:
    return {
        "title": (row["title"] or "").strip() or row["data_product_id"],
        "domain": row["domain"] or "",
        "slug": slugs.get(row["domain"], ""),
        "stage": words.STAGES[row["stage"]],
        "days": words.days(row["days_in_stage"]),
        "p85": words.days(row["stage_p85_days"]) if row["stage_p85_days"] is not None else "–",
        "over": f"+{words.days(row['days_over'])}" if row["is_overdue"] else "–",
        "is_overdue": bool(row["is_overdue"]),
        "chance": words.chance(row["chance_of_adoption_90d"]),
    }


def _outlook(served: Served) -> View:
    rows = served.outlook
    complete = words.last_complete(served.north_star)
    if not rows or rows[-1]["expected_value"] is None or complete is None:
        why = rows[-1]["reason"] if rows else "not_a_count" if complete else "no_complete_month"
        return {"reason": words.reason(why), "chart": None, "months": "", "table": []}
    target = complete["target"]
    first, last = rows[0], rows[-1]
    unit = served.definitions[complete["metric_id"]]["unit"]
    return {
        "reason": "",
        "months": f"{first['month_starting']:%B} to {last['month_starting']:%B %Y}",
        "expected": words.number(round(last["total_expected_value"])),
        "range": f"{words.number(last['total_lower'])} to {words.number(last['total_upper'])}",
        "unit": unit,
        "target": words.number(target * len(rows)) if target is not None else "",
        "chance": words.chance(last["total_chance_of_target"]) if target is not None else "",
        "chart": _svg(
            charts.outlook_chart([row | {"target": target} for row in rows]),
            "outlook",
            "Expected North Star of the next six months, with 80% interval",
            f"{words.number(round(last['total_expected_value']))} {unit} in six months, 80% interval"
            f" {words.number(last['total_lower'])} to {words.number(last['total_upper'])}.",
        ),
        "table": [
            {
                "month": f"{row['month_starting']:%B %Y}",
                "expected": words.number(row["expected_value"]),
                "range": f"{words.number(row['lower'])} to {words.number(row['upper'])}",
                "chance": words.chance(row["chance_of_target"]),
            }
            for row in rows
        ],
    }


def _domains(served: Served, slugs: dict[str, str]) -> View:
    rows = served.domains
    highest = 1.1 * max([r["median_upper_days"] or r["median_days"] or 0 for r in rows] + [1])
    largest = max([r[c] or 0 for r in rows for c in ("gave_count", "took_count")] + [1])
    listed, rest = (rows, []) if len(rows) <= DOMAINS_LISTED + 1 else (rows[:DOMAINS_LISTED], rows[DOMAINS_LISTED:])
    whole = next((row["all_median_days"] for row in rows if row["all_median_days"] is not None), None)
    known = [row for row in rows if row["gave_count"] is not None]
    return {
        "summary": words.domains_in_words(rows),
        "months": max((row["month_count"] for row in rows), default=0),
        "rows": [_domain_row(row, slugs, largest, highest) for row in listed],
        "rest": {
            "names": [(row["domain"], slugs[row["domain"]]) for row in rest],
            "gave": sum(row["gave_count"] or 0 for row in rest),
            "took": sum(row["took_count"] or 0 for row in rest),
        },
        "gave": sum(row["gave_count"] for row in known) if known else None,
        "took": sum(row["took_count"] for row in known) if known else None,
        "whole": words.days(whole) if whole is not None else "",
        "headline": _headline_median(served),
        "whole_at": _percent(whole, highest) if whole is not None else "",
    }


def _headline_median(served: Served) -> str:
    """The headline's median, which counts dropped ideas as never, for comparison; empty where it has none."""
    row = served.headline()
    return words.days(row["median_days"]) if row and row["median_days"] is not None else ""


def _domain_row(row: Row, slugs: dict[str, str], largest: int, highest: float) -> View:
    is_known = row["median_days"] is not None and row["is_rankable"]
    open_end = row["median_upper_days"] is None
    low = row["median_lower_days"] or 0
    return {
        "domain": row["domain"],
        "slug": slugs[row["domain"]],
        "gave": row["gave_count"],
        "took": row["took_count"],
        "gave_width": _percent(row["gave_count"] or 0, largest),
        "took_width": _percent(row["took_count"] or 0, largest),
        "median": words.days(row["median_days"]) if is_known else "–",
        "interval": words.interval(row["median_lower_days"], row["median_upper_days"]) if is_known else "",
        "is_known": is_known,
        "at": _percent(row["median_days"], highest) if is_known else "",
        "low_at": _percent(low, highest),
        "length": _percent((highest if open_end else row["median_upper_days"]) - low, highest) if is_known else "",
        "is_open_end": open_end,
        "difference": row["difference"] or "",
        "is_rankable": row["is_rankable"],
        "observed": _of(row),
        "reason": words.reason(row["reason"]) if row["gave_count"] is not None and row["reason"] else "–",
    }


def _evolution(served: Served, slugs: dict[str, str]) -> View:
    rows = served.evolution
    total = sum(row["product_count"] for row in rows)
    positioned = [row for row in rows if row["position"] and row["ubiquity_share"] is not None]
    view = {"total": total, "chart": None, "reason": "", "lists": [], "table": []}
    if not positioned:
        why = "no_products" if not total else "no_contract_events"
        if total and any(row["certainty"] != "not_measured" for row in rows):
            why = "no_adoption_events"
        return view | {"reason": words.reason(why)}
    counts = {name: sum(row["product_count"] for row in positioned if row["position"] == name) for name in POSITIONS}
    for name, (title, what) in POSITIONS.items():
        examples = [row for row in served.evolution_examples if row["position"] == name][:5]
        view["lists"].append(
            {
                "position": name,
                "title": title,
                "what": what,
                "count": counts[name],
                "rows": [_example(row, slugs) for row in examples],
                "more": counts[name] - len(examples),
            }
        )
    view["table"] = [
        {
            "certainty": row["certainty"],
            "ubiquity": words.share(row["ubiquity_share"]),
            "position": row["position"].replace("_", " "),
            "count": f"{row['product_count']:,}",
        }
        for row in positioned
    ]
    said = ", ".join(f"{counts[name]:,} {title.lower()}" for name, (title, _) in POSITIONS.items())
    view["chart"] = _svg(
        charts.evolution_chart(positioned),
        "evolution",
        "Data products by certainty and by share of other domains using them",
        f"{words.several(total, 'data product')}: {said}.",
    )
    return view


POSITIONS = {
    "used_beyond_its_certainty": ("Used beyond their certainty", "put a contract on them"),
    "certain_but_under_used": ("Certain but under-used", "find them consumers"),
}


def _example(row: Row, slugs: dict[str, str]) -> View:
    return {
        "title": (row["title"] or "").strip() or row["data_product_id"],
        "domain": row["domain"] or "",
        "slug": slugs.get(row["domain"], ""),
        "used_by": words.several(row["consuming_domains_count"], "other domain")
        if row["consuming_domains_count"]
        else "no other domain",
    }


def _flywheel(served: Served) -> View:
    phases = []
    for phase, name in words.PHASES.items():
        rows = [row for row in served.flywheel if row["flywheel_phase"] == phase]
        if rows:
            code = rows[0]["flywheel_phase_verdict"]
            phases.append(
                {
                    "phase": phase,
                    "name": name,
                    "persona": rows[0]["persona"],
                    "code": code,
                    "verdict": words.PHASE_VERDICTS[code],
                    "shape": {"gaining": "▲", "slowing": "▽", "steady": "○"}.get(code, "…"),
                    "count": _improving(rows),
                    "rows": [_flywheel_row(served, row) for row in rows],
                }
            )
    return {"summary": words.flywheel_in_words(served.flywheel), "phases": phases}


def _improving(rows: list[Row]) -> str:
    """On how many metrics a phase's verdict rests."""
    judged = [row["verdict"] for row in rows if row["verdict"] != "not_enough_data"]
    parts = [f"{judged.count(v)} {v}" for v in ("improving", "worsening") if v in judged]
    return (
        f"{words.listed(parts) if parts else 'none improving or worsening'} of {len(judged)} judged" if judged else ""
    )


def _flywheel_row(served: Served, row: Row) -> View:
    definition = served.definitions[row["metric_id"]]
    unit = definition["unit"]
    suffix = {"days": " d", "% per doubling": "%"}.get(unit, "")
    value = _figure(row["value"], unit)
    band = f" ({words.number(row['lower'])} to {words.number(row['upper'])})" if row["lower"] is not None else ""
    is_quarter = row["metric_id"] in served.quarterly
    return {
        "name": definition["name"],
        "when": f", {words.period(row['month_starting'], 'quarter')}" if is_quarter and row["month_starting"] else "",
        "value": f"{value}{suffix}{band}" if value != "–" else "–",
        "verdict": _verdict(row, _is_up_good(definition)),
        "evidence": words.EVIDENCE_CLASSES[row["evidence_class"]],
        "reason": words.reason(row["reason"]) if row["reason"] else "",
    }


def _trust(served: Served) -> View:
    counts = served.accounting
    read_count = counts["read_count"]
    versions = sorted({d["definition_version"] for d in served.definitions.values()})
    changed = [d["name"] for d in served.definitions.values() if d["definition_version"] != 1]
    return {
        "counts": {name: f"{value:,}" for name, value in counts.items()},
        "quarantined": words.share(counts["quarantined_count"] / read_count) if read_count else "0%",
        "not_yet_known": counts["not_yet_known_count"] > 0,
        "tables": served.table_count,
        "versions": "all at version 1" if versions == [1] else f"changed since version 1: {words.listed(changed)}",
        "quality": [
            {
                "rule": row["rule_id"],
                "count": f"{row['row_count']:,}",
                "what": row["description"],
                "do": row["what_to_do"],
            }
            for row in served.quality
        ],
    }


def _definitions(served: Served) -> list[View]:
    north_star = served.north_star[-1]["metric_id"] if served.north_star else "cross_domain_adoptions"
    used = {north_star, "cross_domain_adoptions", "idea_to_adopted", "idea_to_deployed", "deployed_to_adopted"}
    used |= {metric for _, metric in served.leading} | {row["metric_id"] for row in served.flywheel}
    return [
        {"name": d["name"], "definition": d["definition"], "version": d["definition_version"]}
        for d in sorted(served.definitions.values(), key=lambda d: d["name"])
        if d["metric_id"] in used
    ]


def _domain(served: Served) -> View:
    [row] = served.domains
    domain, slugs = row["domain"], {}  # its ideas have no owner beside them to lead to
    metrics = [
        _metric(served, domain, definition) | {"whole": _of_everyone(served, definition)}
        for definition in sorted(served.definitions.values(), key=lambda d: (d["flywheel_phase"], d["metric_id"]))
        if (domain, definition["metric_id"]) in served.leading
    ]
    counts = served.open_counts.get(domain, {"open_count": 0, "overdue_count": 0, "judged_count": 0})
    ideas = served.open_ideas[:LISTED]
    return {
        "publication": _publication(served),
        "domain": domain,
        "answer": words.domain_answer(row, counts),
        "time_to_value": _time_to_value(served, domain),
        "stages": _stages(served, domain),
        "metrics": metrics,
        "open": counts,
        "ideas": [_open_idea(idea, slugs) for idea in ideas],
        "more": counts["open_count"] - len(ideas),
        "has_unknown_chance": any(idea["chance_of_adoption_90d"] is None for idea in ideas),
        "lists": [
            {
                "title": title,
                "what": what,
                "rows": [_example(e, slugs) for e in served.evolution_examples if e["position"] == name][:LISTED],
            }
            for name, (title, what) in POSITIONS.items()
        ],
    }


def _of_everyone(served: Served, definition: Row) -> str:
    row = words.last_complete(served.leading.get((EVERYONE, definition["metric_id"]), []))
    return _latest(row, definition["unit"]) if row else "–"


def _known(value: float | None, unit: str, reason: str | None) -> str:
    if value is not None:
        return words.figure(value, unit)
    return f"not known: {words.reason(reason)}" if reason else "–"


def _of(row: Row) -> str:
    """How many arrived, of how many; unknown where nobody could have been seen to arrive."""
    if row["observed_count"] is None:
        return f"– of {row['product_count']:,}"
    return f"{row['observed_count']:,} of {row['product_count']:,}"


def _figure(value: float | None, unit: str) -> str:
    return words.figure(value, unit) if value is not None else "–"


def _limits(row: Row, unit: str) -> str:
    if row["lower_limit"] is None:
        return "–"
    return words.limits(row, unit)


def _exact(value: float | None) -> str | None:
    """A served value as it is, for machines."""
    return None if value is None else repr(int(value) if float(value).is_integer() else float(value))


def _percent(value: float, whole: float) -> str:
    return f"{100 * min(max(value / whole, 0), 1):.1f}%"


def _instant(moment) -> str:
    return f"{moment.astimezone(UTC):%-d %b %Y, %H:%M} UTC"


def _short(title: str) -> str:
    return title if len(title) <= TITLE_LENGTH else title[: TITLE_LENGTH - 1].rstrip() + "…"


def _slug(domain: str) -> str:
    """A file name for any domain: readable where it is Latin, told apart by a hash always."""
    plain = unicodedata.normalize("NFKD", domain).encode("ascii", "ignore").decode().lower()
    readable = re.sub(r"[^a-z0-9]+", "-", plain)[:40].strip("-")
    return f"{readable or 'domain'}-{hashlib.sha256(domain.encode()).hexdigest()[:8]}"


def _svg(chart, identity: str, title: str, description: str) -> Markup:
    return Markup(svg(chart, identity, title, description))
