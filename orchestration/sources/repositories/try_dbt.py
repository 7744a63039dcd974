"""Tries Flywheel on a dbt repository: a home with a source for it, and what was assumed.

Belongs here: choosing project, main line and rules; the home; the table of assumptions. Does not belong here: what the
history says (git.py, the template dbt), arguments and printing (try_cli.py).
"""

import os
import re
import shutil
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from orchestration.declared import write_declared
from orchestration.home import Home, current_time, write_whole
from orchestration.landing.inbox import has_received
from orchestration.sources import received
from orchestration.sources.declaration import VARIABLE, Source, SourceError, declared_names, load_source
from orchestration.sources.mapping import Mapping
from orchestration.sources.pull import receive, refuse_in_sample, tables, without_secrets
from orchestration.sources.records import records_table
from orchestration.sources.repositories.dbt_projects import (
    Project,
    find_projects,
    is_address,
    main_branch,
    repository_of,
)
from orchestration.sources.repositories.git import folders_of, git, head
from orchestration.sources.statement import Event
from orchestration.sources.templates import add

NAME = "dbt"  # of the source, and of its template
DRAFT = ".try.tmp"  # a home in the home, in which a source is made before it is one
SHOWN = 8  # domains, of each kind

# what the template says, and what `try` writes in its place where the project is not laid out in layers
PLACE = "'^(.*?/)?models/'"
UNNAMED = "nullif(part.above, ''), 'dbt')"
PRODUCTS = """is_model and (part.layer in ('mart', 'marts', 'gold')
            or part.layer in ('intermediate', 'silver') and part.below || part.above <> '') as is_product"""
PUBLIC = "is_model and is_public as is_product"
EVERY = "is_model and part.layer = '' and not regexp_matches(model, '^(stg|base|src|raw|int)_') as is_product"
NO_DOMAIN = "        end) as domain"
FOLDER = "            else coalesce(nullif(regexp_extract(place, '^([^/]+)/', 1), ''), {name})\n" + NO_DOMAIN
# the first folders that the template knows
LAYERS = ("staging", "base", "bronze", "intermediate", "silver", "mart", "marts", "gold")
USERS = ("external", "integrations", "reporting", "dimensional")


@dataclass(frozen=True)
class Tried:
    """What was found in a repository, what was chosen, and the events that it gives."""

    source: Source
    commit: str
    committed_on: str  # its day
    projects: list[Project]  # the chosen one first
    rule: str  # which models are data products: layers, public or every
    has_layers: bool
    has_groups: bool
    folders: list[str]  # of the models, now and before the project moved
    events: list[Event]

    @property
    def project(self) -> Project:
        """The chosen project."""
        return self.projects[0]


def default_home(place: str) -> Path:
    """A folder in the current one, named after the repository at an address or around a folder; raises SourceError."""
    top = place if is_address(place) else str(repository_of(Path(place).expanduser())[0])
    name = re.split(r"[/:]", top.rstrip("/"))[-1].removesuffix(".git")
    return Path(f"{name or 'dbt'}-flywheel")


def set_up(root: Path, place: str, project: str | None = None) -> tuple[Home, Tried | None]:
    """A home at `root` with a source for the dbt project at `place`, and what was assumed; None where it was there.

    `place` is an address, or a folder in a clone; `project` the folder of a project in it. Raises SourceError where
    there is nothing to measure, or where the home holds something else; then it leaves nothing behind.
    """
    if missing := [name for name in VARIABLE.findall(place) if name not in os.environ]:
        raise SourceError(f"{missing[0]} of {place} is not in the environment; set it.")
    where, within = (place, ".") if is_address(place) else map(str, repository_of(Path(place).expanduser()))
    is_new = not root.exists() or not any(root.iterdir())
    if not is_new and not (root / "inbox").is_dir():
        raise SourceError(f"{root} holds other files; choose another folder for the results: --home NEW.")
    home = Home.at(root)
    with home.lock():
        if _is_there(home, where):
            return home, None
        draft = Home(home.root / DRAFT)
        try:
            tried = _chosen(draft, where, PurePosixPath(within, project or ".").as_posix())
            _move(draft, home)
        except BaseException:
            shutil.rmtree(home.root if is_new else draft.root, ignore_errors=True)
            raise
    return home, tried


