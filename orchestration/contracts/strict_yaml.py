"""Reads YAML that a person can write, strictly.

Belongs here: aliases, duplicate keys, size. Does not belong here: what the YAML means.
"""

from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Any

import yaml

from orchestration.contracts.contract import ContractError

MAX_BYTES = 1_000_000


class _StrictLoader(yaml.SafeLoader):
    """YAML without aliases (a 306-byte bomb of them is gigabytes) and without duplicate keys (the last would win)."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise ContractError(
                f"line {self.peek_event().start_mark.line + 1}: aliases (*name) are not allowed; write it out"
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key_node, _ in node.value:
            line, key = key_node.start_mark.line + 1, self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise ContractError(f"line {line}: the key {key!r} is not text; put it in quotes if you mean it")
            if key in seen:
                raise ContractError(f"line {line}: the key {key!r} stands twice; keep one")
            seen.add(key)
        return super().construct_mapping(node, deep)


# Dates stay text: of a day that does not exist, YAML would not say the line.
_StrictLoader.yaml_implicit_resolvers = {
    first: [resolver for resolver in resolvers if resolver[0] != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_bounded(path: Path) -> bytes:
    """The bytes of a file; raises ContractError for one over MAX_BYTES."""
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise ContractError(f"{path}: {size:,} bytes; at most {MAX_BYTES:,} are read")
    return path.read_bytes()


def compose(path: Path, text: bytes) -> tuple[Any, yaml.Node | None]:
    """(the document, its nodes with their line numbers)."""
    try:
        loader = _StrictLoader(text)
        node = loader.get_single_node()
        return (loader.construct_document(node) if node else None), node
    except ContractError as error:
        raise ContractError(f"{path}: {error}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ContractError(f"{path}: not YAML that can be read: {error}") from None


def line_of(node: yaml.Node | None, path: Iterable[str | int]) -> int:
    """The line of the element at a path of keys and positions, or of the key that is last in it; counted from 1."""
    line = node.start_mark.line + 1 if node else 1
    for step in path:
        if isinstance(node, yaml.MappingNode):
            key, node = next(((k, v) for k, v in node.value if k.value == step), (None, None))
            line = key.start_mark.line + 1 if key else line
        elif isinstance(node, yaml.SequenceNode):
            node = node.value[step]
            line = node.start_mark.line + 1
    return line
