"""Reads the history of a git repository: one record for each file that a commit of the main line changed.

Belongs here: the git command, and its output to records. Does not belong here: what a change means (a source's SQL).

The main line is what following the first parents gives: a merge is one commit, with all that it brought. A record has
`sequence` (from 1, the oldest first), `commit_id`, `committed_at` (RFC 3339), `change` (added, modified, renamed or
deleted), `path`, `old_path` (of a rename or modification) and `added_refs` (the dbt models in ref() on added lines);
of an added or renamed file `first_authored_at` (RFC 3339), the author date of the first commit on any branch that
brought it; and what dbt's files say of the models (dbt_properties.py).
"""

import gzip
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

import orjson

from orchestration.sources import received
from orchestration.sources.declaration import Source, SourceError
from orchestration.sources.repositories import git_starts
from orchestration.sources.repositories.dbt_properties import MENTION, refs_in, with_properties
from orchestration.sources.repositories.git_starts import COMMIT, FIELD

READER = 2  # raise it when the same history gives other records
NO_GIT = "git is not installed; install it to read a repository."
FETCHED = "refs/flywheel/main"  # the main line of a remote repository, in Flywheel's own clone
FETCH_SECONDS = 1800
# the same output whatever the user has configured
FIXED = {"core.quotepath": "off", "diff.renameLimit": "20000", "log.showSignature": "false", "diff.noprefix": "false"}
LITERAL = {"GIT_LITERAL_PATHSPECS": "1"}  # a folder's name is no pattern
LOG = (
    *("--first-parent", "-m", "--reverse", "-M50%", "-p", "-U0", "--no-color", "--no-ext-diff", "--no-textconv"),
    *("--full-index", "--diff-algorithm=myers", "--src-prefix=a/", "--dst-prefix=b/", f"--format={COMMIT}%H{FIELD}%cI"),
)


def receive(source: Source, now: datetime) -> tuple[str, ...]:
    """Keep the history of a repository, read anew when its main line has changed: a rebase changes all of it."""
    commit = head(source)
    before = received.listings(source)
    state = {"commit": commit, "folder": source.settings["folder"], "reader": READER}
    if before and before[-1].state == state:
        return ()
    lines = (orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in read_history(source, commit))
    source.received.mkdir(parents=True, exist_ok=True)
    temporary = source.received / ".history.tmp"
    temporary.write_bytes(gzip.compress(b"".join(lines), mtime=0))
    received.keep(source, {"history.jsonl.gz": temporary}, state, now)
    temporary.unlink()
    return ()


def head(source: Source) -> str:
    """The commit at the end of the main line, fetched where the repository is remote.

    Raises SourceError where there is no whole history to read.
    """
    if source.is_remote:
        _fetch(source)
    branch = FETCHED if source.is_remote else source.settings["branch"]
    commit = git(source, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{branch}^{{commit}}")
    if not commit:
        raise SourceError(f"{source.where} has no branch {source.settings['branch']}; correct `branch`.")
    if git(source, "rev-parse", "--is-shallow-repository") == "true":
        raise SourceError(
            f"{source.where} is a shallow clone, without its older commits: git -C {source.where} fetch --unshallow"
        )
    return commit


def read_history(source: Source, commit: str) -> list[dict[str, Any]]:
    """The records of the main line up to a commit, oldest first; raises SourceError where nothing changed `folder`."""
    folders, projects = folders_of(source, commit)
    with _lines(source, "log", commit, *LOG, "--", *folders, *projects) as lines:
        changes = list(_changes(lines))
    with _blobs(source) as blob:
        changes = with_properties(changes, folders, projects, blob)
    if not changes:
        raise SourceError(f"no commit of {source.where} changed a file in {folders[0]}; correct `folder`.")
    _note_starts(source, commit, folders, changes)
    return [{"sequence": number, **change} for number, change in enumerate(changes, 1)]


def folders_of(source: Source, commit: str) -> tuple[list[str], list[str]]:
    """(folder of the source, paths of the dbt_project.yml it belongs to) at a commit, each with those it moved from."""
    folder = PurePosixPath(source.settings["folder"])
    files = [str(parent / "dbt_project.yml") for parent in (folder / "x").parents]
    found = git(source, "ls-tree", "--name-only", commit, "--", *files).splitlines()
    if not found:
        return [str(folder)], []
    projects = [max(found, key=len)]
    follow = ("--follow", "--first-parent", "-m", "-M50%", "--diff-filter=R", "--name-status", "--format=")
    for line in git(source, "log", commit, *follow, "--", projects[0]).splitlines():
        if line.startswith("R") and (old := line.split("\t")[1]) not in projects:
            projects.append(old)
    below = folder.relative_to(PurePosixPath(projects[0]).parent)
    return list(dict.fromkeys(str(PurePosixPath(path).parent / below) for path in projects)), projects


def _note_starts(source: Source, commit: str, folders: list[str], changes: list[dict[str, Any]]) -> None:
    """Add `first_authored_at` to the changes that brought a file: of a renamed one, that of its first name."""
    arrival = git_starts.by_arrival(git(source, "rev-list", "--topo-order", "--parents", commit).splitlines())
    brought: dict[str, list[git_starts.Commit]] = {}
    with _lines(source, "log", commit, *git_starts.LOG, "--", *folders) as lines:
        for commit_id, other in git_starts.read_commits(lines):
            brought.setdefault(arrival[commit_id], []).append(other)
    starts: dict[str, str | None] = {}
    for change in changes:
        path = change["path"]
        if change["change"] == "added":
            starts[path] = git_starts.first_authored(path, brought.get(change["commit_id"], []))
        elif change["change"] == "renamed":
            starts[path] = starts.pop(change["old_path"], None)
        if change["change"] in ("added", "renamed") and starts[path]:
            change["first_authored_at"] = starts[path]


def _fetch(source: Source) -> None:
    """Bring the main line of a remote repository into Flywheel's own clone; its address stays out of every file."""
    clone, branch = source.location, source.settings["branch"]
    own = {"GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": "https:http:ssh:git:file", "LC_ALL": "C"}
    # by the environment, because the arguments of a process can be seen by others
    count = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
    own |= {"GIT_CONFIG_COUNT": str(count + 1), f"GIT_CONFIG_VALUE_{count}": "source:"}
    own |= {f"GIT_CONFIG_KEY_{count}": f"url.{source.address}.insteadOf"}
    fetch = [
        "--quiet",
        "--no-tags",
        "--no-write-fetch-head",
        "--force",
        "source:",
        f"{branch}:{FETCHED}",
    ]
    commands = [["init", "--quiet", "--bare", str(clone)], ["-C", str(clone), "fetch", *fetch]]
    for command in commands:
        try:
            done = subprocess.run(
                ["git", *command], capture_output=True, text=True, env=os.environ | own, timeout=FETCH_SECONDS
            )
        except FileNotFoundError:
            raise SourceError(NO_GIT) from None
        except subprocess.TimeoutExpired:
            raise SourceError(f"{source.where} took longer than {FETCH_SECONDS} seconds to fetch.") from None
        if done.returncode:
            raise SourceError(f"git can't fetch {branch} of {source.where}: {_last_line(done.stderr)}")


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.startswith(("fatal: ", "error: "))] or text.splitlines()
    return lines[0].strip() if lines else "it says nothing more"


