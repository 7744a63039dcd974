"""Reads CloudEvents 1.0 objects as flat rows.

Belongs here: how envelope and payload become one row. Does not belong here: other JSON (rows.py).

The payload wins where it names our columns, as it is about the event; the envelope is often about its transport. The
envelope fills what the payload lacks. Where they differ, the envelope's value is kept as `ce_<attribute>`.
"""

import base64
import codecs
import re
from collections.abc import Set
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from orchestration.landing.columns import AmbiguousName, Columns, free_name

# Required or optional attributes of the specification that are one of our columns
CORE = {
    "id": "event_id",
    "time": "occurred_at",
    "subject": "data_product_id",
    "source": "source",
    "type": "event_type",
}
NOT_KEPT = {"specversion", "datacontenttype", "dataschema", "data", "data_base64"}
TIMES = {"occurred_at", "recorded_at"}  # our columns that hold an instant
# `.v1`, `.0.3.0`, `/v1.2`, `-2.0.0-rc.1` at the end of a type
TYPE_VERSION = re.compile(r"[^a-z0-9]+v?\d+(\.\d+)*([-+._]?(alpha|beta|rc|draft|dev|pre|snapshot)[\w.]*)?$", re.I)


class FlatRow(NamedTuple):
    """A CloudEvent as a row; with a problem it is as much as can be read."""

    row: dict[str, Any]
    is_different: bool  # envelope and payload name different values
    renamed: list[str]  # names of the payload that were spelt otherwise
    problem: tuple[str, str] | None = None  # (reason, message)


def is_cloud_event(row: dict[str, Any], unknown: Set[str]) -> bool:
    """Whether a JSON object is a CloudEvent; some serialisers write `SpecVersion`, which a flat row may have too."""
    if "specversion" in row:
        return True
    is_flat = "event_id" in row or "event_type" in row
    return not is_flat and any(len(name) == 11 and name.lower() == "specversion" for name in unknown)


def flat_row(event: dict[str, Any], columns: Columns) -> FlatRow:
    """The row of a CloudEvent."""
    if "specversion" not in event:
        event = {name.lower(): value for name, value in event.items()}
    data, message = _payload(event)
    problem = ("cloud_event_without_data", message) if message else None
    try:
        row, renamed = columns.of_row(data, data.keys() - columns.known)
    except AmbiguousName as error:
        row, renamed, problem = {}, [], ("ambiguous_column", str(error))
    row = {name: value for name, value in row.items() if value is not None}
    is_different = False
    for name, column, value in _attributes(event, columns):
        if column not in row:
            row[column] = event_type_of(value) if name == "type" else value
        elif not _is_same(column, row[column], event_type_of(value) if name == "type" else value):
            kept = f"ce_{name}"
            row[kept if kept not in row else free_name(kept, row)] = value
            is_different = True
    return FlatRow(row, is_different, renamed, problem)


def _attributes(event: dict[str, Any], columns: Columns) -> list[tuple[str, str, Any]]:
    """(name, our column, value) of an envelope's attributes; extensions first, as they may name our columns."""
    sent = [(name, value) for name, value in event.items() if name not in NOT_KEPT and value is not None]
    extensions = [(name, columns.meant(name) or name, value) for name, value in sent if name not in CORE]
    return extensions + [(name, CORE[name], value) for name, value in sent if name in CORE]


def _payload(event: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
    """(the JSON object that a CloudEvent carries, empty where there is none; else what is wrong with it)."""
    data, encoded = event.get("data"), event.get("data_base64")
    if isinstance(data, str) and event.get("datacontentencoding") == "base64":  # as of specification 0.3
        data, encoded = None, data
    if encoded is None:
        name, message = "data", "`data` must be a JSON object, or its text"
    else:
        name, message = "data_base64", "`data_base64` must be the base64 of a JSON object"
        if data is not None:
            return {}, "it has both `data` and `data_base64`: send one of them"
        try:
            data = base64.b64decode(encoded, validate=True)
        except (ValueError, TypeError):
            return {}, message
    if isinstance(data, str | bytes):
        text = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
        text = text.removeprefix(codecs.BOM_UTF8).strip()
        if not text and name == "data":
            return {}, None
        try:
            data = orjson.loads(text)
        except orjson.JSONDecodeError:
            return {}, message
    if data is None:
        return {}, None
    return (data, None) if isinstance(data, dict) else ({}, message)


def event_type_of(kind: Any) -> Any:
    """The event type in a CloudEvents type: its last word before a version. What is no text stays as it is."""
    return _last_word(kind) if isinstance(kind, str) else kind


@lru_cache(maxsize=1_000)
def _last_word(kind: str) -> str:
    words = re.findall(r"\w+", TYPE_VERSION.sub("", kind)) or re.findall(r"\w+", kind)
    return words[-1] if words else kind


def _is_same(column: str, payload: Any, envelope: Any) -> bool:
    """Whether both say the same; times may be written differently."""
    if payload == envelope:
        return True
    if column not in TIMES or not (isinstance(payload, str) and isinstance(envelope, str)):
        return False
    try:
        instants = [datetime.fromisoformat(text) for text in (payload, envelope)]
    except ValueError:
        return False
    return all(at.tzinfo for at in instants) and instants[0] == instants[1]
