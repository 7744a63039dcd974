"""The settings of a home: what `<home>/flywheel.yml` says, its defaults, and what can't be chosen.

Belongs here: every choice that a person makes once for a home. Does not belong here: the dates of a run (home.py), the
tables that people declare (declared.py), how a choice is computed (dbt).
"""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import jsonschema
import yaml

from orchestration.contracts.contract import ContractError
from orchestration.contracts.strict_yaml import compose, line_of, read_bounded
from orchestration.home import Home, write_whole

# metric: (kind, its own period, why it can't have process limits). A process limit asks whether a point differs from
# its neighbours. A stock carries last month's pairs into this one, and a median over 180 days shares five sixths of its
# products with the month before: 87 to 100 % of such series show a signal with nothing changed.
NORTH_STARS = {
    "cross_domain_adoptions": ("flow", "month", None),
    "sustained_adoptions": ("flow", "month", None),
    "products_reaching_k_domains": ("flow", "month", None),
    "adopted_within_days": ("rate", "quarter", None),
    "time_to_value_median": ("duration", "month", "overlapping_windows"),
    "active_cross_domain_pairs": ("stock", "month", "stock"),
}
WHY_NO_LIMITS = {
    "stock": "a stock carries most of last month over, so its points resemble each other",
    "overlapping_windows": "its windows of 180 days overlap, so its points resemble each other",
}

TEMPLATE = """\
# The settings of this Flywheel home. Every line may be left out: what stands here are the defaults.
# `flywheel status` checks this file. After a change the next run builds everything anew.

purpose:
  # What does it mean for us to be data-driven? One or two sentences; null while nobody has declared it.
  statement: null
  # Who stands for it: a person or a role.
  owner: null

north_star:
  # What you steer by:
  #   cross_domain_adoptions       data products used for the first time by another domain, by product and domain
  #   sustained_adoptions          the same, once used again 28 days later or more
  #   products_reaching_k_domains  data products that reach their k-th other domain
  #   adopted_within_days          share of a quarter's ideas that another domain uses within `days`
  #   time_to_value_median         days from idea to adopted, at the pace of the trailing 180 days
  #   active_cross_domain_pairs    pairs of data product and other domain with use in the last 90 days
  metric: cross_domain_adoptions
  # The outcome of the business that it leads, such as "Fewer claims end in court"; null while nobody has declared it.
  outcome: null
  # A number a period; null while nobody has declared one.
  target: null
  # The day by which the target shall be met, as 2027-12-31; null while there is none.
  target_by: null
  # month or quarter; null is the metric's own.
  period: null
  # Of products_reaching_k_domains: how many other domains.
  k: 3
  # Of adopted_within_days: within how many days.
  days: 180
  # false switches the process limits off.
  limits: null

reporting:
  # Months are calendar months of this timezone, a name such as Europe/Zurich.
  timezone: UTC
  # A month is complete, and judged, once its end and this many days are over.
  lateness_days: 5

governance:
  # How ownership of data products is meant to be: centralised, distributed, federated or mesh; null while nobody has
  # declared it. `ownership_shares` says whether what is owned agrees.
  model: null

engine:
  # What makes things out of events: duckdb on this machine, or sail or spark, after `flywheel engine install`. All
  # tables are the same with each; docs/scale.md says when to change.
  name: duckdb
  # Where Spark Connect listens, such as sc://spark.example.com:15002; of spark also a master, such as
  # spark://spark.example.com:7077 or local[4]. null starts an engine on this machine for each run. Parameters of the
  # connection follow it, as sc://spark.example.com:443/;use_ssl=true; a token never: it is in the environment variable
  # SPARK_CONNECT_AUTHENTICATE_TOKEN.
  address: null

storage:
  # Where the inbox and the landing are, such as s3://bucket/inbox and s3://bucket/landing; null is this home. The home
  # keeps a copy. Needs flywheel-metrics[s3], and credentials as AWS's own tools take them, never in this file.
  inbox: null
  landing: null
  # Of a store that is not AWS, such as https://minio.example.com:9000; null is AWS.
  endpoint: null
"""


