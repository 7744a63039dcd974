"""Reads data contracts and derives from them what enforces them: expectation suites and dbt properties.

Belongs here: everything that turns a promise (Open Data Contract Standard 3.1, YAML) into a check. Does not belong
here: the promises themselves (data_contracts/), reading data, writing data, Dagster.
"""

import gc
import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

import jsonschema
import pyarrow as pa
import yaml

from orchestration.home import parse_instant

CONTRACTS = Path(__file__).resolve().parent.parent / "data_contracts"
MAX_BYTES = 1_000_000

ARROW_TYPES = {
    "string": pa.string(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "array": pa.list_(pa.string()),
}

# Python's types of the defaults that a column of each type can have; asking pyarrow would import pandas
DEFAULT_TYPES = {"string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,)}

# What each type's logicalTypeOptions are checked for. ODCS knows more; a promise nobody checks is refused instead.
CHECKED_OPTIONS = {
    "string": {"minLength", "maxLength", "pattern"},
    "timestamp": {"minimum", "maximum"},
    "integer": {"minimum", "maximum"},
    "number": {"minimum", "maximum"},
}
# Only these say which rows break them.
ROW_EXPECTATIONS = re.compile(r"expect_(column|multicolumn|select_column|compound_columns)_.*")
# Of these each value decides alone, whatever rows and tables stand beside it.
VALUE_EXPECTATIONS = re.compile(
    r"expect_column_(values_to_(not_)?be_null|values_to_(not_)?match_regex|values_to_(not_)?be_in_set"
    r"|values_to_be_between|value_lengths_to_be_between|value_lengths_to_equal)"
)


class ContractError(ValueError):
    """A contract that can't be trusted: says which file, where in it, and what to do."""


class _StrictLoader(yaml.SafeLoader):
    """YAML without aliases (a 306-byte bomb of them is gigabytes) and without duplicate keys (the last would win)."""

    def compose_node(self, parent, index):
        if self.check_event(yaml.AliasEvent):
            raise ContractError(
                f"line {self.peek_event().start_mark.line + 1}: aliases (*name) are not allowed; write it out"
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key_node, _ in node.value:
            line, key = key_node.start_mark.line + 1, self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise ContractError(f"line {line}: the key {key!r} is not text; put it in quotes if you mean it")
            if key in seen:
                raise ContractError(f"line {line}: the key {key!r} stands twice; keep one")
            seen.add(key)
        return super().construct_mapping(node, deep)


@dataclass(frozen=True)
class Property:
    """One promised column."""

    name: str
    logical_type: str
    physical_type: str | None
    required: bool
    primary_key_position: int | None
    description: str
    options: dict
    quality: tuple[dict, ...]
    default: object

    @property
    def arrow_type(self) -> pa.DataType:
        """The type its values are landed as."""
        return ARROW_TYPES[self.logical_type]


@dataclass(frozen=True)
class Contract:
    """One table's promise."""

    path: Path
    name: str
    version: str
    purpose: str
    description: str
    owner: str
    properties: tuple[Property, ...]
    quality: tuple[dict, ...]
    custom: dict
    sla: dict

    @property
    def event_types(self) -> tuple[str, ...]:
        """The event types on the wire that land in this table."""
        return tuple(self.custom.get("eventTypes", ()))

    @property
    def grain(self) -> list[str]:
        """The columns that make a row one of its kind."""
        keys = [p for p in self.properties if p.primary_key_position]
        return [p.name for p in sorted(keys, key=lambda p: p.primary_key_position)]


def load_yaml(path: Path) -> dict:
    """Parse a YAML file a person can write; raises ContractError with file and line."""
    return _compose(path, _read(path))[0]


def load_contract(path: Path) -> Contract:
    """One contract document, strictly checked against the ODCS JSON Schema; raises ContractError."""
    return _load_contract(path, _read(path))


def load_layer(layer: str, root: Path = CONTRACTS) -> dict[str, Contract]:
    """Every contract of `landing` or `authoritative`, by table name, in name order."""
    contracts = (load_contract(path) for path in sorted((root / layer).glob("*.odcs.yaml")))
    return {contract.name: contract for contract in contracts}


def expectation_suites(contract: Contract):
    """(refusing, warning): the two Great Expectations suites a frame of landed rows is checked with.

    A row that breaks the refusing suite is quarantined; the warning suite only reports. Each expectation carries
    its reason code and its explanation in `meta`.
    """
    _import_great_expectations()
    from great_expectations import ExpectationSuite
    from great_expectations.exceptions import ExpectationNotFoundError
    from great_expectations.expectations.registry import get_expectation_impl

    suites = {"error": [], "warning": []}
    for severity, kind, kwargs, meta in _rules(contract):
        try:
            suites[severity].append(get_expectation_impl(kind)(**kwargs, meta=meta))
        except (ExpectationNotFoundError, ValueError, TypeError) as error:
            raise ContractError(f"{contract.path}: the rule {meta['reason']} can't be checked: {error}") from error
    return (
        ExpectationSuite(name=contract.name, expectations=suites["error"]),
        ExpectationSuite(name=f"{contract.name}_warnings", expectations=suites["warning"]),
    )


def _import_great_expectations() -> None:
    """Without telemetry, only where a frame is checked; without collecting garbage it takes 2.3 CPU-s, not 2.7."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        import great_expectations  # noqa: F401 - it is kept in sys.modules
    finally:
        if was_enabled:
            gc.enable()


def is_decided_by_value(kind: str, kwargs: dict) -> bool:
    """Whether an expectation with these arguments keeps or breaks each value of one column for itself."""
    return bool(VALUE_EXPECTATIONS.fullmatch(kind)) and not kwargs.keys() & {"row_condition", "condition_parser"}


def dbt_properties(contracts: dict[str, Contract]) -> str:
    """The YAML text of the dbt properties file that enforces these contracts on their models."""
    header = "# Generated from data_contracts/authoritative by `make contracts`. Don't edit: change the contract.\n"
    models = [_dbt_model(contract) for contract in contracts.values()]
    return header + yaml.safe_dump({"version": 2, "models": models}, sort_keys=False, width=110, allow_unicode=True)


@cache
def _odcs_validator() -> jsonschema.protocols.Validator:
    schema = json.loads((resources.files("open_data_contract_standard") / "schema.json").read_text())
    schema["properties"]["apiVersion"] = {"const": "v3.1.0"}
    return jsonschema.validators.validator_for(schema)(schema)


@cache  # by content: the strict check takes 50 ms, and a run reads each contract several times
def _load_contract(path: Path, text: bytes) -> Contract:
    document, root = _compose(path, text)
    errors = sorted(_odcs_validator().iter_errors(document), key=lambda e: list(map(str, e.absolute_path)))
    if errors:
        found = dict.fromkeys(f"line {_line(root, e)}, {e.json_path}: {e.message[:200]}" for e in errors)
        raise ContractError(f"{path}: not a valid ODCS 3.1 document: {'; '.join(list(found)[:5])}")
    try:
        contract = _contract(path, document)
        for _ in _rules(contract):
            pass
    except ContractError as error:
        raise ContractError(f"{path}: {error}") from None
    return contract


def _read(path: Path) -> bytes:
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise ContractError(f"{path}: {size:,} bytes; a contract has at most {MAX_BYTES:,}")
    return path.read_bytes()


def _compose(path: Path, text: bytes) -> tuple[dict, yaml.Node]:
    """(what the file says, its nodes, which know their lines)."""
    try:
        loader = _StrictLoader(text)
        node = loader.get_single_node()
        return (loader.construct_document(node) if node else None), node
    except ContractError as error:
        raise ContractError(f"{path}: {error}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ContractError(f"{path}: not YAML that can be read: {error}") from None


def _line(node: yaml.Node | None, error: jsonschema.ValidationError) -> int:
    """The line an error is about: of the key that should not be there, else where its element starts."""
    for step in error.absolute_path:
        if isinstance(node, yaml.MappingNode):
            node = next((value for key, value in node.value if key.value == step), node)
        else:
            node = node.value[step]
    if error.validator in ("additionalProperties", "unevaluatedProperties") and isinstance(node, yaml.MappingNode):
        node = next((key for key, _ in node.value if repr(key.value) in error.message), node)
    return node.start_mark.line + 1 if node else 1


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
            raise ContractError(f"say its {key}: every table has a purpose, a description and properties")
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
        raise ContractError(f"{p['name']}: say what it is in `description`")
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
    )


def _rules(contract: Contract):
    """Yield (severity, expectation type, kwargs, meta) for every rule of a contract; raises ContractError."""
    names = {p.name for p in contract.properties}
    for p in contract.properties:
        yield from _property_rules(p)
        for rule in p.quality:
            yield _quality_rule(rule, p.name, names)
    for rule in contract.quality:
        yield _quality_rule(rule, None, names)


def _property_rules(p: Property):
    def rule(kind: str, reason: str, explanation: str, **kwargs):
        meta = {"reason": f"{p.name}_{reason}", "column": p.name, "explanation": explanation}
        return "error", f"expect_column_{kind}", {"column": p.name, **kwargs}, meta

    options = p.options
    if unchecked := options.keys() - CHECKED_OPTIONS.get(p.logical_type, set()):
        raise ContractError(f"{p.name}: {', '.join(sorted(unchecked))} can't be checked; use a rule in `quality`")
    if p.required:
        yield rule("values_to_not_be_null", "missing", "is missing")
    if {"minLength", "maxLength"} & options.keys():
        low, high = options.get("minLength"), options.get("maxLength")
        words = f"must have {low or 0} to {high} characters" if high else f"must have {low} characters or more"
        yield rule("value_lengths_to_be_between", "length", words, min_value=low, max_value=high)
    if "pattern" in options:
        words = f"must match {options['pattern']}"
        yield rule("values_to_match_regex", "pattern", words, regex=_python_pattern(p.name, options["pattern"]))
    if {"minimum", "maximum"} & options.keys():
        low, high = _typed(p, options.get("minimum")), _typed(p, options.get("maximum"))
        words = " and ".join(
            f"{w} {options[k]}" for w, k in (("not below", "minimum"), ("not above", "maximum")) if k in options
        )
        yield rule("values_to_be_between", "out_of_range", f"must be {words}", min_value=low, max_value=high)


def _python_pattern(column: str, pattern: str) -> str:
    r"""A contract's (ECMA) pattern as Python's: there $ also matches before a trailing newline, \Z does not."""
    escapes_and_classes = r"(\\.|\[(?:\\.|[^\]\\])*\])|\$"
    pattern = re.sub(escapes_and_classes, lambda found: found[1] or r"\Z", pattern)
    try:
        re.compile(pattern)
    except re.error as error:
        raise ContractError(f"{column}: its pattern is not a regular expression: {error}") from None
    return pattern


def _typed(p: Property, bound):
    if bound is None or p.logical_type != "timestamp":
        return bound
    try:
        return parse_instant(bound)
    except (ValueError, TypeError):
        raise ContractError(f"{p.name}: the bound {bound!r} is not a time; write 1970-01-01T00:00:00Z") from None


def _quality_rule(rule: dict, column: str | None, names: set[str]):
    severity = "warning" if rule.get("severity") == "warning" else "error"
    meta = {"reason": rule.get("name"), "column": column, "explanation": rule.get("description", "").strip()}
    kind, metric, arguments = rule.get("type", "library"), rule.get("metric"), rule.get("arguments", {})
    counts_rows = kind == "library" and rule.get("mustBe") == 0 and rule.get("unit", "rows") == "rows"
    if column and counts_rows and metric == "invalidValues" and arguments.keys() == {"validValues"}:
        values = arguments["validValues"]
        meta |= {"reason": f"{column}_not_allowed", "explanation": f"must be one of {', '.join(map(str, values))}"}
        return severity, "expect_column_values_to_be_in_set", {"column": column, "value_set": values}, meta
    if not rule.get("name"):
        raise ContractError(f"{column or 'the table'}: name the rule; its name is the reason code of what it refuses")
    if counts_rows and metric == "duplicateValues" and arguments.keys() == {"properties"}:
        # in a batch: frames hold the rows of several
        columns = {"column_list": [*_known(arguments["properties"], names), "batch_id"]}
        return severity, "expect_compound_columns_to_be_unique", columns, meta
    if kind == "custom" and rule["engine"] == "greatExpectations":
        return severity, *_expectation(rule, names), meta
    raise ContractError(
        f"the rule {rule['name']} can't be checked; use invalidValues or duplicateValues with mustBe: 0, "
        "or the engine greatExpectations"
    )


def _expectation(rule: dict, names: set[str]) -> tuple[str, dict]:
    implementation = rule["implementation"] if isinstance(rule["implementation"], dict) else {}
    kind, kwargs = str(implementation.get("type")), dict(implementation.get("kwargs") or {})
    if not ROW_EXPECTATIONS.fullmatch(kind) or "mostly" in kwargs:
        raise ContractError(
            f"the rule {rule['name']} can't be checked: {kind} must name an expectation on columns, without "
            "`mostly`, so that each row keeps it or breaks it"
        )
    _known([kwargs[key] for key in ("column", "column_A", "column_B") if key in kwargs], names)
    _known(kwargs.get("column_list", ()), names)
    return kind, kwargs


def _known(columns: Iterable[str], names: set[str]) -> list[str]:
    """The columns; raises ContractError when the table does not have one."""
    if unknown := set(columns) - names:
        raise ContractError(f"a rule names {', '.join(sorted(unknown))}, which the table does not have")
    return list(columns)


def _dbt_model(contract: Contract) -> dict:
    return {
        "name": contract.name,
        "description": contract.description,
        "config": {
            "contract": {"enforced": True},
            "meta": {
                "dagster": {"group": "authoritative", "owners": [f"team:{contract.owner}"]},
                "contract_version": contract.version,
            },
        },
        "data_tests": [{"is_valid": _dbt_test(contract)}],
        "columns": [_dbt_column(p) for p in contract.properties],
    }


def _dbt_test(contract: Contract) -> dict:
    """What the table is tested for. Its required columns are constraints: dbt refuses a NULL as it writes the table."""
    accepted = {
        p.name: rule["arguments"]["validValues"]
        for p in contract.properties
        for rule in p.quality
        if rule.get("metric") == "invalidValues"
    }
    description = f"There is one row per {_in_words(contract.grain)}"
    if accepted:
        holds = "holds" if len(accepted) == 1 else "hold"
        description += f", and {_in_words(list(accepted))} {holds} only what the contract lists"
    arguments = {"grain": contract.grain} | ({"accepted": accepted} if accepted else {})
    config = {"meta": {"description": f"{description}."}}  # where dagster-dbt looks for what an asset check says
    return {"name": f"{contract.name}_is_valid", "arguments": arguments, "config": config}


def _in_words(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def _dbt_column(p: Property) -> dict:
    column = {"name": p.name, "data_type": p.physical_type, "description": p.description}
    return column | ({"constraints": [{"type": "not_null"}]} if p.required else {})


def write_dbt_properties() -> Path:
    """Write the generated dbt properties of the authoritative layer; returns the file."""
    path = CONTRACTS.parent / "dbt_project" / "models" / "authoritative" / "properties.yml"
    path.write_text(dbt_properties(load_layer("authoritative")))
    return path


if __name__ == "__main__":
    print(f"wrote {write_dbt_properties()}")
