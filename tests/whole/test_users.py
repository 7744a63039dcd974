"""The three people who use it, on the sample organisation: the engineer in the Dagster UI, the analyst, the CDO.

They use the installed wheel, in a folder that is no checkout.
"""

import json
import os
import signal
import subprocess
import time
import urllib.parse
import urllib.request
import zipfile
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from threading import Thread

import duckdb
import pytest
from browser import CHROMIUM, FLAGS, needs_chromium
from conftest import CHECKOUT, SECONDS, wait_for
from installed import installed, wheel
from pipeline import build_file, query, served

from orchestration.build.builds import Build
from orchestration.code import code_version
from orchestration.sample.deliveries import sample_mess
from orchestration.sample.events import sample_events

pytestmark = pytest.mark.slow

LAUNCH = (
    'mutation { launchRun(executionParams: {selector: {repositoryLocationName: "orchestration.definitions", '
    'repositoryName: "__repository__", jobName: "__ASSET_JOB", '
    'assetSelection: [{path: ["serving", "serving_duckdb"]}]}, runConfigData: {}}) { __typename } }'
)


def flywheel(*arguments) -> str:
    """What a command of the user's says; it must succeed."""
    done = installed().run(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """(home, what the command printed) of `flywheel run` in a home that never received anything."""
    home = tmp_path_factory.mktemp("a user's sample")  # a path that SQL must escape
    return home, flywheel("run", "--home", home)


@pytest.fixture(scope="module")
def ui(sample):
    """(address, home) of a running UI over the published sample."""
    home, _ = sample
    log = (home / "ui.log").open("w")
    server = subprocess.Popen(
        installed().command("ui", "--home", home, "--port", "0"),
        cwd=installed().folder,
        env=installed().environment(),
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        address = wait_for(lambda: printed_address(home))
        wait_for(lambda: graphql(address, "{ version }"))
        yield address, home
    finally:
        os.killpg(server.pid, signal.SIGINT)
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)


def adoptions_by_month() -> Counter:
    """First uses by a domain other than the owner, from the sample's clean events; its products never change hands."""
    owners = {e["data_product_id"]: e["domain"] for e in sample_events() if e["event_type"] == "idea_logged"}
    first = {}
    for event in sample_events():
        pair = event["data_product_id"], event.get("consumer_domain")
        if event["event_type"] == "adopted" and pair[1] != owners[pair[0]]:
            first[pair] = min(first.get(pair, "9"), event["occurred_at"])
    return Counter(when[:7] for when in first.values())


def test_a_fresh_home_publishes_the_sample_and_says_that_it_is_made_up(sample):
    home, output = sample
    assert "made-up sample organisation" in output
    assert [line.split()[1] for line in output.splitlines() if line.startswith("✓")] == [
        *("sources", "landing", "shaping", "publishing", "drawing")
    ]
    assert query(home, "select is_sample, strftime(as_of, '%Y-%m-%d') from main.publication") == [(True, "2026-01-07")]


def test_the_installed_package_runs_its_own_files_and_writes_none_of_them(sample):
    home, _ = sample
    files = installed().package / "_files"
    assert not files.is_relative_to(CHECKOUT)
    code = "import orchestration, dashboard; print(orchestration.__file__, dashboard.__file__)"
    command = [installed().python, "-c", code]
    environment, folder = installed().environment(), installed().folder
    found = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=True).stdout
    assert found.split() == [
        str(installed().package / "__init__.py"),
        str(installed().package.with_name("dashboard") / "__init__.py"),
    ]
    # a run wrote nothing into the package, and the version of its code is that of the checkout's files
    with zipfile.ZipFile(wheel()) as archive:
        packed = {name for name in archive.namelist() if name.startswith("orchestration/_files/")}
    assert {str(path.relative_to(files.parent.parent)) for path in files.rglob("*") if path.is_file()} == packed
    assert Build(build_file(home)).about["code_version"] == code_version()


