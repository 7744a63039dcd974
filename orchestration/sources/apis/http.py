"""Reads the lists of an HTTP API: at first all of them, then what has changed, once a week all again.

Belongs here: what is asked of each request, answers on disk, what they make of the records before. Does not belong
here: the order of pages (http_paging.py), one answer (http_client.py), records on disk (http_store.py).

Each answer is on disk before the next is asked for. A reading that was stopped is repeated with the answers that are
there, then goes on. Only a whole reading changes the records: until then those of the last one stay.
"""

import hashlib
import json
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx

from orchestration.home import parse_instant, read_json, write_whole
from orchestration.sources import received
from orchestration.sources.apis import http_store
from orchestration.sources.apis.http_client import AnswerError, Client
from orchestration.sources.apis.http_paging import (
    Ask,
    Page,
    PagingError,
    Record,
    by_cursor,
    newest_first,
    position,
    whole,
)
from orchestration.sources.apis.http_store import Line, Lines
from orchestration.sources.declaration import Source, SourceError
from orchestration.sources.records import MAX_BYTES

WHOLE_EVERY = timedelta(days=7)
STALE = timedelta(days=2)  # a reading that was stopped so long ago begins anew
GONE = (404, 410)
OUTDATED = (400, 404, 410, 422)  # what an API says to the next page of a reading of yesterday
PLACEHOLDER = re.compile(r"(?<!\$)\{(cursor|cursor_ms|id|\$[^{}]*)\}")
STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_-]*)|\['([^']+)'\]|\[(\d+)\]")

records = http_store.records


def receive(
    source: Source,
    now: datetime,
    transport: httpx.BaseTransport | None = None,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.time,
) -> tuple[str, ...]:
    """Keep what the API holds now; returns (). Raises SourceError. `transport`, `sleep` and `clock` are for tests."""
    _check(source)
    with Client(source, transport, sleep, clock) as client:
        if (stopped := Reading(source, now)).is_stopped:
            try:
                _read(source, client, now)  # to its end, with the answers it has
            except (AnswerError, PagingError) as error:
                if isinstance(error, AnswerError) and error.status not in OUTDATED:
                    raise
                stopped.end()  # the same answers would end the same way
        _read(source, client, now)
    return ()


