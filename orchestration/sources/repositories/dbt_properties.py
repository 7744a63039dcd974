"""What the files of a dbt project say of its models, as they change: groups, access, exposures.

Belongs here: dbt's YAML and config() to what each model and exposure is at each commit. Does not belong here: git
(git.py), which model is a data product (a source's SQL).

dbt's order of precedence holds: config() in the model, then its properties, then the nearest folder in dbt_project.yml.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import PurePosixPath
from typing import Any

import yaml

Record = dict[str, Any]
Own = dict[str, str]  # of a model: its group and its access, where they are given

MODEL, YAML = (".sql", ".py"), (".yml", ".yaml")
OWN = ("group", "access")
MENTION = re.compile(r"\b(exposures|group|access)\b['\"]?\s*[:=]")  # lines after which a file is worth reading
REF = re.compile(r"\bref\(\s*['\"]([\w-]+)['\"]\s*(?:,\s*['\"]([\w-]+)['\"])?")
CONFIG = re.compile(r"\bconfig\s*\((.*?)\)\s*(?:\}\}|$)", re.DOTALL | re.MULTILINE)
ARGUMENT = re.compile(r"\b(group|access)\s*=\s*['\"]([^'\"]+)['\"]")


def refs_in(text: str) -> set[str]:
    """The models in the ref() of a text; of one with a package, the model."""
    return {second or first for first, second in REF.findall(text)}


def loaded(text: str) -> dict[str, Any]:
    """A YAML file's mapping; empty where it is none, or can't be read: dbt could not read it either."""
    try:
        found = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def model_paths(project: dict[str, Any]) -> list[str]:
    """The folders of models that a dbt_project.yml names, `models` where it names none."""
    paths = project.get("model-paths") or project.get("source-paths") or ["models"]
    return [str(path).strip("./") for path in paths] if isinstance(paths, list) else ["models"]


def with_properties(
    changes: Iterable[Record], folders: list[str], projects: list[str], blob: Callable[[str], str]
) -> list[Record]:
    """The changes of a history, oldest first, with what dbt's files said of the models at the time.

    A record of a model gets `group` where it has one, and `is_public` where its access was public at any time. A
    model's first group counts for the time before it too: groups come to a project long after its models. One of YAML
    gets the `exposures` in it. A change of a group alone is a record of the model with the change `configured`.
    `folders` are those of the models, `projects` the paths of dbt_project.yml, whose own records are left out: each has
    had several where the project has moved. `blob` gives the text of a blob's id. The changes come with `_blob`, that
    of the file after the change, and `_mentions`, whether a changed line mentions a property.
    """
    state = _State(folders, projects, blob)
    records: list[Record] = []
    for _, of_commit in groupby(changes, key=lambda change: change["commit_id"]):
        records += state.after(list(of_commit))
    first: dict[int, str] = {}
    for record in records:
        if record.get("group"):
            first.setdefault(record["_model"], record["group"])
    for record in records:
        model = record.pop("_model", None)
        if not record.get("group", True) and model in first:
            record["group"] = first[model]
        if record.get("group", "") is None:
            del record["group"]
        if model in state.public:
            record["is_public"] = True
    return records


class _State:
    """What the files said last; a model is a number that stays when its file is renamed."""

    def __init__(self, folders: list[str], projects: list[str], blob: Callable[[str], str]) -> None:
        self.folders, self.projects, self.blob = folders, projects, blob
        self.numbers: dict[str, int] = {}  # of the models that are there, by path
        self.count = 0
        self.read: set[str] = set()  # files that once mentioned something
        self.own: dict[str, Own] = {}  # by path of a model
        self.given: dict[str, dict[str, Own]] = {}  # by path of a YAML file, by name of a model
        self.named: dict[str, Own] = {}  # the same of all files
        self.trees: list[dict[str, Any]] = []  # of dbt_project.yml: what is of all models, of the project's own
        self.groups: dict[str, str | None] = {}  # by path of a model, as they were after the last commit
        self.public: set[int] = set()

    def after(self, commit: list[Record]) -> list[Record]:
        """The records of a commit's changes, and those of the models whose group alone has changed."""
        is_configured = [self._note(change) for change in commit]
        if any(is_configured):
            self.named = {name: own for models in self.given.values() for name, own in models.items()}
        changed = {change["path"] for change in commit}
        kept = [change for change in commit if change["path"] not in self.projects]
        for path in sorted(self.numbers if any(is_configured) else changed & self.numbers.keys()):
            own = self._own(path)
            before, self.groups[path] = self.groups.get(path), own.get("group")
            self.public |= {self.numbers[path]} if own.get("access") == "public" else set()
            if before != self.groups[path] and path not in changed:
                place = {name: commit[0][name] for name in ("commit_id", "committed_at")}
                kept.append(place | {"change": "configured", "path": path, "old_path": path, "added_refs": []})
        return [self._stamped(change) for change in kept]

    def _note(self, change: Record) -> bool:
        """Take up what a change did; returns whether models in other files may be concerned."""
        path, old, blob, mentions = change["path"], change["old_path"], change.pop("_blob"), change.pop("_mentions")
        if mentions or (old in self.read and change["change"] == "renamed"):
            self.read.add(path)
        text = self.blob(blob) if blob and path in self.read and change["change"] != "deleted" else None
        if path.endswith(MODEL):
            self._note_model(change, text)
            return False
        if not path.endswith(YAML) or path not in self.read:
            return False
        found = loaded(text or "")
        if path in self.projects:
            before, self.trees = self.trees, _trees(found) if text is not None else self.trees  # moved: as it was
            return before != self.trees
        given = self.given.pop(old or path, {})
        after = given if text is None and change["change"] != "deleted" else dict(_models(found))
        self.given |= {path: after} if after else {}
        if exposures := list(_exposures(found)):
            change["exposures"] = exposures
        return given != after

    def _note_model(self, change: Record, text: str | None) -> None:
        path, old = change["path"], change["old_path"]
        if change["change"] == "deleted":
            change["_model"], change["group"] = self.numbers.pop(path, None), self.groups.pop(path, None)
            self.own.pop(path, None)
            return
        if change["change"] == "renamed" and old in self.numbers:
            self.numbers[path] = self.numbers.pop(old)
            self.own[path], self.groups[path] = self.own.pop(old, {}), self.groups.pop(old, None)
        if path not in self.numbers:
            self.count += 1
            self.numbers[path] = self.count
        if text is not None:
            self.own[path] = dict(ARGUMENT.findall(" ".join(CONFIG.findall(text))))

    def _own(self, path: str) -> Own:
        """The group and the access of a model, by precedence."""
        return self._of_folder(path) | self.named.get(PurePosixPath(path).stem, {}) | self.own.get(path, {})

    def _of_folder(self, path: str) -> Own:
        """What dbt_project.yml says of the folders of a model, the nearest last."""
        place = PurePosixPath(path).with_suffix("")
        below = next((place.relative_to(folder) for folder in self.folders if place.is_relative_to(folder)), place)
        found: Own = {}
        for own in self.trees:
            tree: Any = own
            for part in (None, *below.parts):
                tree = tree if part is None else tree.get(part)
                if not isinstance(tree, dict):
                    break
                found |= _given(tree)
        return found

    def _stamped(self, change: Record) -> Record:
        path = change["path"]
        if path in self.numbers and path.endswith(MODEL):
            change |= {"_model": self.numbers[path], "group": self.groups.get(path)}
        return change


