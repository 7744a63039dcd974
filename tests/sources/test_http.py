"""The kind http: what an API holds is received whole, whatever changes, fails or stops meanwhile."""

import json
import os
from datetime import timedelta

import httpx
import pytest
from conftest import examples
from http_home import ISSUES, NOW, Api, answers, bodies, declare, ids, issue, paged
from moving_api import REQUESTS, Killed, MovingApi
from test_statement import Killed as KilledAtRename
from test_statement import killed_at

from orchestration.home import Home
from orchestration.sources.apis import http
from orchestration.sources.apis.http import find
from orchestration.sources.apis.http_paging import position
from orchestration.sources.declaration import Source, SourceError, load_source


@pytest.fixture
def home(tmp_path) -> Home:
    return Home.at(tmp_path)


def files_of(source: Source) -> set[str]:
    return {str(path.relative_to(source.received)) for path in source.received.rglob("*") if path.is_file()}


def received(source: Source) -> dict[str, set[str]]:
    """{request: its records, as JSON}; each once."""
    found: dict[str, set[str]] = {}
    for file_name, body in bodies(source):
        assert body not in found.setdefault(file_name.split("/")[0], set())
        found[file_name.split("/")[0]].add(body)
    return found


@pytest.mark.parametrize("seed", range(examples(5)))
def test_whatever_moves_fails_or_is_killed_a_whole_pull_has_what_the_api_holds(home, monkeypatch, seed):
    monkeypatch.setattr(os, "fsync", lambda file: None)  # thousands of them
    api = MovingApi(seed, size=1 + (seed + 2) % 4)
    api.change(api.chance.randint(0, 40))
    source = declare(home, REQUESTS)

    def read(days: float = 0) -> None:
        http.receive(source, api.now + timedelta(days=days), httpx.MockTransport(api.answer), api.sleep, api.clock)

    for _ in range(4):
        api.moves, api.faults, api.kills = 0.3, 0.1, api.chance.choice([0, 0.1])
        with monkeypatch.context() as patched:
            killed_at(api.chance.randint(1, 400), patched)
            try:
                read()
            except (Killed, KilledAtRename):
                pass
            except SourceError as error:
                assert "change faster than its pages can be read" in str(error) or "6 times" in str(error)
        api.change(api.chance.randint(0, 10))
    api.moves = api.faults = api.kills = 0
    read()
    there, known = api.holds(), received(source)
    assert all(rows <= known[name] for name, rows in there.items())
    read(days=8)  # what was deleted is gone once all is read again
    assert received(source) == there


def test_a_list_with_a_cursor_is_asked_for_from_its_last_value_on(home):
    rows = [issue(n, n) for n in range(1, 8)]
    api = Api(lambda r: paged([row for row in rows if row["updated_at"] >= r.url.params["since"]], r, 3))
    source = declare(home, {"issues": ISSUES})
    api.read(source)
    dates = ["1970-01-01", "2026-01-03", "2026-01-05", "2026-01-07"]
    assert api.asked == [f"/issues?since={date}T00:00:00Z" for date in dates]
    assert [body for _, body in bodies(source)] == [json.dumps(row) for row in rows]
    api.requests.clear()
    rows.append(issue(2, 9, title="edited"))
    del rows[1]
    api.read(source)
    assert api.asked == [f"/issues?since=2026-01-{day}T00:00:00Z" for day in ("07", "09")]
    edited = '{"id": 2, "title": "edited", "updated_at": "2026-01-09T00:00:00Z"}'
    assert bodies(source)[1] == ("issues/000001.parquet", edited) and len(bodies(source)) == 7


def test_a_pull_without_news_writes_nothing(home):
    source = declare(home, {"issues": ISSUES, "releases": {"path": "/releases"}})
    api = Api(lambda r: [issue(1, 1)])
    api.read(source)
    before = files_of(source)
    api.read(source, NOW + timedelta(days=1))
    assert files_of(source) == before and len(before) == 2


def test_more_records_of_one_value_than_a_page_holds_are_all_read_though_one_leaves_meanwhile(home):
    rows = [issue(n, 1) for n in range(1, 8)] + [issue(8, 2)]

    def respond(request):
        if request.url.params.get("page") == "2" and rows[0]["id"] == 1:  # page 1 was read: 4 moves there unseen
            rows.append(issue(1, 3))
            del rows[0]
        return paged([row for row in rows if row["updated_at"] >= request.url.params["since"]], request, 3)

    source = declare(home, {"issues": ISSUES})
    Api(respond).read(source)
    assert ids(source) == {str(n) for n in range(1, 9)}


