"""The command line: `flywheel init`, `run`, `land`, `status`, `sample`, `quarantine`, `replay`, `erase`, `dbt`, `ui`,
`sources`, `receive`, `try`, `map`, `engine`.

Belongs here: arguments, words, exit codes (0 published, 1 a check stopped it, 2 bad usage). Does not belong here: work.
"""

import gc
import os
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from orchestration.engine_cli import app as engine_app
from orchestration.home import Dates, Home
from orchestration.instance import CLI_TAG, free_port, is_free, open_instance, path_prefix, prepare_instance
from orchestration.land_cli import erase, land, place_events, replay
from orchestration.landing.inbox import has_received, waiting_files
from orchestration.landing.mirrors import sync
from orchestration.map_cli import write_maps
from orchestration.publish.record import is_current
from orchestration.run_output import NOT_PUBLISHED, print_failure, progress_on
from orchestration.settings import SettingsError, load_settings, write_settings
from orchestration.sources.declaration import declared_names
from orchestration.sources_cli import app as sources_app
from orchestration.sources_cli import pull_every_source, receive
from orchestration.storage_cli import refuse_sample, sync_or_stop, sync_or_warn
from orchestration.terminal import Commands, HomeOption, exit_with_usage_error, print_plain
from orchestration.try_cli import try_repository

if TYPE_CHECKING:  # Dagster takes seconds to import
    import dagster as dg

    from orchestration.sources.pull import Pulled

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    help="Delivery events in; North Star and time to value out.",
)

DBT = "from dbt.cli.main import cli; cli(prog_name='flywheel dbt')"
FULL_BYTES = 20_000_000  # with less free space not even a small build fits
app.add_typer(sources_app, name="sources")
app.add_typer(engine_app, name="engine")
app.command()(land)
app.command()(replay)
app.command()(erase)
app.command("try")(try_repository)
app.command("map")(write_maps)
app.command()(receive)


@app.command()
def init(root: HomeOption = None) -> None:
    """Write the files in which you choose a North Star and declare changes; keeps those that are there."""
    from orchestration.declared import write_declared

    console, home = Console(file=sys.stdout), Home.at(root)
    with home.lock():
        written = [path for path in (write_settings(home), *write_declared(home)) if path]
    for path in written:
        console.print(f"Wrote {path}", soft_wrap=True)
    if not written:
        console.print(f"{home.settings} and {home.declared} are there already; nothing was changed.", soft_wrap=True)


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
    root: HomeOption = None,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Build and publish even if nothing has changed.")] = False,
) -> None:
    """Pull the sources, land what is in the inbox, shape it, check it, and publish it."""
    console = Console(file=sys.stdout)
    home = Home.at(root)
    _dates(home, as_of, known_at)
    _check_settings(console, home)
    if home.is_locked():
        console.print("Another run is working in this home; waiting for it.")
    with home.lock():
        sync_or_stop(console, home)
        _fill_inbox(console, home, events or [])
        pulled = pull_every_source(home)
        if events or pulled:
            sync_or_stop(console, home, is_said=False)  # what they placed in the home
        dates = _dates(home, as_of, known_at)
        log = None
        if rebuild or waiting_files(home) or not is_current(home, dates):
            log = home.logs / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}.log"
            _land_build_publish(console, home, as_of, known_at, log, pulled)
        else:
            console.print("Nothing new since the last publication: the same events, dates, settings and code.")
        _print_summary(console, home, dates, log, "\n".join(each.words for each in pulled))


def _land_build_publish(
    console: Console, home: Home, as_of: str, known_at: str, log: Path, pulled: "list[Pulled]"
) -> None:
    """Run Dagster's job; where it fails, print why and exit with 1."""
    prepare_instance(home)
    try:
        with log.open("w") as file, progress_on(console), redirect_stdout(file), redirect_stderr(file):
            result = _execute(home, as_of, known_at, pulled)
    except Exception as error:  # of Dagster itself, whose files are in the home too
        console.print(f"{NOT_PUBLISHED}\n✗ {type(error).__name__}: {str(error).splitlines()[0]}", soft_wrap=True)
    else:
        if result.success:
            return
        print_failure(console, result, log)
    if shutil.disk_usage(home.root).free < FULL_BYTES:
        console.print(f"The disk of {home.root} is full. Free some space and run again: nothing was lost.")
    raise typer.Exit(1)


