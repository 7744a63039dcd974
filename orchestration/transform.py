"""Runs dbt in a home: prepares the warehouse, keeps the manifest fresh, says what came of it.

Belongs here: what has to be true before and after `dbt build`. Does not belong here: SQL, Dagster.
"""

import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import duckdb

from orchestration.home import Home
from orchestration.warehouse import DBT_PROJECT, connect_when_free

PREVIEW_ROWS = 5
BUILD = ["build", "--exclude-resource-type", "unit_test"]  # those are about the SQL, not about anybody's events
DBT = str(Path(sys.executable).with_name("dbt"))  # the one of this environment, on PATH or not


def dbt_environment(home: Home, as_of: datetime | None = None, known_at: datetime | None = None) -> dict[str, str]:
    """What the dbt project reads from its environment."""
    return {
        "FLYWHEEL_HOME": str(home.root),
        "FLYWHEEL_AS_OF": as_of.isoformat() if as_of else "",
        "FLYWHEEL_KNOWN_AT": known_at.isoformat() if known_at else "",
        "FLYWHEEL_IS_SAMPLE": "true" if home.sample() else "",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }


def fresh_manifest(home: Home) -> Path:
    """The home's dbt manifest, parsed again when the project is younger; raises RuntimeError with dbt's words."""
    manifest = home.dbt_target / "manifest.json"
    sources = [p for p in DBT_PROJECT.rglob("*") if p.suffix in (".sql", ".yml", ".csv")]
    youngest = max(p.stat().st_mtime for p in sources)
    if manifest.exists() and manifest.stat().st_mtime > youngest and _is_of_this_project(manifest):
        return manifest
    command = [DBT, "--quiet", "parse", "--target-path", str(home.dbt_target)]
    command += ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT), "--log-path", str(home.logs)]
    done = subprocess.run(command, env=os.environ | dbt_environment(home), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"dbt can't parse the project: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return manifest


def _is_of_this_project(manifest: Path) -> bool:
    nodes = json.loads(manifest.read_text())["nodes"].values()
    return all((DBT_PROJECT / node["original_file_path"]).exists() for node in nodes)


def tables_at_a_glance(home: Home, names: list[tuple[str, str]]) -> dict[tuple[str, str], tuple[int, str]]:
    """{(schema, table): (rows, the first few as Markdown)} of what the warehouse holds."""
    seen = {}
    with connect_when_free(home.warehouse, read_only=True) as db:
        for schema, name in names:
            try:
                rows = db.execute(f"select count(*) from {schema}.{name}").fetchone()[0]
                preview = db.execute(f"select * from {schema}.{name} limit {PREVIEW_ROWS}").df()
            except duckdb.CatalogException:
                continue
            seen[schema, name] = rows, preview.to_markdown(index=False)
    return seen
