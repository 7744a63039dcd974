"""A declared source of the kind http, an API that answers as a test says, and a real server, for the tests of http."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import yaml

from orchestration.home import Home
from orchestration.sources.apis import http
from orchestration.sources.declaration import Source, load_source

BASE = "https://api.example.test/v1"
NOW = datetime(2026, 6, 1, tzinfo=UTC)
ISSUES = {
    "path": "/issues",
    "parameters": {"since": "{cursor}"},
    "cursor": "$.updated_at",
    "start": "1970-01-01T00:00:00Z",
}


def declare(home: Home, requests: dict, **settings) -> Source:
    """The source crm with these requests."""
    given = {"kind": "http", "where": BASE, "requests": requests} | settings
    home.sources.mkdir(exist_ok=True)
    (home.sources / "crm.yml").write_text(yaml.safe_dump(given, sort_keys=False))
    return load_source(home, "crm")


def issue(number: int, day: int, **more) -> dict:
    return {"id": number, "updated_at": f"2026-01-{day:02}T00:00:00Z"} | more


class Api:
    """Answers requests by `respond`, and notes what was asked and how long was waited."""

    def __init__(self, respond: Callable[[httpx.Request], Any]):
        self.respond = respond
        self.requests: list[httpx.Request] = []
        self.slept: list[float] = []

    @property
    def asked(self) -> list[str]:
        """Path and parameters of each request, readable."""
        return [httpx.URL(str(r.url)).raw_path.decode().removeprefix("/v1").replace("%3A", ":") for r in self.requests]

    def read(self, source: Source, now: datetime = NOW) -> None:
        def answer(request: httpx.Request) -> httpx.Response:
            self.requests.append(request)
            given = self.respond(request)
            return given if isinstance(given, httpx.Response) else httpx.Response(200, json=given)

        http.receive(source, now, httpx.MockTransport(answer), self.slept.append, NOW.timestamp)


def answers(*given: Any) -> Api:
    """An API that gives these answers, one after the other; an exception is raised."""
    left = iter(given)

    def respond(_: httpx.Request) -> Any:
        answer = next(left)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    return Api(respond)


def paged(rows: list[dict], request: httpx.Request, size: int) -> httpx.Response:
    """A page of a list, by its number, with a Link header."""
    page = int(request.url.params.get("page", 1))
    following = request.url.copy_merge_params({"page": page + 1})
    headers = {"link": f'<{following}>; rel="next"'} if len(rows) > page * size else {}
    return httpx.Response(200, json=rows[(page - 1) * size : page * size], headers=headers)


def bodies(source: Source) -> list[tuple[str, str]]:
    """(file name, JSON) of each record."""
    return [(row["file_name"], row["body"]) for row in http.records(source).to_pylist()]


def ids(source: Source) -> set[str]:
    """The ids of all records that are numbers."""
    return {body.split('"id": ')[1].split(",")[0].rstrip("}") for _, body in bodies(source)}


@contextmanager
def served(respond: Callable[[str, dict[str, str]], tuple[int, dict[str, str], bytes]]) -> Iterator[str]:
    """A real server on this machine, which answers (path with parameters, headers); its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            status, headers, content = respond(self.path, dict(self.headers))
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(content))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
