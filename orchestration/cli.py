"""The command line: `flywheel init`, `run`, `status`, `sample`, `replay`, `dbt`, `ui`.

Belongs here: arguments, words, exit codes (0 published, 1 a check stopped it, 2 bad usage). Does not belong here: work.
"""

import gc
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from orchestration.build.builds import is_current
from orchestration.home import Dates, Home, write_whole
from orchestration.instance import CLI_TAG, open_instance, prepare_instance
from orchestration.landing.inbox import place_in_inbox, waiting_files
from orchestration.progress import listening
from orchestration.settings import SettingsError, load_settings, write_settings

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Delivery events in; North Star and time to value out."
)

NOT_PUBLISHED = "[bold red]Not published.[/] The last good tables stay in place."
HOME_HELP = "Home folder; else FLYWHEEL_HOME, else data/ in a checkout and ~/flywheel for an installed package."
DBT = "from dbt.cli.main import cli; cli(prog_name='flywheel dbt')"
FULL_BYTES = 20_000_000  # with less free space not even a small build fits
HomeOption = Annotated[Path | None, typer.Option("--home", help=HOME_HELP)]


@app.command()
def init(home: HomeOption = None):
    """Write the files in which you choose a North Star and declare changes; keeps those that are there."""
    from orchestration.declared import write_declared

    console, place = Console(file=sys.stdout), Home.at(home)
    with place.lock():
        written = [path for path in (write_settings(place), *write_declared(place)) if path]
    for path in written:
        console.print(f"Wrote {path}", soft_wrap=True)
    if not written:
        console.print(f"{place.settings} and {place.declared} are there already; nothing was changed.", soft_wrap=True)


@app.command()
def run(
    events: Annotated[
        list[Path] | None, typer.Option("--events", help="Files or folders to put into the inbox.")
    ] = None,
    as_of: Annotated[
        str,
        typer.Option(
            help="Look back: publish as of this date into <home>/as_of/, and leave today's tables as they are."
        ),
    ] = "",
    known_at: Annotated[str, typer.Option(help="Look back: count only what had been recorded by then.")] = "",
    home: HomeOption = None,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Build and publish even if nothing has changed.")] = False,
):
    """Land what is in the inbox, shape it, check it, and publish it."""
    console = Console(file=sys.stdout)
    place = Home.at(home)
    _dates(place, as_of, known_at)
    _check_settings(console, place)
    if place.is_locked():
        console.print("Another run is at work in this home; waiting for it.")
    with place.lock():
        _fill_inbox(console, place, events or [])
        dates = _dates(place, as_of, known_at)
        if not rebuild and not waiting_files(place) and is_current(place, dates):
            console.print("Nothing new since the last publication: the same events, dates, settings and code.")
            _print_summary(console, place, dates)
            return
        prepare_instance(place)
        log = place.logs / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}.log"
        try:
            with log.open("w") as file, _progress(console), redirect_stdout(file), redirect_stderr(file):
                result = _execute(place, as_of, known_at)
        except Exception as error:  # Dagster's own, which keeps its notes in the home too
            console.print(f"{NOT_PUBLISHED}\n✗ {type(error).__name__}: {str(error).splitlines()[0]}", soft_wrap=True)
            result = None
        if result and not result.success:
            _explain(console, result, log)
        if not result or not result.success:
            if shutil.disk_usage(place.root).free < FULL_BYTES:
                console.print(f"The disk of {place.root} is full. Free some space and run again: nothing was lost.")
            raise typer.Exit(1)
        _print_summary(console, place, dates, log)


@app.command()
def status(home: HomeOption = None):
    """Say what this home holds: what waits, what landed, what is in quarantine, what is published."""
    console, place = Console(file=sys.stdout), Home.at(home)
    waiting = len(waiting_files(place))
    console.print(f"Home: {place.root}" + (" (sample events)" if place.sample() else ""), soft_wrap=True)
    console.print(f"Inbox: {waiting} files wait to land" + ("; a run is at work" if place.is_locked() else ""))
    _check_settings(console, place)
    if place.serving.exists():
        _print_summary(console, place, place.dates())
    else:
        console.print("Published: nothing yet; `flywheel run` publishes.")


