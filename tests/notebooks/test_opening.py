"""The notebooks as files, as scripts and in a browser: opening one shows results, asks nobody and changes no file."""

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from browser import chromium
from conftest import SECONDS, wait_for
from notebook_runs import FOLDER, MODULES, NOTEBOOKS, TITLES, home_of, run, words_of
from pipeline import CHECKOUT

pytestmark = pytest.mark.slow

MARIMO = str(Path(sys.executable).with_name("marimo"))
LOOPBACK = "0100007F"  # 127.0.0.1 in /proc/net/tcp


@pytest.fixture(scope="module")
def sample() -> Path:
    return home_of("sample", None)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_without_a_serving_file_a_notebook_says_what_to_do(tmp_path, name):
    shown, _ = run(name, tmp_path / "nothing here")
    assert "There is nothing to read yet: run `make run` first." in words_of(shown)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_a_script_as_well(sample, name):
    environment = os.environ | {"FLYWHEEL_HOME": str(sample)}
    command = [sys.executable, "-W", "error::DeprecationWarning", FOLDER / f"{name}.py"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SECONDS)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_folder_holds_notebooks_and_no_outputs():
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "notebooks"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert sorted(listed.stdout.split()) == sorted(f"notebooks/{name}.py" for name in [*NOTEBOOKS, *MODULES])
    # where marimo remembers what cells showed, and so what the tables hold
    for path in ("notebooks/__marimo__/session/north_star.py.json", "__marimo__/assets/x"):
        ignored = subprocess.run(["git", "check-ignore", "--quiet", path], cwd=CHECKOUT)
        assert ignored.returncode == 0, f"{path} is not ignored by git"


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_an_opened_notebook_shows_its_results_with_the_code_folded(name):
    cells = re.findall(
        r"^(?:@app\.|with app\.)(?:cell|function|setup)\b(.*)", (FOLDER / f"{name}.py").read_text(), re.M
    )
    assert len(cells) > 4
    assert [options for options in cells if "(hide_code=True)" not in options] == []


def test_marimo_finds_nothing_wrong_with_them():
    files = [FOLDER / f"{name}.py" for name in NOTEBOOKS]
    done = subprocess.run([MARIMO, "check", "--strict", *files], capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr


def test_make_notebook_opens_them_on_loopback_only_and_only_to_those_who_have_its_token(sample, tmp_path):
    outside = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    make = ["make", "--dry-run", "notebook"]  # started by make, it would say more than the command
    output = subprocess.run(make, cwd=CHECKOUT, env=outside, capture_output=True, text=True, check=True).stdout
    command = shlex.split(output.splitlines()[-1])
    assert "--skip-update-check" in command, "without it marimo asks its maker's server for a newer version"
    command += ["--headless", "--port", str(port := free_port())]
    with serving(command, sample, tmp_path) as log:
        token = wait_for(lambda: re.search(r"access_token=([\w-]{16,})", log.read_text()))[1]
        assert wait_for(lambda: status(port, "/health")) == 200
        assert listening(port) == {LOOPBACK}
        assert status(port, "/") in (303, 401)
        assert status(port, "/?access_token=guessed") in (303, 401)
        assert status(port, "/?file=north_star.py") in (303, 401)
        for path in (
            "/api/kernel/run",
            "/api/files/list_files",
            "/api/home/workspace_files",
            "/api/kernel/instantiate",
        ):
            assert status(port, path, b"{}") == 401, path
        assert status(port, f"/?access_token={token}", follow=True) == 200


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.mark.parametrize("name", [NOTEBOOKS[0], *(pytest.param(n, marks=pytest.mark.soak) for n in NOTEBOOKS[1:])])
def test_opened_in_a_browser_it_asks_nobody_and_titles_do_no_harm(browser, tmp_path, name):
    title, last = TITLES[name]
    requests, faults = [], []
    command = [MARIMO, "run", "--host", "127.0.0.1", "--no-token", str(FOLDER / f"{name}.py")]
    command += ["--headless", "--port", str(port := free_port())]
    with serving(command, home_of("hostile", None), tmp_path):
        assert wait_for(lambda: status(port, "/health")) == 200
        page = browser.new_page(viewport={"width": 1300, "height": 9000})
        page.set_default_timeout(1000 * SECONDS)
        page.on("request", lambda request: requests.append(request.url))
        page.on("dialog", lambda dialog: (faults.append(dialog.message), dialog.dismiss()))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(f"http://127.0.0.1:{port}/")
        page.get_by_role("heading", name=last).wait_for()
        page.wait_for_timeout(3_000)  # tables and charts draw themselves after the words
        assert page.title() == title
        page.locator("marimo-table").first.wait_for(state="attached")
        assert page.locator("img[onerror], svg[onload]").count() == 0
        assert "Traceback" not in page.locator("body").inner_text()
        page.close()
    assert not faults
    assert {url for url in requests if not url.startswith((f"http://127.0.0.1:{port}/", "data:", "blob:"))} == set()


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_what_marimo_would_save(name):
    text = (FOLDER / f"{name}.py").read_text()
    from marimo._convert.converters import MarimoConvert  # half a second for everyone who collects the tests

    assert MarimoConvert.from_py(text).to_py() == text
    settings = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["marimo"]
    assert settings["save"]["autosave"] == "off"


@pytest.mark.soak
def test_opening_a_notebook_and_saving_it_changes_no_file(browser, sample, tmp_path):
    folder = shutil.copytree(FOLDER, tmp_path / "notebooks", ignore=shutil.ignore_patterns("__*__"))
    shutil.copy(CHECKOUT / "pyproject.toml", tmp_path)  # marimo's settings, looked for above a notebook
    before = {path.name: path.read_text() for path in folder.iterdir()}
    command = [MARIMO, "edit", "--host", "127.0.0.1", "--no-token", "--skip-update-check", str(folder)]
    command += ["--headless", "--port", str(port := free_port())]
    with serving(command, sample, tmp_path):
        assert wait_for(lambda: status(port, "/health")) == 200
        for name, (_, last) in TITLES.items():
            page = browser.new_page(viewport={"width": 1300, "height": 9000})
            page.set_default_timeout(1000 * SECONDS)
            page.goto(f"http://127.0.0.1:{port}/?file={name}.py")
            page.get_by_role("heading", name=last).wait_for()
            with page.expect_response("**/api/kernel/save") as saved:
                page.get_by_test_id("save-button").click()
            assert saved.value.ok
            page.close()
    assert {path.name: path.read_text() for path in folder.glob("*.py")} == before


@contextmanager
def serving(command: list[str], home: Path, folder: Path) -> Iterator[Path]:
    """A running marimo, and the file of what it says; `folder` stands in for the user's own, with their settings."""
    log = folder / "log"
    environment = os.environ | {"FLYWHEEL_HOME": str(home), "HOME": str(folder)}
    environment = {name: value for name, value in environment.items() if not name.startswith("XDG_")}
    with log.open("w") as output:
        server = subprocess.Popen(command, cwd=CHECKOUT, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield log
    finally:
        server.terminate()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
        shutil.rmtree(folder / ".config", ignore_errors=True)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def listening(port: int) -> set[str]:
    """The addresses at which somebody listens on a port, in /proc's notation."""
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            address, state = (line.split()[column] for column in (1, 3))
            if state == "0A" and address.endswith(f":{port:04X}"):
                found.add(address.partition(":")[0])
    return found


def status(port: int, path: str, body: bytes | None = None, follow=False) -> int:
    """What the server answers, as a browser without cookies sees it, or with them where it follows."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None

    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor() if follow else Stay)
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=body)
    try:
        with opener.open(request, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        return refused.code
