"""Asking an API: waiting, retries, refusals in plain words, secrets that stay where they belong."""

import base64
import json
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from http_home import ISSUES, NOW, Api, answers, declare, ids, paged, served

from orchestration.home import Home
from orchestration.sources.declaration import SourceError
from orchestration.sources.pull import pull, try_to_pull
from orchestration.sources.templates import TEMPLATES, add

X = {"x": {"path": "/x"}}
TOKEN = "s3cret/+ value"


@pytest.fixture
def home(tmp_path) -> Home:
    return Home.at(tmp_path)


def status(code: int, content: str = "", **headers: str) -> httpx.Response:
    return httpx.Response(
        code, text=content, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


def refusal(api: Api, source) -> str:
    with pytest.raises(SourceError) as refused:
        api.read(source)
    return str(refused.value)


@pytest.mark.parametrize(
    ("faults", "slept"),
    [
        ([status(500), status(502), status(504)], [1, 2, 4]),
        ([httpx.ConnectError("refused"), httpx.ReadTimeout("slow")], [1, 2]),
        ([status(429, retry_after="7"), status(503, retry_after="8")], [7, 8]),
        ([status(403, retry_after="9")], [9]),
        ([status(429, retry_after="Mon, 01 Jun 2026 00:00:30 GMT")], [30]),
        ([status(403, x_ratelimit_remaining="0", x_ratelimit_reset=str(int(NOW.timestamp()) + 20))], [21]),
        ([status(429, ratelimit_remaining="0", ratelimit_reset="40")], [40]),
        ([status(429), status(403, '{"message": "You have exceeded a secondary rate limit."}')], [60, 60]),
    ],
)
def test_an_api_that_is_busy_is_asked_again_when_it_says(home, faults, slept):
    source, api = declare(home, X), answers(*faults, [{"id": 1}])
    api.read(source)
    assert api.slept == slept and ids(source) == {"1"}


def test_a_limit_of_hours_ends_the_pull_and_the_next_one_goes_on(home):
    source = declare(home, {"x": {"path": "/x"}, "y": {"path": "/y"}})
    message = refusal(
        answers([{"id": 1}], status(403, x_ratelimit_remaining="0", x_ratelimit_reset="1780279200")), source
    )
    assert message == (
        "https://api.example.test/v1 allows no more requests until 2026-06-01 02:00 UTC (at y (/y)). What was received "
        "is kept: pull again then, and it goes on from there."
    )
    api = answers([{"id": 2}], [{"id": 1}], [{"id": 2}])
    api.read(source)
    assert api.asked == ["/y", "/x", "/y"] and ids(source) == {"1", "2"}


HOST = "https://api.example.test/v1"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            status(401),
            "answers 401 to x (/x): it doesn't know who asks. Renew the token or password in the environment",
        ),
        (
            status(403),
            "answers 403 to x (/x): the token may not read it. Give it the permission, or take another (none",
        ),
        (status(404), "answers 404 to x (/x): there is nothing there, or the token may not see it. Correct `where` or"),
        (status(400, '{"errorMessages":\n["The JQL is bad."]}'), 'answers 400 to x (/x): correct the request: {"error'),
        (
            status(200, "<html>", content_type="text/html; q"),
            "answers x (/x) with text/html, which is not JSON; correct",
        ),
        (
            status(302, location="https://evil.test/x"),
            "sends x (/x) on to https://evil.test, and the headers of crm.yml",
        ),
        (status(301, location="http://api.example.test/x"), "sends x (/x) on to http://api.example.test, and the head"),
        (status(301, location="/v1/x"), "redirects x (/x) in a circle; correct `where`."),
        (status(500), "answers 500 to x (/x), 6 times. What was received is kept: pull again later."),
        (
            httpx.ConnectError("[Errno 111] Connection refused"),
            "can't be reached ([Errno 111] Connection refused) to x",
        ),
        (
            httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED]"),
            "can't be reached: its certificate is not trusted; set",
        ),
    ],
)
def test_what_an_api_refuses_is_said_plainly(home, answer, message):
    assert refusal(answers(*[answer] * 6), declare(home, X)).startswith(f"{HOST} {message}")


