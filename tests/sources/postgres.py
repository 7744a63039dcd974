"""A PostgreSQL of a test's own: Debian's, in a temporary folder, on a free port, stopped at the end; a source of it.

Belongs here: starting and stopping it, declaring the source `lake`. Does not belong here: what a test puts into it.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from browser import absent
from conftest import NOW, wait_for

from orchestration.sources.declaration import SourceError, load_source
from orchestration.sources.pull import receive

PASSWORD = "p@ss:w/or d%40ü'\"é"  # of the role that reads; each part of it needs another spelling in an address
OWNER = "owner-of-the-test"


@dataclass(frozen=True)
class Server:
    """A running server; `reader` may read every table that is made, and nothing else."""

    port: int

    def connect(self, database: str = "lake") -> psycopg.Connection:
        """A connection of its owner; commits each statement."""
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user="owner", password=OWNER, dbname=database, autocommit=True
        )

    def execute(self, *statements: str) -> None:
        """Execute statements as the owner."""
        with self.connect() as connection:
            for statement in statements:
                connection.execute(statement)

    @property
    def where(self) -> str:
        """Its address for a source, with the password by name."""
        return f"postgresql+psycopg://reader:${{LAKE_PASSWORD}}@127.0.0.1:{self.port}/lake"


AT_HOME = ("-h", "127.0.0.1")
STARTED = pytest.StashKey[Server]()


@contextmanager
def running() -> Iterator[Server]:
    """Start a server; skip the test where PostgreSQL is not installed, and fail it in CI."""
    folder = _binaries()
    root = Path(tempfile.mkdtemp(prefix="flywheel-postgres-"))
    user = {"user": "nobody", "extra_groups": []} if os.geteuid() == 0 else {}  # it refuses to run as root
    port = _free_port()
    try:
        (root / "password").write_text(OWNER)
        if user:
            shutil.chown(root, "nobody")
            shutil.chown(root / "password", "nobody")
        data = str(root / "data")
        initdb = [str(folder / "initdb"), "-D", data, "-U", "owner", "-A", "scram-sha-256", "-E", "UTF8", "--no-sync"]
        own = {"env": {"LC_ALL": "C.UTF-8", "PATH": os.defpath}, "cwd": root, **user}
        subprocess.run([*initdb, f"--pwfile={root / 'password'}"], check=True, capture_output=True, **own)
        dies_with_us = ["setpriv", "--pdeathsig", "QUIT"] if shutil.which("setpriv") else []  # as when xdist kills us
        command = [*dies_with_us, str(folder / "postgres"), "-D", data, "-p", str(port), *AT_HOME, "-k", str(root)]
        quick = ("fsync=off", "autovacuum=off", "shared_buffers=16MB")
        with (root / "log").open("w") as log:
            server = subprocess.Popen([*command, *(f"-c{part}" for part in quick)], stdout=log, stderr=log, **own)
        try:
            yield _prepared(Server(port))
        finally:
            server.send_signal(signal.SIGQUIT)
            server.wait()
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _prepared(server: Server) -> Server:
    with wait_for(lambda: _try_to_connect(server)) as connection:
        connection.execute("create database lake")
        password = PASSWORD.replace("'", "''")
        connection.execute(f"create role reader login password '{password}'")
    server.execute("alter default privileges in schema public grant select on tables to reader")
    return server


def _try_to_connect(server: Server) -> psycopg.Connection | None:
    try:
        return server.connect("postgres")
    except psycopg.OperationalError:
        return None


def _binaries() -> Path:
    found = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "initdb").exists()]
    if not found and (initdb := shutil.which("initdb")):
        found = [Path(initdb).resolve().parent]
    if not found:
        absent("PostgreSQL is not installed; CI installs Debian's")
    return max(found)


def _free_port() -> int:
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        return own.getsockname()[1]


@pytest.fixture(name="server")
def server_fixture(request) -> Server:
    """A running server, one for all files of tests in a process."""
    stash = request.config.stash
    if STARTED not in stash:
        stack = ExitStack()
        stash[STARTED] = stack.enter_context(running())
        request.config.add_cleanup(stack.close)
    return stash[STARTED]


@pytest.fixture(name="lake")
def lake_fixture(home, monkeypatch):
    """Declare the source `lake`: lake(where, its queries, other settings) -> it."""
    monkeypatch.setenv("LAKE_PASSWORD", PASSWORD)
    home.sources.mkdir()

    def declare(where: str, queries: dict[str, str] | str, **settings):
        lines = [f"kind: database\nwhere: {where}", *(f"{name}: {value}" for name, value in settings.items())]
        lines.append("queries:")
        queries = {"ideas": queries} if isinstance(queries, str) else queries
        lines += [f"  {name}: |\n" + re.sub("^", "    ", sql, flags=re.M) for name, sql in queries.items()]
        (home.sources / "lake.yml").write_text("\n".join(lines) + "\n")
        return load_source(home, "lake")

    return declare


def refusal(source) -> str:
    """What is wrong, after the name of the source's file."""
    with pytest.raises(SourceError) as refused:
        receive(source, NOW)
    assert PASSWORD not in str(refused.value)
    return str(refused.value).removeprefix(f"{source.home.sources / 'lake.yml'} ")
