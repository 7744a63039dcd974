"""Which rows of typed frames break which rule of their contracts: the calls to Great Expectations.

Belongs here: one check of many tables' rows at once, and its results. Does not belong here: how a rule becomes an
expectation (contracts/expectations.py), what happens to a row that breaks one (check.py).
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from orchestration.contracts.contract import Contract
from orchestration.contracts.expectations import expectation_suites, is_decided_by_value
from orchestration.landing.rows import as_python

if TYPE_CHECKING:  # only a run with new rows needs it, and it takes 0.4 CPU-seconds to import
    import pandas as pd

NOT_SENT = {"is_assumed_utc", "is_assumed_time", "null_marker_count", "attributes"}

PASS_OR_FAIL = {"result_format": "BOOLEAN_ONLY"}
ROW_POSITIONS = {"result_format": "COMPLETE", "exclude_unexpected_values": True, "partial_unexpected_count": 0}


class LandingError(RuntimeError):
    """A batch that must not become visible; nothing of it was landed."""


@dataclass(frozen=True)
class Rule:
    """An expectation's configuration and, for each table that states it, its rank among the rules and its `meta`."""

    configuration: Any  # an ExpectationConfiguration
    stated: dict[str, tuple[tuple[int, int], dict]]
    column: str | None  # the only one that decides, value by value; None where rows or columns must be seen together
    is_warning: bool


def rules_of(contracts: dict[str, Contract]) -> list[Rule]:
    """Every rule of the contracts; one that several tables state in the same words is one."""
    rules: dict[tuple, Rule] = {}
    for table, contract in contracts.items():
        types = {p.name: str(p.arrow_type) for p in contract.properties}
        for is_warning, suite in enumerate(expectation_suites(contract)):
            first: dict[str | None, int] = {}  # a row's reasons are listed column by column
            for k, expectation in enumerate(suite.expectations):
                configuration = expectation.configuration
                kind, kwargs = configuration.type, configuration.kwargs
                column = kwargs.get("column")
                key: tuple[Any, ...] = (table, is_warning, k)
                decides = None
                if not is_warning and is_decided_by_value(kind, kwargs):
                    key, decides = (kind, repr(sorted(kwargs.items())), types[column]), column
                while key in rules and table in rules[key].stated:
                    key += ("again",)  # one table states it under two names
                rule = rules.setdefault(key, Rule(configuration, {}, decides, bool(is_warning)))
                rule.stated[table] = ((first.setdefault(column, k), k), expectation.meta)
    return list(rules.values())


def broken_rows(rules: list[Rule], parameters: dict, frames: dict[str, pa.Table]) -> tuple[dict, dict]:
    """({table: {row: [(reason, message)]}}, {(table, batch_id): warnings by reason}) of tables' typed rows.

    Raises LandingError where a rule can't run.
    """
    broken: dict[str, dict[int, list]] = {table: {} for table in frames}
    warnings: dict[tuple[str, str], Counter] = {}
    for rule, tables, rows in _failures(rules, parameters, frames):
        start = 0
        for table in tables:
            rank, meta = rule.stated[table]
            end = start + frames[table].num_rows
            mine = [row - start for row in rows[bisect_left(rows, start) : bisect_left(rows, end)]]
            if rule.is_warning:
                for batch_id in frames[table]["batch_id"].take(pa.array(mine, pa.int64())).to_pylist():
                    warnings.setdefault((table, batch_id), Counter())[meta["reason"]] += 1
            else:
                for row in mine:
                    problem = (meta["reason"], _message(frames[table], row, meta))
                    broken[table].setdefault(row, []).append((rank, problem))
            start = end
    in_order = {
        table: {row: [problem for _, problem in sorted(problems)] for row, problems in rows.items()}
        for table, rows in broken.items()
    }
    return in_order, warnings


