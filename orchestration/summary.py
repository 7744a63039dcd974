"""Summarises in a few lines what was published, for the terminal.

Belongs here: words about served numbers. Does not belong here: computing any of them.
"""

import json
from collections import Counter

from dashboard.tables import read
from dashboard.words.actions import act_on
from dashboard.words.north_star import north_star_answer
from dashboard.words.phrases import plain_text
from dashboard.words.time_to_value import finished_only, time_to_value_answer
from orchestration.home import Dates, Home, PublishedFolder
from orchestration.landing.batch import receipts
from orchestration.landing.quarantine import quarantined


def summarize(home: Home, dates: Dates) -> list[tuple[str, str]]:
    """(label, words) of the serving file of these dates."""
    published = home.folder_for(dates)
    served = read(published.serving)
    about = served.publication
    as_of, known_at, through = about["as_of"], about["known_at"], about["data_through"]
    when = f"{as_of:%Y-%m-%d %H:%M} UTC" + (f", as known on {known_at:%Y-%m-%d}" if known_at else "")
    lines = [("As of", when + (f"; latest event {through:%Y-%m-%d}" if through else "; no events"))]
    if about["is_sample"]:
        lines.insert(0, ("Sample", "these are made-up events of a sample organisation, not yours"))
    lines += [
        ("North Star", plain_text(north_star_answer(served))),
        ("Time to value", plain_text([time_to_value_answer(served)]) + finished_only(served)),
        ("Act on", plain_text([act_on(served)]).removeprefix("Act on: ")),
        *_rows(home, published),
    ]
    if dates.name:
        lines.insert(0, ("Look back", f"today's tables and pages are as they were; these are in {published.root}"))
    page = published.dashboard / "index.html"
    return [line for line in lines if line[1]] + ([("Page", str(page))] if page.exists() else [])


def _rows(home: Home, published: PublishedFolder) -> list[tuple[str, str]]:
    landed = receipts(home)
    waiting = quarantined(home).column("reasons").to_pylist()
    reasons = Counter(reason for row in waiting for reason in row).most_common(3)
    landed_words = f"{sum(r['rows_landed'] for r in landed):,} landed, {len(waiting):,} in quarantine"
    if reasons:
        landed_words += " (" + ", ".join(f"{reason} {count:,}" for reason, count in reasons) + ")"
    assumed = sum(r["assumed_utc_count"] for r in landed)
    extra: Counter[str] = Counter()
    for receipt in landed:
        extra.update(json.loads(receipt["extra_columns"]))
    notes = [f"{assumed:,} times without offset read as UTC"] if assumed else []
    notes += [f"unknown columns kept: {', '.join(sorted(extra)[:5])}"] if extra else []
    return [("Rows", "; ".join([landed_words, *notes])), ("Served", str(published.serving))]
