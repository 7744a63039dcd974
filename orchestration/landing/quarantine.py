"""Quarantined rows: the state of each, landing those that pass today, dismissing.

Belongs here: what it means that a row waits (`refused_rows`, read by the checks, the lists, replay and the served
table), replay, dismissals. Does not belong here: why a row is refused (check.py).

A quarantined row is never deleted or changed. Its state follows from what has happened since:

- `replayed`: a replay has landed it.
- `corrected`: a row with the same source and event_id was sent later, and has landed. Of a file that could not be read:
  its content was read under any name, a file of its name was read later, or it was tried again and waits as that.
- `dismissed`: a person took it out of quarantine, with a note.
- `waiting`: none of these.
"""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pyarrow as pa

from orchestration.contracts.odcs import load_layer
from orchestration.declared import home_timezones
from orchestration.home import Home
from orchestration.landing import locks
from orchestration.landing.batch import DISMISSAL, QUARANTINE, Batch, prepare_landing, write_file
from orchestration.landing.check import Checked, Checker
from orchestration.landing.formats import read_texts, stated_columns
from orchestration.landing.inbox import content_key, partitions
from orchestration.landing.landing_mirror import as_parquet, create_dismissal
from orchestration.landing.parquet import read_arrow_rows
from orchestration.landing.receipts import BATCH_ID_LENGTH, EPOCH, Receipt, place, receipts, visible_rows
from orchestration.landing.rows import Chunk, UnreadableFile
from orchestration.landing.storage import store_of

WHAT_TO_DO = (
    "Correct them at the source and send them again with the same source and event_id; or, if a contract is wrong, "
    "change it and run `flywheel replay`; or dismiss them, also those without a readable source and event_id once they "
    "were sent again: `flywheel quarantine --dismiss FILE --line N --note WHY`."
)
SHORTEST_PREFIX = 8  # of a batch_id

STATES = """
    select
        refused.*,
        make_timestamptz(batches.landed_us) as landed_at,
        case
            when replayed.row_number is not null then 'replayed'
            when landed.place > batches.place or read_files.batch_id is not null then 'corrected'
            when dismissals.is_dismissed then 'dismissed'
            else 'waiting'
        end as state,
        case when dismissals.is_dismissed then dismissals.note end as note
    from refused
    inner join batches on refused.batch_id = batches.batch_id
    left join replayed
        on refused.batch_id = replayed.origin_batch_id and refused.row_number = replayed.row_number
    left join landed on refused.source = landed.source and refused.event_id = landed.event_id
    left join read_files on refused.batch_id = read_files.batch_id
    left join dismissals
        on refused.batch_id = dismissals.batch_id and refused.row_number is not distinct from dismissals.row_number
"""
NEWEST_FIRST = "landed_at desc, file_name, batch_id, row_number"


def refused_rows(home: Home, text_length: int | None = None, of: list[Receipt] | None = None) -> pa.Table:
    """Every row ever refused, with its state; those of the newest batches first. Texts are cut to so many characters.

    As far as the batches with the receipts `of` know, or all that are visible.
    Columns: QUARANTINE's without `arrow_row`, `landed_at` of the batch (UTC), `state`, and the `note` of a dismissal,
    else null.
    """
    with locks.shared(home), duckdb.connect() as db:
        rows = _with_states(db, home, of).order(NEWEST_FIRST).project("* exclude (arrow_row)")
        if text_length is not None:
            rows = rows.project(f"* replace (left(original_text, {text_length}) as original_text)")
        return rows.to_arrow_table()


def rows_that_are(state: str, home: Home) -> pa.Table:
    """The rows of `refused_rows` in one state, without `landed_at`: for a timestamp in Python pyarrow needs pandas."""
    with locks.shared(home), duckdb.connect() as db:
        rows = _with_states(db, home).filter(f"state = '{state}'").order(NEWEST_FIRST)
        return rows.project("* exclude (landed_at, arrow_row)").to_arrow_table()


def _to_read_again(home: Home) -> list[dict[str, Any]]:
    """The waiting rows that are kept whole, with all columns of QUARANTINE."""
    with locks.shared(home), duckdb.connect() as db:
        rows = _with_states(db, home).filter("state = 'waiting' and is_whole_text").order(NEWEST_FIRST)
        return rows.project("* exclude (landed_at)").to_arrow_table().to_pylist()


def quarantined(home: Home) -> pa.Table:
    """The rows that wait in quarantine; columns as of `rows_that_are`."""
    return rows_that_are("waiting", home)


def _with_states(db: duckdb.DuckDBPyConnection, home: Home, of: list[Receipt] | None = None) -> duckdb.DuckDBPyRelation:
    # Neither here nor below are Arrow arrays made of Python values, or compared with one: pyarrow would import pandas
    db.execute("set TimeZone = 'UTC'")
    found = receipts(home) if of is None else of
    _create_batches(db, found)
    _create_refused(db, home, found)
    _create_replayed(db, home, found)
    _create_landed(db, home, found)
    _create_read_files(db)
    _create_dismissals(db, home)
    return db.sql(STATES)