def _failures(rules: list[Rule], parameters: dict, frames: dict[str, pa.Table]) -> Iterator[tuple]:
    """(rule, its tables, rows that break it, counted through those tables, ascending) of each broken rule."""
    groups: dict[tuple, list[Rule]] = {}
    for rule in rules:
        tables = tuple(table for table in frames if table in rule.stated)
        if tables:
            groups.setdefault((tables, rule.column is None), []).append(rule)
    for (tables, is_whole), group in groups.items():
        if is_whole:
            yield from _whole_failures(group, tables[0], frames[tables[0]], parameters)
        else:
            columns = sorted({rule.column for rule in group if rule.column})
            frame = pa.concat_tables([frames[table].select(columns) for table in tables]).to_pandas()
            # row positions cost several times the check itself: only rules that are broken are checked for them
            broken = [r for r, result in _results(group, tables, frame, parameters, PASS_OR_FAIL) if not result.success]
            for rule, result in _results(broken, tables, frame, parameters, ROW_POSITIONS):
                yield rule, tables, _broken_positions(rule, tables, result)


def _whole_failures(rules: list[Rule], table: str, frame: pa.Table, parameters: dict) -> Iterator[tuple]:
    """The same for rules that need several rows or columns of one table together."""
    arguments = " ".join(repr(rule.configuration.kwargs) for rule in rules)
    seen = frame.select([name for name in frame.column_names if name in arguments]).to_pandas()
    for rule, result in _results(rules, (table,), seen, parameters, ROW_POSITIONS):
        rows = _broken_positions(rule, (table,), result)
        if rows and rule.is_warning:
            # a check of uniqueness flags exact repeats too, and those are expected: check again without them
            sent = [f.name for f in frame.schema if not pa.types.is_list(f.type) and f.name not in NOT_SENT]
            distinct = frame.take(rows).to_pandas().set_axis(rows).drop_duplicates(sent)
            [(_, again)] = _results([rule], (table,), distinct, parameters, ROW_POSITIONS)
            rows = _broken_positions(rule, (table,), again)
        yield rule, (table,), rows


def _results(
    rules: list[Rule], tables: tuple[str, ...], frame: "pd.DataFrame", parameters: dict, result_format: dict
) -> list[tuple[Rule, Any]]:
    """(rule, Great Expectations' result) of each rule on a pandas frame of those tables; raises LandingError."""
    if not rules:
        return []
    # imported by `expectation_suites`, and only where there are rows to check
    from great_expectations.exceptions import GreatExpectationsError
    from great_expectations.execution_engine import PandasExecutionEngine
    from great_expectations.validator.validator import Validator

    configurations = [rule.configuration for rule in rules]
    for i, configuration in enumerate(configurations):
        configuration.meta = {"rule": i}
    # no data source: it would hash each frame twice for a fingerprint that nothing reads, 40 % of a check's time
    validator = Validator(PandasExecutionEngine(batch_data_dict={"rows": frame}))
    validator.metrics_calculator.show_progress_bars = False
    try:
        ready = validator.process_expectations_for_validation(configurations, parameters)
        results = validator.graph_validate(ready, {"result_format": result_format})
    except GreatExpectationsError as error:
        raise LandingError(f"{', '.join(tables)}: its rules could not be checked: {error}") from error
    return [(rules[result.expectation_config.meta["rule"]], result) for result in results]


def _broken_positions(rule: Rule, tables: tuple[str, ...], result: Any) -> list[int]:
    """Rows that break the rule, ascending. Raises LandingError for one that crashed: its rows are unchecked."""
    indexes = [] if result.success else (result.result or {}).get("unexpected_index_list")
    if indexes is None:
        _, meta = rule.stated[tables[0]]
        raise LandingError(f"{tables[0]}: the rule {meta['reason']} could not be checked: {_error_message(result)}")
    return sorted(set(indexes))


def _error_message(result: Any) -> str:
    info = result.exception_info or {}
    error = info if "exception_message" in info else next(iter(info.values()), {})
    return str(error.get("exception_message") or "no reason given")


def _message(frame: pa.Table, row: int, meta: dict) -> str:
    broken_value = frame[meta["column"]][row] if meta["column"] and not meta["hides_values"] else None
    value = f": {short_text(broken_value)}" if broken_value is not None and broken_value.is_valid else ""
    return f"{meta['column'] or 'row'}{value} {meta['explanation']}"


def short_text(value: Any) -> str:
    """A refused value for people, short."""
    value = as_python(value) if isinstance(value, pa.Scalar) else value
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    return repr(value[:80]) if isinstance(value, str) else str(value)[:80]