def _given(tree: dict[str, Any]) -> Own:
    """The group and the access that a part of YAML gives: plain, with a plus, or under config."""
    config = tree.get("config")
    places = [tree, config if isinstance(config, dict) else {}]
    found = {
        key: place.get(f"+{key}", place.get(key)) for place in places for key in OWN if {f"+{key}", key} & {*place}
    }
    return {key: value for key, value in found.items() if isinstance(value, str)}


def _trees(project: dict[str, Any]) -> list[dict[str, Any]]:
    """What a dbt_project.yml gives all models, and the tree of folders of its own."""
    models = project.get("models")
    models = models if isinstance(models, dict) else {}
    own = models.get(project.get("name"))
    return [dict(_given(models)), own if isinstance(own, dict) else {}]


def _models(found: dict[str, Any]) -> Iterator[tuple[str, Own]]:
    """(name, what it is given) of each model that is given something."""
    for model in found.get("models") or ():
        if isinstance(model, dict) and isinstance(model.get("name"), str) and (own := _given(model)):
            yield model["name"], own


def _exposures(found: dict[str, Any]) -> Iterator[Record]:
    """`name`, `owner` (its name, where it has one) and `refs` of each exposure."""
    for exposure in found.get("exposures") or ():
        if isinstance(exposure, dict) and isinstance(exposure.get("name"), str):
            owner, parents = exposure.get("owner"), exposure.get("depends_on")
            name = owner.get("name") if isinstance(owner, dict) else None
            refs = refs_in("\n".join(map(str, parents)) if isinstance(parents, list) else "")
            yield {"name": exposure["name"], "owner": name if isinstance(name, str) else None, "refs": sorted(refs)}
