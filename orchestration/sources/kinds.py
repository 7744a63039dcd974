"""The kinds of sources: the settings of each, and the module that reads it.

Belongs here: names, types, defaults and descriptions of settings. Does not belong here: a home's files
(declaration.py), reading (the modules named here).
"""

from dataclasses import dataclass, field
from typing import Any

TEXT = {"type": "string", "minLength": 1}
SENDERS = ["github", "gitea", "gitlab", "jira", "linear", "standard", "bearer"]
SECRET = {
    "type": "string",
    "pattern": r"^\$\{[A-Za-z_][A-Za-z0-9_]*\}$",
    "writeOnly": True,  # no message shows its value
    "description": "the name of a variable of the environment, such as ${WEBHOOK_SECRET}",
}


@dataclass(frozen=True)
class Kind:
    """One kind: `module` has `receive(source, now)`, `settings` are the JSON Schema properties of its own settings."""

    module: str
    settings: dict[str, dict[str, Any]]
    required: tuple[str, ...] = ("where",)
    defaults: dict[str, Any] = field(default_factory=dict)
    of_receiver: tuple[str, ...] = ()  # settings with variables that `flywheel receive` needs, and a pull does not


KINDS: dict[str, Kind] = {
    "files": Kind(
        "orchestration.sources.files",
        {
            "where": {
                **TEXT,
                "description": "the folder that holds the files, or its address, such as s3://bucket/exports",
            },
            "options": {
                "type": "object",
                "description": "what fsspec needs to open the address, such as {key: '${S3_KEY}'}",
            },
            "pattern": {**TEXT, "description": 'a pattern of file names, such as "**/*.json"'},
            "records": {
                "enum": ["current", "all"],
                "description": "current (of the files that are in the folder now) or all (of every file ever received)",
            },
        },
        defaults={"pattern": "**/*"},
    ),
    "git": Kind(
        "orchestration.sources.git",
        {
            "where": {**TEXT, "description": "the folder of a clone, or the address of a repository"},
            "folder": {**TEXT, "description": "a folder in the repository, such as models"},
            "branch": {**TEXT, "description": "the name of the main branch"},
        },
        defaults={"folder": ".", "branch": "HEAD"},
    ),
    "webhook": Kind(
        "orchestration.sources.webhook",
        {
            "sender": {"enum": SENDERS, "description": f"what signs the deliveries: {', '.join(SENDERS)}"},
            "secret": SECRET,
            "former_secret": SECRET,
            "tolerance": {
                "type": "integer",
                "minimum": 1,
                "maximum": 86_400,
                "description": "how many seconds a signed time may differ from the receiver's clock, up to 86400",
            },
        },
        required=("sender", "secret"),
        defaults={"records": "all", "tolerance": 300},  # a delivery is never gone
        of_receiver=("secret", "former_secret"),
    ),
}

EVERY: dict[str, dict[str, Any]] = {
    "kind": {"enum": list(KINDS), "description": " or ".join(KINDS)},
    "vanished": {
        "enum": ["retract", "keep"],
        "description": "retract or keep: what becomes of events whose records have vanished",
    },
    "schedule": {
        **TEXT,
        "description": 'when to pull it besides each run, as a cron line such as "15 * * * *", in UTC',
    },
    "record_kind": {**TEXT, "description": "an expression of SQL over a record, such as body->>'$.type'"},
}


def schema(kind: str) -> dict[str, Any]:
    """The JSON Schema of the file of a kind of source."""
    properties = EVERY | KINDS[kind].settings
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["kind", *KINDS[kind].required],
        "properties": properties,
        "description": f"the settings {', '.join(properties)}",
    }
