"""A declared source: what `<home>/sources/<name>.yml` says, checked.

Belongs here: kinds and their settings, where a source's files are, values from the environment. Does not belong here:
reading its records (records.py, history.py), its SQL (mapping.py).
"""

import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from orchestration.contracts.contract import ContractError
from orchestration.contracts.strict_yaml import compose, line_of, read_bounded
from orchestration.home import Home

NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
URL = re.compile(r"(https?|ssh|git|file)://|[\w.-]+@[\w.-]+:")  # what `where` begins with, when git is to fetch it
CRON = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))  # minute, hour, day, month, day of week
VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")

_TEXT = {"type": "string", "minLength": 1}
_EVERY: dict[str, dict] = {
    "kind": {"enum": ["files", "git"], "description": "files or git"},
    "vanished": {
        "enum": ["retract", "keep"],
        "description": "retract or keep: what becomes of events whose records have vanished",
    },
    "schedule": {
        **_TEXT,
        "description": 'when to pull it besides each run, as a cron line such as "15 * * * *", in UTC',
    },
    "record_kind": {**_TEXT, "description": "an expression of SQL over a record, such as body->>'$.type'"},
}
_KINDS: dict[str, dict[str, dict]] = {
    "files": {
        "where": {**_TEXT, "description": "the folder that holds the files"},
        "pattern": {**_TEXT, "description": 'a pattern of file names, such as "**/*.json"'},
        "records": {
            "enum": ["current", "all"],
            "description": "current (of the files that are in the folder now) or all (of every file ever received)",
        },
    },
    "git": {
        "where": {**_TEXT, "description": "the folder of a clone, or the address of a repository"},
        "folder": {**_TEXT, "description": "a folder in the repository, such as models"},
        "branch": {**_TEXT, "description": "the name of the main branch"},
    },
}


class SourceError(ValueError):
    """A source that can't be used: says which file and line, what is wrong, and what to do."""


@dataclass(frozen=True)
class Source:
    """One declared source of a home, and where its files are."""

    home: Home
    name: str
    kind: str
    where: str  # as declared: ${NAME} is not replaced
    vanished: str = "retract"
    schedule: str | None = None
    record_kind: str = "file_name"
    pattern: str = "**/*"
    records: str = "current"
    folder: str = "."
    branch: str = "HEAD"
    variables: dict[str, str] = field(default_factory=dict, repr=False)  # of the environment that it names

    @property
    def address(self) -> str:
        """`where` with the values of the environment; never printed, because they may be secrets."""
        return VARIABLE.sub(lambda found: self.variables[found[1]], self.where)

    @property
    def is_remote(self) -> bool:
        """Whether it is at an address that git fetches from, not in a folder."""
        return self.kind == "git" and URL.match(self.address) is not None

    @property
    def location(self) -> Path:
        """The folder of its records; of one that is remote, that of Flywheel's own clone."""
        return self.received / "clone.git" if self.is_remote else Path(self.address).expanduser()

    @property
    def sql(self) -> Path:
        """Its mapping."""
        return self.home.sources / f"{self.name}.sql"

    @property
    def tests(self) -> Path:
        """The folder of its test: records/ in, expected.jsonl out."""
        return self.home.sources / f"{self.name}.test"

    @property
    def received(self) -> Path:
        """Its records as they came."""
        return self.home.received / self.name

    @property
    def sent(self) -> Path:
        """The ledger of what it said."""
        return self.home.sent / self.name

    def hide(self, text: str) -> str:
        """A text with the values of the environment replaced by their names."""
        for name, value in self.variables.items():
            text = text.replace(value, f"${{{name}}}") if value else text
        return text


def declared_names(home: Home) -> list[str]:
    """The names of a home's sources, in order."""
    return sorted(path.stem for path in home.sources.glob("*.yml"))


def load_source(home: Home, name: str) -> Source:
    """One source of a home; raises SourceError with every fault of its file."""
    path = home.sources / f"{name}.yml"
    if not path.exists():
        known = ", ".join(declared_names(home)) or "none yet; `flywheel sources add` adds one"
        raise SourceError(f"{home.sources} declares no source {name}. It declares: {known}.")
    if not NAME.fullmatch(name):
        raise SourceError(f"{path}: rename it: a source's name has small letters, digits and _ only.")
    try:
        given, root = compose(path, read_bounded(path))
    except ContractError as error:
        raise SourceError(str(error)) from None
    if faults := _faults(given, root):
        raise SourceError("\n".join(f"{path} line {line}: {words}" for line, words in sorted(faults)))
    variables = {}
    for variable in VARIABLE.findall(given["where"]):
        if variable not in os.environ:
            line = line_of(root, ["where"])
            raise SourceError(f"{path} line {line}: {variable} is not in the environment; set it, or write the value.")
        variables[variable] = os.environ[variable]
    return Source(home, name, variables=variables, **given)


def schema(kind: str) -> dict:
    """The JSON Schema of the file of a kind of source."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["kind", "where"],
        "properties": _EVERY | _KINDS[kind],
        "description": f"the settings {', '.join(_EVERY | _KINDS[kind])}",
    }


def _faults(given: object, root: yaml.Node | None) -> list[tuple[int, str]]:
    """(line, words) of each fault."""
    kind = given.get("kind") if isinstance(given, dict) else None
    found = []
    for error in jsonschema.Draft202012Validator(schema(kind if kind in _KINDS else "files")).iter_errors(given):
        path = list(error.absolute_path)
        if kind not in _KINDS and path != ["kind"] and isinstance(given, dict) and "kind" in given:
            continue  # which settings there are depends on the kind
        found += _words(error, path, root)
    schedule = given.get("schedule") if isinstance(given, dict) else None
    if isinstance(schedule, str) and schedule and not _is_cron(schedule):
        words = f"schedule can't be {schedule!r}; write {_EVERY['schedule']['description']}."
        found.append((line_of(root, ["schedule"]), words))
    return found


def _is_cron(text: str) -> bool:
    """Whether a text is a cron line of five fields: numbers, ranges, steps and lists of them."""
    fields = text.split()
    return len(fields) == len(CRON) and all(
        _is_cron_part(part, *limits) for value, limits in zip(fields, CRON, strict=True) for part in value.split(",")
    )


def _is_cron_part(part: str, least: int, most: int) -> bool:
    found = re.fullmatch(r"(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:/([1-9]\d?))?", part)
    bounds = [int(number) for number in found.groups()[:2] if number] if found else [most + 1]
    return all(least <= number <= most for number in bounds) and bounds == sorted(bounds)


def _words(error: jsonschema.ValidationError, path: list[Any], root: yaml.Node | None) -> list[tuple[int, str]]:
    rules: Any = error.schema
    sent: Any = error.instance
    known: dict = rules.get("properties", {})
    if error.validator == "additionalProperties":
        names = ", ".join(known)
        unknown = sorted(set(sent) - set(known))
        return [(line_of(root, [key]), f"there is no setting {key}; the settings are {names}.") for key in unknown]
    if error.validator == "required":
        missing = [key for key in rules["required"] if key not in sent and repr(key) in error.message]
        return [(1, f"{key} is missing; write {known[key]['description']}.") for key in missing]
    value, where = json.dumps(sent, default=str)[:80], path[0] if path else "the file"
    return [(line_of(root, path), f"{where} can't be {value}; write {rules['description']}.")]