def test_an_installed_package_keeps_its_home_in_the_user_s_own_folder(tmp_path):
    done = installed().run("status", HOME=str(tmp_path))
    assert f"Home: {tmp_path / 'flywheel'}" in done.stdout
    assert "~/flywheel" in " ".join(installed().run("run", "--help", COLUMNS="300").stdout.split())


@pytest.mark.parametrize(
    "separator", [pytest.param([], id="plain"), pytest.param(["--"], id="after two dashes", marks=pytest.mark.soak)]
)
def test_dbt_by_hand_runs_on_the_installed_project(sample, separator):
    home, _ = sample
    said = flywheel("dbt", "--home", home, *separator, "ls", "-s", "north_star_monthly", "--resource-type", "model")
    assert said.split()[-1] == "flywheel.authoritative.north_star_monthly"


def test_the_summary_answers_the_five_questions(sample):
    _, output = sample
    words = " ".join(output.split())
    assert "Rising? Higher since December 2024, steady now: average 17.3, before 8.5. Real? Yes: eight months" in words
    assert "On target? No target is declared. Lever? Ideas with a named consumer: 2 months ahead" in words
    assert "Act on claims (slow from started to deployed); 106 unused products; 92 of them longer than usual." in words


def test_the_north_star_of_every_month_is_what_the_clean_events_say(sample):
    home, _ = sample
    rows = query(
        home,
        "select strftime(month_starting, '%Y-%m'), value::int from authoritative.north_star_monthly where value > 0",
    )
    assert dict(rows) == adoptions_by_month()


def test_every_row_of_the_sample_is_accounted_for(sample):
    home, _ = sample
    mess = sample_mess()
    counts = "read_count, quarantined_count, current_count, superseded_count, duplicate_count, retracted_count"
    sums = ", ".join(f"sum({count})::int" for count in counts.split(", "))
    (row,) = query(home, f"select {sums} from authoritative.event_accounting")
    names = ("rows", "malformed", "current", "superseded", "duplicates", "retractions")
    assert row == tuple(mess[name] for name in names)


def test_a_second_run_says_that_nothing_is_new_and_imports_neither_dagster_nor_dbt(sample):
    home, output = sample
    code = (
        "import sys; from orchestration.cli import app; app(standalone_mode=False); sys.exit(str(sys.modules.keys()))"
    )
    command = [installed().python, "-c", code, "run", "--home", home]
    environment, folder = installed().environment(), installed().folder
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    assert "Nothing new since the last publication" in done.stdout
    assert "'orchestration.cli'" in done.stderr  # the names of all modules that were imported
    assert not [name for name in ("dagster", "dbt", "great_expectations") if f"'{name}'" in done.stderr]
    summary = output.split("✓ drawing")[1].split("\n", 1)[1].split("Sources")[0]
    assert summary in done.stdout
    assert "407 records, 407 events, 407 new" in output and "407 records, 407 events, nothing new" in done.stdout


def test_status_says_what_waits_and_what_is_published(sample):
    home, _ = sample
    output = flywheel("status", "--home", home)
    assert "(sample events)" in output
    assert "Inbox: 0 files wait" in output
    assert "Higher since December 2024" in output


@pytest.fixture
def page():
    needs_chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        opened = browser.new_page(viewport={"width": 1600, "height": 1000})
        opened.set_default_timeout(1000 * SECONDS)
        yield opened
        browser.close()


def printed_address(home):
    words = (home / "ui.log").read_text().split()
    return next((word for word in words if word.startswith("http://127.0.0.1:")), None)


def graphql(address, query, variables=None):
    sent = json.dumps({"query": query, "variables": variables or {}}).encode()
    request = urllib.request.Request(f"{address}/graphql", sent, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=SECONDS) as response:
        return json.load(response)["data"]


def runs(address):
    found = graphql(address, "{ runsOrError { ... on Runs { results { runId status jobName } } } }")
    return found["runsOrError"]["results"]


