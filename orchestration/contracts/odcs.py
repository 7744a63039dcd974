"""Reads data contracts: Open Data Contract Standard 3.1, YAML, strictly.

Belongs here: files to contracts, and every reason to refuse one. Does not belong here: what a contract is
(contract.py), what enforces it (expectations.py, dbt_properties.py), Dagster.
"""

import json
from functools import cache
from importlib import resources
from pathlib import Path

import jsonschema
import yaml

from orchestration.contracts.contract import ARROW_TYPES, Contract, ContractError, Property
from orchestration.contracts.expectations import rules
from orchestration.contracts.null_markers import is_null_marker
from orchestration.contracts.strict_yaml import compose, line_of, read_bounded
from orchestration.home import FILES

CONTRACTS = FILES / "data_contracts"

# Python's types of the defaults that a column of each type can have; asking pyarrow would import pandas
DEFAULT_TYPES = {"string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,)}


def load_contract(path: Path) -> Contract:
    """One contract document, strictly checked against the ODCS JSON Schema; raises ContractError."""
    return _load_contract(path, read_bounded(path))


def load_layer(layer: str, root: Path = CONTRACTS) -> dict[str, Contract]:
    """Every contract of `landing`, `authoritative` or `declared`, by table name, in name order; raises ContractError.

    A layer without a contract is an error: every row would be quarantined, and nothing would be promised or checked.
    """
    paths = sorted((root / layer).glob("*.odcs.yaml"))
    if not paths:
        raise ContractError(
            f"{root / layer} holds no contract (*.odcs.yaml). Restore the folder from version control, or install "
            "Flywheel again."
        )
    contracts = (load_contract(path) for path in paths)
    return {contract.name: contract for contract in contracts}


@cache
def _odcs_validator() -> jsonschema.protocols.Validator:
    schema = json.loads((resources.files("open_data_contract_standard") / "schema.json").read_text())
    schema["properties"]["apiVersion"] = {"const": "v3.1.0"}
    return jsonschema.validators.validator_for(schema)(schema)


@cache  # by content: the strict check takes 50 ms, and a run reads each contract several times
def _load_contract(path: Path, text: bytes) -> Contract:
    document, root = compose(path, text)
    errors = sorted(_odcs_validator().iter_errors(document), key=lambda e: list(map(str, e.absolute_path)))
    if errors:
        messages = dict.fromkeys(f"line {_line(root, e)}, {e.json_path}: {e.message[:200]}" for e in errors)
        raise ContractError(f"{path}: not a valid ODCS 3.1 document: {'; '.join(list(messages)[:5])}")
    try:
        contract = _contract(path, document)
        for _ in rules(contract):
            pass
    except ContractError as error:
        raise ContractError(f"{path}: {error}") from None
    return contract


def _line(root: yaml.Node | None, error: jsonschema.ValidationError) -> int:
    """The line an error is about: of the key that should not be there, else of the element."""
    path = list(error.absolute_path)
    if error.validator in ("additionalProperties", "unevaluatedProperties") and isinstance(error.instance, dict):
        path += [key for key in error.instance if repr(key) in error.message][:1]
    return line_of(root, path)


def _custom(element: dict) -> dict:
    return {c["property"]: c["value"] for c in element.get("customProperties", ())}


def _contract(path: Path, document: dict) -> Contract:
    tables = document.get("schema") or [{}]
    table = tables[0]
    names = [table.get("name") for table in tables]
    if names != [path.name.removesuffix(".odcs.yaml")]:
        raise ContractError(f"describe one table, named as the file, not {', '.join(map(str, names))}")
    for element, key in ((document.get("description"), "purpose"), (table, "description"), (table, "properties")):
        if not (element or {}).get(key):
            raise ContractError(f"add its {key}: every table has a purpose, a description and properties")
    if not isinstance(document.get("team"), dict) or not document["team"].get("name"):
        raise ContractError("name the team that owns it: team.name")
    return Contract(
        path=path,
        name=table["name"],
        version=document["version"],
        purpose=document["description"]["purpose"],
        description=table["description"],
        owner=document["team"]["name"],
        properties=tuple(_property(p) for p in table["properties"]),
        quality=tuple(table.get("quality", ())),
        custom=_custom(table),
        sla={s["property"]: s["value"] for s in document.get("slaProperties", ())},
    )


def _property(p: dict) -> Property:
    if p.get("logicalType") not in ARROW_TYPES:
        raise ContractError(f"{p['name']}: logicalType must be one of {', '.join(ARROW_TYPES)}")
    if not p.get("description"):
        raise ContractError(f"{p['name']}: add its `description`")
    if p.get("items", {}).keys() - {"logicalType", "description"} or p.get("unique"):
        raise ContractError(f"{p['name']}: `unique` and rules on items are not checked; use a rule in `quality`")
    default = _custom(p).get("default")
    if default is not None and type(default) not in DEFAULT_TYPES.get(p["logicalType"], ()):
        raise ContractError(f"{p['name']}: its default {default!r} is not of type {p['logicalType']}")
    return Property(
        name=p["name"],
        logical_type=p["logicalType"],
        physical_type=p.get("physicalType"),
        required=p.get("required", False),
        primary_key_position=p.get("primaryKeyPosition") if p.get("primaryKey") else None,
        description=p["description"],
        options=p.get("logicalTypeOptions", {}),
        quality=tuple(p.get("quality", ())),
        default=default,
        allowed_text=_allowed_text(p),
    )


def _allowed_text(p: dict) -> tuple[str, ...]:
    """The NULL markers that its custom property `allowedText` lists as values."""
    listed = _custom(p).get("allowedText", [])
    if not isinstance(listed, list) or not all(isinstance(text, str) for text in listed):
        raise ContractError(f"{p['name']}: its allowedText must be a list of texts, like [NA]; quote null and ~")
    if listed and p["logicalType"] not in ("string", "array"):
        raise ContractError(f"{p['name']}: allowedText is for columns of type string or array")
    if unneeded := [text for text in listed if not is_null_marker(text)]:
        words = f"{p['name']}: allowedText lists {', '.join(unneeded)}, which is allowed without it"
        raise ContractError(f"{words}; list only texts that stand for no value elsewhere")
    return tuple(listed)
