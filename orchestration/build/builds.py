"""Builds: every whole run writes a new DuckDB file, which never changes once it is approved; all else is a scratch.

`builds/<id>.duckdb` is a build, `builds/<id>.json` its approval: written last, when every check has passed. A build
without one is unfinished, and the next run deletes it. `builds/scratch.duckdb` is a copy of the last approved build for
a few assets at a time, or dbt by hand; it has no approval, so it can't be published.

Belongs here: which build is which, approving, copying and sweeping. Does not belong here: what is in the tables. All of
it can be built again from landing.
"""

import hashlib
import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.code import code_version
from orchestration.declared import declared_tables
from orchestration.home import FILES, Dates, Home, new_folder, read_json, sha256, swap_folder, write_whole
from orchestration.landing import locks
from orchestration.landing.quarantine import dismissal_files, refused_rows
from orchestration.landing.receipts import EMPTY, RECEIPT, Receipt, live_files, receipts
from orchestration.pulse import group_figures
from orchestration.settings import load_settings

DBT_PROJECT = FILES / "dbt_project"
TEXT_SHOWN = 1_000  # characters of a refused row that are served
PUBLISH = "Run `flywheel run`, or 'Materialize all' in the Dagster UI: either builds everything again and publishes it."


class BuildError(RuntimeError):
    """There is no build that may be published; the message gives the reason and what to do."""


@dataclass(frozen=True)
class Build:
    """One DuckDB file under builds/."""

    path: Path

    @property
    def id(self) -> str:
        """Its number, which grows, and the beginning of the Dagster run that wrote it."""
        return self.path.stem

    @property
    def things(self) -> Path:
        """Where an engine leaves the things of the build as Parquet; DuckDB leaves none."""
        return self.path.with_suffix("") / "things"

    @property
    def is_scratch(self) -> bool:
        """Whether it is the scratch, which can't be published."""
        return self.path.name == "scratch.duckdb"

    @property
    def is_approved(self) -> bool:
        """Whether every check of it has passed."""
        return not self.is_scratch and "sha256" in self.approval

    @property
    def about(self) -> dict[str, Any]:
        """The row that the file holds about itself, `main.build`; raises BuildError for a file that holds none."""
        try:
            with duckdb.connect() as db:
                db.execute("set TimeZone = 'UTC'")
                db.execute(f"attach {sql_text(self.path)} as build (read_only)")
                return one_row_as_dict(db.execute("select * from build.main.build"))
        except (duckdb.Error, TypeError) as error:
            raise BuildError(f"{self.path} can't be read: {str(error).splitlines()[0]}. {PUBLISH}") from error

    @property
    def dates(self) -> Dates:
        """The dates it was built for."""
        about = self.about
        return Dates(about["as_of"], about["known_at"], about["looks_back_as"])

    @property
    def _approval(self) -> Path:
        return self.path.with_suffix(".json")

    def approve(self) -> None:
        """Record that every check has passed, and the file's hash: from here on it never changes.

        Raises duckdb.Error where DuckDB's write-ahead log can't be written into the file, as on a full disk.
        """
        with duckdb.connect(str(self.path)) as db:
            db.execute("checkpoint")
        about = self.about
        approval = {
            "sha256": sha256(self.path),
            "fingerprint": about["fingerprint"],
            "looks_back_as": about["looks_back_as"],
        }
        self.path.chmod(0o444)
        write_whole(self._approval, json.dumps(approval).encode())

    def verify(self) -> None:
        """Raise BuildError unless the file is what was approved, byte for byte."""
        if not self.is_approved:
            raise BuildError(f"Build {self.id} has not passed its checks. {PUBLISH}")
        if not self.path.exists() or sha256(self.path) != self.approval["sha256"]:
            raise BuildError(
                f"{self.path} is not the approved file: it was changed, damaged or deleted. The published tables "
                f"stay in place. {PUBLISH}"
            )

    @property
    def approval(self) -> dict[str, Any]:
        """What `approve` wrote: sha256 of the file, fingerprint, looks_back_as; empty where there is none to read."""
        return read_json(self._approval)

    def delete(self) -> None:
        """Delete it; the approval first, so that half of it never counts as a build."""
        self._approval.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)
        self.path.with_name(f"{self.path.name}.wal").unlink(missing_ok=True)
        shutil.rmtree(self.things.parent, ignore_errors=True)
        shutil.rmtree(self.path.with_name(f"{self.path.name}.tmp"), ignore_errors=True)  # where DuckDB spills