def _nothing(schema: pa.Schema) -> pa.Table:
    return pa.table([pa.nulls(0, field.type) for field in schema], schema)


def place_of(row: dict) -> str:
    """Where a refused row stands: its file, line and column, as far as they are known."""
    place = row["file_name"]
    for name in ("line", "column"):
        if row[f"{name}_number"] is not None:
            place += f" {name} {row[f'{name}_number']}"
    return place


def rows_of(rows: list[dict], name: str, line: int | None = None) -> list[dict]:
    """Those of a file, or of a batch by the first digits of its batch_id; on one line only, when given."""
    is_prefix = len(name) >= SHORTEST_PREFIX
    mine = [row for row in rows if row["file_name"] == name or (is_prefix and row["batch_id"].startswith(name))]
    return [row for row in mine if line is None or row["line_number"] == line]


def dismiss(home: Home, name: str, line: int | None, note: str, now: datetime | None = None) -> int:
    """Take the waiting rows of a file or batch out of quarantine, all or one line's; returns how many.

    Appends a record to landing; the rows stay where they are.
    """
    return _decide(home, "waiting", (name, line), note, now)


def restore(home: Home, name: str, line: int | None, now: datetime | None = None) -> int:
    """Take back the dismissal of the rows of a file or batch, all or one line's; returns how many wait again."""
    return _decide(home, "dismissed", (name, line), None, now)


def _decide(home: Home, state: str, of: tuple[str, int | None], note: str | None, now: datetime | None) -> int:
    """Record what a person decided about the rows in a state: with a note that they are dismissed, else that not."""
    decided = rows_of(rows_that_are(state, home).to_pylist(), *of)
    if decided:
        about = {"decided_at": now or datetime.now(UTC), "is_dismissed": note is not None, "note": note}
        _record(home, about, [{name: row[name] for name in ("batch_id", "row_number")} for row in decided])
    return len(decided)


def _record(home: Home, about: dict[str, Any], keys: list[dict[str, Any]]) -> None:
    """Write a decision as the next file of dismissals; in S3 another home may have taken the next number."""
    (home.landing / "dismissals").mkdir(parents=True, exist_ok=True)
    store = store_of(home, "landing")
    number = 1 + max((int(path.stem) for path in dismissal_files(home)), default=0)
    while True:
        rows = [{"dismissal_number": number} | about | key for key in keys]
        content = as_parquet(pa.Table.from_pylist(rows, DISMISSAL))
        if store is None or create_dismissal(store, number, content):
            break
        number += 1
    write_file(content, home.landing / "dismissals" / f"{number:06}.parquet")


def dismissal_files(home: Home) -> list[Path]:
    """One file a command, in order; none is ever changed."""
    return sorted((home.landing / "dismissals").glob("[0-9]*.parquet"))


def _create_batches(db: duckdb.DuckDBPyConnection, found: list[Receipt]) -> None:
    """Create the table `batches`: one row per batch, its place in the order in which batches land.

    The files of one run have one landing time, and land in name order.
    """
    ordered = sorted(found, key=place)
    names = ("batch_id", "file_name")
    columns = [[r[name] for r in ordered] for name in names]
    columns += [[content_key(r["sha256"], r["file_name"]) for r in ordered]]
    columns += [[r["is_readable"] is not False for r in ordered]]
    columns += [[_microseconds(r) for r in ordered], list(range(len(ordered)))]
    db.execute(
        """
        create table batches as
        select
            unnest($1::text[]) as batch_id, unnest($2::text[]) as file_name, unnest($3::text[]) as content_key,
            unnest($4::boolean[]) as is_readable, unnest($5::bigint[]) as landed_us, unnest($6::bigint[]) as place
        """,
        columns,
    )


def _create_read_files(db: duckdb.DuckDBPyConnection) -> None:
    """Create the table `read_files`: the batches of unreadable files that no longer wait, because of another batch."""
    db.execute(
        """
        create table read_files as
        select distinct refused.batch_id
        from batches as refused
        inner join batches as other on
            refused.content_key = other.content_key
            and (other.is_readable or (refused.file_name = other.file_name and refused.place < other.place))
        where not refused.is_readable
        union
        select distinct refused.batch_id
        from batches as refused
        inner join batches as other on refused.file_name = other.file_name and refused.place < other.place
        where not refused.is_readable and other.is_readable
        """
    )


def _microseconds(receipt: dict) -> int:
    """When a batch landed, in microseconds since 1970."""
    return (receipt["landed_at"] - EPOCH) // timedelta(microseconds=1)


def _create_refused(db: duckdb.DuckDBPyConnection, home: Home, found: list[Receipt]) -> None:
    """Create the view `refused`: every quarantined row of visible batches; null in columns that an older file lacks."""
    db.register("promised", _nothing(QUARANTINE))
    rows = "from promised"
    if (home.landing / "quarantined_events" / "_empty.parquet").exists():
        visible_rows(db, home, "quarantined_events", found).create_view("visible")
        rows += " union all by name from visible"
    db.execute(f"create view refused as {rows}")


