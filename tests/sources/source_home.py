"""A home with one declared source, for the tests of sources."""

import json
import os
from pathlib import Path
from zlib import crc32

from conftest import SETTLED, as_lines

from orchestration.home import Home

SQL = """
select
    'e' || (body->>'id') as event_id, body->>'type' as event_type, body->>'product' as data_product_id,
    body->>'at' as occurred_at
from records
"""


class World:
    """The folder that a source reads, the source, and what reached the inbox."""

    def __init__(self, root: Path, sql: str = SQL, settings: str = ""):
        self.home, self.folder = Home.at(root / "home"), root / "exports"
        self.home.sources.mkdir()
        self.folder.mkdir()
        self.declare(settings)
        self.map(sql)

    def declare(self, settings: str = "") -> None:
        (self.home.sources / "crm.yml").write_text(f"kind: files\nwhere: {self.folder}\n{settings}")

    def map(self, sql: str) -> None:
        (self.home.sources / "crm.sql").write_text(sql)

    def write(self, name: str, content: bytes | str | list[dict]) -> Path:
        """A file that has stood in the folder for a while; one of other content has another time of change."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        content = as_lines(content) if isinstance(content, list) else content
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        at = SETTLED + crc32(path.read_bytes()) % 1_000_000
        os.utime(path, (at, at))
        return path

    def lines(self) -> list[dict]:
        """Every line of the source's files in the inbox, in the order of the files."""
        files = sorted(self.home.inbox.glob("crm-*.jsonl"))
        return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def record(number: int, kind: str = "deployed", product: str = "orders", at: str = "2026-01-01T00:00:00Z") -> dict:
    return {"id": number, "type": kind, "product": product, "at": at}


def folded(lines: list[dict]) -> dict[str, dict]:
    """{event_id: event} of those that count: of each the highest revision, unless it is retracted."""
    best: dict[str, dict] = {}
    for line in lines:
        other = best.get(line["event_id"])
        assert other is None or other["revision"] != line["revision"], "one revision was said twice"
        if other is None or line["revision"] > other["revision"]:
            best[line["event_id"]] = line
    return {event_id: event for event_id, event in best.items() if not event["is_retracted"]}
