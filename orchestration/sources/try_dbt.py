"""Tries Flywheel on a dbt repository: a home with a source for it, and what was assumed.

Belongs here: choosing project, main line and rules; the home; the table of assumptions. Does not belong here: what the
history says (git.py, the template dbt), arguments and printing (try_cli.py).
"""

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
from orchestration.sources.dbt_projects import Project, find_projects, is_address, main_branch, repository_of
from orchestration.sources.declaration import Source, SourceError, declared_names, load_source
from orchestration.sources.git import folders_of, head
from orchestration.sources.mapping import Mapping
from orchestration.sources.pull import receive, refuse_in_sample, tables, without_secrets
from orchestration.sources.records import records_table
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
        has_layers = bool(
            _deployed(_events(home, source, records, _sql(template, project.name, folders, "layers", True)))
        )
        rule = "public" if has_public else "layers" if has_layers else "every"
        events = _events(home, source, records, _sql(template, project.name, folders, rule, has_layers))
    if not _deployed(events):
        raise SourceError(f"{project.words}: its history in {source.where} has no model that could be a data product.")
    return Tried(source, commit, projects, rule, has_layers, has_groups, folders, events)


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
    source, project, events = tried.source, tried.project, tried.events
    kinds = ("work_started", "adopted", "owner_changed", "retired")
    of = {kind: [event for event in events if event["event_type"] == kind] for kind in kinds}
    deployed = _deployed(events)
    products = {event["data_product_id"] for event in deployed}
    others = "; not read: " + ", ".join(other.words for other in tried.projects[1:4]) if tried.projects[1:] else ""
    more = f", and before it moved {', '.join(tried.folders[1:])}" if tried.folders[1:] else ""
    more += f"; not read: {', '.join(project.other_folders)}" if project.other_folders else ""
    branch = "its default branch" if source.is_remote else source.settings["branch"]
    owners = Counter({e["data_product_id"]: str(e.get("domain")) for e in deployed}.values())
    users = Counter(str(event["consumer_domain"]) for event in of["adopted"])
    declared = sum(event.get("evidence") == "declared" for event in of["adopted"])
    rows = [
        ("dbt project", project.words + others, "--project FOLDER, in a new home"),
        ("models", project.models_folder + more, "folder in dbt.yml"),
        (
            "main line",
            f"{branch}, up to commit {tried.commit[:12]}; a merge counts on the day it arrives",
            "branch in dbt.yml",
        ),
        ("data product", f"{_RULES[tried.rule]}: {len(products):,}", "YOUR LAYOUT in dbt.sql"),
        ("domain", f"{_domain_words(tried)}: {_counted(owners)}", "YOUR LAYOUT in dbt.sql"),
        ("not counted", _not_counted(tried), "YOUR LAYOUT in dbt.sql"),
        ("started", _started_words(len(of["work_started"]), len(deployed)), "work_started in dbt.sql"),
        ("deployed", f"its file's arrival on the main line: {len(deployed):,}", "deployed in dbt.sql"),
        (
            "adopted",
            f"the first ref() in a model of another domain, or in an exposure: {len(of['adopted']):,}, of them "
            f"{declared:,} by exposures" + (f"; by {_counted(users)}" if users else ""),
            "YOUR CONSUMERS in dbt.sql",
        ),
        (
            "moved",
            f"to another folder or group, its new owner from then on: {len(of['owner_changed']):,}",
            "owner_changed in dbt.sql",
        ),
        ("retired", f"its file is deleted: {len(of['retired']):,}", "retired in dbt.sql"),
        ("not known", _unknown(tried, owners), "another source: flywheel sources list"),
    ]
    return [row for row in rows if row[1]]


_RULES = {
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


def _started_words(started: int, deployed: int) -> str:
    words = "the author date of the first commit that brought it, on any branch"
    return f"{words}: known of {started:,} of {deployed:,}; a squashed or direct commit does not show it"


def _unknown(tried: Tried, owners: Counter[str]) -> str:
    words = "ideas, so time to value begins at deployment; uses outside of the project that are no exposure"
    if len(owners) == 1:
        words += f"; uses by other domains: all products are in one, {next(iter(owners))}"
    return words