def test_a_list_that_begins_after_its_cursor_is_refused(home):
    rows = [issue(n, 1 + n // 3) for n in range(6)]  # 3 and 4 on one page, 5 of the same value never
    api = Api(lambda r: paged([row for row in rows if row["updated_at"] > r.url.params["since"]], r, 2))
    with pytest.raises(SourceError, match=r"issues: the list begins after the cursor, not with it, so it loses recor"):
        api.read(declare(home, {"issues": ISSUES}))


@pytest.mark.parametrize("request_", [{"path": "/x"}, {"path": "/x", "newest_first": True}])
def test_a_list_without_a_cursor_is_all_read_though_a_record_leaves_meanwhile(home, request_):
    rows = [{"id": n} for n in range(9)]

    def respond(request):
        if request.url.params.get("page") == "2":
            rows[:] = [row for row in rows if row["id"] != 0]
        return paged(rows, request, 3)

    source = declare(home, {"x": request_})
    Api(respond).read(source)
    assert ids(source) == {str(n) for n in range(1, 9)}


def test_a_record_that_the_api_lists_minutes_late_is_received_by_the_next_pull(home):
    minute = {n: {"id": n, "updated_at": f"2026-05-31T23:{n:02}:00Z"} for n in (40, 55, 58)}
    rows = [minute[40], minute[58]]
    api = Api(lambda r: [row for row in rows if row["updated_at"] >= r.url.params["since"]])
    source = declare(home, {"issues": ISSUES})
    api.read(source)
    rows.insert(1, minute[55])
    api.read(source, NOW + timedelta(hours=1))
    assert ids(source) == {"40", "55", "58"}


def test_the_newest_first_are_asked_for_until_a_page_is_known(home):
    rows = [{"id": n} for n in range(6, 0, -1)]
    source = declare(home, {"events": {"path": "/events", "newest_first": True}})
    Api(lambda r: paged(rows, r, 2)).read(source)
    rows.insert(0, {"id": 7})
    api = Api(lambda r: paged(rows, r, 2))
    api.read(source)
    assert api.asked == ["/events", "/events?page=2", "/events", "/events?page=2"]  # twice: nothing left meanwhile
    assert ids(source) == {str(n) for n in range(1, 8)}


def test_after_a_kill_no_page_is_asked_for_again(home):
    rows = [issue(n, n) for n in range(1, 8)]
    source = declare(home, {"issues": ISSUES, "releases": {"path": "/releases"}})

    def respond(request):
        if len(api.requests) == 3:
            raise Killed
        if request.url.path.endswith("releases"):
            return [{"id": 1}]
        return paged([row for row in rows if row["updated_at"] >= request.url.params["since"]], request, 3)

    api = Api(respond)
    with pytest.raises(Killed):
        api.read(source)
    assert bodies(source) == []
    api.read(source)
    first = ["1970-01-01", "2026-01-03", "2026-01-05", "2026-01-05", "2026-01-07"]
    asked = [f"/issues?since={day}T00:00:00Z" for day in first]
    # then what has come since the first part
    assert api.asked == [*asked, "/releases", "/issues?since=2026-01-07T00:00:00Z", "/releases"]
    assert received(source) == {"issues": {json.dumps(row) for row in rows}, "releases": {'{"id": 1}'}}


def test_all_is_read_again_after_a_week_and_until_then_the_former_records_stay(home):
    rows = [issue(1, 1), issue(2, 2)]
    api = Api(lambda r: [row for row in rows if row["updated_at"] >= r.url.params["since"]])
    source = declare(home, {"issues": ISSUES})
    api.read(source)
    del rows[0]
    api.read(source, NOW + timedelta(days=6, hours=23))
    assert ids(source) == {"1", "2"}
    with pytest.raises(Killed):
        answers(Killed()).read(source, NOW + timedelta(days=7))
    assert ids(source) == {"1", "2"}
    api.requests.clear()
    api.read(source, NOW + timedelta(days=7))
    assert ids(source) == {"2"} and api.asked[0] == "/issues?since=1970-01-01T00:00:00Z"
    assert http.records(source)["received_at"].to_pylist() == ["2026-06-01T00:00:00Z"]  # when this version came first


def test_a_reading_that_stopped_long_ago_or_was_asked_otherwise_begins_anew(home):
    source = declare(home, {"x": {"path": "/x"}, "y": {"path": "/y"}})
    with pytest.raises(Killed):
        answers([{"id": 1}], Killed()).read(source)
    api = Api(lambda r: [{"id": 2}])
    api.read(source, NOW + timedelta(days=3))
    assert api.asked == ["/x", "/y"] and ids(source) == {"2"}
    with pytest.raises(Killed):
        answers([{"id": 3}], Killed()).read(source, NOW + timedelta(days=3))
    other = declare(home, {"x": {"path": "/other"}, "y": {"path": "/y"}})
    api.requests.clear()
    api.read(other, NOW + timedelta(days=3))
    assert api.asked == ["/other", "/y"] * 2


DEPLOYMENTS = {
    "deployments": {"path": "/deployments"},
    "statuses": {"path": "/deployments/{id}/statuses", "for_each": "deployments", "until": {"$.state": ["success"]}},
}


def test_a_request_about_each_record_is_asked_where_that_changed_or_no_last_word_came(home):
    deployments = [{"id": 1}, {"id": 2}, {"id": 3}]
    states = {"1": ["success"], "2": ["pending"], "3": []}

    def respond(request):
        part = request.url.path.split("/")
        if len(part) == 3:
            return deployments
        if part[3] not in states:
            return httpx.Response(404)
        return [{"id": n, "state": state} for n, state in enumerate(states[part[3]])]

    api, source = Api(respond), declare(home, DEPLOYMENTS)
    api.read(source)
    about = [name for name, _ in bodies(source) if name.startswith("statuses")]
    assert about == ["statuses/1/000001.parquet", "statuses/2/000001.parquet"]
    api.requests.clear()
    states["2"].append("success")
    deployments[0]["ref"] = "v2"
    api.read(source)
    assert api.asked == ["/deployments", *(f"/deployments/{n}/statuses" for n in (1, 2, 3))]
    api.requests.clear()
    del deployments[1], states["3"]
    api.read(source)  # the third is listed and gone when asked about
    assert api.asked == ["/deployments", "/deployments/3/statuses"]
    assert received(source)["statuses"] == {'{"id": 0, "state": "success"}'}


def test_a_path_that_leads_nowhere_for_any_record_is_refused(home):
    source = declare(home, DEPLOYMENTS)
    api = Api(lambda r: [{"id": 1}, {"id": 2}] if r.url.path.endswith("deployments") else httpx.Response(404))
    with pytest.raises(SourceError, match=r"crm.yml requests.statuses: the API has nothing at this path, for any of"):
        api.read(source)


def test_a_request_that_is_changed_or_taken_out_leaves_no_old_record(home):
    source = declare(home, {"x": {"path": "/x"}, "y": {"path": "/y"}})
    Api(lambda r: [{"id": r.url.path[-1]}]).read(source)
    source = declare(home, {"x": {"path": "/z"}})
    Api(lambda r: [{"id": r.url.path[-1]}]).read(source)
    assert received(source) == {"x": {'{"id": "z"}'}}


def test_records_stay_as_they_came(home):
    odd = '[{"id": 12345678901234567890123, "n": 1.10, "${TOKEN}": "${TOKEN}", "half": "\\ud83d", "ü": null}]'
    source = declare(home, {"x": {"path": "/x"}, "y": {"path": "/x/{id}", "for_each": "x"}})
    Api(lambda r: httpx.Response(200, content=odd)).read(source)
    body = '{"${TOKEN}": "${TOKEN}", "half": "?", "id": 12345678901234567890123, "n": 1.1, "ü": null}'
    assert received(source) == {"x": {body}, "y": {body}}


@pytest.mark.parametrize(
    ("path", "value"),
    [("$", {"a": [{"b c": 1}]}), ("$.a[0]['b c']", 1), ("$.a", [{"b c": 1}]), ("$.a[1]", None), ("$.a.b", None)],
)
def test_a_json_path_gives_a_value_or_nothing(path, value):
    assert find({"a": [{"b c": 1}]}, path) == value


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("9007199254740993", "9007199254740992"),
        ("10", "9.5"),
        ("2026-01-01T00:00:00.000+0100", "2025-12-31T22:59:59Z"),
        ("2026-01-02", "2026-01-01T23:59:59Z"),
        ("b", "a"),
    ],
)
def test_the_values_of_a_cursor_are_compared_as_what_they_are(one, other):
    assert position(one) > position(other)


