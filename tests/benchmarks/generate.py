"""Writes delivery events to measure with, in two shapes: many data products, and many uses of few.

Belongs here: plausible shapes at any size, seeded, in bounded memory. Does not belong here: known truths
(orchestration/sample/ has those), malformed rows, any metric.

    generate.py FOLDER [--events 5000000] [--increment 10000] [--products 20000] [--seed 7]

`events.parquet` has about four events a data product, and `increment.parquet` comes after it. `usage.parquet` is about
20,000 data products: their delivery, and beside it uses that were observed, by any of 40 domains.

Of all rows about 1 % correct an earlier one at revision 1, 1 % repeat one exactly, 0.1 % retract one; 3 % of the
deployed products are adopted by their own domain, 0.5 % change owner when they are deployed, 2 % have no idea_logged
and 0.3 % were deployed before their idea. Times have whole seconds, so nearly every duration is one of its own.
"""

import argparse
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

START = datetime(2020, 1, 1, tzinfo=UTC)
END = datetime(2026, 1, 1, tzinfo=UTC)
AS_OF = datetime(2026, 2, 1, tzinfo=UTC)  # the increment fills the month between

DOMAINS = 40
CHUNK_PRODUCTS = 125_000
DAY = 86_400
CLOSINGS = ["withdrawn", "abandoned", "rejected", "retired"]
TYPES = ["idea_logged", "work_started", "deployed", "adopted", *CLOSINGS]
IDEA, STARTED, DEPLOYED, ADOPTED, CLOSED = range(5)

WIRE = pa.schema(
    [
        ("event_id", pa.string()),
        ("source", pa.string()),
        ("event_type", pa.string()),
        ("data_product_id", pa.string()),
        ("occurred_at", pa.timestamp("us", tz="UTC")),
        ("revision", pa.int64()),
        ("is_retracted", pa.bool_()),
        ("domain", pa.string()),
        ("consumer_domain", pa.string()),
        ("title", pa.string()),
    ]
)
USAGE_WIRE = WIRE.append(pa.field("evidence", pa.string()))
CHUNK_USES = 500_000
FILE_CHUNKS = 2  # of a file of usage
NOBODY = -1


