"""Finds the dbt projects in a repository, at a commit.

Belongs here: where their models are, and how many; the repository of a path, its main line. Does not belong here: what
happened to the models (git.py), a home (try_dbt.py).
"""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from orchestration.sources.declaration import URL, VARIABLE, Source, SourceError
from orchestration.sources.repositories.dbt_properties import MODEL, loaded, model_paths
from orchestration.sources.repositories.git import NO_GIT, git

PROJECT_FILE = "dbt_project.yml"
INSTALLED = {"dbt_packages", "dbt_modules", "node_modules", "site-packages"}  # projects of others


@dataclass(frozen=True)
class Project:
    """One dbt project: the folders of its file and of its models, from the top of the repository, and its models."""

    name: str
    folder: str
    models_folder: str
    models: tuple[str, ...]  # paths below models_folder
    other_folders: tuple[str, ...] = ()  # of more models, which are not read

    @property
    def words(self) -> str:
        """Its name, its folder and how many models it has."""
        return f"{self.name} in {'the top folder' if self.folder == '.' else self.folder}, {len(self.models):,} models"


def is_address(place: str) -> bool:
    """Whether git is to fetch from a place, which then is no folder."""
    return URL.match(place) is not None or VARIABLE.search(place) is not None


def repository_of(path: Path) -> tuple[Path, str]:
    """(top folder of the repository, path in it) of a folder in a clone; of a bare one itself. Raises SourceError."""
    if not path.is_dir():
        raise SourceError(f"{path} is no folder, and no address of a repository.")
    words = {"show-toplevel": "", "absolute-git-dir": ""}
    for option in words:
        command = ["git", "-c", "safe.directory=*", "-C", str(path), "rev-parse", f"--{option}"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"LC_ALL": "C"})
        except FileNotFoundError:
            raise SourceError(NO_GIT) from None
        words[option] = done.stdout.strip()
    top = words["show-toplevel"] or words["absolute-git-dir"]
    if not top:
        raise SourceError(f"{path} is in no git repository: flywheel try reads a project's history. Clone it with git.")
    is_inside = bool(words["show-toplevel"])
    return Path(top), path.resolve().relative_to(Path(top).resolve()).as_posix() if is_inside else "."


def main_branch(source: Source) -> str:
    """The main line of a clone: its origin's, else main or master, else what is checked out. Raises SourceError."""
    origin = git(source, "symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD")
    for branch in filter(None, [origin, "main", "master"]):
        if git(source, "rev-parse", "--verify", "--quiet", f"{branch}^{{commit}}"):
            return branch
    if not git(source, "rev-parse", "--verify", "--quiet", "HEAD^{commit}"):
        raise SourceError(f"{source.where} has no commit, so no history.")
    return "HEAD"


def find_projects(source: Source, commit: str, within: str = ".") -> list[Project]:
    """The dbt projects in or around a folder of a repository, that with the most models first; raises SourceError."""
    files = git(source, "ls-tree", "-r", "-z", "--name-only", commit).split("\0")
    paths = [PurePosixPath(file) for file in files if PurePosixPath(file).name == PROJECT_FILE]
    paths = [path for path in paths if not INSTALLED & {*path.parts}]
    here = PurePosixPath(within)
    inside = [path for path in paths if path.is_relative_to(here)]
    around = [path for path in paths if here.is_relative_to(path.parent)]
    chosen = inside or sorted(around, key=lambda path: -len(path.parts))[:1]
    if not chosen:
        place = source.where if within == "." else f"{within} of {source.where}"
        others = f" There are: {', '.join(str(path.parent) for path in sorted(paths))}." if paths else ""
        raise SourceError(f"{place} has no {PROJECT_FILE} in commit {commit[:12]}, so no dbt project.{others}")
    projects = [_project(path, loaded(git(source, "show", f"{commit}:{path}")), files) for path in chosen]
    return sorted(projects, key=lambda project: (-len(project.models), project.folder))


def _project(path: PurePosixPath, read: dict, files: list[str]) -> Project:
    below = {str(path.parent / name): _below(str(path.parent / name), files) for name in model_paths(read)}
    models_folder = max(below, key=lambda folder: len(below[folder]))
    others = tuple(folder for folder in below if folder != models_folder)
    name = str(read.get("name") or path.parent.name or "dbt")
    return Project(name, str(path.parent), models_folder, tuple(below[models_folder]), others)


def _below(folder: str, files: list[str]) -> list[str]:
    """The models among files that are below a folder, as paths from there."""
    start = "" if folder == "." else f"{folder}/"
    return sorted(file.removeprefix(start) for file in files if file.endswith(MODEL) and file.startswith(start))
