"""Secrets of sources: none in any file that is written, in what is printed, or among the arguments of a process."""

import base64
import json
import logging
import os
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, quote_plus

import dagster as dg
import pytest
from conftest import SETTLED
from postgres import PASSWORD, server_fixture  # noqa: F401
from typer.testing import CliRunner

from orchestration.cli import app
from orchestration.defs import sources as of_sources
from orchestration.defs.resources import AnalysisDates, PulledSources
from orchestration.home import Home

SQL = "select 'e' as event_id, 'deployed' as event_type, 'orders' as data_product_id, '2026-01-01' as occurred_at"
TOKEN = "gh/p_+se=cret ü&1"
ADDRESS = "postgresql://reader:no%2Fne%20p%40ss@127.0.0.1:1/lake"


@dataclass(frozen=True)
class Declared:
    """A source: its file, with PORT of PostgreSQL, API of a server and ROOT of the test in it; secrets by variable."""

    yml: str
    secrets: dict[str, str]
    works: bool = False


def database(where: str, sql: str = "select 1") -> str:
    return f"kind: database\nwhere: '{where}'\nqueries:\n  rows: {sql}"


LAKE = "postgresql://reader:${PASSWORD}@127.0.0.1:PORT/lake"
API = "kind: http\nwhere: http://127.0.0.1:API/\nlogin: {user: me, password: 'KEY'}\nrequests: {rows: {path: /rows}}"
SOURCES = {  # of each kind one that works and one that fails: add yours
    "folder": Declared("kind: files\nwhere: ROOT/${FOLDER}", {"FOLDER": "se cret#folder"}, works=True),
    "no_folder": Declared("kind: files\nwhere: ROOT/${NO_FOLDER}", {"NO_FOLDER": "se cret#nowhere"}),
    "clone": Declared("kind: git\nwhere: 'file://ROOT/${CLONE}'", {"CLONE": "se cret#git"}, works=True),
    "no_clone": Declared("kind: git\nwhere: 'http://x:${GIT_TOKEN}@127.0.0.1:1/x'", {"GIT_TOKEN": TOKEN}),
    "lake": Declared(
        database(LAKE, "select 1 where '${LIKE}' > ''"), {"PASSWORD": PASSWORD, "LIKE": "a=b&c"}, works=True
    ),
    "no_lake": Declared(database(f"{LAKE}x?application_name=${{TOKEN}}"), {"PASSWORD": PASSWORD, "TOKEN": TOKEN}),
    "no_column": Declared(database(LAKE, "select ${COLUMN}"), {"PASSWORD": PASSWORD, "COLUMN": "se_cret_column"}),
    "no_server": Declared(database("${ADDRESS}"), {"ADDRESS": ADDRESS}),
    "no_api": Declared(
        "kind: http\nwhere: 'http://127.0.0.1:1/?key=${API_KEY}'\nrequests: {a: {path: /a}}", {"API_KEY": "se/cret api"}
    ),
    "no_header": Declared(
        "kind: http\nwhere: http://127.0.0.1:1\nheaders: {X-Key: '${HEADER}'}\nlogin: {user: a, password: '${LOGIN}'}\n"
        "requests: {a: {path: /a}}",
        {"HEADER": "se/cret header\n", "LOGIN": "se/cret login"},
    ),
    "api": Declared(API.replace("KEY", "${RIGHT}"), {"RIGHT": "right-key/+ü"}, works=True),
    "old_key": Declared(API.replace("KEY", "${WRONG}"), {"WRONG": "wrong-key/+ü"}),
    "hook": Declared("kind: webhook\nsender: bearer\nsecret: ${HOOK}", {"HOOK": "hook-key/+ü"}, works=True),
    "no_address": Declared(database("${DSN}"), {"DSN": "host=127.0.0.1 password=se/cret@dsn"}),
}
IN_DAGSTER = ("lake", "no_lake", "no_clone")  # its own files are the same for all
INSIDE = ["no/ne p@ss", "no%2Fne%20p%40ss", "se/cret@dsn"]  # of the addresses


class Api(BaseHTTPRequestHandler):
    """One record for the right key; else 401, with what was sent in the answer."""

    def do_GET(self):
        sent = self.headers.get("Authorization", "")
        is_right = base64.b64encode("me:right-key/+ü".encode()).decode() in sent
        self.send_response(200 if is_right else 401)
        self.end_headers()
        self.wfile.write(b'[{"id": 1}]' if is_right else json.dumps({"message": sent}).encode())

    def log_message(self, *_):
        """Print nothing."""