class Reading:
    """The answers of one reading, on disk in the order in which they were asked for."""

    def __init__(self, source: Source, now: datetime) -> None:
        self.folder, self.number, self.size = source.received / "reading", 0, 0
        self.now, self.listings = now, len(received.paths(source))
        began = read_json(self.folder / "began.json")
        if began.get("listings") == self.listings and now - STALE < parse_instant(began["now"]) <= now:
            self.now = parse_instant(began["now"])
        else:
            self.end()

    @property
    def is_stopped(self) -> bool:
        """Whether it has answers already."""
        return self.folder.exists()

    def begin(self) -> None:
        """Write when it began; a stopped one began before."""
        if not self.folder.exists():
            self.folder.mkdir(parents=True)
            began = {"now": self.now.isoformat(), "listings": self.listings}
            write_whole(self.folder / "began.json", json.dumps(began).encode())

    def ask(self, question: list[Any], get: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The answer to the next question: the one on disk where it is to the same question, else that of `get`."""
        self.number += 1
        path = self.folder / f"{self.number:06}.json"
        answer = read_json(path)
        if answer.get("question") != question:
            for later in sorted(self.folder.glob("[0-9]*.json"), reverse=True):
                if int(later.stem) >= self.number:
                    later.unlink()
            answer = {"question": question, **get()}
            write_whole(path, json.dumps(answer).encode())
        self.size += path.stat().st_size
        if self.size > MAX_BYTES:
            raise SourceError(f"its answers have more than {MAX_BYTES:,} bytes; ask for less in `parameters`.")
        return answer

    def end(self) -> None:
        """Delete the answers; the rename before it lets no part of them be taken for all."""
        gone = self.folder.with_name("reading.done")
        shutil.rmtree(gone, ignore_errors=True)
        if self.folder.exists():
            self.folder.replace(gone)
        shutil.rmtree(gone, ignore_errors=True)


def _read(source: Source, client: Client, now: datetime) -> None:
    """Read every request, those that ask about the records of another after it, and keep what they give."""
    reading = Reading(source, now)
    reading.begin()
    before, remembered = http_store.load(source)
    found: dict[str, Lines] = {}
    state: dict[str, Any] = {}
    requests: dict[str, Any] = source.settings["requests"]
    for name in sorted(requests, key=lambda name: "for_each" in requests[name]):
        request = Request(source, client, reading, name)
        memory = remembered.get(name, {})
        former = before.get(name, {}) if memory.get("settings") == request.fingerprint else {}
        memory = memory if memory.get("settings") == request.fingerprint else {}
        try:
            if parent := request.given.get("for_each"):
                lines = request.about_each(found[parent], before.get(parent, {}) if memory else {}, former)
                state[name] = {"settings": request.fingerprint}
            else:
                lines, state[name] = request.all(former, memory)
        except PagingError as error:
            raise PagingError(f"{source.name}.yml requests.{name}: {error}") from None
        found[name] = {key: former[key] if _is_same(former.get(key), line) else line for key, line in lines.items()}
    if (found, state) != (before, remembered):
        http_store.keep(source, found, state, reading.now)
    reading.end()


class Request:
    """One declared request in one reading."""

    def __init__(self, source: Source, client: Client, reading: Reading, name: str) -> None:
        self.source, self.client, self.reading, self.name = source, client, reading, name
        self.given: dict[str, Any] = {"records": "$", "id": "$.id"} | source.settings["requests"][name]
        self.at = reading.now.isoformat().replace("+00:00", "Z")
        parent = source.settings["requests"].get(self.given.get("for_each"))
        meaning = json.dumps([source.where, self.given, parent], sort_keys=True)
        self.fingerprint = hashlib.sha256(meaning.encode()).hexdigest()[:16]

    def all(self, former: Lines, memory: dict[str, Any]) -> tuple[Lines, dict[str, Any]]:
        """The lines of its list, from those of the last reading on, and what to remember for the next one."""
        ask, now = self._asker({}), self.reading.now
        if "cursor" not in self.given and not self.given.get("newest_first"):
            return self._lines("", whole(ask)), {"settings": self.fingerprint}
        is_whole = not memory or now - parse_instant(memory["read_whole_at"]) >= WHOLE_EVERY
        known = {} if is_whole else former
        state = {"settings": self.fingerprint, "read_whole_at": self.at if is_whole else memory["read_whole_at"]}
        if "cursor" in self.given:
            start = self.given["start"] if is_whole else memory["cursor"]
            new, state["cursor"] = by_cursor(ask, start, now)
        else:
            new = newest_first(ask, {record_id for _, record_id in known})
        return known | self._lines("", new), state

    def about_each(self, parents: Lines, former_parents: Lines, former: Lines) -> Lines:
        """The lines about each record of another request; asked again where that one changed, or no last word came."""
        by_parent: dict[str, Lines] = {}
        for key, line in former.items():
            by_parent.setdefault(line.parent, {})[key] = line
        found, asked, gone = Lines(), 0, 0
        for key, parent in sorted(parents.items()):
            known = by_parent.get(parent.id, {})
            if _is_same(former_parents.get(key), parent) and self._has_last_word(known):
                found |= known
                continue
            asked += 1
            try:
                found |= self._lines(parent.id, whole(self._asker({"id": parent.id}, json.loads(parent.body))))
            except _GoneError:
                gone += 1
        if gone == asked > 1:
            raise PagingError("the API has nothing at this path, for any of the records; correct `path`.")
        return found

    def _has_last_word(self, lines: Lines) -> bool:
        for path, values in self.given.get("until", {}).items():
            return any(str(find(json.loads(line.body), path)) in values for line in lines.values())
        return True

    def _lines(self, parent: str, found: list[Record]) -> Lines:
        lines = [Line(parent, record.id, self.at, record.body) for record in found]
        return {line.key: line for line in lines}

    def _asker(self, values: dict[str, str], parent: Any = None) -> Ask:
        """What asks for a page of its list: of that of one record of another request, where it is about such."""

        def ask(cursor: str, following: str) -> Page:
            known = values | ({"cursor": cursor} if cursor else {})
            path, parameters = self._filled(known, parent, lambda text: text)
            question = [self.name, path, parameters, following]
            answer = self.reading.ask(question, lambda: self._answer(known, parent, following))
            if answer.get("is_gone"):
                raise _GoneError
            records = [Record(**record) for record in answer["records"]]
            is_full = str(len(records)) in map(str, self.given.get("parameters", {}).values())
            return Page(records, answer["following"], is_full)

        return ask

    def _answer(self, known: dict[str, str], parent: Any, following: str) -> dict[str, Any]:
        """A page as it is kept, without secrets; raises SourceError."""
        path, parameters = self._filled(known, parent, self.source.resolve)
        shown = f"{self.name} ({self._filled(known, parent, lambda text: text)[0]})"
        if following and "next_parameter" in self.given:
            parameters |= {self.given["next_parameter"]: following}
        elif following:
            path, parameters = self.source.resolve(following), {k: parameters[k] for k in self._secret_parameters}
        try:
            answer = self.client.get(path, parameters, shown)
        except AnswerError as error:
            if parent is not None and error.status in GONE:
                return {"is_gone": True}
            raise
        found = [self._record(value, shown) for value in self._list(answer.body, shown)]
        after = find(answer.body, self.given["next"]) if "next" in self.given else answer.following
        if after in (None, "", False):
            after = ""
        elif "next_parameter" not in self.given:
            after = self._hidden(answer.url.join(str(after)))
        return {"records": [asdict(record) for record in found], "following": str(after)}

    def _hidden(self, url: httpx.URL) -> str:
        """The address of a page, without secrets."""
        for name in self._secret_parameters:
            url = url.copy_remove_param(name)
        return self.source.unresolve(str(url))

    @property
    def _secret_parameters(self) -> list[str]:
        return [name for name, text in self.given.get("parameters", {}).items() if "${" in str(text)]

    def _filled(self, known: dict[str, str], parent: Any, resolve: Callable[[str], str]) -> tuple[str, dict[str, str]]:
        """Path and parameters with the values of the placeholders."""

        def value(found: re.Match[str]) -> str:
            name = found[1]
            if name == "cursor_ms":
                at = position(known["cursor"])
                return str(int(at.timestamp() * 1000)) if isinstance(at, datetime) else known["cursor"]
            return str(find(parent, name)) if name.startswith("$") else known[name]

        path = PLACEHOLDER.sub(lambda found: quote(value(found), safe=""), resolve(self.given["path"]))
        given = self.given.get("parameters", {})
        return path, {name: PLACEHOLDER.sub(value, resolve(str(text))) for name, text in given.items()}

    def _list(self, body: Any, shown: str) -> list[Any]:
        values = [] if body is None else find(body, self.given["records"])
        if not isinstance(values, list):
            raise SourceError(f"the answer to {shown} has no list at {self.given['records']}; correct `records`.")
        return values

    def _record(self, value: Any, shown: str) -> Record:
        read = {name: find(value, self.given[name]) for name in ("id", "cursor") if name in self.given}
        for name, text in read.items():
            if isinstance(text, bool) or not isinstance(text, str | int | float) or text == "":
                raise SourceError(f"a record of {shown} has no text or number at {self.given[name]}; correct `{name}`.")
        body = json.dumps(value, ensure_ascii=False, sort_keys=True, allow_nan=False)
        body = body.encode("utf-8", "replace").decode()  # half of a character that was cut in two
        return Record(str(read["id"]), body, str(read.get("cursor", "")))


class _GoneError(Exception):
    """The record that is asked about was deleted meanwhile."""


def find(value: Any, path: str) -> Any:
    """What stands at a JSON path, such as $.user.id, $['a b'] or $[0].id; None where nothing does."""
    for name, quoted, index in STEP.findall(path):
        if index:
            value = value[int(index)] if isinstance(value, list) and int(index) < len(value) else None
        else:
            value = value.get(name or quoted) if isinstance(value, dict) else None
    return value


def _is_same(one: Line | None, other: Line) -> bool:
    return one is not None and one.body == other.body


def _check(source: Source) -> None:
    """Raise SourceError for requests that can't be asked as they are declared."""
    requests: dict[str, Any] = source.settings["requests"]
    for name, request in requests.items():
        texts = [request["path"], *map(str, request.get("parameters", {}).values())]
        used = {found for text in texts for found in PLACEHOLDER.findall(text)}
        parent = request.get("for_each")
        checks = {
            "path begins with /, such as /issues": request["path"].startswith("/"),
            "cursor needs start, its first value": ("cursor" in request) == ("start" in request),
            "cursor needs {cursor} or {cursor_ms} in a parameter, and they need cursor": ("cursor" in request)
            == bool(used & {"cursor", "cursor_ms"}),
            "cursor, newest_first and for_each exclude each other": sum(
                bool(request.get(key)) for key in ("cursor", "newest_first", "for_each")
            )
            <= 1,
            "for_each names another request, one without for_each": parent is None
            or (parent in requests and "for_each" not in requests[parent]),
            "{id} and {$.…} need for_each, and it needs one of them": (parent is not None)
            == bool(used - {"cursor", "cursor_ms"}),
            "until needs for_each": "until" not in request or parent is not None,
            "next_parameter needs next": "next_parameter" not in request or "next" in request,
        }
        for words, is_right in checks.items():
            if not is_right:
                raise SourceError(f"{source.name}.yml requests.{name}: {words}.")