@app.command()
def status(root: HomeOption = None) -> None:
    """Show what waits, what landed, what is in quarantine and what is published."""
    console, home = Console(file=sys.stdout), Home.at(root)
    sync_or_warn(console, home)
    waiting = len(waiting_files(home))
    console.print(f"Home: {home.root}" + (" (sample events)" if home.sample() else ""), soft_wrap=True)
    console.print(f"Inbox: {waiting} files wait to land" + ("; a run is working" if home.is_locked() else ""))
    _check_settings(console, home)
    if home.serving.exists():
        _print_summary(console, home, home.dates())
    else:
        from orchestration.summary import landed_rows

        console.print("Published: nothing yet; `flywheel run` publishes.")
        print_plain(console, f"Rows: {landed_rows(home)}")


@app.command()
def sample(
    to: Annotated[Path | None, typer.Option(help="Only write the files into this folder.")] = None,
    root: HomeOption = None,
) -> None:
    """Put the made-up sample organisation's events into the inbox of a home that has none."""
    console = Console(file=sys.stdout)
    if to:
        to.mkdir(parents=True, exist_ok=True)
        from orchestration.sample.deliveries import write_sample

        files = write_sample(to)
        console.print(f"{len(files)} sample files in {to}", soft_wrap=True)
        return
    home = Home.at(root)
    with home.lock():
        if has_received(home) and not home.sample():
            exit_with_usage_error(
                console, f"{home.root} holds events already; choose another home: flywheel sample --home NEW"
            )
        _put_sample(console, home)


@app.command()
def quarantine(
    limit: Annotated[int, typer.Option(min=1, help="How many rows to list.")] = 20,
    dismiss: Annotated[str, typer.Option(help="Take the rows of this file or batch out of quarantine.")] = "",
    restore: Annotated[str, typer.Option(help="Take back the dismissal of the rows of this file or batch.")] = "",
    line: Annotated[int | None, typer.Option(min=1, help="Dismiss or restore only the rows on this line.")] = None,
    note: Annotated[str, typer.Option(help="Why they are dismissed; a dismissal needs one.")] = "",
    dismissed: Annotated[bool, typer.Option("--dismissed", help="List the dismissed rows.")] = False,
    root: HomeOption = None,
) -> None:
    """List the rows that wait in quarantine, the newest first; dismiss some, or take a dismissal back."""
    from orchestration.summary import quarantine_list

    console, home = Console(file=sys.stdout), Home.at(root)
    if dismiss or restore:
        _decide(console, home, dismiss, restore, line, note.strip())
    elif note or line:
        exit_with_usage_error(console, "--note and --line belong to --dismiss or --restore; name a file or a batch.")
    else:
        sync_or_warn(console, home)
        for text in quarantine_list(home, "dismissed" if dismissed else "waiting", limit):
            print_plain(console, text)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True}, add_help_option=False)
def dbt(context: typer.Context, root: HomeOption = None) -> None:
    """Run dbt by hand on the scratch, a copy of the last approved build, at that build's dates; publishes nothing."""
    from orchestration.build.builds import DBT_PROJECT, BuildError, scratch
    from orchestration.build.dbt import dbt_environment

    console, home = Console(file=sys.stdout), Home.at(root)
    with home.lock():
        try:
            build = scratch(home)
        except BuildError as error:
            exit_with_usage_error(console, str(error))
        environment = os.environ | dbt_environment(home, build, build.dates)
        # not as options, which would follow the user's: `dbt --help` knows none of them
        environment |= {"DBT_PROJECT_DIR": str(DBT_PROJECT), "DBT_PROFILES_DIR": str(DBT_PROJECT)}
        environment |= {"DBT_TARGET_PATH": str(home.dbt_target), "DBT_LOG_PATH": str(home.logs)}
        command = [sys.executable, "-c", DBT, *context.args]
        raise typer.Exit(subprocess.run(command, env=environment, check=False).returncode)


