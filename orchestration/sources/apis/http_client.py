"""Asks an HTTP API: one GET, repeated until it is answered or can't be.

Belongs here: headers, waiting, retries, redirects, limits of time and size, what each refusal means. Does not belong
here: which pages are asked for (http_paging.py), what is kept (http.py).

Headers and login go to the host of `where` only. No message holds an address with its parameters: they may be secrets.
"""

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from orchestration.sources.declaration import VARIABLE, Source, SourceError

TRIES = 6
BACKOFF = 1.0  # seconds before the second try; twice as long before each one after it
MOST_WAITED = 900.0  # seconds that one reading waits for a limit of the API
LIMITED = 60.0  # seconds to wait where an API says that it was asked too much, and not until when
ANSWER_BYTES = 64 << 20  # of one answer, decompressed
ANSWER_SECONDS = 300.0
REDIRECTS = 5
TIMEOUT = httpx.Timeout(60, connect=15)
AGAIN = {500, 502, 503, 504}
MOVED = {301, 302, 303, 307, 308}

logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs addresses with their parameters


class AnswerError(SourceError):
    """An answer that is no answer, with its HTTP status."""

    def __init__(self, words: str, status: int) -> None:
        super().__init__(words)
        self.status = status


@dataclass(frozen=True)
class Answer:
    """The JSON of an answer, its address, and that of the next page that its Link header gives, or ""."""

    body: Any
    url: httpx.URL
    following: str


