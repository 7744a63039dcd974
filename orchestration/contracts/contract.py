"""What a contract is: one table's promise, its columns, and the types they may have.

Belongs here: the promise as Python sees it. Does not belong here: reading it (odcs.py), checking it (expectations.py,
dbt_properties.py), the promises themselves (data_contracts/).
"""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

ARROW_TYPES = {
    "string": pa.string(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "array": pa.list_(pa.string()),
}


class ContractError(ValueError):
    """A contract that can't be used; the message gives the file, the line or element, and what to do."""


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
    allowed_text: tuple[str, ...]  # NULL markers that are values in this column

    @property
    def arrow_type(self) -> pa.DataType:
        """The type its values are landed as."""
        return ARROW_TYPES[self.logical_type]


@dataclass(frozen=True, eq=False)  # its own object, so that it can be a key
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
    def hides_values(self) -> bool:
        """Whether no message may say what a row holds, as where rows are answers of people."""
        return bool(self.custom.get("hidesValues", False))

    @property
    def grain(self) -> list[str]:
        """The columns that make a row one of its kind."""
        keys = [(p.primary_key_position, p.name) for p in self.properties if p.primary_key_position]
        return [name for _, name in sorted(keys)]
