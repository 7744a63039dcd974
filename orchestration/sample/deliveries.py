"""The files that the sample organisation's teams send or export: its true events, and the mess on the way.

Belongs here: formats, file names, late, repeated, corrected, retracted and malformed rows. Does not belong here: the
true events (events.py).
"""

import csv
import io
import json
import os
import random
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from orchestration.sample.chance import DAY, between, shuffled, stream
from orchestration.sample.events import (
    CATALOG,
    CHECKS,
    DEPLOY,
    FACTORY,
    JIRA,
    SPREADSHEET,
    sample_events,
    time_seconds,
    time_text,
)
from orchestration.sample.organisation import (
    DEFAULT_SEED,
    DOMAINS,
    END,
    IMPOSSIBLE_ADOPTED_COUNT,
    IMPOSSIBLE_DEPLOYED_COUNT,
    SAMPLE_AS_OF,
)

DUPLICATE_COUNT = 40
RETRACTION_COUNT = 6
ASSUMED_UTC_COUNT = 8
OTHER_OFFSET_COUNT = 8

CORRECTIONS_FILE = "corrections-2026q1.jsonl"
CLOUDEVENTS_FILE = "cloudevents-deploys-2025.jsonl"
FACTORY_FILE = "factory-stages-2025.jsonl"
SPREADSHEET_FILE = "marketing-spreadsheet.csv"
EXPORTED = {  # {column of the export: ours}
    "run": "event_id",
    "product": "data_product_id",
    "contract": "contract_version",
    "checked_at": "occurred_at",
    "reported_at": "recorded_at",
    "passed": "passed_count",
    "failed": "failed_count",
}
SPREADSHEET_COLUMNS: tuple[str, ...] = (
    "event_id",
    "source",
    "event_type",
    "data_product_id",
    "occurred_at",
    "recorded_at",
)
SPREADSHEET_COLUMNS += ("title", "source_ref", "consumer_domain", "evidence", "version", "team_mood")