class Client:
    """Asks one source's API; `transport`, `sleep` and `clock` stand for the network and the time in tests."""

    def __init__(
        self,
        source: Source,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.source, self.sleep, self.clock, self.waited = source, sleep, clock, 0.0
        try:
            self.base = httpx.URL(source.address.rstrip("/"))
        except httpx.InvalidURL:
            self.base = httpx.URL("")
        if self.base.scheme not in ("http", "https") or not self.base.host or self.base.userinfo or self.base.query:
            raise SourceError(
                f"{source.where} is no address of an API; write `where` in {source.name}.yml as https://HOST/PATH, "
                "and secrets as `headers` or `login`."
            )
        login = {key: source.resolve(text) for key, text in source.settings.get("login", {}).items()}
        self._client = httpx.Client(
            headers=_headers(source),
            auth=(login["user"], login["password"]) if login else None,
            timeout=TIMEOUT,
            transport=transport,
        )

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, address: str, parameters: dict[str, str], shown: str) -> Answer:
        """The answer to a GET of a path of the API, or of an address on its host; `shown` is its name in messages.

        Raises SourceError: AnswerError where the API refuses.
        """
        url = self._on_host(self.base, address if "://" in address else f"{self.base}{address}", shown)
        url = url.copy_merge_params(parameters) if parameters else url
        for _ in range(REDIRECTS):
            response, content = self._answered(url, shown)
            if response.status_code not in MOVED or "location" not in response.headers:
                return self._parsed(response, content, url, shown)
            url = self._on_host(url, response.headers["location"], shown)
        raise SourceError(f"{self.source.where} redirects {shown} in a circle; correct `where`.")

    def _answered(self, url: httpx.URL, shown: str) -> tuple[httpx.Response, bytes]:
        """The first answer that is neither a fault of the server nor a request to wait."""
        for tried in range(1, TRIES + 1):
            try:
                response, content = self._once(url, shown)
            except httpx.RequestError as error:
                if "CERTIFICATE_VERIFY" in str(error):
                    words = "its certificate is not trusted; set SSL_CERT_FILE to the file of your authority's"
                    raise SourceError(f"{self.source.where} can't be reached: {words}.") from None
                fault, status, pause = f"can't be reached ({_reason(error)})", 0, BACKOFF * 2 ** (tried - 1)
            else:
                wait, status = self._limit(response, content), response.status_code
                if wait is None and status not in AGAIN:
                    return response, content
                fault, pause = f"answers {status}", BACKOFF * 2 ** (tried - 1) if wait is None else wait
                if wait is not None:
                    self._allow(wait, shown)
            if tried < TRIES:
                self.sleep(pause)
        words = f"{self.source.where} {fault} to {shown}, {TRIES} times. What was received is kept: pull again later."
        raise AnswerError(words, status)

    def _once(self, url: httpx.URL, shown: str) -> tuple[httpx.Response, bytes]:
        began, parts, size = time.monotonic(), [], 0
        with self._client.stream("GET", url) as response:
            for part in response.iter_bytes():
                parts.append(part)
                size += len(part)
                if size > ANSWER_BYTES:
                    raise SourceError(f"{shown} answers more than {ANSWER_BYTES:,} bytes; ask for fewer a page.")
                if time.monotonic() - began > ANSWER_SECONDS:
                    raise httpx.ReadTimeout(f"no end after {ANSWER_SECONDS:g} seconds")
        return response, b"".join(parts)

    def _limit(self, response: httpx.Response, content: bytes) -> float | None:
        """Seconds to wait until the API answers again; None where it was not asked too much."""
        status, headers = response.status_code, response.headers
        used_up = "0" in (headers.get("x-ratelimit-remaining"), headers.get("ratelimit-remaining"))
        says_so = used_up or "retry-after" in headers or b"rate limit" in content[:1000].lower()
        is_limit = status == 429 or (status == 403 and says_so) or (status == 503 and "retry-after" in headers)
        if not is_limit:
            return None
        if text := headers.get("retry-after"):
            return max(0.0, float(text) if text.strip().isdigit() else self._until(text))
        reset = headers.get("x-ratelimit-reset") or headers.get("ratelimit-reset") or ""
        if not used_up or not reset.strip().isdigit():
            return LIMITED
        seconds = float(reset)
        return max(1.0, seconds - self.clock() + 1 if seconds > 10**9 else seconds)  # a time since 1970, or from now

    def _until(self, date: str) -> float:
        try:
            return parsedate_to_datetime(date).timestamp() - self.clock()
        except ValueError:
            return LIMITED

    def _allow(self, wait: float, shown: str) -> None:
        """Count seconds of waiting; raises SourceError where they are more than one reading waits."""
        self.waited += wait
        if self.waited > MOST_WAITED:
            until = datetime.fromtimestamp(self.clock() + wait, UTC)
            raise SourceError(
                f"{self.source.where} allows no more requests until {until:%Y-%m-%d %H:%M} UTC (at {shown}). What was "
                "received is kept: pull again then, and it goes on from there."
            )

    def _on_host(self, base: httpx.URL, address: str, shown: str) -> httpx.URL:
        """An address, resolved against another; raises SourceError where it is of another host."""
        url = base.join(address)
        if (url.scheme, url.host, _port(url)) != (self.base.scheme, self.base.host, _port(self.base)):
            raise SourceError(
                f"{self.source.where} sends {shown} on to {url.scheme}://{url.host}, and the headers of "
                f"{self.source.name}.yml are for its own host alone; if that is right, write it as `where`."
            )
        return url

    def _parsed(self, response: httpx.Response, content: bytes, url: httpx.URL, shown: str) -> Answer:
        if not response.is_success:
            raise AnswerError(self._refusal(response.status_code, content, shown), response.status_code)
        following = response.links.get("next", {}).get("url", "")
        try:
            return Answer(json.loads(content or b"null", parse_constant=_no_number), url, following)
        except (ValueError, RecursionError):
            shape = response.headers.get("content-type", "nothing").split(";")[0][:50]
            raise SourceError(
                f"{self.source.where} answers {shown} with {shape}, which is not JSON; correct `where` or the path."
            ) from None

    def _refusal(self, status: int, content: bytes, shown: str) -> str:
        names = ", ".join(sorted(self.source.variables)) or "none, so far"
        what = {
            401: f"it doesn't know who asks. Renew the token or password in the environment ({names})",
            403: f"the token may not read it. Give it the permission, or take another ({names})",
            404: "there is nothing there, or the token may not see it. Correct `where` or the path",
            410: "it is gone. Correct the path",
        }.get(status, f"correct the request: {self._said(content)}")
        return f"{self.source.where} answers {status} to {shown}: {what}."

    def _said(self, content: bytes) -> str:
        """What the API says itself, in a line, without values of the environment."""
        text = " ".join(content[:2000].decode("utf-8", "replace").split())
        return self.source.hide(text)[:300].rstrip(".") or "it says nothing more"


def _headers(source: Source) -> dict[str, str]:
    """The declared headers; raises SourceError for one that can't be sent, without its value."""
    headers = {"User-Agent": "flywheel", "Accept": "application/json"}
    for name, text in source.settings.get("headers", {}).items():
        value = source.resolve(text)
        if not value.isascii() or not value.isprintable() or value != value.strip():
            names = ", ".join(VARIABLE.findall(text)) or "its value"
            raise SourceError(
                f"{source.name}.yml: the header {name} can't be sent: {names} has a line break, a space at an end, or "
                "a character that is not ASCII."
            )
        headers = {key: old for key, old in headers.items() if key.lower() != name.lower()} | {name: value}
    return headers


def _reason(error: httpx.RequestError) -> str:
    """Why a connection failed, without its address."""
    text = str(error)
    return text if text and "://" not in text and len(text) < 100 else type(error).__name__


def _port(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def _no_number(text: str) -> None:
    raise ValueError(text)
