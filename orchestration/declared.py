"""The tables that people declare: `<home>/declared/<table>.csv`, each behind its contract in data_contracts/declared.

Belongs here: reading and checking them. Does not belong here: what is computed from them (dbt), measured events
(landing/). A declaration is a decision: a row that breaks its contract stops the run, where an event would wait in
quarantine.
"""

import csv
import difflib
import io
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.contracts.contract import Contract
from orchestration.contracts.odcs import load_layer
from orchestration.home import Home, write_whole
from orchestration.landing.conform import conform, why_wrong
from orchestration.landing.formats import read_file
from orchestration.landing.rows import Chunk, UnreadableFile
from orchestration.landing.rules import broken_rows, rules_of
from orchestration.landing.times import Timezones
from orchestration.settings import load_settings, timezones

FAULTS_SHOWN = 5
SOURCE_TIMEZONES = "source_timezones"


class DeclarationError(ValueError):
    """A declared table that can't be used: says which file and line, what is wrong, and what to do."""


def declared_tables(home: Home) -> dict[str, pa.Table]:
    """{table: its rows, typed by its contract}; no rows where the home has no file. Raises DeclarationError."""
    return {name: read_declared(home.declared / f"{name}.csv", name) for name in load_layer("declared")}


def home_timezones(home: Home) -> Timezones:
    """The timezones of a home's reports and sources, for landing; raises SettingsError or DeclarationError."""
    rows = read_declared(home.declared / f"{SOURCE_TIMEZONES}.csv", SOURCE_TIMEZONES)
    sources = dict(zip(rows["source"].to_pylist(), rows["timezone"].to_pylist(), strict=True))
    return Timezones(load_settings(home).reporting.timezone, sources)


def write_declared(home: Home, rows: dict[str, list[dict]] | None = None) -> list[Path]:
    """Write a file for each declared table that has none: its header, and the rows given for it; returns the paths."""
    written = []
    home.declared.mkdir(exist_ok=True)
    for name, contract in load_layer("declared").items():
        path = home.declared / f"{name}.csv"
        if not path.exists():
            text = io.StringIO()
            writer = csv.DictWriter(text, [p.name for p in contract.properties], lineterminator="\n")
            writer.writeheader()
            writer.writerows((rows or {}).get(name, []))
            write_whole(path, text.getvalue().encode())
            written.append(path)
    return written


def read_declared(path: Path, table: str) -> pa.Table:
    """The rows of one declared table's file; none where there is no file. Raises DeclarationError."""
    contract = load_layer("declared")[table]
    empty = pa.schema([(p.name, p.arrow_type) for p in contract.properties]).empty_table()
    if not path.exists():
        return empty
    columns = {p.name for p in contract.properties}
    try:
        chunks = list(read_file(path, columns))
    except UnreadableFile as error:
        raise DeclarationError(f"{path}: {error}.") from None
    faults = [fault for chunk in chunks for fault in _unreadable(chunk, contract)]
    frames, lines = [empty], list[int]()
    for chunk in (chunk for chunk in chunks if chunk.lines):
        frames.append(_typed(chunk, contract, faults))
        lines += [line or 1 for line in chunk.lines]
    frame = pa.concat_tables(frames)
    if frame.num_rows and not faults:
        broken, _ = broken_rows(rules_of({contract.name: contract}), {}, {contract.name: frame})
        faults = [(lines[row], words) for row, found in broken[contract.name].items() for _, words in found]
    if contract.name == SOURCE_TIMEZONES and not faults:
        faults = _unknown_timezones(frame, lines)
    if faults:
        shown = [f"{path} line {line}: {words}." for line, words in sorted(faults)[:FAULTS_SHOWN]]
        more = [f"{len(faults) - FAULTS_SHOWN} more."] if len(faults) > FAULTS_SHOWN else []
        raise DeclarationError("\n".join([*shown, *more, "Correct the file and run again."]))
    return frame


def _unknown_timezones(frame: pa.Table, lines: list[int]) -> list[tuple[int, str]]:
    known = {name.lower(): name for name in timezones()}
    found = []
    for line, name in zip(lines, frame["timezone"].to_pylist(), strict=True):
        if name not in timezones():
            close = difflib.get_close_matches(name.lower(), known, n=1)
            meant = known[close[0]] if close else "Europe/Berlin or America/New_York"
            found.append((line, f"timezone: {name!r} is no timezone; write a name such as {meant}"))
    return found


def _unreadable(chunk: Chunk, contract: Contract) -> list[tuple[int, str]]:
    hides, columns = contract.hides_values, sorted(p.name for p in contract.properties)
    found = [(u.line or 1, f"can't be read: {u.reason}" if hides else u.message) for u in chunk.unreadable]
    unknown = sorted({name for extra in chunk.extras if extra for name in extra})
    if unknown:
        # a file without a header has an answer there
        what = "something" if hides else ", ".join(unknown)
        found.append((1, f"{what} is no column of this table; its columns are {', '.join(columns)}"))
    return found


def _typed(chunk: Chunk, contract: Contract, faults: list[tuple[int, str]]) -> pa.Table:
    """The contract's columns of a chunk; what is not of its type is added to `faults`."""
    typed = {}
    for p in contract.properties:
        sent = chunk.columns[p.name]
        got = conform(sent, p.logical_type)
        typed[p.name] = got.values
        for row in pc.indices_nonzero(got.is_wrong).to_pylist():
            value = "" if contract.hides_values else f": {str(sent[row])[:80]!r}"
            faults.append((chunk.lines[row] or 1, f"{p.name}{value} {why_wrong(sent[row], p.logical_type)}"))
    return pa.table(typed)