def _is_there(home: Home, where: str) -> bool:
    """Whether a home has the source of this repository already; raises SourceError where it holds something else."""
    refuse_in_sample(home)
    known = declared_names(home)
    other = f"holds the source {known[0]}" if known else "holds events" if has_received(home) else ""
    if NAME in known:
        other = f"reads {load_source(home, NAME).where}"
        if load_source(home, NAME).where == where:
            return True
    if other:
        raise SourceError(f"{home.root} {other}, not {where}; choose another home: --home NEW.")
    return False


def _move(draft: Home, home: Home) -> None:
    """Move a source from a draft into its home; its declaration last, because it makes the source one."""
    write_declared(home)
    parts = [Path("received", NAME), *(Path("sources", f"{NAME}.{part}") for part in ("test", "sql", "yml"))]
    for part in parts:
        target = home.root / part
        target.parent.mkdir(exist_ok=True)
        if target.is_dir():  # of an attempt that was stopped here
            shutil.rmtree(target)
        (draft.root / part).rename(target)
    shutil.rmtree(draft.root)


def _chosen(home: Home, where: str, within: str) -> Tried:
    """A source in a new home, with the choices written into its files."""
    shutil.rmtree(home.root, ignore_errors=True)  # of an attempt that was stopped
    add(Home.at(home.root), NAME, where, NAME)
    source = load_source(home, NAME)
    with without_secrets(source):
        source = (
            source if source.is_remote else replace(source, settings=source.settings | {"branch": main_branch(source)})
        )
        commit = head(source)
        projects = find_projects(source, commit, within)
        project = projects[0]
        settings = source.settings | {"folder": project.models_folder}
        source = replace(source, settings=settings)
        _write_settings(source, settings)
        receive(source, current_time())
        records = records_table(received.records_of(source))
        bodies = "\n".join(records["body"].to_pylist())
        has_groups, has_public = '"group":' in bodies, '"is_public":true' in bodies
        template, (folders, _) = source.sql.read_text(), folders_of(source, commit)
        events = _events(home, source, records, _sql(template, project.name, folders, "layers", True))
        has_layers = bool(_deployed(events))
        rule = "public" if has_public else "layers" if has_layers else "every"
        if rule != "layers":
            events = _events(home, source, records, _sql(template, project.name, folders, rule, has_layers))
    if not _deployed(events):
        raise SourceError(f"{project.words}: its history in {source.where} has no model that could be a data product.")
    day = git(source, "show", "--no-patch", "--format=%cs", commit)
    return Tried(source, commit, day, projects, rule, has_layers, has_groups, folders, events)


def _write_settings(source: Source, settings: dict[str, Any]) -> None:
    path = source.home.sources / f"{NAME}.yml"
    lines = path.read_text().splitlines(keepends=True)
    for number, line in enumerate(lines):
        key = line.partition(":")[0]
        if key in settings:
            lines[number] = f"{key}: {_quoted(settings[key])}\n"
    write_whole(path, "".join(lines).encode())


def _quoted(value: str) -> str:
    return value if re.fullmatch(r"[\w./-]*\w", value) else "'" + value.replace("'", "''") + "'"


def _sql(template: str, project: str, folders: list[str], rule: str, has_layers: bool) -> str:
    """The template with the choices in it."""
    name = "'" + project.replace("'", "''") + "'"
    starts = "|".join("" if folder == "." else f"{re.escape(folder)}/" for folder in folders)
    place = f"^({starts})" if len(folders) > 1 else f"^{starts}"
    changes = {PLACE: "'" + place.replace("'", "''") + "'", UNNAMED: UNNAMED.replace("'dbt'", name)}
    changes[PRODUCTS] = {"layers": PRODUCTS, "public": PUBLIC, "every": EVERY}[rule]
    changes[NO_DOMAIN] = NO_DOMAIN if has_layers else FOLDER.format(name=name)
    for old, new in changes.items():
        assert old in template, f"the template dbt says no more: {old}"
        template = template.replace(old, new)
    return template


def _events(home: Home, source: Source, records: Any, sql: str) -> list[Event]:
    write_whole(source.sql, sql.encode())
    with Mapping(source.sql, tables(home, source, records)) as mapping:
        return mapping.events()


def _deployed(events: list[Event]) -> list[Event]:
    return [event for event in events if event["event_type"] == "deployed"]


def assumptions(tried: Tried) -> list[tuple[str, str, str]]:
    """(what, what was assumed, what to edit to change it), a row each; names of files are in the home's sources/."""
    return [row for row in (*_choices(tried), *_rules(tried)) if row[1]]


