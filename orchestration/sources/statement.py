"""What a source said, and the difference from what it says now: additions, corrections, retractions.

Belongs here: comparing two statements, the ledger of what was sent, copying it into the inbox. Does not belong here:
where the events come from (mapping.py), what becomes of them (landing/).

A statement is the whole current set of events of a source. `<home>/sent/<source>/000012.jsonl` holds what one pull
changed in it. Its rename into place is the only commit: all that follows can be repeated, and all before it is lost
without harm.
"""

import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from orchestration.home import Home, write_whole
from orchestration.landing.inbox import mirrored, place_in_inbox
from orchestration.sources.declaration import SourceError

Event = dict[str, Any]  # its columns on the wire, without those that are null

ENGINE_COLUMNS = ("source", "revision")  # no mapping may set them
NOT_COMPARED = {*ENGINE_COLUMNS, "is_retracted", "recorded_at"}
VANISHED_COUNT, VANISHED_SHARE = 20, 0.2  # more of both in one pull are refused


@dataclass(frozen=True)
class Difference:
    """The events to send, each list in the order of their ids."""

    additions: list[Event] = field(default_factory=list)
    corrections: list[Event] = field(default_factory=list)
    retractions: list[Event] = field(default_factory=list)

    @property
    def events(self) -> list[Event]:
        """All of them."""
        return [*self.additions, *self.corrections, *self.retractions]


def said(sent: Path) -> dict[str, Event]:
    """{event_id: the last version sent} from a ledger; raises SourceError for a file that can't be read."""
    last = {}
    for path in ledger(sent):
        for number, line in enumerate(path.read_bytes().splitlines(), 1):
            try:
                event = orjson.loads(line)
                last[event["event_id"]] = event
            except (ValueError, KeyError, TypeError):
                raise SourceError(
                    f"{path} line {number} is damaged. Restore the file from a backup: it says what was sent."
                ) from None
    return last


def ledger(sent: Path) -> list[Path]:
    """The files of a ledger, oldest first."""
    return sorted(sent.glob("[0-9]*.jsonl"))


def live(before: dict[str, Event]) -> dict[str, Event]:
    """Those of the events said that are not retracted."""
    return {event_id: event for event_id, event in before.items() if not event["is_retracted"]}


def difference(
    name: str,
    events: Iterable[Event],
    before: dict[str, Event],
    vanished: str = "retract",
    allow_retractions: bool = False,
) -> Difference:
    """What changes `before` into `events`; an event that is_retracted counts as one that never happened.

    `vanished` is what becomes of an event that was said and is no longer among `events`: retract or keep. Raises
    SourceError where an event has no id or two contents, and where too many vanish at once.
    """
    now = _by_id(events)
    known = live(before)
    gone = sorted(known.keys() - now.keys()) if vanished == "retract" else []
    if not allow_retractions and len(gone) > max(VANISHED_COUNT, VANISHED_SHARE * len(known)):
        raise SourceError(
            f"{len(gone):,} of the {len(known):,} events that it said before have vanished, such as {gone[0]}. Nothing "
            f"was sent. If they never happened: flywheel sources pull {name} --allow-retractions. If the records are "
            "gone and the events did happen: write `vanished: keep`."
        )
    changes = Difference()
    for event_id in sorted(now):
        event, former = now[event_id], before.get(event_id)
        if event.get("is_retracted"):
            gone += [event_id] if event_id in known else []
        elif former is None:
            changes.additions.append(_version(name, event, 0))
        elif former["is_retracted"] or _content(event) != _content(former):
            changes.corrections.append(_version(name, _recorded_later(event), former["revision"] + 1))
    for event_id in sorted(gone):
        former = known[event_id]
        changes.retractions.append(_version(name, _recorded_later(former), former["revision"] + 1, is_retracted=True))
    return changes


def commit(sent: Path, changes: Difference) -> Path | None:
    """Write the difference as the next file of the ledger, in one rename; None where there is none."""
    if not changes.events:
        return None
    sent.mkdir(parents=True, exist_ok=True)
    number = max((int(path.stem) for path in ledger(sent)), default=0) + 1
    path = sent / f"{number:06}.jsonl"
    lines = (orjson.dumps(event, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE) for event in changes.events)
    write_whole(path, b"".join(lines))
    return path


def deliver(home: Home, name: str, sent: Path) -> None:
    """Copy every file of the ledger into the inbox that is not there yet; its content lands once, however often.

    Raises SourceError where the inbox holds more than the ledger: its next file would repeat revisions.
    """
    sent_names = {f"{name}-{path.name}" for path in ledger(sent)}
    if lost := sorted(delivered(home, name) - sent_names):
        raise SourceError(
            f"{home.inbox / lost[0]} is not in {sent}, which says what was sent: that folder is older than the inbox. "
            f"Copy the file there, as {lost[0].removeprefix(f'{name}-')}."
        )
    for path in ledger(sent):
        place_in_inbox(home, path, f"{name}-{path.name}")


def delivered(home: Home, name: str) -> set[str]:
    """The names of a source's files in the inbox; those of an inbox in S3 included."""
    pattern = f"{name}-{'[0-9]' * 6}.jsonl"
    objects = fnmatch.filter(mirrored(home), pattern)
    return {path.name for path in home.inbox.glob(pattern)} | {*objects}


def _by_id(events: Iterable[Event]) -> dict[str, Event]:
    """{event_id: event}; raises SourceError where one has no id, or two contents."""
    now: dict[str, Event] = {}
    for event in events:
        event_id = event.get("event_id")
        if not isinstance(event_id, str) or not event_id:
            raise SourceError(f"a row has no event_id as text: {_shown(event)}. Build it from the record's own id.")
        other = now.setdefault(event_id, event)
        if other is not event and _said(other) != _said(event):
            raise SourceError(
                f"event {event_id!r} is said twice, differently:\n  {_shown(other)}\n  {_shown(event)}\n"
                "Choose one of them in the SQL, or give each an event_id of its own."
            )
    return now


def _version(name: str, event: Event, revision: int, is_retracted: bool = False) -> Event:
    return event | {"source": name, "revision": revision, "is_retracted": is_retracted}


def _recorded_later(event: Event) -> Event:
    """Without the time that the source recorded it: a change of it is recorded when it lands."""
    return {column: value for column, value in event.items() if column != "recorded_at"}


def _content(event: Event) -> bytes:
    kept = {column: value for column, value in event.items() if column not in NOT_COMPARED and value is not None}
    return orjson.dumps(kept, option=orjson.OPT_SORT_KEYS)


def _said(event: Event) -> tuple[bytes, bool]:
    return _content(event), bool(event.get("is_retracted"))


def _shown(event: Event) -> str:
    return orjson.dumps(event, option=orjson.OPT_SORT_KEYS).decode()[:300]
