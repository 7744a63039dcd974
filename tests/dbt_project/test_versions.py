"""Which version of an event counts when several have one revision: any order of arrival gives the same."""

from collections import Counter
from datetime import datetime
from itertools import combinations_with_replacement, permutations

import pytest
from conftest import make_event
from oracles.versions import contenders, content
from warehouse import Warehouse

MONDAYS = [f"2026-06-{day:02}T06:00:00+00:00" for day in (1, 8, 15)]


@pytest.fixture(scope="module")
def warehouse() -> Warehouse:
    return Warehouse()


@pytest.fixture
def landed(warehouse):
    """Land batches, one a day in this order: landed(batch, …) -> every row with what became of it."""

    def land(*batches: list[dict]) -> list[dict]:
        warehouse.start_again()
        # the first to arrive has the last name: by name and by time the order is another one
        warehouse.land({f"batch {len(batches) - number}": batch for number, batch in enumerate(batches)})
        return warehouse.versions()

    return land


def version(event_id="e1", title=None, recorded_at=None, revision=0, is_retracted=False, **columns) -> dict:
    times = {"occurred_at": "2026-05-01T10:00:00+00:00", "recorded_at": recorded_at}
    return make_event("adopted", event_id, title=title, revision=revision, is_retracted=is_retracted, **times | columns)


def current(rows: list[dict]) -> dict[str, dict]:
    return {row["event_id"]: row for row in rows if row["version_status"] == "current"}


def test_a_weekly_export_without_revisions_corrects_what_it_says_anew(landed):
    first = [
        version(f"e{i}", f"Orders {i}", MONDAYS[0], occurred_at=f"2026-05-{i:02}T10:00:00+00:00") for i in range(1, 9)
    ]
    second = [
        row | {"title": f"Sold orders {i}", "occurred_at": f"2026-04-{i:02}T10:00:00+00:00", "recorded_at": MONDAYS[1]}
        for i, row in enumerate(first, 1)
    ]
    for order in permutations([first, second]):
        rows = landed(*order)
        assert {key: (row["title"], row["occurred_at"]) for key, row in current(rows).items()} == {
            f"e{i}": (f"Sold orders {i}", datetime.fromisoformat(f"2026-04-{i:02}T10:00:00+00:00")) for i in range(1, 9)
        }
        assert Counter(row["version_status"] for row in rows) == {"current": 8, "superseded": 8}
        assert not any(row["is_conflicting"] for row in rows)


def test_a_retraction_with_a_later_recorded_at_takes_the_event_back(landed):
    sent = [version(recorded_at=MONDAYS[0])], [version(recorded_at=MONDAYS[1], is_retracted=True)]
    for order in permutations(sent):
        rows = landed(*order)
        assert Counter(row["version_status"] for row in rows) == {"retracted": 1, "superseded": 1}
        assert not any(row["is_conflicting"] for row in rows)


def test_a_later_recorded_at_never_beats_a_higher_revision(landed):
    rows = landed(
        [version(title="right", recorded_at=MONDAYS[0], revision=1)], [version(title="late", recorded_at=MONDAYS[2])]
    )
    assert current(rows)["e1"]["title"] == "right"


# every version of one revision that differs in what matters: what it says, and when it was recorded, if that was sent
VERSIONS = [
    version(title=title, recorded_at=sent) for title in ("Orders", "Sales", "Sold") for sent in (None, *MONDAYS[:2])
]


def test_all_orders_of_all_sets_of_three_versions_give_what_the_oracle_gives(landed):
    sets = list(combinations_with_replacement(VERSIONS, 3))
    # each order of a set is an event of its own: its versions arrive in the first, second and third batch
    events = {f"{n} {m}": order for n, three in enumerate(sets) for m, order in enumerate(permutations(three))}
    rows = landed(*([one | {"event_id": key} for key, order in events.items() for one in [order[k]]] for k in range(3)))
    of_event: dict[str, list[dict]] = {}
    for row in rows:
        of_event.setdefault(row["event_id"], []).append(row)
    greatest = content_order(of_event, sets)
    for key, found in of_event.items():
        left = contenders(list(events[key]))
        [winner] = [row for row in found if row["version_status"] == "current"]
        assert winner["title"] == max((row["title"] for row in left), key=greatest.index)
        assert any(row["is_conflicting"] for row in found) == (len({content(row) for row in left}) > 1)
        latest = max((row.get("recorded_at", "") for row in left if row["title"] == winner["title"]), default="")
        assert winner["is_recorded_at_sent"] == bool(latest)
        assert not latest or winner["recorded_at"] == datetime.fromisoformat(latest)
        counts = Counter(row["version_status"] for row in found)
        assert counts["superseded"] == len({row["title"] for row in events[key]}) - 1


def content_order(of_event: dict[str, list[dict]], sets: list[tuple]) -> list[str]:
    """The titles from the least to the greatest content, as the three versions without recorded_at were settled."""
    titles, order = {row["title"] for row in VERSIONS}, []
    wins = Counter()
    for n, three in enumerate(sets):
        if not any("recorded_at" in row for row in three):
            wins.update(row["title"] for row in of_event[f"{n} 0"] if row["version_status"] == "current")
    order = sorted(titles, key=wins.__getitem__)
    assert len({wins[title] for title in titles}) == 3
    return order
