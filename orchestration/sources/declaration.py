"""A declared source: what `<home>/sources/<name>.yml` says, checked.

Belongs here: where a source's files are, values from the environment, faults with their lines. Does not belong here:
which settings there are (kinds.py), reading its records (files.py, git.py), its SQL (mapping.py).
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import jsonschema
import yaml

from orchestration.contracts.contract import ContractError
from orchestration.contracts.strict_yaml import compose, line_of, read_bounded
from orchestration.home import Home
from orchestration.sources.kinds import EVERY, KINDS, schema

NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
URL = re.compile(r"(https?|ssh|git|file)://|[\w.-]+@[\w.-]+:")  # what `where` begins with, when git is to fetch it
CRON = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))  # minute, hour, day, month, day of week
VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
SECRET = re.compile(r"://[^/@]*:(?!\$\{)[^@/]+@|[?&](?:password|passwd|token)=(?!\$\{)[^&]")  # one in an address

SPELLINGS = (str, quote, partial(quote, safe=""), quote_plus)  # of a value in an address


class SourceError(ValueError):
    """A source that can't be used: says which file and line, what is wrong, and what to do."""


@dataclass(frozen=True)
class Source:
    """One declared source of a home, and where its files are."""

    home: Home
    name: str
    kind: str
    where: str = ""  # as declared: ${NAME} is not replaced
    vanished: str = "retract"
    schedule: str | None = None
    record_kind: str = "file_name"
    settings: dict[str, Any] = field(default_factory=dict)  # the others, of its kind, as declared or their defaults
    variables: dict[str, str] = field(default_factory=dict, repr=False)  # of the environment that it names

    @property
    def address(self) -> str:
        """`where` with the values of the environment; never printed, because they may be secrets."""
        return self.resolve(self.where)

    def resolve(self, text: str) -> str:
        """A text of its file with the values of the environment in place of ${NAME}."""
        return VARIABLE.sub(lambda found: self.variables[found[1]], text)

    @property
    def is_remote(self) -> bool:
        """Whether it is at an address that git fetches from, not in a folder."""
        return self.kind == "git" and URL.match(self.address) is not None

    @property
    def is_at_address(self) -> bool:
        """Whether its files are at an address that fsspec opens, not in a folder of this machine."""
        return "://" in self.address and not self.address.startswith("file://")

    @property
    def location(self) -> Path:
        """The folder of its records, from the home where it is relative; of a remote one, that of the own clone."""
        folder = Path(self.address.removeprefix("file://")).expanduser()
        return self.received / "clone.git" if self.is_remote else self.home.root / folder

    @property
    def declaration(self) -> Path:
        """The file that declares it."""
        return self.home.sources / f"{self.name}.yml"

    @property
    def mapped(self) -> Path:
        """What its last statement was made of; a pull with nothing new maps nothing."""
        return self.received / "mapped.json"

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

    def unresolve(self, text: str) -> str:
        """A text that `resolve` makes this one: ${NAME} in place of values of the environment."""
        return _replaced(text, self._names)

    def hide(self, text: str, secrets: Mapping[str, str] | None = None) -> str:
        """A text without the values of the environment, in any spelling of an address; `secrets` are more of them.

        `secrets` gives the words that stand in the place of each.
        """
        words = {**(secrets or {}), **self._names}
        return _replaced(text, {spell(value): word for value, word in words.items() for spell in SPELLINGS})

    @property
    def _names(self) -> dict[str, str]:
        return {value: f"${{{name}}}" for name, value in self.variables.items() if value}


def _replaced(text: str, words: Mapping[str, str]) -> str:
    """A text with words in place of others; of two the longer first."""
    for old in sorted(words, key=len, reverse=True):
        text = text.replace(old, words[old])
    return text


def declared_names(home: Home) -> list[str]:
    """The names of a home's sources, in order."""
    return sorted(path.stem for path in home.sources.glob("*.yml"))


