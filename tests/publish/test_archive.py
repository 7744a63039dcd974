"""The archive: each month's tables next to its pages, a list made from them, and months kept before there were any."""

import json
import shutil
from pathlib import Path

import duckdb
import pytest
from test_publishing import FIRST, LATER, NEXT_MONTH, change, everything, served_home, serving

from orchestration.contracts.odcs import load_layer
from orchestration.publish import archive
from orchestration.publish import pages as dashboard

pytestmark = pytest.mark.slow
__all__ = ["served_home", "serving"]  # fixtures that pytest finds here too


def rows(path: Path, table: str) -> list[tuple]:
    """The rows of a table of a serving file, or of a folder of Parquet files."""
    with duckdb.connect() as db:
        if path.is_dir():
            return db.execute(f"from '{path / table}.parquet'").fetchall()
        db.execute(f"attach '{path}' as serving (read_only)")
        return db.execute(f"from serving.authoritative.{table}").fetchall()


def test_a_month_keeps_every_authoritative_table_with_its_rows_and_descriptions(served_home):
    dashboard.publish_dashboard(served_home)
    tables = served_home.archive / "2025-12" / "tables"
    contracts = load_layer("authoritative")
    assert {path.stem for path in tables.iterdir()} == {*contracts, "publication"}
    for name, contract in contracts.items():
        assert rows(tables, name) == rows(served_home.serving, name), name
        said = duckdb.sql(f"select key, value from parquet_kv_metadata('{tables / name}.parquet')").fetchall()
        about = {key.decode(): value.decode() for key, value in said}
        assert about["description"] == contract.description
        assert json.loads(about["columns"]) == {p.name: p.description for p in contract.properties}
    assert not any(path.stat().st_mode & 0o222 for path in tables.iterdir())


def test_the_list_shows_what_the_month_kept_and_not_what_is_served_today(served_home):
    change(served_home, "update authoritative.north_star_monthly set value = 14, reason = null where is_complete")
    dashboard.publish_dashboard(served_home, FIRST)
    change(served_home, f"{NEXT_MONTH}; update authoritative.north_star_monthly set value = 9, reason = null")
    dashboard.publish_dashboard(served_home, LATER)
    html = (served_home.archive / "index.html").read_text()
    january, december = html.split("<tbody>")[1].split("</tr>")[:2]
    assert '<a href="2026-01/index.html">January 2026</a>' in january and "9 adoptions" in january
    assert '<a href="2025-12/index.html">December 2025</a>' in december and "14 adoptions" in december
    assert "9 Feb 2026, 15:00 UTC" in january and "7 Jan 2026, 09:30 UTC" in december


def test_a_month_kept_before_there_were_tables_is_listed_and_compared_with_nothing(served_home):
    dashboard.publish_dashboard(served_home, FIRST)
    shutil.rmtree(served_home.archive / "2025-12" / "tables")
    change(served_home, NEXT_MONTH)
    dashboard.publish_dashboard(served_home, LATER)
    html = (served_home.archive / "index.html").read_text()
    december = html.split("<tbody>")[1].split("</tr>")[1]
    assert '<a href="2025-12/index.html">December 2025</a>' in december and "7 Jan 2026, 09:30 UTC" in december
    assert "adoptions" not in december
    assert 'id="changed"' not in (served_home.dashboard / "index.html").read_text()


def test_the_page_says_what_changed_since_the_month_before(served_home):
    change(
        served_home, "update authoritative.queues set open_count = 1200 where domain = 'all' and queue = 'not_deployed'"
    )
    dashboard.publish_dashboard(served_home, FIRST)
    assert 'id="changed"' not in (served_home.dashboard / "index.html").read_text()
    [(queue, before)] = [(row[0], row[2]) for row in rows(served_home.serving, "queues") if row[1] == "all"][:1]
    change(served_home, f"{NEXT_MONTH}; update authoritative.queues set open_count = 7 where queue = '{queue}'")
    dashboard.publish_dashboard(served_home, LATER)
    for page in (served_home.dashboard / "index.html", served_home.archive / "2026-01" / "index.html"):
        section = page.read_text().split('id="changed"')[1].split("</section>")[0]
        assert "What changed since the page of December 2025" in section
        assert f"{before:,} → 7" in section


def test_a_month_whose_tables_cannot_be_written_is_kept_by_the_next_run(served_home, monkeypatch):
    def half(_file, folder, _schemas):
        (folder / "queues.parquet").write_bytes(b"PAR1")
        raise OSError("disk full")

    with monkeypatch.context() as full:
        full.setattr(archive, "write_tables", half)
        with pytest.raises(OSError, match="disk full"):
            dashboard.publish_dashboard(served_home)
    assert not (served_home.archive / "2025-12").exists()
    dashboard.publish_dashboard(served_home)
    assert "tables/queues.parquet" in everything(served_home.archive / "2025-12")
    assert [path.name for path in served_home.archive.iterdir() if path.name.startswith(".")] == []
