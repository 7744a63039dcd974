"""The kinds of sources: the settings of each, and the module that reads it.

Belongs here: names, types, defaults and descriptions of settings. Does not belong here: a home's files
(declaration.py), reading (the modules named here).
"""

from dataclasses import dataclass, field
from typing import Any

TEXT = {"type": "string", "minLength": 1}
_QUERIES = "names, in small letters, digits and _, each with one SELECT"
PATH = {"type": "string", "pattern": r"^\$(\.[A-Za-z_][A-Za-z0-9_-]*|\['[^']+'\]|\[\d+\])*$"}  # of JSON, as in RFC 9535
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
    record_kind: str = "file_name"
    of_receiver: tuple[str, ...] = ()  # settings with variables that `flywheel receive` needs, and a pull does not


REQUEST: dict[str, dict[str, Any]] = {
    "path": {**TEXT, "description": "the path of a list after `where`, such as /issues"},
    "parameters": {
        "type": "object",
        "additionalProperties": {"type": ["string", "integer"], "description": "a text or a whole number"},
        "description": 'the parameters of the request by name, such as per_page: 100 or since: "{cursor}"',
    },
    "records": {**PATH, "description": "the JSON path of the list in an answer, such as $ or $.issues"},
    "id": {**PATH, "description": "the JSON path of what identifies a record, such as $.id"},
    "cursor": {**PATH, "description": "the JSON path of the value that the list is in ascending order of"},
    "start": {**TEXT, "description": "the cursor's first value, as text, such as '1970-01-01T00:00:00Z'"},
    "newest_first": {"type": "boolean", "description": "true where the newest record is first, and none changes"},
    "next": {**PATH, "description": "the JSON path of the next page's address, or of its token with `next_parameter`"},
    "next_parameter": {**TEXT, "description": "the parameter that takes the next page's token"},
    "for_each": {**TEXT, "description": "the name of the request, each record of which is asked about"},
    "until": {
        "type": "object",
        "maxProperties": 1,
        "propertyNames": {**PATH, "description": "a JSON path, such as $.state"},
        "additionalProperties": {"type": "array", "items": TEXT, "description": "a list of texts"},
        "description": "a JSON path and values, such as $.state: [success]: after one of them none follows",
    },
}

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
        "orchestration.sources.repositories.git",
        {
            "where": {**TEXT, "description": "the folder of a clone, or the address of a repository"},
            "folder": {**TEXT, "description": "a folder in the repository, such as models"},
            "branch": {**TEXT, "description": "the name of the main branch"},
        },
        defaults={"folder": ".", "branch": "HEAD"},
    ),
    "database": Kind(
        "orchestration.sources.databases.database",
        {
            "where": {
                **TEXT,
                "description": "the address of the database, such as postgresql://reader:${PASSWORD}@host:5432/lake",
            },
            "queries": {
                "type": "object",
                "minProperties": 1,
                "propertyNames": {"pattern": "^[a-z][a-z0-9_]*$", "description": _QUERIES},
                "additionalProperties": {**TEXT, "description": "one SELECT in the SQL of the database"},
                "description": _QUERIES,
            },
            "timeout": {
                "type": "integer",
                "minimum": 1,
                "maximum": 86_400,
                "description": "the seconds that all queries together may take, at most 86400",
            },
        },
        required=("where", "queries"),
        defaults={"timeout": 300},
        record_kind="split_part(file_name, '/', 1)",
    ),
    "http": Kind(
        "orchestration.sources.apis.http",
        {
            "where": {**TEXT, "description": "the address that the paths of the API follow, such as https://host/api"},
            "headers": {
                "type": "object",
                "additionalProperties": {**TEXT, "description": "a text"},
                "description": 'headers by name, such as Authorization: "Bearer ${TOKEN}"',
            },
            "login": {
                "type": "object",
                "additionalProperties": False,
                "required": ["user", "password"],
                "properties": {
                    "user": {**TEXT, "description": "a user, such as ${USER}"},
                    "password": {**TEXT, "description": "a password or token, such as ${TOKEN}"},
                },
                "description": "user and password, for basic authentication",
            },
            "requests": {
                "type": "object",
                "minProperties": 1,
                "propertyNames": {
                    "pattern": "^[a-z][a-z0-9_]*$",
                    "description": "names of small letters, digits and _",
                },
                "additionalProperties": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["path"],
                    "properties": REQUEST,
                    "description": f"the settings {', '.join(REQUEST)}",
                },
                "description": "requests by name, each with its path",
            },
        },
        required=("where", "requests"),
        record_kind="split_part(file_name, '/', 1)",
    ),
    "webhook": Kind(
        "orchestration.sources.webhooks.webhook",
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