@app.command()
def sample(
    to: Annotated[Path | None, typer.Option(help="Only write the files into this folder.")] = None,
    home: HomeOption = None,
):
    """Put the made-up sample organisation's events into the inbox of a home that has none."""
    console = Console(file=sys.stdout)
    if to:
        to.mkdir(parents=True, exist_ok=True)
        from orchestration.sample.deliveries import write_sample

        files = write_sample(to)
        console.print(f"{len(files)} sample files in {to}", soft_wrap=True)
        return
    place = Home.at(home)
    with place.lock():
        if not _is_untouched(place) and not place.sample():
            _refuse(console, f"{place.root} holds events already; choose another home: flywheel sample --home NEW")
        _put_sample(console, place)


@app.command()
def replay(home: HomeOption = None):
    """Read quarantined rows again with today's contracts and land those that now pass, once."""
    from orchestration.landing import quarantine

    console, place = Console(file=sys.stdout), Home.at(home)
    with place.lock():
        receipt = quarantine.replay(place)
        left = quarantine.quarantined(place).num_rows
    if receipt is None and not left:
        console.print("Nothing waits in quarantine.")
    elif receipt is None:
        console.print(f"No quarantined row keeps its contract yet; {left:,} wait.")
    else:
        console.print(f"{receipt['rows_landed']:,} rows landed; {left:,} wait on. `flywheel run` publishes them.")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True}, add_help_option=False)
def dbt(context: typer.Context, home: HomeOption = None):
    """Run dbt by hand on the scratch, a copy of the last approved build, at that build's dates; publishes nothing."""
    from orchestration.build.builds import DBT_PROJECT, BuildError, scratch
    from orchestration.build.dbt import dbt_environment

    console, place = Console(file=sys.stdout), Home.at(home)
    with place.lock():
        try:
            build = scratch(place)
        except BuildError as error:
            _refuse(console, str(error))
        environment = os.environ | dbt_environment(place, build, build.dates)
        # not as options, which would follow the user's: `dbt --help` knows none of them
        environment |= {"DBT_PROJECT_DIR": str(DBT_PROJECT), "DBT_PROFILES_DIR": str(DBT_PROJECT)}
        environment |= {"DBT_TARGET_PATH": str(place.dbt_target), "DBT_LOG_PATH": str(place.logs)}
        command = [sys.executable, "-c", DBT, *context.args]
        raise typer.Exit(subprocess.run(command, env=environment, check=False).returncode)


@app.command()
def ui(home: HomeOption = None, port: Annotated[int, typer.Option(help="0 picks a free one.")] = 3000):
    """Open the Dagster UI of this home on 127.0.0.1, under a path only this home knows."""
    console, place = Console(file=sys.stdout), Home.at(home)
    prepare_instance(place)
    port = port if port and _is_free(port) else _free_port()
    prefix = _path_prefix(place)
    os.environ["DAGSTER_WEBSERVER_PATH_PREFIX"] = prefix  # `dagster dev` has no option for it, its web server does
    console.print(f"Dagster UI: http://127.0.0.1:{port}{prefix}\nStop it with Ctrl-C.", soft_wrap=True)
    sys.stdout.flush()
    os.chdir(place.root)  # Dagster reads a .env of the folder it starts in, over what is set here
    where = ["-h", "127.0.0.1", "-p", str(port), "-m", "orchestration.definitions"]
    os.execv(sys.executable, [sys.executable, "-m", "dagster", "dev", "--log-level", "warning", *where])


def _dates(place: Home, as_of: str, known_at: str) -> Dates:
    try:
        return place.dates(as_of, known_at)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _check_settings(console: Console, place: Home) -> None:
    try:
        load_settings(place)
    except SettingsError as error:
        _refuse(console, str(error))


def _fill_inbox(console: Console, place: Home, events: list[Path]) -> None:
    files = [f for path in events for f in (sorted(path.iterdir()) if path.is_dir() else [path])]
    missing = [str(path) for path in files if not path.is_file()]
    if missing:
        _refuse(console, f"no such file: {', '.join(missing)}")
    if files and place.sample():
        _refuse(console, f"{place.root} holds sample events; give your own a home of their own: --home NEW")
    for path in files:
        place_in_inbox(place, path)
    if not files and _is_untouched(place):
        _put_sample(console, place)


def _is_untouched(place: Home) -> bool:
    return not any(place.inbox.iterdir()) and not any((place.landing / "batches").glob("[!_]*.parquet"))