REQUEST = "kind: http\nwhere: https://x\nrequests:\n  a:\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("kind: http\nwhere: https://x\n", "line 1: requests is missing; write requests by name, each with its path."),
        (REQUEST + "    id: $.id\n", "line 4: requests.a.path is missing; write the path of a list after `where`,"),
        (REQUEST + "    path: /a\n    id: id\n", 'line 6: requests.a.id can\'t be "id"; write the JSON path of what'),
        (
            REQUEST + "    path: /a\n    page: 2\n",
            "line 6: there is no setting requests.a.page; the settings are path,",
        ),
        (REQUEST + "    path: /a\nlogin: {user: me}\n", "line 6: login.password is missing; write a password or token"),
    ],
)
def test_a_fault_of_the_settings_is_named_with_its_line(home, text, words):
    home.sources.mkdir()
    (home.sources / "crm.yml").write_text(text)
    with pytest.raises(SourceError) as refused:
        load_source(home, "crm")
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"path": "a"}, "path begins with /, such as /issues."),
        ({"path": "/a", "cursor": "$.x"}, "cursor needs start, its first value."),
        ({"path": "/a", "cursor": "$.x", "start": "0"}, "cursor needs {cursor} or {cursor_ms} in a parameter, and"),
        ({"path": "/a/{cursor}"}, "cursor needs {cursor} or {cursor_ms} in a parameter, and they need cursor."),
        (ISSUES | {"newest_first": True}, "cursor, newest_first and for_each exclude each other."),
        ({"path": "/a/{id}", "for_each": "b"}, "for_each names another request, one without for_each."),
        ({"path": "/a/{id}"}, "{id} and {$.…} need for_each, and it needs one of them."),
        ({"path": "/a", "until": {"$.s": ["x"]}}, "until needs for_each."),
        ({"path": "/a", "next_parameter": "token"}, "next_parameter needs next."),
    ],
)
def test_a_request_that_can_t_be_asked_is_refused(home, given, words):
    with pytest.raises(SourceError) as refused:
        answers().read(declare(home, {"a": given}))
    assert str(refused.value).startswith(f"crm.yml requests.a: {words}")
