"""What to do about refused rows, which files are refused in large part, and what landed with an assumption.

Belongs here: the advice for each reason code, refused rows by reason, the share of a file's rows that waits. Does not
belong here: which rows wait (quarantine.py), what refuses them (check.py, rows.py), how it is printed (summary.py).
"""

from collections import Counter
from typing import Any

import orjson

from orchestration.landing.formats import has_format
from orchestration.landing.quarantine import place_of

MOST_REFUSED = 0.5  # of a file's rows, as in the contracts: with more of them the source is broken, not a row
FEWEST_ROWS = 20  # under so many rows a share means nothing

ADVICE = {
    "ambiguous_column": "Send each column once, under the name of the contract.",
    "cloud_event_without_data": "Put the event's columns into `data`, as a JSON object.",
    "event_type_missing": "Send `event_type` with every row: idea_logged, deployed, adopted or another of the README.",
    "event_type_unknown": "Send one of the event types that the message names; rows that are no delivery events can be "
    "left out of the file, or dismissed.",
    "invalid_utf8": "Send the rows again in a file that was saved as UTF-8.",
    "line_too_long": "Send one event in each row, at most 1 MB long; keep large texts in the source system.",
    "malformed_csv": "Put fields that hold quotes, delimiters or line breaks in double quotes, as a CSV library does.",
    "malformed_json": "Write each event with a JSON library, one object a line; NaN and trailing commas are not JSON.",
    "nested_too_deep": "Send flat columns: a value may have 250 levels.",
    "not_an_object": "Send each event as a JSON object with the columns as names.",
    "unreadable_file": "Send the whole file, with the format in its name (.csv, .json); dismiss a file without events.",
    "wrong_field_count": "Send as many fields as the header has; put fields that hold the delimiter in double quotes.",
}
ADVICE_BY_ENDING = {  # of reasons that begin with the name of a column; the first that fits counts
    "_at_wrong_type": "Send RFC 3339 times with their offset, as 2026-03-01T09:00:00+01:00.",
    "_id_wrong_type": "Send ids as text, in quotes, with every digit and leading zero.",
    "_wrong_type": "Send the column in the type that the message names.",
    "_null_marker": "Send the value; a name that only looks like such a marker can be listed as allowedText in the "
    "contract.",
    "_missing": "Send the column with every row of this event type.",
    "_length": "Shorten the value to the length that the message names; an empty text is no value.",
    "_pattern": "Remove line breaks, tabs and control characters from the value.",
    "_out_of_range": "Send a value within the limits that the message names.",
    "_not_allowed": "Send one of the values that the message names; or change the contract and run `flywheel replay`.",
    "_in_the_future": "Send events once they have happened; compare the source's clock and offset.",
    "_reserved": "Send the name of one domain: `all` is kept for the whole organisation.",
}
OTHERWISE = "Correct the value at the source; or, if the rule is wrong, change its contract and run `flywheel replay`."

ASSUMPTIONS = {  # by name in the receipts' `warnings`: words for one, words for more
    "assumed_time": ("1 date without a time read as noon", "{} dates without a time read as noon"),
    "null_marker": ("1 NULL marker read as no value", "{} NULL markers read as no value"),
    "empty_row": ("1 empty row skipped", "{} empty rows skipped"),
    "envelope_differs": (
        "1 CloudEvents envelope names another value than its data, which counts",
        "{} CloudEvents envelopes name other values than their data, which count",
    ),
    "column_renamed": (
        "1 column matched without case, spaces or byte-order mark",
        "{} columns matched without case, spaces or byte-order marks",
    ),
    "repeated_column": ("1 repeated column name numbered", "{} repeated column names numbered"),
    "event_repeated_in_batch": (
        "1 row repeats a revision of an event in its file with other content",
        "{} rows repeat a revision of an event in their file with other content",
    ),
}


def advice(reason: str) -> str:
    """What to do about rows that were refused for a reason."""
    ending = next((words for ending, words in ADVICE_BY_ENDING.items() if reason.endswith(ending)), OTHERWISE)
    return ADVICE.get(reason, ending)


def fault(row: dict) -> str:
    """Where a refused row stands and what is wrong with it; the message of a whole file begins with its name."""
    return f"{place_of(row)}: {row['message'].removeprefix(row['file_name'] + ': ')}"


def by_reason(rows: list[dict]) -> list[tuple[str, int, dict]]:
    """(reason, how many of the rows have it, the first of them), the most frequent reason first."""
    first: dict[str, dict] = {}
    for row in rows:
        for reason in row["reasons"]:
            first.setdefault(reason, row)
    counts = Counter(reason for row in rows for reason in row["reasons"])
    return [(reason, count, first[reason]) for reason, count in counts.most_common()]


def assumptions(receipts: list[dict[str, Any]]) -> list[str]:
    """What landed with an assumption, in words with the number of times."""
    counts: Counter[str] = Counter()
    for receipt in receipts:
        counts.update(orjson.loads(receipt["warnings"] or "{}"))
    words = []
    for name, count in sorted(counts.items()):
        one, more = ASSUMPTIONS.get(name, (f"1 row breaks the rule {name}", f"{{}} rows break the rule {name}"))
        words.append(one if count == 1 else more.format(f"{count:,}"))
    return words


def latest_shares(receipts: list[dict[str, Any]], waiting: list[dict]) -> list[tuple[dict, float]]:
    """(receipt, share of its rows that waits) of the files of the latest landing that can be judged.

    A file can be judged that has FEWEST_ROWS rows. One that could not be read in the format of its name is refused
    completely, and is no better file once it no longer waits. Files that landed in one run are all judged, because they
    have no order; a replay is no file.
    """
    still = Counter(row["batch_id"] for row in waiting)
    judged = [r for r in receipts if not r["is_replay"] and _can_be_judged(r, still[r["batch_id"]])]
    latest = max((r["landed_at"] for r in judged), default=None)
    return [(r, still[r["batch_id"]] / r["rows_read"]) for r in judged if r["landed_at"] == latest]


def _can_be_judged(receipt: dict[str, Any], waiting_count: int) -> bool:
    if receipt["is_readable"] is not False:
        return receipt["rows_read"] >= FEWEST_ROWS
    return waiting_count > 0 and receipt["file_bytes"] != 0 and has_format(receipt["file_name"])
