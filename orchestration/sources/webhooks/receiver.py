"""Receives webhooks over HTTP: each delivery is on disk before its sender gets a 2xx.

Belongs here: routes, limits, answers, the process of `flywheel receive`. Does not belong here: signatures (senders.py),
files (deliveries.py), what becomes of a delivery (webhook.py). It imports nothing heavy: it runs all the time.

It never holds the home, so a run never makes a delivery wait.
"""

import asyncio
import logging
import socket
import sys
import time
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from orchestration.home import Home
from orchestration.sources.declaration import NAME, SourceError, declared_names, load_source
from orchestration.sources.webhooks.deliveries import Delivery, store
from orchestration.sources.webhooks.senders import RefusedError, Signed, delivery_id, fault_of_secret, kind_of, verify

MAX_BODY = 25 << 20  # bytes; GitHub sends at most so much
MAX_READ = 4 * MAX_BODY  # of a larger one is read, so that its sender hears why it is refused
MAX_HELD = 16 * MAX_BODY  # of all bodies that are in memory at once
BODY_SECONDS = 60  # in which a body has to arrive
CONNECTIONS = 500
ENDINGS = ("", "/", "/api/v1/lineage")  # of a source's path; the last is that of OpenLineage's clients

log = logging.getLogger("flywheel.receive")


@dataclass(frozen=True)
class Webhook:
    """A declared source of kind webhook, with its secrets."""

    name: str
    sender: str
    tolerance: int
    secrets: list[str]


class Receiver:
    """The deliveries of one home's sources."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.held = 0  # bytes of bodies that are in memory
        self._known: dict[str, tuple[tuple[int, int], Webhook | RefusedError]] = {}

    def app(self) -> Starlette:
        """The routes: POST /<source>, and GET /health."""
        sources = [Route(f"/{{source}}{ending}", self.receive, methods=["POST"]) for ending in ENDINGS]
        return Starlette(routes=[Route("/health", _health, methods=["GET"]), *sources])

    async def receive(self, request: Request) -> Response:
        """Keep one delivery; the answer's text says what became of it."""
        parts: list[bytes] = []
        name, status = request.path_params["source"], 200
        try:
            words = await self._received(request, name, parts)
        except RefusedError as refused:
            status, words = refused.status, str(refused)
        except ClientDisconnect:
            status, words = 400, "the connection ended before the body did."
        except OSError as error:  # a full disk, for example
            status, words = 503, f"it could not be written here ({error.strerror}); send it again."
        finally:
            size = sum(map(len, parts))
            self.held -= size
        known = name if NAME.fullmatch(name) else "?"
        log.log(logging.INFO if status == 200 else logging.WARNING, "%s %d %d bytes: %s", known, status, size, words)
        headers = {"Retry-After": "60"} if status == 503 else None
        return PlainTextResponse(f"{words}\n", status, headers)

    async def _received(self, request: Request, name: str, parts: list[bytes]) -> str:
        try:
            webhook = self.webhook(name)
        except RefusedError:
            await self._read(request, None)
            raise
        await self._read(request, parts)
        return await run_in_threadpool(self._keep, webhook, request.headers, b"".join(parts))

    def webhook(self, name: str) -> Webhook:
        """The declared source of this name, read again when its file has changed. Raises RefusedError (404, 503)."""
        path = self.home.sources / f"{name}.yml"
        if not NAME.fullmatch(name) or not path.exists():
            raise RefusedError(404, "there is no webhook source of this name here.")
        stat = path.stat()
        version = (stat.st_mtime_ns, stat.st_size)
        if name not in self._known or self._known[name][0] != version:
            self._known[name] = version, self._load(name)
        found = self._known[name][1]
        if isinstance(found, RefusedError):
            raise found
        return found

    def _load(self, name: str) -> Webhook | RefusedError:
        unknown = RefusedError(404, "there is no webhook source of this name here.")
        unusable = RefusedError(503, "this source can't be used now; the log of flywheel receive says why.")
        if b"webhook" not in (self.home.sources / f"{name}.yml").read_bytes():
            return unknown  # also where a variable of another kind is not set here
        try:
            source = load_source(self.home, name)
        except SourceError as error:
            log.error("%s", error)
            return unusable
        if source.kind != "webhook":
            return unknown
        secrets = []
        for setting in ("secret", "former_secret"):
            if not (variable := source.settings.get(setting, "")[2:-1]):
                continue
            if variable not in source.variables:
                log.error("%s: %s is not in the environment; set it and start flywheel receive again.", name, variable)
                return unusable
            if fault := fault_of_secret(source.settings["sender"], source.variables[variable]):
                log.error("%s: the value of %s %s; set it and start flywheel receive again.", name, variable, fault)
                return unusable
            secrets.append(source.variables[variable])
        return Webhook(name, source.settings["sender"], source.settings["tolerance"], secrets)

    async def _read(self, request: Request, parts: list[bytes] | None) -> None:
        """Read a body into parts, or past it; raises RefusedError where it is too large or too slow."""
        size = 0
        too_large = RefusedError(413, f"the body has more than {MAX_BODY:,} bytes.")
        if int(request.headers.get("content-length", 0)) > MAX_READ:
            raise too_large
        try:
            async with asyncio.timeout(BODY_SECONDS):
                async for part in request.stream():
                    size += len(part)
                    if size > MAX_READ:
                        break
                    if parts is None or size > MAX_BODY:
                        continue
                    if self.held + len(part) > MAX_HELD:
                        raise RefusedError(503, "too much is being received at once; send it again.")
                    self.held += len(part)
                    parts.append(part)
        except TimeoutError:
            raise RefusedError(408, f"the body did not arrive within {BODY_SECONDS} seconds.") from None
        if size > MAX_BODY:
            raise too_large

    def _keep(self, webhook: Webhook, headers: Headers, body: bytes) -> str:
        verify(webhook.sender, Signed(headers, body, time.time(), webhook.tolerance), webhook.secrets)
        body = _json(headers, body)
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        kind = kind_of(webhook.sender, headers)
        delivery = Delivery(now, kind, delivery_id(webhook.sender, headers, body), body)
        is_new = store(self.home, webhook.name, delivery)
        return f"received{'' if is_new else ' before'}, as {delivery.key}."


