"""When the work on a file began: the first commit that brought it, on whatever branch.

Belongs here: which commits a merge brought to the main line, and which of them wrote a file first. Does not belong
here: the git command (git.py).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

COMMIT, FIELD = "\x1e", "\x1f"
FORMAT = f"--format={COMMIT}%H{FIELD}%aI"
# children before their parents; every branch, also one whose changes another has replaced
LOG = ("--topo-order", "--full-history", "--no-merges", "--diff-filter=AR", "-M50%", "--name-status", FORMAT)


@dataclass(frozen=True)
class Commit:
    """A commit that is no merge, with the files that it added, or renamed, as {new path: old path, or None}."""

    authored_at: str  # RFC 3339
    brought: dict[str, str | None] = field(default_factory=dict)


def first_authored(path: str, commits: Iterable[Commit]) -> str | None:
    """The author date (RFC 3339) of the first of the commits, the newest first, that brought a file, under any name."""
    names, times = {path}, []
    for commit in commits:
        for name in names & commit.brought.keys():
            old = commit.brought[name]
            names = names | {old} if old else names
            times += [commit.authored_at] if old is None else []
    return min(times, key=datetime.fromisoformat, default=None)


def by_arrival(graph: Iterable[str]) -> dict[str, str]:
    """{commit: the commit of the main line that brought it}, from the output of git rev-list --parents."""
    parents = {first: rest for first, *rest in map(str.split, graph)}
    main = list(_main_line(parents))
    arrival: dict[str, str] = {commit: commit for commit in main}
    for commit in reversed(main):
        waiting = list(parents[commit][1:])
        while waiting:
            other = waiting.pop()
            if other in parents and other not in arrival:
                arrival[other] = commit
                waiting += parents[other]
    return arrival


def read_commits(lines: Iterable[str]) -> Iterator[tuple[str, Commit]]:
    """(id, commit) of the output of git log as LOG asks for it, in its order."""
    commit_id, commit = "", Commit("")
    for line in lines:
        if line.startswith(COMMIT):
            if commit_id:
                yield commit_id, commit
            commit_id, authored_at = line[1:].split(FIELD)
            commit = Commit(authored_at)
        elif line:
            _, *paths = line.split("\t")
            commit.brought[paths[-1]] = paths[0] if len(paths) > 1 else None
    if commit_id:
        yield commit_id, commit


def _main_line(parents: dict[str, list[str]]) -> Iterator[str]:
    """The commits that following the first parents gives, the newest first: rev-list begins with it."""
    commit = next(iter(parents), None)
    while commit in parents:
        yield commit
        commit = next(iter(parents[commit]), None)
