"""Templates of sources: `sources/<template>/` in the package, copied into a home.

Belongs here: which templates there are, copying one. Does not belong here: what a copy does (declaration.py, pull.py).
"""

import json
import os
from pathlib import Path

from orchestration.declared import write_declared
from orchestration.home import FILES, Home, write_whole
from orchestration.sources.declaration import NAME, SECRET, URL, VARIABLE, SourceError

TEMPLATES = FILES / "sources"
PLACE = "where: FOLDER"  # what `add` fills in, in a template's source.yml; that of a receiver has none


def templates() -> dict[str, str]:
    """{template: what it is, the first line of its SQL}, in order."""
    paths = sorted(TEMPLATES.glob("*/mapping.sql"))
    return {path.parent.name: path.read_text().splitlines()[0].removeprefix("-- ") for path in paths}


def add(home: Home, template: str, where: str = "", name: str | None = None) -> list[Path]:
    """Copy a template into a home, as the source `name`, reading from `where`; returns the files. Raises SourceError.

    `where` is a folder, from the home where it is relative, or an address; it may hold ${NAME} of the environment. A
    template of something that is received has none.
    """
    name = name or template
    if template not in (known := templates()):
        raise SourceError(f"There is no template {template}. There are: {', '.join(known)}.")
    if not NAME.fullmatch(name):
        raise SourceError(f"{name} can't name a source: write small letters, digits and _, a letter first.")
    if SECRET.search(where):
        raise SourceError("The address holds a secret; put it into the environment, and write '${NAME}' in its place.")
    has_place = PLACE in (TEMPLATES / template / "source.yml").read_text()
    if has_place != bool(where):
        words = "reads from a place: add --where" if has_place else "receives what is sent to it: leave out --where"
        raise SourceError(f"The template {template} {words}.")
    copies = dict(_copies(home, template, name))
    if taken := [path for path in copies if path.exists()]:
        raise SourceError(f"{taken[0]} is there already; give the new source another name: --name NAME.")
    for path, original in copies.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        content = original.read_bytes()
        if original.name == "source.yml":
            content = content.replace(PLACE.encode(), f"where: {json.dumps(where)}".encode())
        write_whole(path, content)
    return [*copies, *write_declared(home)]


def absolute(where: str) -> str:
    """An address as it is, a path made absolute; nothing stays nothing."""
    is_path = where and not VARIABLE.search(where) and not URL.match(where) and "://" not in where
    return os.path.abspath(Path(where).expanduser()) if is_path else where  # noqa: PTH100 - no symlink is followed


def _copies(home: Home, template: str, name: str) -> list[tuple[Path, Path]]:
    """(copy, original) of each file of a template; the declaration last, because it makes the source one."""
    folder = TEMPLATES / template
    tests = [path for path in sorted((folder / "test").rglob("*")) if path.is_file()]
    copies = [(home.sources / f"{name}.test" / path.relative_to(folder / "test"), path) for path in tests]
    copies.append((home.sources / f"{name}.sql", folder / "mapping.sql"))
    return [*copies, (home.sources / f"{name}.yml", folder / "source.yml")]