def _create_replayed(db: duckdb.DuckDBPyConnection, home: Home, found: list[Receipt]) -> None:
    """Create the table `replayed`: one row per quarantined row that a replay has landed."""
    db.execute("create table replayed (origin_batch_id text, row_number bigint)")
    replays = [r for r in found if r["is_replay"]]
    for table in _landed_tables(replays):
        visible_rows(db, home, table, of=replays).project("origin_batch_id, row_number").insert_into("replayed")


def _create_landed(db: duckdb.DuckDBPyConnection, home: Home, found: list[Receipt]) -> None:
    """Create the table `landed`: for each event of `refused`, the place of the last batch that sent a row which landed.

    A replayed row was sent in its first batch. Batches before that of the first refused row are not read.
    """
    db.execute("create table events as select distinct source, event_id from refused")
    first = db.sql(
        """
        select min(batches.landed_us) from refused inner join batches on refused.batch_id = batches.batch_id
        where refused.source is not null and refused.event_id is not null
        """
    ).fetchall()[0][0]
    db.execute("create table landed_rows (source text, event_id text, batch_id text)")
    later = [r for r in found if first is not None and _microseconds(r) >= first]
    for table in _landed_tables(later):
        sent = visible_rows(db, home, table, of=later).set_alias("sent")
        events = db.table("events").set_alias("events")
        known = sent.join(events, "sent.source = events.source and sent.event_id = events.event_id", how="semi")
        known.project("source, event_id, origin_batch_id").insert_into("landed_rows")
    db.execute(
        """
        create table landed as
        select landed_rows.source, landed_rows.event_id, max(batches.place) as place
        from landed_rows inner join batches on landed_rows.batch_id = batches.batch_id
        group by all
        """
    )


def _create_dismissals(db: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Create the table `dismissals`: the latest decision about each row that one was made about."""
    db.register("decided", _nothing(DISMISSAL))
    db.execute("create table decisions as from decided")
    if files := dismissal_files(home):
        db.read_parquet(list(map(str, files))).insert_into("decisions")
    db.execute(
        """
        create table dismissals as from decisions
        qualify 1 = row_number() over (partition by batch_id, row_number order by dismissal_number desc)
        """
    )


def _landed_tables(of: list[dict]) -> list[str]:
    return sorted({table for receipt in of for table in orjson.loads(receipt["landed_by_table"])})


def replay(home: Home, now: datetime | None = None) -> dict[str, Any] | None:
    """Check quarantined rows again with today's contracts and land those that now pass, once.

    They land as a batch of their own; each row keeps the batch and line it came from. Returns its receipt, or None
    when nothing passes. Rows that still fail stay where they are. Raises SettingsError or DeclarationError for a
    timezone that people set or declared wrongly.
    """
    contracts = load_layer("landing")
    prepare_landing(home, contracts)
    waiting = _to_read_again(home)
    if not waiting:
        return None
    checker = Checker(contracts, now or datetime.now(UTC), home_timezones(home))
    passing = _rows_that_pass(checker, waiting)
    if not passing:
        return None
    origins = [(waiting[i]["batch_id"], waiting[i]["row_number"], waiting[i]["line_number"]) for i in passing]
    digest = hashlib.sha256(orjson.dumps(sorted(origins))).hexdigest()
    origin_of = dict(zip(passing, origins, strict=True))
    name = f"replay of {len(passing)} rows"
    with locks.shared(home), Batch(home, checker, digest[:BATCH_ID_LENGTH], name, origin_of) as batch:
        for chunk in _read_again(checker, waiting, passing):
            batch.add(chunk)
        checker.check_pending()
        return batch.finish(sha256=digest, is_replay=True)


def _read_again(checker: Checker, waiting: list[dict], indexes: Iterable[int]) -> Iterator[Chunk]:
    groups: dict[tuple, list[int]] = {}
    for i in indexes:
        row, is_arrow = waiting[i], waiting[i]["arrow_row"] is not None
        groups.setdefault((is_arrow, row["csv_header"], *partitions(row["file_name"]).items()), []).append(i)
    for (is_arrow, header, *stated), alike in groups.items():
        with suppress(UnreadableFile):  # a header that was accepted by an earlier version; its rows stay where they are
            if is_arrow:
                rows = ((i, waiting[i]["arrow_row"]) for i in alike)
                yield from read_arrow_rows(rows, checker.known, stated_columns(dict(stated), checker.known))
            else:
                texts = ((i, waiting[i]["original_text"]) for i in alike)
                yield from read_texts(texts, header, checker.known, dict(stated))


class _PassingRows:
    """Collects the numbers of rows that keep their contract today, and lands nothing."""

    batch_id = "replay"

    def __init__(self) -> None:
        self.rows: list[int] = []

    def land(self, checked: Checked) -> None:
        self.rows += checked.rows.to_pylist()

    def refuse(self, rows: list[dict[str, Any]]) -> None:
        pass


def _rows_that_pass(checker: Checker, waiting: list[dict[str, Any]]) -> list[int]:
    """Indexes of the waiting rows that keep their contract today."""
    passing = _PassingRows()
    for chunk in _read_again(checker, waiting, range(len(waiting))):
        checker.take(chunk, passing)
    checker.check_pending()
    return sorted(passing.rows)