def write_sample(folder: Path, seed: int = DEFAULT_SEED, planted: bool = True) -> list[Path]:
    """Write the files as the teams would send them, mess included, each one whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    sent = [delivery for delivery in _deliveries(seed, planted) if delivery[1] != CHECKS]
    for name, lines in sorted(_files(sent).items()):
        path, part = folder / name, folder / f"{name}.tmp"
        line_end = "\r\n" if name.endswith(".csv") else "\n"
        part.write_bytes("".join(line + line_end for line in lines).encode())
        part.replace(path)
        paths.append(path)
    return paths


def write_exports(folder: Path, seed: int = DEFAULT_SEED, planted: bool = True) -> list[Path]:
    """Write what the declared source reads: contract checks as CSV, a file for each month in which they were made."""
    folder.mkdir(parents=True, exist_ok=True)
    rows, at = defaultdict(list), SAMPLE_AS_OF.timestamp()
    for event in sample_events(seed, planted):
        if event["source"] == CHECKS:
            rows[f"{event['occurred_at'][:7]}.csv"].append([event[column] for column in EXPORTED.values()])
    for name, values in rows.items():
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([EXPORTED, *values])
        (folder / name).write_text(text.getvalue())
        os.utime(folder / name, (at, at))  # a file that has just changed may still be written to
    return [folder / name for name in sorted(rows)]


def sample_mess(seed: int = DEFAULT_SEED, planted: bool = True) -> dict[str, int]:
    """Count exactly what reading the files, and pulling the source, must find.

    files: also the one that the source sends. rows = current + superseded + duplicates + retractions + malformed, and
    landed is all but the malformed. superseded: what was first sent for a corrected or a retracted event.
    late_arrivals: current rows in the file of a later quarter than they occurred in.
    """
    deliveries = _deliveries(seed, planted)
    kinds = [kind for kind, _, _ in deliveries]
    count = {kind: kinds.count(kind) for kind in ("current", "superseded", "duplicate", "retraction")}
    stamps = [row["occurred_at"] for kind, _, row in deliveries if kind == "current"]
    return {
        "files": len({name for _, name, _ in deliveries}),
        "rows": len(deliveries) + len(MALFORMED),
        "current": count["current"],
        "superseded": count["superseded"],
        "duplicates": count["duplicate"],
        "retractions": count["retraction"],
        "malformed": len(MALFORMED),
        "corrections": sum(row.get("revision") == 1 for kind, _, row in deliveries if kind == "current"),
        "late_arrivals": sum(_is_late(name, row) for kind, name, row in deliveries if kind == "current"),
        "assumed_utc": sum(stamp[19:] == "" for stamp in stamps),
        "other_offset": sum(stamp[19:] not in ("", "Z") for stamp in stamps),
        "deployed_before_logged": IMPOSSIBLE_DEPLOYED_COUNT,
        "adopted_before_deployed": IMPOSSIBLE_ADOPTED_COUNT,
    }


def _deliveries(seed: int, planted: bool) -> list[tuple[str, str, dict]]:
    """Every good row, as (what it is, name of the file or source, row): the truth once, and what was sent besides."""
    events = sample_events(seed, planted)
    rng = stream(seed, "mess")
    sent = [("current", _file_of(event), event | _extras(event)) for event in events]
    plain = [row for row in sent if row[1] not in (CORRECTIONS_FILE, CLOUDEVENTS_FILE, FACTORY_FILE)]
    # Disjoint on purpose: a repeated row is then the same text, and every count stays exact.
    chosen = iter(row for row in shuffled(rng, plain) if row[1] != CHECKS)
    again = [next(chosen) for _ in range(DUPLICATE_COUNT)]
    for restamp, count in ((_without_offset, ASSUMED_UTC_COUNT), (_summer_time, OTHER_OFFSET_COUNT)):
        for _ in range(count):
            _, _, row = next(chosen)
            row["occurred_at"] = restamp(row["occurred_at"])
    sent += [("duplicate", _redelivered(rng, name), dict(row)) for _, name, row in again]
    sent += [("superseded", _file_of(wrong), wrong) for wrong in _wrong_versions(rng, events)]
    for phantom in _phantoms(rng, events):
        sent.append(("superseded", _file_of(phantom), phantom))
        retraction = phantom | {"revision": 1, "is_retracted": True}
        retraction["recorded_at"] = time_text(time_seconds(phantom["recorded_at"]) + 9 * DAY)
        sent.append(("retraction", CORRECTIONS_FILE, retraction))
    return sent


def _file_of(event: dict[str, Any]) -> str:
    recorded = event["recorded_at"]
    if event.get("revision"):
        return CORRECTIONS_FILE
    if event["source"] == CHECKS:
        return CHECKS
    if event["source"] == SPREADSHEET:
        return SPREADSHEET_FILE
    if event["source"] == FACTORY:
        return FACTORY_FILE
    if event["source"] == DEPLOY and event["event_type"] == "deployed" and recorded.startswith("2025"):
        return CLOUDEVENTS_FILE
    return f"events-{_quarter(recorded)}.jsonl"


def _quarter(text: str) -> str:
    return f"{text[:4]}q{(int(text[5:7]) + 2) // 3}"


def _is_late(name: str, row: dict[str, Any]) -> bool:
    return name.startswith("events-") and _quarter(row["occurred_at"]) < name[7:13]


def _extras(event: dict[str, Any]) -> dict[str, Any]:
    """Columns nobody asked for."""
    if event["source"] == SPREADSHEET:
        return {"team_mood": ("sunny", "cloudy", "stormy")[int(event["event_id"]) % 3]}
    return {"jira_ticket": f"DP-{int(event['event_id'])}"} if event["event_type"] == "work_started" else {}


def _without_offset(text: str) -> str:
    return text.removesuffix("Z")


def _summer_time(text: str) -> str:
    return (datetime.fromisoformat(text) + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%S+02:00")


def _redelivered(rng: random.Random, name: str) -> str:
    """Send a row again: in the same file or, for 4 in 10, in the next quarter's."""
    if rng.random() >= 0.4 or not name.startswith("events-") or name == "events-2026q1.jsonl":
        return name
    year, quarter = int(name[7:11]), int(name[12])
    return f"events-{year + quarter // 4}q{quarter % 4 + 1}.jsonl"


