"""The commands `flywheel sources add`, `list`, `pull`, `show` and `test`, and `flywheel receive`.

Belongs here: arguments, words, exit codes (1: the source can't be used as it is, 2: bad usage). Does not belong here:
work.
"""

import ipaddress
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from orchestration.home import Home
from orchestration.sources.declaration import SourceError, declared_names, load_source
from orchestration.terminal import HomeOption, print_plain

if TYPE_CHECKING:
    from orchestration.sources.pull import Pulled

app = typer.Typer(no_args_is_help=True, help="Connect your systems: declare sources, and pull events from them.")
NameArgument = Annotated[str, typer.Argument(help="The source: the name of its file in <home>/sources, without .yml.")]


@app.command()
def add(
    template: Annotated[str, typer.Argument(help="The template; `flywheel sources list` lists them.")],
    where: Annotated[
        str, typer.Option(help="The folder of its files, or the address of the repository, the API or the database.")
    ] = "",
    name: Annotated[str, typer.Option(help="A name for the source, else the template's.")] = "",
    root: HomeOption = None,
) -> None:
    """Copy a template into <home>/sources: what to read, the SQL that maps it, and a test."""
    from orchestration.sources.pull import refuse_in_sample
    from orchestration.sources.templates import absolute
    from orchestration.sources.templates import add as add_template

    console, home = Console(file=sys.stdout), Home.at(root)
    with home.lock(), _refusals(console):
        refuse_in_sample(home)
        for path in add_template(home, template, absolute(where), name or None):
            print_plain(console, f"Wrote {path}")
    name = name or template
    first = f"look at `flywheel sources show {name}`" if where else "start `flywheel receive`"
    print_plain(console, f"Next: read {name}.sql, {first}, then `flywheel run`.")


@app.command("list")
def list_sources(root: HomeOption = None) -> None:
    """List the sources of the home with what they said so far, and the templates."""
    from orchestration.sources.statement import ledger, live, said
    from orchestration.sources.templates import templates

    console, home = Console(file=sys.stdout), Home.at(root)
    declared = declared_names(home)
    former = [path.name for path in sorted(home.sent.glob("*")) if path.name not in declared]
    for name in [*declared, *former]:
        words = "declared no more; its events stay"
        try:
            if name in declared:
                source = load_source(home, name)
                words = ", ".join(part for part in (source.kind, source.where) if part)
            sent = home.sent / name
            words += f": {len(live(said(sent))):,} events said, in {len(ledger(sent)):,} files"
        except SourceError as error:
            words = str(error)
        print_plain(console, f"{name:<16} {words}")
    if not declared and not former:
        console.print("No source is declared yet.")
    console.print("\nTemplates, for `flywheel sources add TEMPLATE --where FOLDER`:")
    for name, words in templates().items():
        print_plain(console, f"{name:<16} {words}")


@app.command()
def pull(
    name: NameArgument,
    allow_retractions: Annotated[
        bool, typer.Option("--allow-retractions", help="Retract also when many events have vanished at once.")
    ] = False,
    root: HomeOption = None,
) -> None:
    """Read one source, and put what has changed in its events into the inbox."""
    from orchestration.sources.pull import pull as pull_source

    console, home = Console(file=sys.stdout), Home.at(root)
    with _refusals(console):
        print_plain(console, pull_source(home, name, allow_retractions).words)


@app.command()
def show(name: NameArgument, root: HomeOption = None) -> None:
    """Show what a source's records give: events by type, and records that gave none; sends nothing."""
    from orchestration.sources.examine import examine

    console, home = Console(file=sys.stdout), Home.at(root)
    with _refusals(console):
        found = examine(home, name)
    records = sum(kind.records for kind in found.kinds.values())
    print_plain(console, f"{records:,} records gave {found.event_types.total():,} events:")
    for name, count in found.event_types.most_common():
        print_plain(console, f"  {count:>7,}  {name}")
    print_plain(console, "Records by kind, and the events of those that were mapped alone:")
    for name, kind in found.kinds.items():
        events = ", ".join(f"{count:,} {name}" for name, count in kind.event_types.most_common()) or "no event"
        silent = f"; {kind.silent:,} gave none, such as {', '.join(kind.examples)}" if kind.silent else ""
        print_plain(console, f"  {kind.records:>7,}  {name} → {events} from {kind.tried:,}{silent}")


@app.command("test")
def run_test(
    name: NameArgument,
    accept: Annotated[bool, typer.Option("--accept", help="Write the events that it gives as the expected.")] = False,
    root: HomeOption = None,
) -> None:
    """Map the records in <home>/sources/NAME.test/records, and compare with expected.jsonl next to them."""
    from orchestration.sources.examine import run_test as differences

    console, home = Console(file=sys.stdout), Home.at(root)
    with _refusals(console):
        lines = differences(home, name, accept)
    for line in lines:
        print_plain(console, line)
    if lines:
        print_plain(console, f"{name}: the events differ from the expected ones (-) as shown (+). --accept takes them.")
        raise typer.Exit(1)
    print_plain(console, f"{name}: the test passes.")


def receive(
    host: Annotated[str, typer.Option(help="Where to listen; else for this machine alone.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 picks a free one.")] = 8787,
    root: HomeOption = None,
) -> None:
    """Receive webhooks at http://HOST:PORT/SOURCE, one process for all sources, until it is stopped."""
    from orchestration.sources.pull import refuse_in_sample

    console, home = Console(file=sys.stdout), Home.at(root)
    with _refusals(console):
        refuse_in_sample(home)
    if not _is_loopback(host):
        words = f"Warning: other machines reach {host}, and what they send can be read on the way: it has no TLS."
        print_plain(console, f"{words} Listen at 127.0.0.1, behind a reverse proxy: docs/sources.md says how.")
    sys.stdout.flush()
    # a process of its own: this one has imported what the receiver does not need
    command = [sys.executable, "-P", "-m", "orchestration.sources.webhooks.receiver", str(home.root), host, str(port)]
    os.execv(sys.executable, command)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def pull_every_source(home: Home) -> "list[Pulled]":
    """Pull every declared source, for `flywheel run`; one that fails stops nothing."""
    if not declared_names(home):
        return []
    from orchestration.sources.pull import pull_all  # with what it reads by half a second to import

    return pull_all(home)


@contextmanager
def _refusals(console: Console) -> Iterator[None]:
    """Print why a source can't be used, and exit with 1."""
    try:
        yield
    except SourceError as error:
        console.print(Text(str(error), "red"), soft_wrap=True)
        raise typer.Exit(1) from None