@pytest.fixture
def api() -> Iterator[int]:
    """The port of a server of an API."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as started:
        threading.Thread(target=started.serve_forever, daemon=True).start()
        yield started.server_port
        started.shutdown()


@pytest.fixture
def home(tmp_path, monkeypatch, server, api) -> Home:
    """A home with all of them declared, their secrets in the environment, and what those that work read."""
    monkeypatch.setenv("FLYWHEEL_HOME", str(tmp_path / "home"))
    home = Home.at()
    home.sources.mkdir()
    for name, source in SOURCES.items():
        text = source.yml.replace("PORT", str(server.port)).replace("ROOT", str(tmp_path)).replace(":API", f":{api}")
        (home.sources / f"{name}.yml").write_text(text + "\n")
        (home.sources / f"{name}.sql").write_text(SQL)
        for variable, value in source.secrets.items():
            monkeypatch.setenv(variable, value)
    for name in ("FOLDER", "CLONE"):
        (tmp_path / os.environ[name]).mkdir()
        (tmp_path / os.environ[name] / "a.json").write_text("{}\n")
        os.utime(tmp_path / os.environ[name] / "a.json", (SETTLED, SETTLED))
    for command in ("init -q", "add -A", "-c user.name=a -c user.email=a@b.c commit -qm a"):
        subprocess.run(["git", "-C", str(tmp_path / os.environ["CLONE"]), *command.split()], check=True)
    monkeypatch.setattr(of_sources, "SOURCES", {name: dg.AssetKey(["sources", name]) for name in IN_DAGSTER})
    return home


def spellings(secret: str) -> set[bytes]:
    """A secret as it is, percent-encoded, in JSON, as Python shows it, and in base64 whatever stands before it."""
    found = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}
    found |= {repr(secret)[1:-1]}
    for before in range(3):
        plain = b"\0" * before + secret.encode()
        plain = plain[: len(plain) // 3 * 3]
        found |= {
            encode(plain).decode()[4 if before else 0 :] for encode in (base64.b64encode, base64.urlsafe_b64encode)
        }
    return {text.encode() for text in found}


@pytest.mark.slow
def test_no_secret_is_written_printed_or_an_argument_of_a_process(home, tmp_path, monkeypatch, capfd, caplog):
    caplog.set_level(logging.DEBUG)
    arguments: list[str] = []
    for name in ("run", "Popen"):
        monkeypatch.setattr(subprocess, name, recording(getattr(subprocess, name), arguments))
    commands = [("list", ""), *(("pull", name) for name in SOURCES), *(("show", name) for name in IN_DAGSTER)]
    ran = {
        command: CliRunner().invoke(app, ["sources", *filter(None, command), "--home", str(home.root)])
        for command in commands
    }
    printed = "".join(done.output for done in ran.values())
    works = {name: done.exit_code == 0 for (command, name), done in ran.items() if command == "pull"}
    assert works == {name: source.works for name, source in SOURCES.items()}, printed
    (tmp_path / "dagster").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "dagster")) as instance:
        resources = {"dates": AnalysisDates(), "sources": PulledSources()}
        result = dg.materialize(list(of_sources.sources().assets or []), resources=resources, instance=instance)
    passed = {check.asset_key.path[1]: check.passed for check in result.get_asset_check_evaluations()}
    assert passed == {name: SOURCES[name].works for name in IN_DAGSTER}
    texts = {
        path: path.read_bytes()
        for root in (home.root, tmp_path / "dagster")
        for path in root.rglob("*")
        if path.is_file()
    }
    texts[Path("output")] = "\n".join([printed, *arguments, caplog.text, *capfd.readouterr()]).encode()
    assert b"can't be read" in texts[Path("output")] and any(b"ASSET_CHECK" in text for text in texts.values())
    secrets = {value for source in SOURCES.values() for value in source.secrets.values()} | set(INSIDE)
    for secret in secrets:
        found = [(path, spelling) for spelling in spellings(secret) for path, text in texts.items() if spelling in text]
        assert found == [], secret


def recording(call, arguments: list[str]):
    """A function that notes the command that it is given, then calls."""

    def noted(command, *others, **options):
        arguments.extend(map(str, command))
        return call(command, *others, **options)

    return noted