def _wrong_versions(rng: random.Random, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was first sent for each corrected event: another time or, where it has a title, a draft of it."""
    wrongs = []
    for number, event in enumerate(event for event in events if event.get("revision")):
        at = time_seconds(event["occurred_at"])
        wrong = event | {"recorded_at": time_text(at + 3_600)}
        del wrong["revision"]
        if "title" in event and number % 2:
            wrong["title"] = "Draft: " + event["title"]
        else:
            wrong["occurred_at"] = time_text(at - between(rng, 3 * DAY, 40 * DAY))
        wrongs.append(wrong)
    return wrongs


def _phantoms(rng: random.Random, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Events that never happened: trial ideas, and adoptions that would each add a pair if they counted."""
    owners = {e["data_product_id"]: e["domain"] for e in events if e["event_type"] == "idea_logged"}
    taken = {(e["data_product_id"], e.get("consumer_domain")) for e in events}
    deployed = [e for e in events if e["event_type"] == "deployed"]
    able = [
        (e["data_product_id"], time_seconds(e["occurred_at"]) + 30 * DAY, domain)
        for e in deployed
        for domain in DOMAINS
        if domain != owners[e["data_product_id"]] and (e["data_product_id"], domain) not in taken
    ]
    able = [pair for pair in able if pair[1] < END - 60 * DAY]
    phantoms = []
    for number, (product_id, at, consumer) in enumerate(shuffled(rng, able)[:RETRACTION_COUNT]):
        phantom = {"event_id": f"{900_001 + number}", "source": CATALOG, "event_type": "adopted"}
        phantom |= {"data_product_id": product_id, "occurred_at": time_text(at), "recorded_at": time_text(at + 600)}
        if number < 2:
            phantom |= {"source": JIRA, "event_type": "idea_logged", "data_product_id": f"trial-{number + 1}"}
            phantoms.append(phantom | {"domain": "operations", "title": "Please ignore"})
        else:
            phantoms.append(phantom | {"consumer_domain": consumer, "evidence": "declared"})
    return phantoms


def _broken(event_id: str | None, event_type: str, **changes: Any) -> dict[str, Any]:
    """A row that would be right but for its changes; None takes a column away."""
    row: dict[str, Any] = {"event_id": event_id, "source": CATALOG, "event_type": event_type}
    row |= {"data_product_id": "pricing-001"}
    row |= {"occurred_at": "2024-03-05T09:30:00Z", "recorded_at": "2024-03-05T09:45:00Z"} | changes
    return {name: value for name, value in row.items() if value is not None}


# Rows that must be quarantined, and that no right event depends on. Text stands for a line as it is.
MALFORMED: tuple[tuple[str, str | dict[str, Any]], ...] = (
    ("events-2023q1.jsonl", '{"event_id": "bad-01", "source": "catalog.example.com", "event_ty'),
    ("events-2023q2.jsonl", _broken("bad-02", "work_started", data_product_id=None)),
    ("events-2023q3.jsonl", _broken("bad-03", "deployed", occurred_at="next Tuesday")),
    ("events-2023q4.jsonl", _broken("bad-04", "milestone_beta")),
    ("events-2024q1.jsonl", _broken("bad-05", "adopted", evidence="granted")),
    ("events-2024q1.jsonl", _broken("bad-06", "deployed", occurred_at="1901-01-01T00:00:00Z")),
    ("events-2024q2.jsonl", _broken("bad-07", "contract_checked", passed_count=12, contract_version="1.0.0")),
    ("events-2024q2.jsonl", _broken("bad-08", "contract_checked", passed_count="many", failed_count=0)),
    ("events-2024q3.jsonl", _broken("bad-09", "milestone_beta")),
    ("events-2024q3.jsonl", "-- end of export --"),
    ("events-2024q4.jsonl", _broken("bad-11", "idea_logged", title="No owner", domain=None)),
    ("events-2025q1.jsonl", _broken(None, "work_started")),
    ("events-2025q2.jsonl", _broken("bad-13", "withdrawn", occurred_at="2999-01-01T00:00:00Z")),
    ("events-2025q3.jsonl", '{"event_id": "bad-14", "source": "jira.example.com", "event_type": "idea_log'),
    (CLOUDEVENTS_FILE, _broken("bad-15", "deployed", source=DEPLOY, occurred_at=None)),
    (SPREADSHEET_FILE, _broken("bad-16", "deployed", source=SPREADSHEET, occurred_at="next Tuesday")),
    (SPREADSHEET_FILE, _broken("bad-17", "adopted", source=SPREADSHEET)),
)


def _files(deliveries: list[tuple[str, str, dict]]) -> dict[str, list[str]]:
    """The lines of every file, in the order they were recorded; repeats follow at the end."""
    rows = defaultdict(list)
    for kind, name, row in deliveries:
        rows[name].append((kind == "duplicate", row["recorded_at"], row["source"], row["event_id"], row))
    in_order = {name: sorted(rows[name], key=lambda row: row[:-1]) for name in rows}
    lines = {name: [_line(name, row[-1]) for row in in_order[name]] for name in rows}
    for number, (name, broken) in enumerate(MALFORMED):
        line = broken if isinstance(broken, str) else _line(name, broken)
        lines[name].insert((7 * number) % len(lines[name]), line)
    lines[SPREADSHEET_FILE].insert(0, ",".join(SPREADSHEET_COLUMNS))
    return lines


def _line(name: str, row: dict[str, Any]) -> str:
    if name == SPREADSHEET_FILE:
        text = io.StringIO()
        csv.DictWriter(text, SPREADSHEET_COLUMNS, lineterminator="").writerow(row)
        return text.getvalue()
    return json.dumps(_cloud_event(row) if name == CLOUDEVENTS_FILE else row, ensure_ascii=False)


def _cloud_event(row: dict[str, Any]) -> dict[str, Any]:
    attributes = {
        "specversion": "1.0",
        "id": row["event_id"],
        "source": row["source"],
        "type": f"com.example.delivery.{row['event_type']}",
        "time": row.get("occurred_at"),
        "subject": row["data_product_id"],
        "datacontenttype": "application/json",
    }
    mapped = ("event_id", "source", "event_type", "occurred_at", "data_product_id")
    data = {name: value for name, value in row.items() if name not in mapped}
    return {name: value for name, value in attributes.items() if value is not None} | {"data": data}