def _changes(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The changed files in the output of git log, in its order."""
    commit, committed_at = "", ""
    change: dict[str, Any] | None = None
    for line in lines:
        if line.startswith((COMMIT, "diff --git ")) and change:
            yield change
            change = None
        if line.startswith(COMMIT):
            commit, committed_at = line[1:].split(FIELD)
        elif line.startswith("diff --git "):
            path = _path(line.removeprefix("diff --git "))
            change = {"commit_id": commit, "committed_at": committed_at, "change": "modified"}
            change |= {"path": path, "old_path": path, "added_refs": [], "_blob": None, "_mentions": False}
        elif change:
            _note(change, line)
    if change:
        yield change


def _note(change: dict[str, Any], line: str) -> None:
    """Add to a change what a line of its diff says."""
    if line.startswith("new file mode"):
        change |= {"change": "added", "old_path": None}
    elif line.startswith("deleted file mode"):
        change["change"] = "deleted"
    elif line.startswith("rename from "):
        change |= {"change": "renamed", "old_path": line.removeprefix("rename from ")}
    elif line.startswith("rename to "):
        change["path"] = line.removeprefix("rename to ")
    elif line.startswith("index "):
        change["_blob"] = line.split()[1].split("..")[1]
    elif line.startswith(("+", "-")) and not line.startswith(("+++ ", "--- ")):
        change["_mentions"] |= MENTION.search(line) is not None
        if line.startswith("+") and not line[1:].lstrip().startswith("--"):
            change["added_refs"] = sorted({*change["added_refs"], *refs_in(line)})


def _path(both: str) -> str:
    """The path in `a/<path> b/<path>`; a rename's two are in lines of their own."""
    return both[2 : (len(both) - 1) // 2]


@contextmanager
def _lines(source: Source, *arguments: str) -> Iterator[Iterator[str]]:
    """The lines of what a git command prints; raises SourceError, at the end, where it fails."""
    command = _command(source, *arguments)
    with (
        tempfile.TemporaryFile() as words,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=words, env=_environment()) as process,
    ):
        assert process.stdout
        yield (line.decode("utf-8", "replace").rstrip("\n") for line in process.stdout)
        if process.wait():
            words.seek(0)
            raise SourceError(f"git can't read the history of {source.where}: {_last_line(words.read().decode())}")


@contextmanager
def _blobs(source: Source) -> Iterator[Callable[[str], str]]:
    """The text of a blob, by its id; empty where it is not there."""
    command = _command(source, "cat-file", "--batch")
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=_environment()
    ) as process:
        assert process.stdin and process.stdout
        given, printed = process.stdin, process.stdout

        def text(blob: str) -> str:
            given.write(f"{blob}\n".encode())
            given.flush()
            header = printed.readline().split()
            return printed.read(int(header[2]) + 1)[:-1].decode("utf-8", "replace") if len(header) == 3 else ""

        yield text
        given.close()


def git(source: Source, *arguments: str) -> str:
    """What a git command prints; empty where it says no. Raises SourceError where there is no repository, or no git."""
    if not source.location.is_dir():
        raise SourceError(f"{source.where} is no folder; correct `where` in {source.name}.yml.")
    try:
        done = subprocess.run(_command(source, *arguments), capture_output=True, text=True, env=_environment())
    except FileNotFoundError:
        raise SourceError(NO_GIT) from None
    if "not a git repository" in done.stderr:
        raise SourceError(f"{source.where} is no git repository; clone it there, or correct `where`.")
    return done.stdout.strip() if done.returncode == 0 else ""


def _command(source: Source, *arguments: str) -> list[str]:
    root = source.location
    settings = [part for name, value in FIXED.items() for part in ("-c", f"{name}={value}")]
    return ["git", "-c", f"safe.directory={root.resolve()}", *settings, "-C", str(root), *arguments]


def _environment() -> dict[str, str]:
    return os.environ | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "LC_ALL": "C"} | LITERAL