@pytest.mark.parametrize(
    ("request_", "answer", "message"),
    [
        ({}, {"items": []}, "the answer to x (/x) has no list at $; correct `records`."),
        ({"records": "$.issues"}, [], "the answer to x (/x) has no list at $.issues; correct `records`."),
        ({}, [{"key": 1}], "a record of x (/x) has no text or number at $.id; correct `id`."),
        (
            ISSUES,
            [{"id": 1, "updated_at": "2026-01-02"}, {"id": 2, "updated_at": "2026-01-01"}],
            "crm.yml requests.x: the answer is not in the order of its cursor, ascending; correct the parameters.",
        ),
        (
            ISSUES | {"parameters": {"since": "{cursor}", "limit": 2}},
            [{"id": 1, "updated_at": "2026-01-01"}, {"id": 2, "updated_at": "2026-01-01"}],
            "crm.yml requests.x: a whole page has the cursor 2026-01-01, and no next page is given; ask for more a "
            "page.",
        ),
        (
            ISSUES | {"start": "0"},
            [{"id": 1, "updated_at": "2026-01-01"}],
            "crm.yml requests.x: the cursor's values 2026-01-01 and 0 can't be compared; correct `cursor` or `start`.",
        ),
        (
            {"records": "$.a", "next": "$.next"},
            {"a": [], "next": "/v1/x?page=2"},
            "crm.yml requests.x: the API gives a next page that was there before, without end; correct `next`.",
        ),
        (
            {"records": "$.a", "next": "$.next"},
            {"a": [], "next": "https://other.test/x"},
            f"{HOST} sends x (/x) on to https://other.test, and the headers of crm.yml are for its own host alone; if "
            "that is right, write it as `where`.",
        ),
    ],
)
def test_answers_that_do_not_fit_the_settings_are_refused(home, request_, answer, message):
    source = declare(home, {"x": {"path": "/x"} | request_ | {"path": "/x"}})
    assert refusal(Api(lambda r: answer), source) == message


def test_an_api_without_records_is_no_fault(home):
    source = declare(home, X | {"y": {"path": "/y/{id}", "for_each": "x"}})
    (home.sources / "crm.sql").write_text("select body->>'$.id' as event_id, 'deployed' as event_type from records")
    api = Api(lambda r: [])
    api.read(source)
    before = sorted(source.received.rglob("*"))
    api.read(source)
    assert sorted(source.received.rglob("*")) == before and ids(source) == set()


def test_an_answer_of_any_size_is_not_taken(home, monkeypatch):
    monkeypatch.setattr("orchestration.sources.apis.http_client.ANSWER_BYTES", 100)
    message = refusal(Api(lambda r: [{"id": n} for n in range(20)]), declare(home, X))
    assert message == "x (/x) answers more than 100 bytes; ask for fewer a page."


@pytest.mark.parametrize("where", ["ftp://x", "/folder", "https://me@x", "https://x?a=1", "https://"])
def test_an_address_that_is_none_of_an_api_is_refused(home, where):
    message = refusal(answers(), declare(home, X, where=where))
    assert message.startswith(
        f"{where} is no address of an API; write `where` in crm.yml as https://HOST/PATH, and secr"
    )


def test_secrets_are_sent_to_their_host_and_are_in_no_file_and_no_message(home, monkeypatch):
    monkeypatch.setenv("TOKEN", TOKEN)
    request = {"path": "/x", "parameters": {"private_token": "${TOKEN}", "per_page": 2}}
    source = declare(home, {"x": request}, headers={"X-Key": "${TOKEN}"})
    rows = [{"id": n} for n in range(5)]

    def respond(request):
        assert (request.headers["x-key"], request.url.params["private_token"]) == (TOKEN, TOKEN)
        if request.url.params.get("page") == "3":
            return status(422, f"bad {request.url} and {TOKEN}")
        return paged(rows, request, 2)

    message = refusal(Api(respond), source)
    assert message.endswith("per_page=2&page=3&private_token=${TOKEN} and ${TOKEN}.")
    written = [path.read_text() for path in home.root.rglob("*") if path.is_file()]
    assert len(written) == 4 and not [text for text in [message, *written] if "s3cret" in text]


