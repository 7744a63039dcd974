"""CloudEvents of any shape become flat rows: the payload wins, the envelope fills, what differs is kept and counted."""

import base64
import json
from datetime import UTC, datetime

import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from cloudevents.v1.conversion import to_json
from cloudevents.v1.http import CloudEvent as OlderCloudEvent
from conftest import KNOWN_COLUMNS, NOW, as_lines, put, read_rows, visible

from orchestration.landing.cloud_events import event_type_of
from orchestration.landing.formats import read_file
from orchestration.landing.land import land_inbox

PAYLOAD = {"consumer_domain": "finance", "occurred_at": "2026-03-02T09:00:00Z"}
ENVELOPE = {
    "specversion": "1.0",
    "id": "e1",
    "source": "/catalog",
    "type": "com.example.dataproduct.adopted",
    "time": "2026-06-30T23:59:00Z",
    "subject": "orders",
}


def read_one(file, event) -> tuple[dict, dict]:
    """(the row of an event in a file of its own, its warnings)."""
    path = file("event.json", json.dumps(event))
    [(_, row)], bad = read_rows(path)
    assert not bad
    [chunk] = read_file(path, KNOWN_COLUMNS)
    return row, dict(chunk.warnings)


def test_the_payload_wins_the_envelope_fills_and_both_are_kept_where_they_differ(file):
    row, warnings = read_one(file, ENVELOPE | {"traceparent": "00-1", "data": PAYLOAD | {"data_product_id": "sales"}})

    assert row == {
        "event_id": "e1",
        "source": "/catalog",
        "event_type": "adopted",
        "occurred_at": "2026-03-02T09:00:00Z",
        "ce_time": "2026-06-30T23:59:00Z",
        "data_product_id": "sales",
        "ce_subject": "orders",
        "consumer_domain": "finance",
        "traceparent": "00-1",
    }
    assert warnings == {"envelope_differs": 1}


@pytest.mark.parametrize(
    ("data", "row", "differs"),
    [
        ({"event_id": "p1"}, {"event_id": "p1", "ce_id": "e1"}, 1),
        ({"event_id": "e1"}, {"event_id": "e1"}, 0),
        ({"eventId": "p1"}, {"event_id": "p1", "ce_id": "e1"}, 1),
        ({"source": "jira"}, {"source": "jira", "ce_source": "/catalog"}, 1),
        ({"event_type": "deployed"}, {"event_type": "deployed", "ce_type": ENVELOPE["type"]}, 1),
        ({"event_type": "adopted"}, {"event_type": "adopted"}, 0),
        ({"occurred_at": None}, {"occurred_at": ENVELOPE["time"]}, 0),
        ({"occurred_at": "2026-07-01T01:59:00+02:00"}, {"occurred_at": "2026-07-01T01:59:00+02:00"}, 0),
        ({"occurred_at": "2026-06-30"}, {"occurred_at": "2026-06-30", "ce_time": ENVELOPE["time"]}, 1),
        ({"occurred_at": 5}, {"occurred_at": 5, "ce_time": ENVELOPE["time"]}, 1),
        ({"event_id": "p1", "ce_id": "own"}, {"event_id": "p1", "ce_id": "own", "ce_id_2": "e1"}, 1),
    ],
)
def test_each_column_of_the_payload_wins(file, data, row, differs):
    found, warnings = read_one(file, ENVELOPE | {"data": data})

    assert {name: found.get(name) for name in row} == row
    assert {name for name in found if name.startswith("ce_")} == {name for name in row if name.startswith("ce_")}
    assert warnings.get("envelope_differs", 0) == differs


def test_an_extension_may_name_a_column_and_comes_before_the_core_attributes(file):
    event = ENVELOPE | {"dataproductid": "sales", "domain": "crm", "consumerdomain": "risk", "data": PAYLOAD}

    row, warnings = read_one(file, event)

    assert (row["data_product_id"], row["ce_subject"], row["domain"]) == ("sales", "orders", "crm")
    assert (row["consumer_domain"], row["ce_consumerdomain"]) == ("finance", "risk")
    assert warnings == {"envelope_differs": 1}