def write_events(path: Path, events: int, seed: int = 7) -> int:
    """Write exactly `events` rows; returns how many data products they are about."""
    random = np.random.default_rng(seed)
    written = products = numbered = 0
    with pq.ParquetWriter(path, WIRE, compression="zstd") as writer:
        while written < events:
            count = min(CHUNK_PRODUCTS, (events - written) // 4 + 1)
            steps = _steps(random, np.arange(products, products + count), START, END)
            steps["event"] = np.arange(numbered, numbered + len(steps["product"]))
            rows = _wire(_shuffled(random, _with_repeats(random, steps)))[: events - written]
            writer.write_table(rows, row_group_size=250_000)
            written, products, numbered = written + len(rows), products + count, numbered + len(steps["product"])
    return products


def write_usage(path: Path, events: int, products: int, seed: int = 9) -> None:
    """Write exactly `events` rows about the data products' delivery and, for the most part, their observed use."""
    with pq.ParquetWriter(path, USAGE_WIRE, compression="zstd") as writer:
        for rows in _usage(events, products, seed):
            writer.write_table(rows, row_group_size=250_000)


def write_usage_files(folder: Path, events: int, products: int, seed: int = 9) -> list[Path]:
    """The rows of `write_usage` in files of about a million, `usage-0000.parquet` and so on; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    chunks = _usage(events, products, seed)
    while chunk := [*islice(chunks, FILE_CHUNKS)]:
        paths.append(folder / f"usage-{len(paths):04}.parquet")
        pq.write_table(pa.concat_tables(chunk), paths[-1], compression="zstd", row_group_size=250_000)
        os.utime(paths[-1], (1_750_000_000, 1_750_000_000))  # settled: a file that may still be written would not land
    return paths


def _usage(events: int, products: int, seed: int) -> Iterator[pa.Table]:
    """Exactly `events` rows in chunks: first the delivery of the data products, then their uses."""
    random = np.random.default_rng(seed)
    steps = _steps(random, np.arange(products), START, END)
    deployed = _only(steps, steps["type"] == DEPLOYED)
    popularity = np.cumsum(np.exp(random.normal(0.0, 1.0, len(deployed["product"]))))  # some are used more than others
    written = numbered = 0
    while written < events:
        chunk = steps if not written else _uses(random, deployed, popularity, min(CHUNK_USES, events - written))
        chunk["event"] = np.arange(numbered, numbered + len(chunk["product"]))
        rows = _shuffled(random, _with_repeats(random, chunk))
        rows = _only(rows, np.arange(len(rows["product"])) < events - written)
        is_use = rows["type"] == ADOPTED
        evidence = pa.array(np.where(is_use, "observed" if written else "declared", ""), mask=~is_use)
        yield _wire(rows).append_column(USAGE_WIRE.field("evidence"), evidence)
        written, numbered = written + len(evidence), numbered + len(chunk["product"])


def _uses(random: np.random.Generator, deployed: dict, popularity: np.ndarray, n: int) -> dict[str, np.ndarray]:
    """Adopted events of deployed data products at any time until END, 1 in 40 by the owner."""
    which = np.searchsorted(popularity, random.random(n) * popularity[-1])
    since = deployed["at"][which]
    return {
        "product": deployed["product"][which],
        "at": (since + random.random(n) * (END.timestamp() - since)).astype(np.int64),
        "domain": np.full(n, NOBODY),
        "consumer": random.integers(0, DOMAINS, n),
        "type": np.full(n, ADOPTED),
        "revision": np.zeros(n, np.int64),
        "retracted": np.zeros(n, bool),
    }


def write_increment(path: Path, history: Path, rows: int, products: int, seed: int = 8) -> None:
    """Write `rows` later events: 40 % about new data products, 40 % later steps of known ones, 20 % corrections."""
    random = np.random.default_rng(seed)
    corrected, known = rows // 5, rows * 2 // 5
    first_event = 1_000_000_000  # beside every event of the history
    fresh = _steps(random, np.arange(products, products + rows), END, AS_OF)
    fresh["event"] = np.arange(first_event, first_event + len(fresh["product"]))
    later = _later_steps(random, products, known, first_event + len(fresh["product"]))
    new = _wire(_shuffled(random, fresh))[: rows - corrected - known]
    table = pa.concat_tables([new, _wire(later), _corrections(random, history, corrected)])
    pq.write_table(table.take(random.permutation(len(table))), path, compression="zstd")


def _steps(random: np.random.Generator, product: np.ndarray, start: datetime, end: datetime) -> dict[str, np.ndarray]:
    """The true events of some data products, those after `end` left out; one array a column."""
    n = len(product)
    first, last = start.timestamp(), end.timestamp()
    owner = (DOMAINS * random.random(n) ** 1.5).astype(np.int64)  # some domains have more than others
    idea = first + (last - first) * random.random(n) ** 0.8  # a growing organisation
    started = idea + _days(random, n, 14)
    deployed = started + _days(random, n, 45)
    early = random.random(n) < 0.003
    deployed[early] = idea[early] - 3 * DAY
    closed = np.where(random.random(n) < 0.15, idea + _days(random, n, 150), np.inf)
    heir = np.where(random.random(n) < 0.005, (owner + 7) % DOMAINS, NOBODY)
    is_deployed = (random.random(n) < 0.92) & (deployed < closed)

    nobody = np.full(n, NOBODY)
    everyone = [
        (IDEA, idea, random.random(n) < 0.98, owner, nobody),
        (STARTED, started, (random.random(n) < 0.96) & (started < closed), nobody, nobody),
        (DEPLOYED, deployed, is_deployed, heir, nobody),
        (ADOPTED, deployed + _days(random, n, 5), is_deployed & (random.random(n) < 0.03), nobody, owner),
        (CLOSED, closed, np.isfinite(closed), nobody, nobody),
    ]
    adopters = random.choice(4, n, p=[0.25, 0.25, 0.25, 0.25])  # 0 to 3 other domains
    for i in range(3):
        consumer = (owner + 1 + 13 * i + random.integers(0, 12, n)) % DOMAINS  # three different ones, none the owner
        everyone.append((ADOPTED, deployed + _days(random, n, 80), is_deployed & (adopters > i), nobody, consumer))
    return _those_before(last, random, product, everyone)


def _those_before(last: float, random: np.random.Generator, product: np.ndarray, everyone: list[tuple]) -> dict:
    """The steps (type, at, whether it happens, owner, consumer) that happen before `last`; one array a column."""
    kept = [happens & (at < last) for _, at, happens, _, _ in everyone]
    kind = np.concatenate([np.full(k.sum(), step) for k, (step, *_) in zip(kept, everyone, strict=True)])
    reasons = CLOSED + random.integers(0, len(CLOSINGS), len(kind))
    columns = [
        np.concatenate([c[k] for k, c in zip(kept, columns, strict=True)])
        for columns in zip(*[(product, at, owned, used) for _, at, _, owned, used in everyone], strict=True)
    ]
    return {
        "product": columns[0],
        "at": columns[1].astype(np.int64),
        "domain": columns[2],
        "consumer": columns[3],
        "type": np.where(kind == CLOSED, reasons, kind),
        "revision": np.zeros(len(kind), np.int64),
        "retracted": np.zeros(len(kind), bool),
    }


def _days(random: np.random.Generator, n: int, median: float) -> np.ndarray:
    """Waits in seconds, log-normal."""
    return DAY * median * np.exp(random.normal(0.0, 0.9, n))


def _with_repeats(random: np.random.Generator, steps: dict) -> dict:
    """The events, and beside them 1 % corrections, 1 % exact repeats, 0.1 % retractions."""
    draw = random.random(len(steps["product"]))
    corrected, repeated = _only(steps, draw < 0.01), _only(steps, (draw >= 0.01) & (draw < 0.02))
    retracted = _only(steps, (draw >= 0.02) & (draw < 0.021))
    corrected["at"] = corrected["at"] - random.integers(0, 3 * DAY, len(corrected["at"]))
    corrected["revision"] = corrected["revision"] + 1
    retracted["revision"] = retracted["revision"] + 1
    retracted["retracted"] = ~retracted["retracted"]
    return {name: np.concatenate([s[name] for s in (steps, corrected, repeated, retracted)]) for name in steps}


def _later_steps(random: np.random.Generator, products: int, rows: int, first_event: int) -> dict:
    """New adoptions, deployments and closings of data products that the history knows."""
    first, last = END.timestamp(), AS_OF.timestamp()
    kind = random.choice([DEPLOYED, ADOPTED, ADOPTED, ADOPTED, CLOSED], rows)
    return {
        "product": random.choice(products, rows, replace=False) if rows <= products else np.arange(rows) % products,
        "at": random.integers(int(first), int(last), rows),
        "domain": np.full(rows, NOBODY),
        "consumer": np.where(kind == ADOPTED, random.integers(0, DOMAINS, rows), NOBODY),
        "type": kind,
        "revision": np.zeros(rows, np.int64),
        "retracted": np.zeros(rows, bool),
        "event": np.arange(first_event, first_event + rows),
    }


def _corrections(random: np.random.Generator, history: Path, rows: int) -> pa.Table:
    """Old events again, at revision 2 and up to three days earlier, from all over the history."""
    with pq.ParquetFile(history) as file:
        groups = random.choice(file.num_row_groups, min(8, file.num_row_groups), replace=False)
        parts = []
        for group, count in zip(groups, np.diff(np.linspace(0, rows, len(groups) + 1).astype(int)), strict=True):
            table = file.read_row_group(int(group))
            parts.append(table.take(random.choice(len(table), count, replace=False)))
    old = pa.concat_tables(parts)
    shift = pa.array(random.integers(0, 3 * DAY, len(old)) * 1_000_000, pa.duration("us"))
    old = old.set_column(4, WIRE.field("occurred_at"), pc.subtract(old["occurred_at"], shift))
    return old.set_column(5, WIRE.field("revision"), pa.array(np.full(len(old), 2), pa.int64()))


def _only(steps: dict, rows: np.ndarray) -> dict:
    return {name: column[rows] for name, column in steps.items()}


def _shuffled(random: np.random.Generator, steps: dict) -> dict:
    return _only(steps, random.permutation(len(steps["product"])))


def _wire(steps: dict) -> pa.Table:
    """The columns as on the wire."""
    number = pc.utf8_lpad(pa.array(steps["product"]).cast(pa.string()), 7, "0")
    domains = pa.array([f"domain-{i:02d}" for i in range(DOMAINS)])
    return pa.table(
        {
            "event_id": _text("evt-", pc.utf8_lpad(pa.array(steps["event"]).cast(pa.string()), 10, "0")),
            "source": _text("https://delivery.example/teams/", pa.array(steps["product"] % 5).cast(pa.string())),
            "event_type": pa.array(TYPES).take(pa.array(steps["type"])),
            "data_product_id": _text("dp-", number),
            "occurred_at": pa.array(steps["at"] * 1_000_000, WIRE.field("occurred_at").type),
            "revision": pa.array(steps["revision"]),
            "is_retracted": pa.array(steps["retracted"]),
            "domain": domains.take(_known(steps["domain"])),
            "consumer_domain": domains.take(_known(steps["consumer"])),
            "title": _text("Data product number ", number),
        },
        schema=WIRE,
    )


def _known(domain: np.ndarray) -> pa.Array:
    return pa.array(domain, mask=domain == NOBODY)


def _text(prefix: str, rest: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(prefix, rest, "")


def write_both(folder: Path, events: int, increment: int, seed: int = 7) -> Iterator[Path]:
    """Write `events.parquet` and `increment.parquet` into a folder; yields their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    history, later = folder / "events.parquet", folder / "increment.parquet"
    products = write_events(history, events, seed)
    write_increment(later, history, increment, products, seed + 1)
    yield from (history, later)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--increment", type=int, default=10_000)
    parser.add_argument("--products", type=int, default=20_000, help="of usage.parquet")
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    paths = [*write_both(given.folder, given.events, given.increment, given.seed), given.folder / "usage.parquet"]
    write_usage(paths[-1], given.events, given.products, given.seed + 2)
    for path in paths:
        print(f"{path}  {path.stat().st_size / 1e6:,.1f} MB  {pq.read_metadata(path).num_rows:,} rows")
