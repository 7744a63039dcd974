"""Turns the rules of a contract into Great Expectations' expectations.

Belongs here: which rules can be checked, and by what. Does not belong here: checking rows (landing/rules.py).
"""

import gc
import os
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from orchestration.contracts.contract import Contract, ContractError, Property
from orchestration.home import parse_instant

if TYPE_CHECKING:  # importing it takes seconds
    from great_expectations import ExpectationSuite

RuleTerms = tuple[str, str, dict[str, Any], dict[str, Any]]  # severity, expectation type, its arguments, meta

# What each type's logicalTypeOptions are checked for. ODCS knows more; a promise nobody checks is refused instead.
CHECKED_OPTIONS = {
    "string": {"minLength", "maxLength", "pattern"},
    "timestamp": {"minimum", "maximum"},
    "integer": {"minimum", "maximum"},
    "number": {"minimum", "maximum"},
}
# Only these list the rows that break them.
ROW_EXPECTATIONS = re.compile(r"expect_(column|multicolumn|select_column|compound_columns)_.*")
# These judge each value alone, whatever other rows and tables a frame holds.
VALUE_EXPECTATIONS = re.compile(
    r"expect_column_(values_to_(not_)?be_null|values_to_(not_)?match_regex|values_to_(not_)?be_in_set"
    r"|values_to_be_between|value_lengths_to_be_between|value_lengths_to_equal)"
)


def expectation_suites(contract: Contract) -> tuple["ExpectationSuite", "ExpectationSuite"]:
    """(refusing, warning): the two Great Expectations suites a frame of landed rows is checked with.

    A row that breaks the refusing suite is quarantined; the warning suite only reports. Each expectation carries
    its reason code and its explanation in `meta`.
    """
    _import_great_expectations()
    from great_expectations import ExpectationSuite
    from great_expectations.exceptions import ExpectationNotFoundError
    from great_expectations.expectations.registry import get_expectation_impl

    suites: dict[str, list] = {"error": [], "warning": []}
    for severity, kind, kwargs, meta in rules(contract):
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


def rules(contract: Contract) -> Iterator[RuleTerms]:
    """Yield (severity, expectation type, kwargs, meta) for every rule of a contract; raises ContractError."""
    for severity, kind, kwargs, meta in _rules(contract, {p.name for p in contract.properties}):
        yield severity, kind, kwargs, meta | {"hides_values": contract.hides_values}


def _rules(contract: Contract, names: set[str]) -> Iterator[RuleTerms]:
    for p in contract.properties:
        yield from _property_rules(p)
        for rule in p.quality:
            yield _quality_rule(rule, p.name, names)
    for rule in contract.quality:
        yield _quality_rule(rule, None, names)


def _property_rules(p: Property) -> Iterator[RuleTerms]:
    def rule(kind: str, reason: str, explanation: str, **kwargs: Any) -> RuleTerms:
        meta = {"reason": f"{p.name}_{reason}", "column": p.name, "explanation": explanation}
        return "error", f"expect_column_{kind}", {"column": p.name, **kwargs}, meta

    options = p.options
    if unchecked := options.keys() - CHECKED_OPTIONS.get(p.logical_type, set()):
        raise ContractError(f"{p.name}: {', '.join(sorted(unchecked))} can't be checked; use a rule in `quality`")
    if p.required:
        yield rule("values_to_not_be_null", "missing", "is missing")
    if {"minLength", "maxLength"} & options.keys():
        low, high = options.get("minLength"), options.get("maxLength")
        explanation = f"must have {low or 0} to {high} characters" if high else f"must have {low} characters or more"
        yield rule("value_lengths_to_be_between", "length", explanation, min_value=low, max_value=high)
    if "pattern" in options:
        explanation = f"must match {options['pattern']}"
        yield rule("values_to_match_regex", "pattern", explanation, regex=_python_pattern(p.name, options["pattern"]))
    if {"minimum", "maximum"} & options.keys():
        low, high = _typed_bound(p, options.get("minimum")), _typed_bound(p, options.get("maximum"))
        explanation = " and ".join(
            f"{w} {options[k]}" for w, k in (("not below", "minimum"), ("not above", "maximum")) if k in options
        )
        yield rule("values_to_be_between", "out_of_range", f"must be {explanation}", min_value=low, max_value=high)


def _python_pattern(column: str, pattern: str) -> str:
    r"""A contract's (ECMA) pattern as Python's: there $ also matches before a trailing newline, \Z does not."""
    escapes_and_classes = r"(\\.|\[(?:\\.|[^\]\\])*\])|\$"
    pattern = re.sub(escapes_and_classes, lambda match: match[1] or r"\Z", pattern)
    try:
        re.compile(pattern)
    except re.error as error:
        raise ContractError(f"{column}: its pattern is not a regular expression: {error}") from None
    return pattern


def _typed_bound(p: Property, bound: Any) -> Any:
    if bound is None or p.logical_type != "timestamp":
        return bound
    try:
        return parse_instant(bound)
    except (ValueError, TypeError):
        raise ContractError(f"{p.name}: the bound {bound!r} is not a time; write 1970-01-01T00:00:00Z") from None


def _quality_rule(rule: dict, column: str | None, names: set[str]) -> RuleTerms:
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
        columns = {"column_list": [*_require_columns(arguments["properties"], names), "batch_id"]}
        return severity, "expect_compound_columns_to_be_unique", columns, meta
    if kind == "custom" and rule["engine"] == "greatExpectations":
        expectation, kwargs = _expectation(rule, names)
        return severity, expectation, kwargs, meta
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
    _require_columns([kwargs[key] for key in ("column", "column_A", "column_B") if key in kwargs], names)
    _require_columns(kwargs.get("column_list", ()), names)
    return kind, kwargs


def _require_columns(columns: Iterable[str], names: set[str]) -> list[str]:
    """The columns; raises ContractError when the table does not have one."""
    if unknown := set(columns) - names:
        raise ContractError(f"a rule names {', '.join(sorted(unknown))}, which the table does not have")
    return list(columns)