def test_a_header_that_can_t_be_sent_is_refused_without_its_value(home, monkeypatch):
    monkeypatch.setenv("TOKEN", "abc\n")
    message = refusal(answers(), declare(home, X, headers={"Authorization": "Bearer ${TOKEN}"}))
    assert message.startswith(
        "crm.yml: the header Authorization can't be sent: TOKEN has a line break, a space at an end"
    )


def served_records(template: str, header: str, login: str):
    """Answers the requests of a template with the records of its test, in pages of three."""
    records = TEMPLATES / template / "test" / "records"

    def rows(folder: str) -> list[dict]:
        return [
            json.loads(line)
            for path in sorted(records.glob(f"{folder}/*.jsonl"))
            for line in path.read_text().splitlines()
        ]

    def respond(path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        if headers.get(header) != login:
            return 401, {}, b""
        parts, asked = urlsplit(path), {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
        names = parts.path.strip("/").split("/")
        if template == "jira":
            body = {"values": rows(f"changelog/{names[4]}")} if names[-1] == "changelog" else {"issues": []}
            since = int(asked["jql"].split("updated >= ")[1].split()[0]) if "jql" in asked else 0
            for row in rows("issues") if "jql" in asked else []:
                at = row["fields"]["updated"]
                body["issues"] += [row] if _milliseconds(at) >= since else []
            return 200, {}, json.dumps(body).encode()
        folders = {"events": "issue_events", "statuses": f"statuses/{names[-2]}", "notes": f"notes/10{names[-2]}"}
        found, since = rows(folders.get(names[-1], names[-1])), asked.get("since") or asked.get("updated_after")
        if since:
            found = sorted((row for row in found if row["updated_at"] >= since), key=lambda row: row["updated_at"])
        page = int(asked.get("page", 1))
        link = {"Link": f'<{path}&page={page + 1}>; rel="next"'} if len(found) > 3 * page else {}
        return 200, link, json.dumps(found[3 * page - 3 : 3 * page]).encode()

    return respond


def _milliseconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp() * 1000


@pytest.mark.parametrize(
    ("template", "path", "header", "login"),
    [
        ("github", "/repos/acme/data", "Authorization", "Bearer s3cret"),
        ("gitlab_api", "/api/v4/projects/acme%2Fdata", "PRIVATE-TOKEN", "s3cret"),
        ("jira", "", "Authorization", f"Basic {base64.b64encode(b'me@acme.com:s3cret').decode()}"),
    ],
)
def test_a_template_reads_from_a_server_what_its_sql_expects(home, monkeypatch, template, path, header, login):
    monkeypatch.setenv("JIRA_USER", "me@acme.com")
    tokens = ("GITHUB_TOKEN", "GITLAB_TOKEN", "JIRA_TOKEN")
    for name in tokens:
        monkeypatch.setenv(name, "s3cret")
    with served(served_records(template, header, login)) as host:
        address = f"{host}{path}"
        add(home, template, address)
        home.declared.mkdir(exist_ok=True)
        products = TEMPLATES / template / "test" / "data_products.csv"
        (home.declared / "data_products.csv").write_text(products.read_text())
        pulled = pull(home, template)
        for name in tokens:
            monkeypatch.setenv(name, "other")
        refused = try_to_pull(home, template)
    expected = (TEMPLATES / template / "test" / "expected.jsonl").read_text().splitlines()
    got = [json.loads(line) for path in home.inbox.glob("*.jsonl") for line in path.read_text().splitlines()]
    own = ("source", "revision", "is_retracted")
    assert sorted(json.dumps({k: v for k, v in e.items() if k not in own}, sort_keys=True) for e in got) == sorted(
        json.dumps(json.loads(line), sort_keys=True) for line in expected
    )
    assert pulled.records == sum(
        len(p.read_text().splitlines()) for p in (TEMPLATES / template / "test").rglob("*/*.jsonl")
    )
    assert f"{address} answers 401 to" in refused.words and refused.words.endswith("Its last statement stands.")
    written = [path.read_bytes() for path in home.root.rglob("*") if path.is_file()]
    assert not [content for content in written if b"s3cret" in content]
