"""The models of events and things on Sail, on made-up landings, without dbt or a build: a second where a run takes ten.

Belongs here: a session in the engine's Python, landings in, contents of tables out. Does not belong here: any
expectation.
"""

import json
import shutil
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
from conftest import once_a_session
from pipeline import compile_for_spark
from shaped import AS_OF, Model, with_raw
from warehouse import Warehouse

from orchestration.build.engines import things
from orchestration.build.engines.checks import thing_names
from orchestration.build.engines.content import content_sql
from orchestration.build.engines.environment import python_of

EVERYTHING_IS_KNOWN = "2999-01-01T00:00:00+00:00"
SCHEMAS = ("landing", "declared", "raw", "curated")
SESSION = """
import json, sys
sys.path.insert(0, sys.argv[1])
from pyspark.sql import SparkSession
import worker
address, server = worker.start_sail()
spark = SparkSession.builder.remote(address).getOrCreate()
for name, value in worker.SESSION.items():
    spark.conf.set(name, value)
for line in sys.stdin:
    try:
        for sql in json.loads(line):
            answer = spark.sql(sql)
        rows = [list(row) for row in answer.collect()] if sql.startswith(("select", "describe", "explain")) else []
        print(json.dumps({"rows": rows}), flush=True)
    except Exception as error:
        print(json.dumps({"error": sql[:200] + ': ' + str(error)}), flush=True)
"""


def compiled_for_spark() -> Path:
    """The folder of the models as Spark gets them, compiled once a session, at a knowledge date after all rows."""
    target = once_a_session("compiled-for-spark", lambda target: compile_for_spark(target, AS_OF, EVERYTHING_IS_KNOWN))
    return target / "compiled/flywheel/models"


class EngineSql:
    """A session on Sail in a process of its own; `close` ends it."""

    def __init__(self, folder: Path):
        self.folder, self.examples = folder, 0
        self.sql = {path.stem: path.read_text() for path in compiled_for_spark().rglob("*.sql")}
        command = [str(python_of("sail")), "-c", SESSION, str(Path(things.__file__).parent)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, text=True, cwd=folder, **pipes)

    def close(self) -> None:
        self.process.stdin.close()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def ask(self, *statements: str) -> list[list]:
        """The rows of the last statement; raises ValueError with what Sail says."""
        self.process.stdin.write(json.dumps(statements) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer["rows"]

    def contents(self, warehouse: Warehouse, known_at: str = EVERYTHING_IS_KNOWN) -> dict[str, tuple]:
        """{thing: (rows, hash)} of a warehouse's landed rows, built on Sail."""
        folder = self.folder / str(self.examples)
        shutil.rmtree(self.folder / str(self.examples - 1), ignore_errors=True)
        self.examples += 1
        self.ask(*self._sources(warehouse, folder), *self._models(folder, known_at))
        found = {
            name: tuple(self.ask(content_sql(f"curated.{name}", self._columns(name), "spark"))[0])
            for name in thing_names()
        }
        return found

    def plan(self, name: str) -> list[str]:
        """The lines of the physical plan of a table that `contents` has built."""
        return self.ask(f"explain {self.sql[name]}")[0][0].splitlines()

    def of_duckdb(self, warehouse: Warehouse) -> dict[str, tuple]:
        """The same of a warehouse's own tables, which `build` has made."""
        return {
            name: warehouse.db.execute(content_sql(f"curated.{name}", self._columns(name), "duckdb")).fetchone()
            for name in thing_names()
        }

    def _columns(self, name: str) -> dict[str, str]:
        return {row[0]: row[1] for row in self.ask(f"describe table curated.{name}")}

    def _sources(self, warehouse: Warehouse, folder: Path) -> list[str]:
        statements = [f"drop schema if exists {schema} cascade" for schema in SCHEMAS]
        statements += [f"create schema {schema}" for schema in SCHEMAS]
        names = "select schema_name, table_name from duckdb_tables() where schema_name in ('landing', 'declared')"
        for schema, name in warehouse.db.execute(names).fetchall():
            place = folder / schema / name
            place.mkdir(parents=True)
            warehouse.db.execute(f"copy {schema}.{name} to '{place}/rows.parquet' (format parquet)")
            columns = things._columns(pq.read_schema(place / "rows.parquet"))
            statements.append(f"create table {schema}.{name} ({columns}) using parquet location '{place}'")
        return statements

    def _models(self, folder: Path, known_at: str) -> list[str]:
        of_both = [model for model in with_raw().values() if model.name in self.sql and self._is_built(model)]
        raw = [model for model in of_both if model.schema == "raw"]
        # what only engines have is read by what comes after raw
        of_engines = [
            Model(name, "curated", False, Path(), "", ()) for name in sorted(self.sql.keys() - with_raw().keys())
        ]
        built = [*raw, *of_engines, *(model for model in of_both if model.schema != "raw")]
        return [self._create(model, folder).replace(EVERYTHING_IS_KNOWN, known_at) for model in built]

    def _is_built(self, model: Model) -> bool:
        return model.name in thing_names() or (model.is_view and model.name != "rows_refused")

    def _create(self, model: Model, folder: Path) -> str:
        sql = self.sql[model.name]
        if model.is_view:
            return f"create view {model.schema}.{model.name} as {sql}"
        return f"create table {model.schema}.{model.name} using parquet location '{folder}/{model.name}' as {sql}"