@app.command()
def ui(root: HomeOption = None, port: Annotated[int, typer.Option(help="0 picks a free one.")] = 3000) -> None:
    """Open the Dagster UI of this home on 127.0.0.1, under a secret path of this home."""
    console, home = Console(file=sys.stdout), Home.at(root)
    prepare_instance(home)
    port = port if port and is_free(port) else free_port()
    prefix = path_prefix(home)
    os.environ["DAGSTER_WEBSERVER_PATH_PREFIX"] = prefix  # `dagster dev` has no option for it, its web server does
    console.print(f"Dagster UI: http://127.0.0.1:{port}{prefix}\nStop it with Ctrl-C.", soft_wrap=True)
    sys.stdout.flush()
    # Dagster reads a .env of the folder it starts in, over what is set here, and imports from that folder: in the home
    # itself dashboard/ would stand for our package, where that is a checkout
    os.chdir(home.logs)
    where = ["-h", "127.0.0.1", "-p", str(port), "-m", "orchestration.definitions"]
    os.execv(sys.executable, [sys.executable, "-m", "dagster", "dev", "--log-level", "warning", *where])


def _decide(console: Console, home: Home, dismiss: str, restore: str, line: int | None, note: str) -> None:
    from orchestration.landing import quarantine
    from orchestration.summary import rows_in_words

    if dismiss and restore:
        exit_with_usage_error(console, "Give --dismiss or --restore, not both.")
    if bool(dismiss) != bool(note):
        exit_with_usage_error(console, 'A dismissal, and nothing else, has a reason: --dismiss FILE --note "why".')
    if home.is_locked():
        console.print("A run is working in this home; waiting for it.")
    _check_settings(console, home)
    with home.lock():
        sync(home)
        count = quarantine.dismiss(home, dismiss, line, note) if dismiss else quarantine.restore(home, restore, line)
        left = quarantine.quarantined(home).num_rows
    if not count:
        name, state = (dismiss, "waits in quarantine") if dismiss else (restore, "is dismissed")
        place = f"{name} line {line}" if line else name
        hint = "`flywheel quarantine" + ("" if dismiss else " --dismissed") + "` lists files, lines and batches."
        exit_with_usage_error(console, f"No row of {escape(place)} {state}; {hint}")
    words = f"{rows_in_words(count)} " + ("dismissed" if dismiss else "back in quarantine")
    console.print(f"{words}, {left:,} in quarantine now. `flywheel run` publishes that.")


def _dates(home: Home, as_of: str, known_at: str) -> Dates:
    try:
        return home.dates(as_of, known_at)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _check_settings(console: Console, home: Home) -> None:
    try:
        load_settings(home)
    except SettingsError as error:
        exit_with_usage_error(console, str(error))


def _fill_inbox(console: Console, home: Home, events: list[Path]) -> None:
    has_files = place_events(console, home, events)
    if not has_files and not has_received(home) and not declared_names(home):
        if events:
            exit_with_usage_error(console, f"no file of events in {escape(', '.join(map(str, events)))}")
        _put_sample(console, home)


def _put_sample(console: Console, home: Home) -> None:
    refuse_sample(console, home)
    from orchestration.sample.home import SAMPLE_AS_OF, put_sample

    put_sample(home)
    console.print(
        f"The inbox has never received anything: this home gets the events of a [bold]made-up sample organisation[/],"
        f" as of {SAMPLE_AS_OF:%Y-%m-%d}. Your own: flywheel run --home NEW --events FILE",
        soft_wrap=True,
    )


def _execute(home: Home, as_of: str, known_at: str, pulled: "list[Pulled]") -> "dg.ExecuteInProcessResult":
    # imports and parsed files stay to the end: collecting less often saves 1.5 of 22 CPU-seconds
    gc.set_threshold(50_000, 20, 100)
    # Dagster and dbt take seconds to import, and no other command needs them
    from orchestration.definitions import defs
    from orchestration.instance import event_log_open

    instance = open_instance(home)
    job = defs().resolve_job_def("flywheel")
    dates = {"as_of": as_of, "known_at": known_at}
    sources = {"pulled": {each.name: asdict(each) for each in pulled}}
    config = {"resources": {"dates": {"config": dates}, "sources": {"config": sources}}}
    with event_log_open(instance):
        return job.execute_in_process(run_config=config, instance=instance, raise_on_error=False, tags={CLI_TAG: "cli"})


def _print_summary(console: Console, home: Home, dates: Dates, log: Path | None = None, pulled: str = "") -> None:
    from orchestration.summary import summarize

    table = Table.grid(padding=(0, 2))
    more = [("Sources", pulled), ("Log", str(log) if log else "")]
    for label, words in [*summarize(home, dates), *(line for line in more if line[1])]:
        table.add_row(f"[bold]{label}[/]", Text(words))  # what a source sent is no markup
    console.print(table)


if __name__ == "__main__":
    app()