def test_the_ui_listens_on_this_machine_only_under_a_path_kept_in_the_home(ui):
    address, home = ui
    assert address.startswith("http://127.0.0.1:")
    assert address.endswith((home / "ui_path").read_text())
    assert len((home / "ui_path").read_text()) >= 32
    assert (home / "ui_path").stat().st_mode & 0o077 == 0


def test_a_web_page_open_in_the_same_browser_cannot_start_a_run(ui, page):
    address, _ = ui
    before = {run["runId"] for run in runs(address)}
    origin = "/".join(address.split("/")[:3])
    query = urllib.parse.urlencode({"query": LAUNCH})
    attack = f"<img src='{origin}/graphql?{query}'><img src='{origin}/x/graphql?{query}'>".encode()

    class Elsewhere(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(attack)

        def log_message(self, *_):
            pass

    elsewhere = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    Thread(target=elsewhere.serve_forever, daemon=True).start()
    answers = []
    page.on("response", lambda response: answers.append((response.url, response.status)))
    page.goto(f"http://127.0.0.1:{elsewhere.server_port}/", wait_until="load")
    elsewhere.shutdown()
    statuses = [status for url, status in answers if "graphql" in url]
    assert statuses == [404, 404]
    time.sleep(2)
    assert {run["runId"] for run in runs(address)} == before
    # and without the secret path in the way the same request does start one: the path is what stops it
    with urllib.request.urlopen(f"{address}/graphql?{query}", timeout=SECONDS) as response:
        assert json.load(response)["data"]["launchRun"]["__typename"] == "LaunchRunSuccess"
    wait_for(lambda: all(run["status"] in ("SUCCESS", "FAILURE") for run in runs(address)))


PATH = ["inputs", "landing", "raw", "curated", "authoritative", "serving", "dashboard"]
NODES = """{ assetNodes { assetKey { path } groupName description kinds dependencyKeys { path } metadataEntries {
  ... on CodeReferencesMetadataEntry { codeReferences { ... on LocalFileCodeReference { filePath } } } } } }"""


def test_the_graph_shows_the_layers_as_groups_from_inputs_to_dashboard(ui, page):
    address, _ = ui
    page.goto(f"{address}/asset-groups", wait_until="domcontentloaded")
    for group in PATH:
        page.get_by_text(group, exact=True).first.wait_for()
    nodes = {tuple(node["assetKey"]["path"]): node for node in graphql(address, NODES)["assetNodes"]}
    layers = {name: node["groupName"] for name, node in nodes.items()}
    edges = {(layers[tuple(d["path"])], node["groupName"]) for node in nodes.values() for d in node["dependencyKeys"]}
    assert set(pairwise(PATH)) <= edges
    assert ("inputs", "curated") in edges  # what people declare has no step in between
    assert ("sources", "landing") in edges
    assert set(layers.values()) == {*PATH, "declared", "sources"}


def test_an_asset_is_described_in_words_and_links_to_its_model(ui, page):
    address, _ = ui
    page.goto(f"{address}/assets/authoritative/open_ideas?view=overview", wait_until="domcontentloaded")
    page.get_by_text("One row per open data product").first.wait_for()
    page.locator("a", has_text="open_ideas.sql").first.wait_for()
    of_dbt = [node for node in graphql(address, NODES)["assetNodes"] if "dbt" in node["kinds"]]
    assert len(of_dbt) > 40
    for node in of_dbt:
        assert node["description"] and "```" not in node["description"], node["assetKey"]
        [references] = [entry["codeReferences"] for entry in node["metadataEntries"] if "codeReferences" in entry]
        path = Path(references[0]["filePath"])
        assert path.is_file() and path.is_relative_to(installed().package / "_files" / "dbt_project")


def test_materializing_everything_from_the_ui_publishes_the_same_sample(ui, page):
    address, home = ui
    before = {run["runId"] for run in runs(address)}
    published = (home / "serving.duckdb").stat().st_ino
    page.goto(f"{address}/asset-groups", wait_until="domcontentloaded")
    page.get_by_text("Materialize all").first.click()

    def ended():
        new = [run for run in runs(address) if run["runId"] not in before]
        return new and all(run["status"] in ("SUCCESS", "FAILURE", "CANCELED") for run in new) and new

    assert [run["status"] for run in wait_for(ended)] == ["SUCCESS"]
    assert (home / "serving.duckdb").stat().st_ino != published
    assert query(home, "select is_sample, strftime(as_of, '%Y-%m-%d') from main.publication") == [(True, "2026-01-07")]


LAUNCH_SOME = """
mutation ($assets: [AssetKeyInput!], $checks: [AssetCheckHandleInput!]) {
  launchRun(executionParams: {runConfigData: {}, selector: {
    repositoryLocationName: "orchestration.definitions", repositoryName: "__repository__", jobName: "__ASSET_JOB",
    assetSelection: $assets, assetCheckSelection: $checks
  }}) { __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } }
}
"""


def launch(address, assets: list[str], checks: list[tuple[str, str]] | None = None) -> str:
    """Materialize some assets, or execute some checks, as the UI does; returns how the run ended."""
    variables = {"assets": [{"path": asset.split("/")} for asset in assets]}
    if checks is not None:
        variables["checks"] = [{"assetKey": {"path": asset.split("/")}, "name": name} for asset, name in checks]
    launched = graphql(address, LAUNCH_SOME, variables)["launchRun"]
    run_id = launched["run"]["runId"]
    return wait_for(lambda: next((r["status"] for r in runs(address) if r["runId"] == run_id and is_over(r)), None))


def is_over(run) -> bool:
    return run["status"] in ("SUCCESS", "FAILURE", "CANCELED")


@pytest.mark.soak
def test_a_few_assets_or_a_check_from_the_ui_go_into_the_scratch_and_publish_nothing(ui):
    address, home = ui
    before = served(home)
    assert launch(address, ["curated/domains"]) == "SUCCESS"
    with duckdb.connect(str(home / "builds" / "scratch.duckdb")) as db:
        db.execute("update curated.adoptions set first_adopted_at = first_adopted_at - interval 400 days")
    assert launch(address, ["authoritative/north_star_monthly", "curated/domains"]) == "SUCCESS"
    assert launch(address, [], [("curated/adoptions", "adoptions_is_valid")]) == "SUCCESS"
    assert launch(address, ["serving/serving_duckdb"]) == "SUCCESS"
    assert served(home) == before
    made = graphql(
        address,
        '{ assetNodeOrError(assetKey: {path: ["authoritative", "north_star_monthly"]}) { ... on AssetNode {'
        " assetMaterializations(limit: 1) { metadataEntries { label ... on TextMetadataEntry { text } } } } } }",
    )["assetNodeOrError"]["assetMaterializations"][0]["metadataEntries"]
    texts = {entry["label"]: entry.get("text") for entry in made}
    assert texts["build"].startswith("scratch, a copy of the last approved build: never published")
    assert texts["as_of"] == "2026-01-07T00:00:00+00:00"


def test_a_contract_violation_is_a_failed_check_with_its_rows(ui, page):
    address, _ = ui
    page.goto(f"{address}/assets/landing/products_adopted?view=checks", wait_until="domcontentloaded")
    page.get_by_text("contract", exact=True).first.click()
    page.get_by_text("Execution history").first.click()
    page.get_by_text("Failed").first.wait_for()
    found = graphql(
        address,
        '{ assetCheckExecutions(assetKey: {path: ["landing", "products_adopted"]}, checkName: "contract", limit: 9) '
        "{ status evaluation { success description metadataEntries { label "
        "... on TableMetadataEntry { table { records } } } } } }",
    )["assetCheckExecutions"]
    failed = [e["evaluation"] for e in found if not e["evaluation"]["success"]]
    rows = next(m["table"]["records"] for m in failed[0]["metadataEntries"] if m["label"] == "rows")
    assert any("consumer_domain_missing" in row and "events-" in row for row in rows)
    assert "flywheel replay" in failed[0]["description"]
