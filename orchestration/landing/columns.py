"""Matches the names that a file gives its columns with ours.

Belongs here: how a name may be spelt, repeated names. Does not belong here: which columns there are (contracts),
values.

Our names are matched whatever their case, spaces, underscores, hyphens and invisible characters: `Event Id`, `event-id`
and `eventId` are `event_id`. Other names stay as they were sent.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Set
from functools import lru_cache
from typing import Any

LONGEST_NAME = 100
# Beside white space, which has the no-break spaces: soft hyphen, zero-width characters, marks of direction and of order
SEPARATORS = re.compile(r"[\s_\-\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]+")


class AmbiguousName(ValueError):
    """Two names of one file or row that mean the same column; the message names both."""


class Columns:
    """Our columns, found by any spelling of their names."""

    def __init__(self, known: Set[str]) -> None:
        self.known = known
        self._by_spelling = {_spelling(name): name for name in known}

    def meant(self, name: str) -> str | None:
        """Our column of this name, or None."""
        if name in self.known:
            return name
        return self._by_spelling.get(_spelling(name)) if len(name) <= LONGEST_NAME else None

    def of_row(self, row: dict[str, Any], names: Iterable[str]) -> tuple[dict[str, Any], list[str]]:
        """(a row under our names, which of its `names` were spelt otherwise); raises AmbiguousName.

        A member that is null was not sent.
        """
        renamed = sorted(name for name in names if self.meant(name))
        if not renamed:
            return row, []
        row, spelt = dict(row), dict[str, str]()
        for name in renamed:
            column, value = self.meant(name), row.pop(name)
            if column is None or value is None:
                continue
            if row.get(column) is not None:
                raise AmbiguousName(_two_names(column, spelt.get(column, column), name))
            row[column], spelt[column] = value, name
        return row, renamed

    def of_file(self, sent: list[str], plain: Callable[[str], str] = str) -> tuple[list[str], Counter[str]]:
        """(the name of each column of a file, how many were renamed or repeated); raises AmbiguousName.

        A repeated name is numbered: `title`, `title_2`. `plain` is what becomes of a name that is not ours.
        """
        names, spelt, warnings = list[str](), dict[str, str](), Counter[str]()
        for text in sent:
            column = self.meant(text)
            name = column or plain(text)
            if column and spelt.setdefault(column, text) != text:
                raise AmbiguousName(_two_names(column, spelt[column], text))
            if name in names:
                name = free_name(name, {*names, *sent, *self.known})
                warnings["repeated_column"] += 1
            elif column and column != text:
                warnings["column_renamed"] += 1
            names.append(name)
        return names, warnings


def free_name(name: str, taken: Set[str] | dict[str, Any]) -> str:
    """The name, with the first number from 2 on that makes it a new one."""
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"


def _two_names(column: str, first: str, second: str) -> str:
    return f"{first[:80]!r} and {second[:80]!r} both name the column {column}: send one of them"


@lru_cache(maxsize=10_000)
def _spelling(name: str) -> str:
    return SEPARATORS.sub("", name).lower()
