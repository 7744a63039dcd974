"""The order in which the pages of a list are asked for, so that records that change meanwhile are neither lost nor old.

Belongs here: keyset paging, newest first, whole lists; what makes a page the last. Does not belong here: how a page is
asked for (http_client.py), what is kept (http.py).

A list that is read by page number loses records: one that leaves a page which was read moves all after it forward by
one, over the border of the next page. So a list with a cursor is asked for from the cursor's last value on. Where a
list has none, or more records than a page holds have one value, its pages are read again until nothing has left them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from orchestration.sources.declaration import SourceError

NUMBER = re.compile(r"-?\d+(\.\d+)?")
PASSES = 10
LATE = timedelta(minutes=10)  # so much later an API may list a record than the record says that it changed


class PagingError(SourceError):
    """A list that can't be read as it is declared; does not name it."""


@dataclass(frozen=True)
class Record:
    """A record of a page; `cursor` is its value as text, `body` its JSON."""

    id: str
    body: str
    cursor: str = ""


@dataclass(frozen=True)
class Page:
    """The records of one answer, what asks for the page after it, or "", and whether it holds as many as it can."""

    records: list[Record]
    following: str
    is_full: bool = False


Ask = Callable[[str, str], Page]  # of a cursor's value, and of what the page before said of its next


def position(text: str) -> Decimal | datetime | str:
    """A cursor's value as what it is compared by: a number, a time (without a zone: UTC), or the text."""
    if NUMBER.fullmatch(text):
        return Decimal(text)
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return text
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def by_cursor(ask: Ask, start: str, now: datetime) -> tuple[list[Record], str]:
    """The records from a cursor's value on, and the value to start from at the next pull. Raises PagingError.

    Records that changed within LATE of `now` do not move that value: others may still come before them.
    """
    found: list[Record] = []
    asked, kept, pages_follow, is_repeated = start, start, False, list[bool]()
    while True:
        pages = _from(ask, asked, now)
        records, end = _flat(pages), pages[-1]
        if found:
            is_repeated.append(any(record.cursor == asked for record in records))
        found += records
        pages_follow = pages_follow or any(page.following for page in pages)
        kept = _last(records, kept, now)
        last = _last(records, asked, None if not end.following else now)
        if _is_after(last, asked):
            asked = last
        elif end.is_full and not pages_follow:
            raise PagingError(f"a whole page has the cursor {asked}, and no next page is given; ask for more a page.")
        else:
            break
    if len(is_repeated) > 1 and not any(is_repeated):
        raise PagingError("the list begins after the cursor, not with it, so it loses records; use another parameter.")
    return found, kept


def newest_first(ask: Ask, known: set[str]) -> list[Record]:
    """The records before a page that has none but known ids. Raises PagingError."""

    def is_known(page: Page) -> bool:
        return bool(page.records) and all(record.id in known for record in page.records)

    return _flat(_stable(lambda: _pass(ask, "", is_known), _ids))


def whole(ask: Ask) -> list[Record]:
    """All records of a list. Raises PagingError."""
    return _flat(_stable(lambda: _pass(ask, "", lambda page: False), _ids))


def _from(ask: Ask, asked: str, now: datetime) -> list[Page]:
    """The pages from a cursor's value on, up to one that has a later value."""

    def moves(page: Page) -> bool:
        _check_order(page, now)
        return _is_after(_last(page.records, asked, now), asked)

    def staying(pages: list[Page]) -> set[str]:  # those of later values are asked for again, from the last of them on
        is_moved = _is_after(_last(_flat(pages), asked, now), asked)
        return {f"{r.cursor} {r.id}" for r in _flat(pages) if not is_moved or not _is_after(r.cursor, asked)}

    return _stable(lambda: _pass(ask, asked, moves), staying)


def _pass(ask: Ask, cursor: str, is_last: Callable[[Page], bool]) -> list[Page]:
    """Pages one after the other, up to one that is the last."""
    pages, asked = [ask(cursor, "")], {""}
    while not is_last(pages[-1]) and (following := pages[-1].following):
        if following in asked:
            raise PagingError("the API gives a next page that was there before, without end; correct `next`.")
        asked.add(following)
        pages.append(ask(cursor, following))
    return pages


def _stable(read: Callable[[], list[Page]], staying: Callable[[list[Page]], set[str]]) -> list[Page]:
    """The pages of a pass during which nothing left the list: a second pass still has all of the first."""
    pages = read()
    for _ in range(PASSES):
        if len(pages) == 1:
            return pages
        again = read()
        if staying(pages) <= staying(again):
            return [*pages, *again]
        pages = again
    raise PagingError("its records change faster than its pages can be read; give it a cursor, or pull again later.")


def _check_order(page: Page, now: datetime) -> None:
    values = [record.cursor for record in page.records if not _is_late(record.cursor, now)]
    if any(_is_after(one, other) for one, other in pairwise(values)):
        raise PagingError("the answer is not in the order of its cursor, ascending; correct the parameters.")


def _last(records: list[Record], otherwise: str, now: datetime | None) -> str:
    """The greatest value of records, without those too new where `now` is given; `otherwise` if that is greater."""
    last = otherwise
    for record in records:
        if (now is None or not _is_late(record.cursor, now)) and _is_after(record.cursor, last):
            last = record.cursor
    return last


def _is_late(value: str, now: datetime) -> bool:
    at = position(value)
    return isinstance(at, datetime) and at > now - LATE


def _is_after(one: str, other: str) -> bool:
    first: Any = position(one)
    second: Any = position(other)
    if type(first) is not type(second):
        raise PagingError(f"the cursor's values {one} and {other} can't be compared; correct `cursor` or `start`.")
    return first > second


def _flat(pages: list[Page]) -> list[Record]:
    return [record for page in pages for record in page.records]


def _ids(pages: list[Page]) -> set[str]:
    return {record.id for record in _flat(pages)}