ENGINES = ("duckdb", "sail", "spark")
ADDRESSES = (("sail", "sc"), ("spark", "sc"), ("spark", "sp"), ("spark", "lo"))  # how an engine's address may begin
PLACE = r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}"
PARAMETER = r"[A-Za-z0-9_.-]+=[^\s;=]*"
SECRET = re.compile(r"([\w.-]*(?:token|authorization|secret|password)[\w.-]*=)[^;\s\"']*", re.IGNORECASE)
HIDDEN = r"\1…"
CREDENTIALS = "Credentials are AWS's own: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE."
BUCKET = r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^/\s\x00-\x1f]+)*/?$"
GOVERNANCE_MODELS = ("centralised", "distributed", "federated", "mesh")


def _words(longest: int) -> dict:
    """What a text that people read may be: something visible, and no control character but a line break."""
    pattern = "^[^\\x00-\\x09\\x0b-\\x1f\\x7f]*[^\\s\\x00-\\x1f\\x7f][^\\x00-\\x09\\x0b-\\x1f\\x7f]*$"
    described = f"a text of 1 to {longest:,} characters, or null"
    return {"type": ["string", "null"], "maxLength": longest, "pattern": pattern, "description": described}


# What each setting may be, null being its default; an error says to write its `description`.
_TYPES = {
    "statement": _words(1_000),
    "owner": _words(200),
    "outcome": _words(500),
    "target_by": {"type": ["string", "null"], "description": "a date, such as 2027-12-31, or null"},
    "metric": {"enum": [*NORTH_STARS, None], "description": f"one of {', '.join(NORTH_STARS)}"},
    "target": {"type": ["number", "null"], "minimum": 0, "description": "a number of 0 or more, or null"},
    "period": {"enum": ["month", "quarter", None], "description": "month, quarter or null"},
    "k": {"type": ["integer", "null"], "minimum": 1, "description": "a whole number of 1 or more"},
    "days": {
        "type": ["integer", "null"],
        "minimum": 1,
        "maximum": 3650,
        "description": "a whole number from 1 to 3650",
    },
    "limits": {"type": ["boolean", "null"], "description": "true, false or null"},
    "timezone": {"type": ["string", "null"], "description": "the name of a timezone, such as Europe/Zurich"},
    "lateness_days": {
        "type": ["integer", "null"],
        "minimum": 0,
        "maximum": 366,
        "description": "a whole number from 0 to 366",
    },
    "model": {"enum": [*GOVERNANCE_MODELS, None], "description": f"one of {', '.join(GOVERNANCE_MODELS)}, or null"},
    "name": {"enum": [*ENGINES, None], "description": f"one of {', '.join(ENGINES)}"},
    "address": {
        "type": ["string", "null"],
        "pattern": rf"^(sc://{PLACE}(/(;{PARAMETER})*)?|spark://{PLACE}|local(\[([1-9][0-9]*|\*)\])?)$",
        "description": "sc://HOST:PORT, sc://HOST:PORT/;NAME=VALUE;…, spark://HOST:PORT or local[N] of spark, or null",
    },
    "inbox": {"type": ["string", "null"], "pattern": BUCKET, "description": "s3://BUCKET/FOLDER, or null"},
    "landing": {"type": ["string", "null"], "pattern": BUCKET, "description": "s3://BUCKET/FOLDER, or null"},
    "endpoint": {
        "type": ["string", "null"],
        "pattern": r"^https?://[^\s/?#]+/?$",
        "description": "https://HOST:PORT, or null",
    },
}


class SettingsError(ValueError):
    """A setting that can't be used: says which file and line, what is wrong, and what to write."""


@dataclass(frozen=True)
class Purpose:
    """What it means for the organisation to be data-driven, and who stands for it; None while nobody declared it."""

    statement: str | None = None
    owner: str | None = None


@dataclass(frozen=True)
class NorthStar:
    """What the organisation steers by, and the outcome it leads; `period` and `limits` None mean the metric's own."""

    metric: str = "cross_domain_adoptions"
    outcome: str | None = None
    target: float | None = None
    target_by: str | None = None
    period: str | None = None
    k: int = 3
    days: int = 180
    limits: bool | None = None


