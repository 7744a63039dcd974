"""Runs dbt in this process: parses the project, builds tables into a build, reports what came of each node.

Belongs here: how dbt is called, and what a person wants to see of its results. Does not belong here: SQL, Dagster.

dbt starts in a second and parses in four; in the process that runs Dagster anyway it imports half of what it needs for
free, keeps what it parsed, and ends when the run ends, however that is.
"""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from orchestration.build.builds import DBT_PROJECT, Build, one_row, sql_text
from orchestration.home import Dates, Home, write_whole
from orchestration.settings import Settings, SettingsError, load_settings

if TYPE_CHECKING:  # dbt takes a second to import
    from dbt.cli.main import dbtRunnerResult
    from dbt.contracts.graph.manifest import Manifest

PREVIEW_ROWS = 5
FAILING_ROWS = 20
PROJECT_SUFFIXES = (".csv", ".py", ".sql", ".yml")
PARSED = "partial_parse.msgpack"  # dbt's manifest as it reads it back
QUIET = ("--quiet", "--log-level-file", "none")  # the run's own log has what dbt prints


@dataclass(frozen=True)
class Node:
    """What came of one dbt node: a model or seed that was built, or a test that ran."""

    unique_id: str
    status: str  # success, pass, warn, fail, error, skipped
    message: str
    failing_rows: int
    sql: str

    @property
    def is_test(self) -> bool:
        """Whether it is a test."""
        return self.unique_id.startswith("test.")

    @property
    def has_failed(self) -> bool:
        """Whether it stops publication."""
        return self.status in ("fail", "error")


def dbt_environment(
    home: Home, build: Build | None = None, dates: Dates | None = None, settings: str | None = None
) -> dict[str, str]:
    """What the dbt project reads from its environment; a build has settings of its own."""
    settings = settings or (build.about["settings"] if build else Settings().of_the_tables())
    return {
        "FLYWHEEL_HOME": str(home.root),
        "FLYWHEEL_BUILD": str(build.path if build else home.builds / "scratch.duckdb"),
        "FLYWHEEL_AS_OF": dates.as_of.isoformat() if dates else "",
        "FLYWHEEL_KNOWN_AT": dates.known_at.isoformat() if dates and dates.known_at else "",
        "FLYWHEEL_SETTINGS": settings,
        "FLYWHEEL_THINGS": str(build.things) if build and build.things.exists() else "",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }


def fresh_manifest(home: Home, settings: str | None = None) -> Path:
    """The home's dbt manifest, parsed again for another project or other settings: which models the North Star reads
    depends on them. `settings` are the home's if not given. Raises RuntimeError with dbt's words.
    """
    settings = settings or _settings(home)
    manifest, stamp = home.dbt_target / "manifest.json", home.dbt_target / "project.sha256"
    project = _project_version(home, settings)
    if not (manifest.exists() and stamp.exists() and stamp.read_text() == project):
        stamp.unlink(missing_ok=True)
        (home.dbt_target / PARSED).unlink(missing_ok=True)
        os.environ.update(dbt_environment(home, settings=settings))
        done = invoke(home, ["parse"])
        if not done.success:
            raise RuntimeError(f"dbt can't parse the project: {done.exception}")
        write_whole(stamp, project.encode())
    return manifest