def load_source(home: Home, name: str, needs_environment: bool = True) -> Source:
    """One source of a home; raises SourceError with every fault of its file.

    Unless it `needs_environment`, a value that is not in it is empty: for a test of its SQL, which reads nothing else.
    """
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
    common = {key: given.pop(key) for key in ("kind", "where", *EVERY) if key in given}
    common.setdefault("record_kind", KINDS[common["kind"]].record_kind)
    settings = KINDS[common["kind"]].defaults | given
    variables = _variables(path, common, given, root, needs_environment)
    return Source(home, name, **common, settings=settings, variables=variables)


def _faults(given: object, root: yaml.Node | None) -> list[tuple[int, str]]:
    """(line, words) of each fault."""
    kind = given.get("kind") if isinstance(given, dict) else None
    found = []
    for error in jsonschema.Draft202012Validator(schema(kind if kind in KINDS else "files")).iter_errors(given):
        path = list(error.absolute_path)
        if kind not in KINDS and path != ["kind"] and isinstance(given, dict) and "kind" in given:
            continue  # which settings there are depends on the kind
        found += _words(error, path, root)
    where = given.get("where") if isinstance(given, dict) else None
    if isinstance(where, str) and SECRET.search(where):
        words = "where holds a secret; put it into the environment, and write ${NAME} in its place."
        found.append((line_of(root, ["where"]), words))
    schedule = given.get("schedule") if isinstance(given, dict) else None
    if isinstance(schedule, str) and schedule and not _is_cron(schedule):
        words = f"schedule can't be {schedule!r}; write {EVERY['schedule']['description']}."
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


def _variables(
    path: Path, common: dict[str, Any], own: dict[str, Any], root: yaml.Node | None, is_needed: bool
) -> dict[str, str]:
    """{name: value} of the environment for each ${NAME} in any text of a file; raises SourceError for one not set.

    A variable that only `flywheel receive` needs is left out where it is not set.
    """
    found = {}
    for place, text in _texts(common | own, []):
        for variable in VARIABLE.findall(text):
            if variable not in os.environ and place[0] in KINDS[common["kind"]].of_receiver:
                continue
            if is_needed and variable not in os.environ:
                line = line_of(root, place)
                words = f"{variable} is not in the environment; set it, or write the value."
                raise SourceError(f"{path} line {line}: {words}")
            found[variable] = os.environ.get(variable, "")
    return found


def _texts(given: Any, place: list[Any]) -> Iterator[tuple[list[Any], str]]:
    """(where it stands, text) of each text of a file."""
    if isinstance(given, str):
        yield place, given
    parts = given.items() if isinstance(given, dict) else enumerate(given) if isinstance(given, list) else ()
    for key, value in parts:
        yield from _texts(value, [*place, key])


def _words(error: jsonschema.ValidationError, path: list[Any], root: yaml.Node | None) -> list[tuple[int, str]]:
    """(line, words) of an error of the schema; a setting within another is named with it, as `requests.issues.path`."""
    rules: Any = error.schema
    sent: Any = error.instance
    known: dict = rules.get("properties", {})
    name = ".".join(str(part) for part in path)
    inside = f"{name}." if name else ""
    if error.validator == "additionalProperties":
        unknown = sorted(set(sent) - set(known))
        words = f"the settings are {', '.join(known)}."
        return [(line_of(root, [*path, key]), f"there is no setting {inside}{key}; {words}") for key in unknown]
    if error.validator == "required":
        missing = [key for key in rules["required"] if key not in sent and repr(key) in error.message]
        line = line_of(root, path) if path else 1
        return [(line, f"{inside}{key} is missing; write {known[key]['description']}.") for key in missing]
    value = "what is written there" if rules.get("writeOnly") else json.dumps(sent, default=str)[:80]
    return [(line_of(root, path), f"{name or 'the file'} can't be {value}; write {rules['description']}.")]