@pytest.mark.parametrize("data", [{}, {"data": None}, {"data": {}}, {"data": ""}, {"data_base64": None}])
def test_a_cloud_event_needs_no_data_and_its_members_may_be_null(file, data):
    event = {
        "specversion": "1.0",
        "id": "e1",
        "type": "work_started",
        "subject": None,
        "time": None,
        "dataschema": None,
    }

    assert read_one(file, event | data) == ({"event_id": "e1", "event_type": "work_started"}, {})


@pytest.mark.parametrize(
    "data",
    [
        {"data": PAYLOAD},
        {"data": json.dumps(PAYLOAD)},
        {"data": "\ufeff" + json.dumps(PAYLOAD, indent=2), "datacontenttype": "application/json"},
        {"data_base64": base64.b64encode(json.dumps(PAYLOAD).encode()).decode()},
        {"data_base64": base64.b64encode(json.dumps(PAYLOAD).encode()).decode(), "data": None},
        {"data": base64.b64encode(json.dumps(PAYLOAD).encode()).decode(), "datacontentencoding": "base64"},
    ],
)
def test_a_payload_may_be_an_object_its_text_or_its_base64(file, data):
    row, _ = read_one(file, ENVELOPE | data)

    assert (row["consumer_domain"], row["occurred_at"]) == ("finance", "2026-03-02T09:00:00Z")


NO_OBJECT, NO_BASE64 = "`data` must be a JSON object, or its text", "`data_base64` must be the base64 of a JSON object"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"data": [1]}, NO_OBJECT),
        ({"data": 5}, NO_OBJECT),
        ({"data": "<xml/>"}, NO_OBJECT),
        ({"data": "[1]"}, NO_OBJECT),
        ({"data_base64": "not base64!"}, NO_BASE64),
        ({"data_base64": 5}, NO_BASE64),
        ({"data_base64": base64.b64encode(b"\x00\xff").decode()}, NO_BASE64),
        ({"data_base64": base64.b64encode(b"[1]").decode()}, NO_BASE64),
        ({"data_base64": ""}, NO_BASE64),
        ({"data": {}, "data_base64": "e30="}, "it has both `data` and `data_base64`: send one of them"),
    ],
)
def test_a_payload_that_is_no_object_is_refused_with_the_source_and_id_of_its_envelope(file, data, message):
    [chunk] = read_file(file("event.jsonl", json.dumps(ENVELOPE | data)), KNOWN_COLUMNS)

    [refused] = chunk.unreadable
    assert (refused.reason, refused.message, refused.event_key) == (
        "cloud_event_without_data",
        message,
        ("/catalog", "e1"),
    )


def test_a_refused_event_is_known_by_the_source_and_id_of_its_payload(file):
    data = {"source": "jira", "event_id": "p1", "title": "a", "Title": "b"}
    [chunk] = read_file(file("event.jsonl", json.dumps(ENVELOPE | {"data": {**data, "deep": None}})), KNOWN_COLUMNS)
    deep = json.loads("[" * 300 + "]" * 300)
    data = {"source": "jira", "event_id": "p1", "deep": deep}
    [other] = read_file(file("event.jsonl", json.dumps(ENVELOPE | {"data": data})), KNOWN_COLUMNS)

    assert [u.reason for u in (*chunk.unreadable, *other.unreadable)] == ["ambiguous_column", "nested_too_deep"]
    assert other.unreadable[0].event_key == ("jira", "p1")


