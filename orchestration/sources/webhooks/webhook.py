"""Takes over what `flywheel receive` has written: the deliveries since the last pull, into one file of records.

Belongs here: which deliveries are new, many small files to one. Does not belong here: HTTP (receiver.py), one delivery
on disk (deliveries.py).

A listing's state names the deliveries in its file. A delivery is deleted only once a listing names it; one that is
still there, or comes again, is deleted without being taken over a second time.
"""

import json
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.sources import received
from orchestration.sources.declaration import Source
from orchestration.sources.records import DELIVERY_COLUMNS
from orchestration.sources.webhooks.deliveries import SUFFIX, Delivery, deliveries_folder, load

MAX_BYTES, MAX_COUNT = 64 << 20, 20_000  # of the deliveries that are in memory at once
STALE_SECONDS = 3600  # a file that was not finished by then belongs to a process that was killed


def receive(source: Source, now: datetime) -> tuple[str, ...]:
    """Keep the deliveries that came since the last pull; returns those left out, with the reason.

    The first pull keeps an empty file: the columns are there before the first delivery.
    """
    before = received.listings(source)
    known = {key for listing in before for key in listing.state.get("deliveries", ())}
    folder = deliveries_folder(source.home, source.name)
    _clear(folder, known)
    number = len(before)
    if not any("deliveries" in listing.state for listing in before):
        number += 1
        _keep(source, number, {}, now)
    left: list[str] = []
    for paths in _batches(folder):
        deliveries = {}
        for path in paths:
            try:
                delivery = load(path)
                deliveries[path] = delivery, _bodies(delivery.body.decode())
            except (ValueError, RecursionError):
                left.append(f"deliveries/{path.name} (damaged)")
        if deliveries:
            number += 1
            _keep(source, number, deliveries, now)
            for path in deliveries:
                path.unlink()
    return tuple(left)


def _clear(folder: Path, known: set[str]) -> None:
    """Delete deliveries that are kept, and what a killed receiver did not finish."""
    for path in folder.glob(f"*{SUFFIX}"):
        if path.stem in known:
            path.unlink()
    for path in folder.glob(".*.tmp"):
        if time.time() - path.stat().st_mtime > STALE_SECONDS:
            path.unlink()


def _batches(folder: Path) -> Iterator[list[Path]]:
    """The deliveries, the oldest first, as many at a time as fit into memory."""
    stats = [(path.stat(), path) for path in folder.glob(f"*{SUFFIX}")]
    batch: list[Path] = []
    size = 0
    for stat, path in sorted(stats, key=lambda item: (item[0].st_mtime_ns, item[1].name)):
        if batch and (size + stat.st_size > MAX_BYTES or len(batch) >= MAX_COUNT):
            yield batch
            batch, size = [], 0
        batch.append(path)
        size += stat.st_size
    if batch:
        yield batch


def _keep(source: Source, number: int, deliveries: dict[Path, tuple[Delivery, list[str]]], now: datetime) -> None:
    """Keep deliveries, each with its records, as one file, in the order in which they came."""
    ordered = sorted(deliveries.items(), key=lambda item: (item[1][0].received_at, item[0].name))
    rows = [
        (delivery.received_at, delivery.kind, delivery.delivery_id, body)
        for _, (delivery, bodies) in ordered
        for body in bodies
    ]
    columns = zip(*rows, strict=True) if rows else [()] * len(DELIVERY_COLUMNS)
    table = {name: pa.array(values, pa.string()) for name, values in zip(DELIVERY_COLUMNS, columns, strict=True)}
    source.received.mkdir(parents=True, exist_ok=True)
    temporary = source.received / ".deliveries.tmp"
    pq.write_table(pa.table(table), temporary, compression="zstd")
    keys = [path.stem for path, _ in ordered]
    received.keep(source, {f"{number:06}.deliveries.parquet": temporary}, {"deliveries": keys}, now)
    temporary.unlink()


def _bodies(text: str) -> list[str]:
    """The text of a delivery, or of each value of its array."""
    if not text.lstrip().startswith("["):
        return [text]
    return [json.dumps(value, ensure_ascii=False) for value in json.loads(text)]
