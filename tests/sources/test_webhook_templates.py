"""Templates of webhooks: on real payloads, in any order of arrival, and from an address instead of a folder."""

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import landed_count
from typer.testing import CliRunner

from orchestration.cli import app
from orchestration.home import Home
from orchestration.landing.land import land_inbox
from orchestration.landing.quarantine import quarantined
from orchestration.sources.declaration import SourceError, load_source
from orchestration.sources.examine import run_test
from orchestration.sources.pull import pull
from orchestration.sources.statement import live, said
from orchestration.sources.templates import add
from orchestration.sources.webhooks.deliveries import Delivery, store

WEBHOOKS = ["github_webhook", "gitlab", "jira_webhook"]


@pytest.mark.parametrize("template", WEBHOOKS)
def test_the_order_in_which_deliveries_arrive_changes_no_event(home, template):
    add(home, template)
    chance = random.Random(template)
    for path in (home.sources / f"{template}.test" / "records").glob("*.deliveries.jsonl"):
        lines = path.read_text().splitlines()
        chance.shuffle(lines)
        later = [
            json.loads(line) | {"received_at": f"2026-09-01T00:00:{second:02}Z"} for second, line in enumerate(lines)
        ]
        path.write_text("".join(f"{json.dumps(line)}\n" for line in later))
    assert run_test(home, template) == []


def test_a_template_of_a_receiver_has_no_place_and_a_secret_of_the_environment(home):
    done = CliRunner().invoke(app, ["sources", "add", "github_webhook", "--name", "github", "--home", str(home.root)])
    assert "Next: read github.sql, start `flywheel receive`, then `flywheel run`." in " ".join(done.output.split())
    source = load_source(home, "github")
    assert (source.kind, source.where, source.settings["secret"]) == ("webhook", "", "${GITHUB_WEBHOOK_SECRET}")
    with pytest.raises(SourceError, match="The template gitlab receives what is sent to it: leave out --where"):
        add(home, "gitlab", "/x")


def deliver_payloads(home: Home, folder: Path, name: str, leave_out: str = "none") -> None:
    """Every payload of a folder as a delivery; the first word of its file's name is the kind."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    for number, path in enumerate(sorted(folder.glob("*.json"))):
        if not path.name.startswith(leave_out):
            received = (at + timedelta(minutes=number)).isoformat()
            store(home, name, Delivery(received, path.name.split(".")[0], str(number), path.read_bytes()))


@pytest.mark.parametrize(
    ("leave_out", "events"),
    [
        ("issues.deleted", [("deployment/145988746", "deployed"), ("issue/444500041/idea", "idea_logged")]),
        ("none", [("deployment/145988746", "deployed")]),
    ],
)
def test_the_payloads_of_github_give_the_events_that_a_person_reads_in_them(home, shared, leave_out, events):
    add(home, "github_webhook", name="github")
    sql = home.sources / "github.sql"
    sql.write_text(sql.read_text().replace("'data-product'", "'bug'"))  # the label of their only issue
    deliver_payloads(home, shared / "payloads" / "github", "github", leave_out)
    pulled = pull(home, "github")
    more = {"issue/444500041/started": "work_started"} if len(events) == 2 else {}
    want = dict(events) | more | {"release/17372790": "deployed"}
    found = live(said(home.sent / "github"))
    assert {event_id: event["event_type"] for event_id, event in found.items()} == want
    assert {event["data_product_id"] for event in found.values()} == {"Codertocat/Hello-World"}
    assert found["deployment/145988746"]["occurred_at"] == "2019-05-15T15:20:55Z"
    land_inbox(home, datetime(2026, 11, 1, tzinfo=UTC))
    assert landed_count(home) == pulled.events == len(want) and quarantined(home).num_rows == 0


@pytest.mark.parametrize("template", ["cdevents", "openlineage"])
def test_a_template_of_files_maps_the_same_events_when_they_are_received(home, template):
    add(home, template, "/x")
    (home.sources / f"{template}.yml").write_text("kind: webhook\nsender: bearer\nsecret: ${HOOK_SECRET}\n")
    folder = home.sources / f"{template}.test"
    expected = [json.loads(line) for line in (folder / "expected.jsonl").read_text().splitlines()]
    for declared in folder.glob("*.csv"):
        (home.declared / declared.name).write_text(declared.read_text())
    for path in sorted(path for path in (folder / "records").rglob("*") if path.is_file()):
        text = path.read_text()
        bodies = text.splitlines() if path.suffix == ".jsonl" else [text]
        for number, body in enumerate(bodies):
            store(home, template, Delivery("2026-01-01T00:00:00Z", None, f"{path.name}{number}", body.encode()))
    pull(home, template)
    engine = {"source": template, "revision": 0, "is_retracted": False}
    assert list(said(home.sent / template).values()) == sorted(
        (event | engine for event in expected), key=lambda event: event["event_id"]
    )