@pytest.mark.parametrize(
    ("kind", "event_type"),
    [
        ("adopted", "adopted"),
        ("com.example.adopted", "adopted"),
        ("com.example.adopted.v1", "adopted"),
        ("com.example.adopted.v1.2", "adopted"),
        ("com.example.adopted/V2", "adopted"),
        ("adopted.0.3.0", "adopted"),
        ("dev.cdevents.service.deployed.0.3.0", "deployed"),
        ("dev.cdevents.service.deployed.0.1.0-draft", "deployed"),
        ("dev.cdevents.service.deployed.0.3.0-rc.1", "deployed"),
        ("com.example.idea_logged.v1beta2", "idea_logged"),
        ("com.example.idea_logged_v2", "idea_logged"),
        ("com.example:adopted:1.0", "adopted"),
        ("com.2example.adopted", "adopted"),
        ("urn:v1:adopted", "adopted"),
        ("v1", "v1"),
        ("", ""),
        (5, 5),
    ],
)
def test_the_event_type_is_the_last_word_before_a_version(kind, event_type):
    assert event_type_of(kind) == event_type


def test_an_envelope_in_other_letters_is_read_and_a_flat_row_with_such_a_column_stays_flat(file):
    envelope = {"SpecVersion": "1.0", "Id": "e1", "Source": "s", "Type": "adopted", "Data": {"consumer_domain": "f"}}
    flat = {"event_id": "e1", "specVersion": "3", "data": {"title": "t"}}

    assert read_one(file, envelope)[0] == {
        "event_id": "e1",
        "source": "s",
        "event_type": "adopted",
        "consumer_domain": "f",
    }
    assert read_one(file, flat)[0] == flat


def attributes(number: int) -> dict:
    return {
        "id": f"e{number}",
        "source": "/catalog",
        "type": "com.example.adopted.v1",
        "time": datetime(2026, 3, number, tzinfo=UTC),
        "subject": "orders",
        "tenant": "eu",
    }


def of_the_sdk() -> list[bytes]:
    """The same two events, as the SDK's second version and its first one write them."""
    write, data = JSONFormat().write, {"consumer_domain": "finance"}
    text = json.dumps(data).encode()
    new = [
        [write(CloudEvent(attributes(n) | {"datacontenttype": kind}, payload)) for n in (1, 2)]
        for kind, payload in (
            ("application/json", data),
            ("application/octet-stream", text),
            ("text/plain", text.decode()),
        )
    ]
    older = [attributes(n) | {"time": f"2026-03-0{n}T00:00:00Z"} for n in (1, 2)]
    old = [[to_json(OlderCloudEvent(each, payload)) for each in older] for payload in (data, text)]
    return [b"[" + b",".join(pair) + b"]" for pair in [*new, *old]] + [
        b"\n".join(pair) + b"\n" for pair in [*new, *old]
    ]


def test_every_way_of_the_sdk_to_write_an_event_lands_the_same_row(home, unchecked):
    for number, content in enumerate(of_the_sdk()):
        put(home, f"{number}.{'json' if content.startswith(b'[') else 'jsonl'}", content)

    receipts = land_inbox(home, NOW)

    assert [(r["rows_landed"], r["rows_quarantined"]) for r in receipts] == [(2, 0)] * 10
    columns = ("event_id", "source", "data_product_id", "consumer_domain", "attributes")
    found = {
        (*(row[name] for name in columns), row["occurred_at"].isoformat()) for row in visible(home, "products_adopted")
    }
    assert found == {
        (f"e{n}", "/catalog", "orders", "finance", '{"tenant":"eu"}', f"2026-03-0{n}T00:00:00+00:00") for n in (1, 2)
    }


def test_differing_envelopes_are_counted_by_row_in_the_receipt(home, unchecked):
    events = [ENVELOPE | {"id": f"e{n}", "data": PAYLOAD | ({"event_id": "p"} if n == 1 else {})} for n in range(3)]
    put(home, "a.jsonl", as_lines([*events, ENVELOPE | {"id": "same", "data": {"consumer_domain": "finance"}}]))

    [receipt] = land_inbox(home, NOW)

    assert json.loads(receipt["warnings"]) == {"envelope_differs": 3}
    kept = {row["event_id"]: row["attributes"] for row in visible(home, "products_adopted")}
    assert kept["p"] == '{"ce_id":"e1","ce_time":"2026-06-30T23:59:00Z"}'
    assert kept["same"] is None