def _choices(tried: Tried) -> list[tuple[str, str, str]]:
    """What is read."""
    source, project = tried.source, tried.project
    others = "; not read: " + ", ".join(other.words for other in tried.projects[1:4]) if tried.projects[1:] else ""
    more = f", and before it moved {', '.join(tried.folders[1:])}" if tried.folders[1:] else ""
    more += f"; not read: {', '.join(project.other_folders)}" if project.other_folders else ""
    branch = "its default branch" if source.is_remote else source.settings["branch"]
    until = f"up to commit {tried.commit[:12]} of {tried.committed_on}, after which nothing happens"
    return [
        ("dbt project", project.words + others, "--project FOLDER, in a new home"),
        ("models", project.models_folder + more, "folder in dbt.yml"),
        (
            "main line",
            f"{branch}, {until}; a merge counts on its day",
            f"git fetch; branch in dbt.yml; --as-of {tried.committed_on} looks back",
        ),
    ]


def _rules(tried: Tried) -> list[tuple[str, str, str]]:
    """What it means, with how often it happened."""
    of = {kind: [event for event in tried.events if event["event_type"] == kind] for kind in _KINDS}
    count = {kind: f"{len(events):,}" for kind, events in of.items()}
    owners = Counter({e["data_product_id"]: str(e.get("domain")) for e in of["deployed"]}.values())
    users = Counter(str(event["consumer_domain"]) for event in of["adopted"])
    declared = sum(event.get("evidence") == "declared" for event in of["adopted"])
    adopted = f"{_FIRST_USE}: {count['adopted']}, of them {declared:,} by exposures"
    adopted += "; an exposure counts for its owner, who may be a person" if declared else ""
    started = f"{_FIRST_COMMIT}: known of {count['work_started']} of {count['deployed']}"
    layout, edit = "YOUR LAYOUT in dbt.sql", "{} in dbt.sql"
    return [
        ("data product", f"{_PRODUCTS[tried.rule]}: {owners.total():,}", layout),
        ("domain", f"{_domain_words(tried)}: {_counted(owners)}", layout),
        ("not counted", _not_counted(tried), layout),
        ("started", f"{started}; a squashed or direct commit does not show it", edit.format("work_started")),
        ("deployed", f"its file's arrival on the main line: {count['deployed']}", edit.format("deployed")),
        ("adopted", adopted + (f"; by {_counted(users)}" if users else ""), edit.format("YOUR CONSUMERS")),
        (
            "moved",
            f"to another folder or group, its new owner from then on: {count['owner_changed']}",
            edit.format("owner_changed"),
        ),
        ("retired", f"its file is deleted: {count['retired']}", edit.format("retired")),
        ("not known", _unknown(owners), "another source: flywheel sources list"),
    ]


_KINDS = ("work_started", "deployed", "adopted", "owner_changed", "retired")
_FIRST_COMMIT = "the author date of the first commit that brought it, on any branch"
_FIRST_USE = "the first ref() in a model of another domain, or in an exposure"
_PRODUCTS = {
    "layers": "a model in marts (mart, gold), or in a folder of intermediate (silver)",
    "public": "a model with access: public, now or once",
    "every": "every model but those in staging, or named stg_, base_, src_, raw_, int_",
}


def _domain_words(tried: Tried) -> str:
    folder = "the folder in its layer" if tried.has_layers else "its first folder"
    return ("a model's dbt group, else " if tried.has_groups else "") + f"{folder}, else {tried.project.name}"


def _counted(counts: Counter[str]) -> str:
    """The most frequent names with their counts."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rest = f" and {len(ordered) - SHOWN} more" if len(ordered) > SHOWN else ""
    return ", ".join(f"{name} {count:,}" for name, count in ordered[:SHOWN]) + rest


def _not_counted(tried: Tried) -> str:
    """The folders whose models are neither products nor users, with how many they are."""
    if not tried.has_layers:
        return ""
    parts = [PurePosixPath(path).parts for path in tried.project.models]
    other = Counter(p[0] for p in parts if len(p) > 1 and not {*p[:2]} & {*LAYERS} and p[0] not in USERS)
    return f"models in {_counted(other)}: no domain is known for them" if other else ""


def _unknown(owners: Counter[str]) -> str:
    words = "ideas, so time to value begins at deployment; uses outside of the project that are no exposure"
    if len(owners) == 1:
        words += f"; uses by other domains: all products are in one, {next(iter(owners))}"
    return words