def _json(headers: Headers, body: bytes) -> bytes:
    """A body that is a JSON object or array in UTF-8, uncompressed; raises RefusedError (400, 413, 415)."""
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise RefusedError(415, "the body is a form: choose the content type application/json for the webhook.")
    encoding = headers.get("content-encoding", "identity").lower()
    if encoding not in ("identity", "gzip"):
        raise RefusedError(415, "the body is compressed; only gzip is read.")
    try:
        if encoding == "gzip":
            inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
            body = inflater.decompress(body, MAX_BODY + 1)
            if len(body) > MAX_BODY:
                raise RefusedError(413, f"the body has more than {MAX_BODY:,} bytes.")
            if not inflater.eof:
                raise RefusedError(400, "the body's gzip is cut off.")
        value = orjson.loads(body)
    except (zlib.error, orjson.JSONDecodeError) as error:
        raise RefusedError(400, f"the body is not JSON in UTF-8: {error}.") from None
    if not isinstance(value, dict | list):
        raise RefusedError(400, "the body is JSON, and neither an object nor an array.")
    return body


async def _health(request: Request) -> Response:
    return PlainTextResponse("ready\n")


def serve(home: Home, host: str, port: int) -> None:
    """Receive until SIGTERM or Ctrl-C; exits with 1 where nothing can listen at this address."""
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        sys.exit(f"{host}:{port} can't be listened at: {error.strerror}. Choose another --host or --port.")
    receiver = Receiver(home)
    ready = [name for name in declared_names(home) if _is_ready(receiver, name)]
    words = ", ".join(ready) or "none yet; a source of kind webhook that is added now needs no restart"
    log.info("Receives POST http://%s:%d/SOURCE, for the sources: %s", host, listening.getsockname()[1], words)
    # h11 bounds the headers, 64 KB; a proxy in front bounds the time that they may take
    config = uvicorn.Config(
        receiver.app(),
        http="h11",
        loop="asyncio",
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=10,
    )
    try:
        uvicorn.Server(config).run([listening])
    except KeyboardInterrupt:
        log.info("Stopped.")


def _is_ready(receiver: Receiver, name: str) -> bool:
    try:
        receiver.webhook(name)
    except RefusedError:
        return False
    return True


if __name__ == "__main__":
    serve(Home.at(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