def _put_sample(console: Console, place: Home) -> None:
    from orchestration.declared import write_declared
    from orchestration.sample.deliveries import write_sample
    from orchestration.sample.organisation import PROCESS_CHANGE, PROCESS_CHANGE_ON, SAMPLE_AS_OF

    with tempfile.TemporaryDirectory(dir=place.root) as folder:
        files = write_sample(Path(folder))
        place.remember_sample(SAMPLE_AS_OF, [file.name for file in files])
        write_settings(place)
        write_declared(place, {"process_changes": [{"changed_on": PROCESS_CHANGE_ON, "note": PROCESS_CHANGE}]})
        for file in files:
            place_in_inbox(place, file)
    console.print(
        f"The inbox has never received anything: this home gets the events of a [bold]made-up sample organisation[/],"
        f" as of {SAMPLE_AS_OF:%Y-%m-%d}. Your own: flywheel run --home NEW --events FILE",
        soft_wrap=True,
    )


def _execute(place: Home, as_of: str, known_at: str):
    # what is imported and parsed stays to the end: looking through it less often saves 1.5 of 22 CPU-seconds
    gc.set_threshold(50_000, 20, 100)
    # Dagster and dbt take seconds to import, and no other command needs them
    from orchestration.definitions import defs

    instance = open_instance(place)
    job = defs().resolve_job_def("flywheel")
    config = {"resources": {"dates": {"config": {"as_of": as_of, "known_at": known_at}}}}
    return job.execute_in_process(run_config=config, instance=instance, raise_on_error=False, tags={CLI_TAG: "cli"})


@contextmanager
def _progress(console: Console):
    """A live line a step; where nobody watches, a plain line when the step ends."""
    started: dict[str, float] = {}
    with console.status("starting") as line:

        def listen(step: str, words: str, is_end: bool) -> None:
            started.setdefault(step, time.monotonic())
            line.update(f"{step}: {words}")
            if is_end:
                console.print(f"[green]✓[/] {step:<11} {words}  [dim]{time.monotonic() - started[step]:.1f} s[/]")

        with listening(listen):
            yield


def _explain(console: Console, result, log: Path) -> None:
    """Which check stopped the run, why, and what to do."""
    has_tables = any(event.asset_key.path[0] == "serving" for event in result.get_asset_materialization_events())
    if has_tables:
        console.print("[bold red]The tables are published, the page is not.[/] The last good page stays in place.")
    else:
        console.print(NOT_PUBLISHED)
    stopped = [e for e in result.get_asset_check_evaluations() if not e.passed and e.severity.value == "ERROR"]
    for check in stopped:
        console.print(f"✗ {check.asset_key.to_user_string()}: {check.check_name}", markup=False, soft_wrap=True)
        console.print(f"  {check.description}", markup=False, soft_wrap=True)
        if rows := getattr(check.metadata.get("rows"), "md_str", None):
            console.print(rows, markup=False, soft_wrap=True)
    if not stopped:
        for event in result.get_step_failure_events():
            console.print(f"✗ {event.step_key}: {_why(event.step_failure_data)}", markup=False, soft_wrap=True)
    console.print(f"Full log: {log}", soft_wrap=True)


def _why(failure) -> str:
    """The words of a dg.Failure, else the first cause."""
    if failure.user_failure_data:
        return failure.user_failure_data.description
    error = failure.error
    while error.cause:
        error = error.cause
    return error.message.strip()


def _print_summary(console: Console, place: Home, dates: Dates, log: Path | None = None) -> None:
    from orchestration.summary import summarize

    table = Table.grid(padding=(0, 2))
    for label, words in summarize(place, dates) + ([("Log", str(log))] if log else []):
        table.add_row(f"[bold]{label}[/]", words)
    console.print(table)


def _refuse(console: Console, words: str) -> None:
    console.print(f"[red]{words}[/]", soft_wrap=True)
    raise typer.Exit(2)


def _path_prefix(place: Home) -> str:
    """A path nobody can guess: Dagster's server takes commands from any page open in the same browser."""
    path = place.root / "ui_path"
    if not path.exists():
        write_whole(path, f"/{secrets.token_urlsafe(24)}".encode())
        path.chmod(0o600)
    return path.read_text()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


if __name__ == "__main__":
    app()