@dataclass(frozen=True)
class Reporting:
    """What a month is, and when it is complete."""

    timezone: str = "UTC"
    lateness_days: int = 5


@dataclass(frozen=True)
class Governance:
    """How ownership is meant to be; `model` None while nobody has declared it."""

    model: str | None = None


@dataclass(frozen=True)
class Engine:
    """What makes things out of events; `address` None means one on this machine, for each run."""

    name: str = "duckdb"
    address: str | None = None

    @property
    def is_server(self) -> bool:
        """Whether a server of Spark Connect has it, rather than a process of the run."""
        return (self.address or "").startswith("sc://")

    @property
    def needs_java(self) -> bool:
        """Whether Spark's driver is a process of the run."""
        return self.name == "spark" and not self.is_server


@dataclass(frozen=True)
class Storage:
    """Where inbox and landing are; None is the home. `endpoint` None is AWS."""

    inbox: str | None = None
    landing: str | None = None
    endpoint: str | None = None


@dataclass(frozen=True)
class Settings:
    """Every setting of a home."""

    purpose: Purpose = field(default_factory=Purpose)
    north_star: NorthStar = field(default_factory=NorthStar)
    reporting: Reporting = field(default_factory=Reporting)
    governance: Governance = field(default_factory=Governance)
    engine: Engine = field(default_factory=Engine)
    storage: Storage = field(default_factory=Storage)

    def of_the_tables(self) -> str:
        """What the tables depend on, as JSON for dbt's macro `settings`: {statement, owner, metric, kind, outcome,
        target, target_by, period, k, days, has_limits, no_limits_reason, timezone, lateness_days, governance_model}."""
        kind, period, no_limits = NORTH_STARS[self.north_star.metric]
        chosen = asdict(self.purpose) | asdict(self.north_star) | asdict(self.reporting)
        has_limits = chosen.pop("limits") is not False and not no_limits
        chosen["governance_model"] = self.governance.model
        chosen |= {"kind": kind, "period": self.north_star.period or period, "has_limits": has_limits}
        return json.dumps(chosen | {"no_limits_reason": no_limits or "limits_switched_off"}, sort_keys=True)


SECTIONS = {
    "purpose": Purpose,
    "north_star": NorthStar,
    "reporting": Reporting,
    "governance": Governance,
    "engine": Engine,
    "storage": Storage,
}


def schema() -> dict:
    """The JSON Schema of flywheel.yml."""
    sections = {
        name: _object({f.name: _TYPES[f.name] for f in fields(section)}, "a section with")
        for name, section in SECTIONS.items()
    }
    return _object(sections, "the sections")


def _object(properties: dict, words: str) -> dict:
    description = f"{words} {', '.join(properties)}"
    return {
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": properties,
        "description": description,
    }


def load_settings(home: Home) -> Settings:
    """The settings of a home; the defaults where it has no file. Raises SettingsError with every fault."""
    path = home.settings
    if not path.exists():
        return Settings()
    try:
        given, root = compose(path, read_bounded(path))
    except ContractError as error:
        raise SettingsError(str(error)) from None
    given = {} if given is None else given
    _refuse(path, _misplaced(given, root))
    settings = _settings(given)
    _refuse(path, _impossible(settings, root))
    return settings


def write_settings(home: Home, declared: dict[str, str] | None = None) -> Path | None:
    """Write the commented defaults, unless the home has a file; returns the path when it was written.

    `declared`, {setting without a default: its text}, takes the place of null.
    """
    if home.settings.exists():
        return None
    text = TEMPLATE
    for name, value in (declared or {}).items():
        text = text.replace(f"\n  {name}: null\n", f"\n  {name}: {json.dumps(value, ensure_ascii=False)}\n")
    write_whole(home.settings, text.encode())
    return home.settings


@cache
def timezones() -> frozenset[str]:
    """The names that a timezone can have."""
    return frozenset(name for (name,) in duckdb.execute("select name from pg_timezone_names()").fetchall())


def _refuse(path: Path, faults: list[tuple[int, str]]) -> None:
    """Raise SettingsError with every fault, if there is one."""
    if faults:
        raise SettingsError("\n".join(f"{path} line {line}: {words}" for line, words in sorted(faults)))


