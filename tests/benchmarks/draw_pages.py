"""Draws all pages of a serving file and writes what each kind costs: CPU-seconds and bytes.

    .venv/bin/python tests/benchmarks/draw_pages.py <home>/serving.duckdb

Belongs here: measurements. Does not belong here: an expectation, which a slow machine would fail.
"""

import sys
import time
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

from dashboard.rendering import pages_of
from dashboard.tables import read

BUDGET_SECONDS = 20.0  # CPU, of all pages of 40 domains and 400 data products


def main(serving: Path) -> None:
    begun = time.process_time()
    data = read(serving)
    known = time.process_time()
    pages = pages_of(data, archive=None, pdf=None)
    keys = [page.key for page in pages]
    keyed = time.process_time()
    seconds, sizes = defaultdict(list), defaultdict(list)
    for page in pages:
        start = time.process_time()
        html = page.draw(datetime.now(UTC), "benchmark")
        kind = page.name.rpartition("/")[0] or page.name
        seconds[kind].append(time.process_time() - start)
        sizes[kind].append(len(html.encode()))
    print(f"read {known - begun:.2f} CPU-s, views and keys of {len(keys)} pages {keyed - known:.2f} CPU-s")
    for kind, took in seconds.items():
        each = f"{1000 * sum(took) / len(took):.1f} ms each"
        print(f"{kind}: {len(took)} pages, {sum(took):.2f} CPU-s, {each}, at most {max(sizes[kind]):,} bytes")
    print(f"all: {time.process_time() - begun:.1f} of {BUDGET_SECONDS} CPU-s")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
