"""Which versions of an event can count, in plain Python on the whole set of them.

Source: docs/metrics.md, "Current events". A version is a row as it was sent, with or without `recorded_at`.
"""

import json


def contenders(versions: list[dict]) -> list[dict]:
    """Those of one event's versions between which the content decides; where they say the same, it need not."""
    highest = max(version["revision"] for version in versions)
    last = [version for version in versions if version["revision"] == highest]
    return [version for version in last if not any(_is_later(other, version) for other in last)]


def _is_later(other: dict, version: dict) -> bool:
    """Whether the source recorded the other one later; not known where it sent no time with one of them."""
    times = (other.get("recorded_at"), version.get("recorded_at"))
    return None not in times and times[0] > times[1]


def content(version: dict) -> str:
    """What a version says, without when it was recorded: two versions with the same content are copies."""
    return json.dumps({name: value for name, value in version.items() if name != "recorded_at"}, sort_keys=True)