def _settings(given: dict[str, Any]) -> Settings:
    chosen = {
        name: {key: value for key, value in (given.get(name) or {}).items() if value is not None} for name in SECTIONS
    }
    return Settings(**{name: section(**chosen[name]) for name, section in SECTIONS.items()})


def _misplaced(given: object, root: yaml.Node | None) -> list[tuple[int, str]]:
    """(line, words) of each value that is not of its kind, and of each key that is no setting."""
    found = []
    for error in jsonschema.Draft202012Validator(schema()).iter_errors(given):
        path = list(error.absolute_path)
        where = ".".join(map(str, path)) or "the file"
        if error.validator == "additionalProperties":
            for key in sorted(set(error.instance) - set(error.schema["properties"])):
                known = ", ".join(error.schema["properties"])
                found.append((line_of(root, [*path, key]), f"{where} has no setting {key}; its settings are {known}."))
        else:
            value = SECRET.sub(HIDDEN, json.dumps(error.instance, default=str))[:80]
            found.append((line_of(root, path), f"{where} can't be {value}; write {error.schema['description']}."))
    return found


def _impossible(settings: Settings, root: yaml.Node | None) -> list[tuple[int, str]]:
    """(line, words) of each choice that can't be computed, or not judged honestly."""
    star, zone = settings.north_star, settings.reporting.timezone
    _, own_period, no_limits = NORTH_STARS[star.metric]
    found = []
    if star.target is not None and not math.isfinite(star.target):
        found.append(("target", f"north_star.target can't be {star.target}; write a number of 0 or more, or null."))
    if star.target_by is not None and not _is_date(star.target_by):
        words = f"north_star.target_by can't be {json.dumps(star.target_by[:80], ensure_ascii=False)}"
        found.append(("target_by", f"{words}; write {_TYPES['target_by']['description']}."))
    if star.limits and no_limits:
        words = f"{star.metric} can't have process limits: {WHY_NO_LIMITS[no_limits]}, and limits would show signals"
        found.append(("limits", f"{words} where nothing has changed. Leave limits out, or choose a flow."))
    if star.period == "month" and own_period == "quarter":
        words = f"{star.metric} can't be reported by month: a month has too few ideas for a share."
        found.append(("period", f"{words} Write period: quarter, or leave it out."))
    lines = [(line_of(root, ["north_star", key]), words) for key, words in found]
    lines += [(line_of(root, ["engine", "address"]), words) for words in _address_faults(settings.engine)]
    lines += [(line_of(root, ["storage", key]), words) for key, words in _impossible_storage(settings.storage)]
    if zone not in timezones():
        words = f"reporting.timezone {zone!r} is no timezone; write a name such as UTC or Europe/Zurich."
        lines.append((line_of(root, ["reporting", "timezone"]), words))
    return lines


def _address_faults(engine: Engine) -> Iterator[str]:
    address = engine.address or ""
    if address and (engine.name, address[:2]) not in ADDRESSES:
        words = f"engine.address can't be {SECRET.sub(HIDDEN, address)!r} where engine.name is {engine.name}"
        yield f"{words}; write sc://HOST:PORT, or leave it out."
    if SECRET.search(address):
        words = "engine.address holds a secret, and this file is no place for one"
        yield f"{words}. Put a token into the environment variable SPARK_CONNECT_AUTHENTICATE_TOKEN of the run."


def _impossible_storage(storage: Storage) -> Iterator[tuple[str, str]]:
    """(setting, words) of addresses that would mix two things, or that hold a password; its words never repeat it."""
    inbox, landing = (f"{(address or '').rstrip('/')}/" for address in (storage.inbox, storage.landing))
    if storage.inbox and storage.landing and (inbox.startswith(landing) or landing.startswith(inbox)):
        yield "landing", f"storage.landing can't be {landing!r} with storage.inbox {inbox!r}: give each its own folder."
    if "@" in (storage.endpoint or ""):
        yield "endpoint", "storage.endpoint can't hold a user or a password; write https://HOST:PORT. " + CREDENTIALS


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
