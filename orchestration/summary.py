"""Summarises in a few lines what was published, for the terminal.

Belongs here: words about served numbers and about what waits in quarantine. Does not belong here: computing any of
them, or which rows wait.
"""

import json
from collections import Counter
from collections.abc import Iterator

from dashboard.tables import PageData, read_figures
from dashboard.words.answer import five_lines
from dashboard.words.phrases import plain_text
from dashboard.words.time_to_value import time_to_value_answer
from dashboard.words.trust import trust_line
from orchestration.build.engines.environment import ENGINES
from orchestration.home import Dates, Home
from orchestration.landing.quarantine import WHAT_TO_DO, place_of, quarantined, rows_that_are
from orchestration.landing.receipts import receipts
from orchestration.landing.refusals import advice, assumptions, by_reason, fault
from orchestration.settings import load_settings

TEXT_SHOWN = 200  # characters of a message or of a refused row


def summarize(home: Home, dates: Dates) -> list[tuple[str, str]]:
    """(label, words) of the serving file of these dates."""
    published = home.folder_for(dates)
    served = read_figures(published.serving)
    about = served.publication
    as_of, known_at, through = about["as_of"], about["known_at"], about["data_through"]
    when = f"{as_of:%Y-%m-%d %H:%M} UTC" + (f", as known on {known_at:%Y-%m-%d}" if known_at else "")
    lines = [("As of", when + (f"; latest event {through:%Y-%m-%d}" if through else "; no events"))]
    if about["is_sample"]:
        lines.insert(0, ("Sample", "these are made-up events of a sample organisation, not yours"))
    lines += [
        *((line.label, line.text) for line in five_lines(served)),
        ("Time to value", time_to_value_answer(served)),
        ("Conflicts", conflicts(served)),
        ("Rows", landed_rows(home)),
        ("Served", str(published.serving)),
        ("Engine", engine_in_words(home)),
    ]
    if doubts := trust_line(served):
        lines.insert(0, ("Doubts", short(plain_text(doubts), 1_000)))
    if dates.name:
        lines.insert(0, ("Look back", f"today's tables and pages are as they were; these are in {published.root}"))
    page = published.dashboard / "index.html"
    return [line for line in lines if line[1]] + ([("Page", str(page))] if page.exists() else [])


def engine_in_words(home: Home) -> str:
    """Which engine makes things out of events, and where; empty where it is DuckDB, as the default is."""
    engine = load_settings(home).engine
    return "" if engine.name == "duckdb" else f"{ENGINES[engine.name]}, {engine.address or 'on this machine'}"


def conflicts(served: PageData) -> str:
    """How many events have versions of one revision that contradict each other, and what to send; empty for none."""
    row = next((row for row in served.quality if row["rule_id"] == "conflicting_revision"), None)
    if row is None:
        return ""
    subject = "1 event has" if row["row_count"] == 1 else f"{row['row_count']:,} events have"
    return (
        f"{subject} different contents in one revision; one of each counts, chosen by content. {row['what_to_do']} "
        "The table curated.data_quality_issues lists them: conflicting_revision."
    )


def landed_rows(home: Home) -> str:
    """How many rows have landed and how many wait, what was assumed, and each reason with what to do, a line each."""
    landed = receipts(home)
    waiting = quarantined(home).to_pylist()
    assumed = sum(r["assumed_utc_count"] for r in landed)
    extra: Counter[str] = Counter()
    for receipt in landed:
        extra.update(json.loads(receipt["extra_columns"]))
    notes = [f"{sum(r['rows_landed'] for r in landed):,} landed, {len(waiting):,} in quarantine"]
    notes += [f"{assumed:,} times without offset read as UTC"] if assumed else []
    notes += assumptions(landed)
    notes += [f"unknown columns kept: {', '.join(sorted(extra)[:5])}"] if extra else []
    return "\n".join(["; ".join(notes), *reason_lines(waiting)])


def reason_lines(waiting: list[dict]) -> list[str]:
    """Two lines for each reason: how many rows have it, where the first one is and what is wrong; what to do."""
    lines = []
    for reason, count, row in by_reason(waiting):
        lines.append(f"{reason} {count:,}: {short(fault(row))}")
        lines.append(f"  What to do: {advice(reason)}")
    return [*lines, "`flywheel quarantine` lists them."] if lines else []


def quarantine_list(home: Home, state: str, limit: int) -> Iterator[str]:
    """Lines about the rows that are waiting or dismissed: where each is, what is wrong, its text; what to do."""
    rows, is_waiting = rows_that_are(state, home), state == "waiting"
    if not rows.num_rows:
        yield "Nothing waits in quarantine." if is_waiting else "No row is dismissed."
        return
    count = f"{rows_in_words(rows.num_rows)} {'in quarantine' if is_waiting else 'dismissed'}."
    yield count + (f" The newest {limit:,}:" if rows.num_rows > limit else "")
    batches = {receipt["batch_id"]: receipt for receipt in receipts(home)}
    for row in rows.slice(0, limit).to_pylist():
        landed = batches[row["batch_id"]]["landed_at"]
        yield f"{short(place_of(row))}  (batch {row['batch_id'][:12]}, landed {landed:%Y-%m-%d %H:%M} UTC)"
        yield f"  {', '.join(row['reasons'])}: {short(row['message'])}"
        if row["original_text"]:
            yield f"  {short(row['original_text'])}"
        if row["note"]:
            yield f"  Note: {short(row['note'])}"
    if not is_waiting:
        yield "`flywheel quarantine --restore FILE` takes it back."
        return
    yield "By reason, with the first row of each:"
    yield from reason_lines(rows.to_pylist())[:-1]
    yield WHAT_TO_DO


def rows_in_words(count: int) -> str:
    """How many rows."""
    return "1 row" if count == 1 else f"{count:,} rows"


def short(text: str, length: int = TEXT_SHOWN) -> str:
    """The beginning of a text as one line; what a terminal would not print, or obey, is replaced."""
    line = " ".join(text.split())
    printed = "".join(c if c.isprintable() else "�" for c in line[:length])
    return printed + "…" * (len(line) > length)