def begin(home: Home, run_id: str, dates: Dates, landed: list[Receipt] | None = None) -> Build:
    """A new build of this run: dates, settings, code version, batches, declared tables, what became of refused rows.

    It is of the batches with the receipts `landed`, or of all that are visible now: one that lands while it is at work
    is not in it. Sweeps other builds.

    Raises SettingsError or DeclarationError for what people set or declared wrongly.
    """
    landed = receipts(home) if landed is None else landed
    settings, declared = load_settings(home).of_the_tables(), declared_tables(home)
    numbers = [int(build.id[:6]) for build in _all(home)]
    sweep(home)
    build = Build(home.builds / f"{max(numbers, default=0) + 1:06}-{run_id[:8]}.duckdb")
    with duckdb.connect(str(build.path)) as db:
        db.execute("set TimeZone = 'UTC'")
        db.execute(
            """
            create table main.build as
            select
                $1 as build_id, $2 as run_id, cast($3 as timestamptz) as as_of, cast($4 as timestamptz) as known_at,
                cast($5 as varchar) as looks_back_as, cast($6 as boolean) as is_sample, $7 as code_version,
                $8 as settings, $9 as fingerprint
            """,
            [
                build.id,
                run_id,
                dates.as_of,
                dates.known_at,
                dates.name,
                home.sample() is not None,
                code_version(),
                settings,
                fingerprint(home, dates, landed),
            ],
        )
        # what people answered in a survey stays in their file: a build, which anyone may read, has figures of groups
        figures = group_figures(declared.pop("pulse_answers"))
        for name, rows in (declared | {"pulse_figures": figures}).items():
            _write_rows(db, "declared", name, rows)
        _write_rows(db, "landing", "quarantined_events", refused_rows(home, TEXT_SHOWN, landed))
        _write_rows(db, "landing", "batches", pa.Table.from_pylist(landed, RECEIPT))
    link_landing(home)
    return build


def link_landing(home: Home) -> None:
    """Link the files of landing that readers see into `builds/landing`, from where a build reads its rows.

    A compaction deletes what it replaces, and the build at work still has it. A link takes no space while landing has
    the file too.
    """
    folder = new_folder(home.build_landing)
    with locks.shared(home):
        names = [EMPTY, *live_files(home)]
        for table in (path.parent for path in home.landing.glob(f"*/{EMPTY}.parquet")):
            (folder / table.name).mkdir()
            for path in (table / f"{name}.parquet" for name in names):
                if path.exists():
                    _link(path, folder / table.name / path.name)
    swap_folder(home.build_landing, folder)


def _link(path: Path, link: Path) -> None:
    try:
        os.link(path, link)
    except OSError:  # a file system without hard links
        shutil.copyfile(path, link)


def _write_rows(db: duckdb.DuckDBPyConnection, schema: str, name: str, rows: pa.Table) -> None:
    db.execute(f"create schema if not exists {schema}")
    db.register("rows", rows)
    db.execute(f"create table {schema}.{name} as from rows")
    db.unregister("rows")


def of_run(home: Home, run_id: str) -> Build | None:
    """The build that `begin` gave this run; None where the run began none, because it lands nothing."""
    return next((build for build in _all(home) if build.id.endswith(f"-{run_id[:8]}")), None)


def last_approved(home: Home) -> Build | None:
    """The newest approved build that does not look back; None where no whole run has passed yet."""
    approved = [build for build in _all(home) if build.is_approved and not build.approval["looks_back_as"]]
    return approved[-1] if approved else None


def sweep(home: Home) -> None:
    """Delete every build but the last approved one."""
    kept = last_approved(home)
    for build in _all(home):
        if build != kept:
            build.delete()


def scratch(home: Home) -> Build:
    """The scratch, copied anew when a newer build has been approved since; raises BuildError where none has."""
    approved = last_approved(home)
    if not approved:
        raise BuildError(f"No build has been approved yet, so there is none to work on a copy of. {PUBLISH}")
    if not home.build_landing.exists():
        raise BuildError(f"Build {approved.id} is of an earlier version of Flywheel. {PUBLISH}")
    copy = Build(home.builds / "scratch.duckdb")
    if not copy.path.exists() or not _is_copy_of(copy, approved):
        approved.verify()
        temporary = home.builds / ".scratch.duckdb.tmp"
        shutil.copyfile(approved.path, temporary)
        copy.delete()
        temporary.replace(copy.path)
    return copy


def fingerprint(home: Home, dates: Dates, landed: list[Receipt] | None = None) -> str:
    """A hash of everything that a build depends on: its events, dismissals, dates, settings, declared tables and code.

    Its events are those of the batches with the receipts `landed`, or of all that are visible now.

    Raises SettingsError.
    """
    settings = load_settings(home)
    about = [str(dates.as_of), str(dates.known_at), home.sample() is not None, settings.of_the_tables()]
    about.append(asdict(settings.engine))
    files = [*dismissal_files(home), *sorted(home.declared.glob("*.csv"))]
    landed = receipts(home) if landed is None else landed
    inputs = [landed, *about, {path.name: sha256(path) for path in files}, code_version()]
    return hashlib.sha256(json.dumps(inputs, default=str).encode()).hexdigest()


def _all(home: Home) -> list[Build]:
    """Every build but the scratch, oldest first; also one of which only the approval or the engine's folder is left."""
    found = {home.builds / f"{path.name.partition('.')[0]}.duckdb" for path in home.builds.glob("[0-9]*")}
    return [Build(path) for path in sorted(found)]


def _is_copy_of(copy: Build, approved: Build) -> bool:
    try:
        return copy.about["build_id"] == approved.id
    except BuildError:
        return False


def one_row(query: duckdb.DuckDBPyConnection) -> tuple[Any, ...]:
    """The row of a query that must have one; raises TypeError where it has none."""
    row = query.fetchone()
    if row is None:
        raise TypeError("the query has no row")
    return row


def one_row_as_dict(query: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """The same by column."""
    return dict(zip([column[0] for column in query.description], one_row(query), strict=True))


def sql_text(value: object) -> str:
    """A value as a literal of SQL."""
    return "'" + str(value).replace("'", "''") + "'"
