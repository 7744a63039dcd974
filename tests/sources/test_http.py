"""The kind http: what an API holds is received whole, whatever changes, fails or stops meanwhile."""

import json
import os
from datetime import timedelta

import httpx
import pytest
import yaml
from conftest import examples
from moving_api import BASE, REQUESTS, STARTED, Killed, MovingApi
from test_statement import killed_at
from test_statement import Killed as KilledAtRename

from orchestration.home import Home
from orchestration.sources import http
from orchestration.sources.declaration import Source, SourceError, load_source


@pytest.fixture
def home(tmp_path) -> Home:
    home = Home.at(tmp_path)
    home.sources.mkdir()
    return home


def declare(home: Home, requests: dict, **settings) -> Source:
    given = {"kind": "http", "where": BASE, "requests": requests} | settings
    (home.sources / "crm.yml").write_text(yaml.safe_dump(given, sort_keys=False))
    return load_source(home, "crm")


def read(source: Source, api: MovingApi, days: float = 0) -> None:
    transport = httpx.MockTransport(api.answer)
    http.receive(source, api.now + timedelta(days=days), transport, api.sleep, api.clock)


def received(source: Source) -> dict[str, set[str]]:
    """{request: its records, as JSON}; each id once."""
    found: dict[str, set[str]] = {}
    for row in http.records(source).select(["file_name", "body"]).to_pylist():
        found.setdefault(row["file_name"].split("/")[0], set()).add(row["body"])
    return found


@pytest.mark.parametrize("seed", range(examples(40)))
def test_whatever_moves_fails_or_is_killed_a_whole_pull_has_what_the_api_holds(home, monkeypatch, seed):
    monkeypatch.setattr(os, "fsync", lambda file: None)  # 300 of them a second at most
    api = MovingApi(seed, size=1 + seed % 4)
    api.change(api.chance.randint(0, 40))
    source = declare(home, REQUESTS)
    for _ in range(5):
        api.moves, api.faults, api.kills = 0.3, 0.1, api.chance.choice([0, 0.1])
        with monkeypatch.context() as patched:
            killed_at(api.chance.randint(1, 400), patched)
            try:
                read(source, api)
            except (Killed, KilledAtRename, SourceError) as error:
                assert not isinstance(error, SourceError) or "change faster" in str(error) or "times" in str(error)
        api.change(api.chance.randint(0, 10))
    api.moves = api.faults = api.kills = 0
    read(source, api)
    there, known = api.holds(), received(source)
    for name, rows in there.items():
        assert rows <= known[name], name
    read(source, api, days=8)
    assert received(source) == there