def run_dbt(
    home: Home,
    build: Build,
    dates: Dates,
    select: list[str] | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> list[Node]:
    """`dbt build` into a build, all of it or the selected nodes only; calls `progress(nodes done)` meanwhile.

    Returns what came of each node, in the order they ended. Raises RuntimeError where dbt could not start at all.
    """
    settings = build.about["settings"]
    fresh_manifest(home, settings)
    os.environ.update(dbt_environment(home, build, dates, settings))
    # unit tests are about the SQL, not about anybody's events
    arguments = ["build", "--exclude-resource-type", "unit_test"]
    if select is not None:
        arguments += ["--indirect-selection", "empty", "--select", *select]
    ended = [0]

    def count(event: Any) -> None:
        if event.info.name == "NodeFinished":
            ended[0] += 1
            print(f"{event.data.node_info.node_status:<8} {event.data.node_info.unique_id}", flush=True)
            progress(ended[0])

    done = invoke(home, arguments, parsed(home), count)
    if done.result is None:
        raise RuntimeError(f"dbt could not build: {done.exception}")
    return [_node(result) for result in done.result.results]


def _node(result: Any) -> Node:
    sql = getattr(result.node, "compiled_code", None) or ""
    return Node(result.node.unique_id, str(result.status), result.message or "", result.failures or 0, sql)


def tables_at_a_glance(build: Build, names: list[tuple[str, str]]) -> dict[tuple[str, str], tuple[int, str]]:
    """{(schema, table): (rows, the first few as Markdown)} of the tables among `names`; a view's are not read."""
    seen = {}
    with reading(build) as db:
        tables = "select schema_name, table_name from duckdb_tables() where database_name = 'warehouse'"
        for schema, name in sorted(set(names) & set(db.execute(tables).fetchall())):
            rows = one_row(db.execute(f"select count(*) from {schema}.{name}"))[0]
            seen[schema, name] = rows, as_markdown(db, f"from {schema}.{name}", PREVIEW_ROWS)
    return seen


def failing_rows(build: Build, sql: str) -> str:
    """The first rows that a test finds, as Markdown."""
    with reading(build) as db:
        return as_markdown(db, sql, FAILING_ROWS)


def as_markdown(db: duckdb.DuckDBPyConnection, sql: str, rows: int) -> str:
    """The first rows of a query as a Markdown table."""
    query = db.execute(f"from ({sql}) limit {rows}")
    names = [column[0] for column in query.description]
    lines = [names, ["---"] * len(names), *query.fetchall()]
    return "\n".join(f"| {' | '.join(_cell(value) for value in line)} |" for line in lines)


def _cell(value: object) -> str:
    return "" if value is None else str(value).replace("|", "\\|").replace("\n", " ")


def reading(build: Build) -> duckdb.DuckDBPyConnection:
    """A build read-only, as dbt's SQL names it; other files can be written from it."""
    db = duckdb.connect()
    db.execute("set TimeZone = 'UTC'")
    db.execute(f"attach {sql_text(build.path)} as warehouse (read_only)")
    db.execute("use warehouse")
    return db


def invoke(
    home: Home, arguments: list[str], manifest: "Manifest | None" = None, callback: Callable | None = None
) -> "dbtRunnerResult":
    """dbt's result of a command in this process; parses the project unless it is given a manifest."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    places = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT), "--log-path", str(home.logs)]
    if "--target-path" not in arguments:
        places += ["--target-path", str(home.dbt_target)]
    try:
        return dbtRunner(manifest, [callback] if callback else []).invoke([*QUIET, *arguments, *places])
    finally:
        # dbt keeps the file open until its process ends, and here the process goes on
        if DuckDBConnectionManager._ENV:
            DuckDBConnectionManager._ENV.close()
        DuckDBConnectionManager.close_all_connections()


def parsed(home: Home) -> "Manifest":
    """dbt's manifest as `fresh_manifest` left it: reading it takes 0.2 CPU-s, letting dbt compare all files 1.5."""
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder

    return Manifest.from_msgpack((home.dbt_target / PARSED).read_bytes(), decoder=extended_mashumuro_decoder)


def _settings(home: Home) -> str:
    """The home's settings for dbt; the defaults where they can't be used, so that a run can start and report it."""
    try:
        return load_settings(home).of_the_tables()
    except SettingsError:
        return Settings().of_the_tables()


def _project_version(home: Home, settings: str) -> str:
    digest = hashlib.sha256(f"{home.root} {settings} {version('dbt-core')} {version('dbt-duckdb')}".encode())
    for path in sorted(DBT_PROJECT.rglob("*")):
        if path.suffix in PROJECT_SUFFIXES and path.is_file():
            digest.update(f"\0{path.relative_to(DBT_PROJECT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()
