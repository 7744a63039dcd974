"""How the models are laid out, as CONTRIBUTING.md has it.

Belongs here: limits that sqlfluff has no rule for. Does not belong here: what a model computes.
"""

import re

import pytest
from conftest import CHECKOUT

MODELS = sorted((CHECKOUT / "dbt_project" / "models").rglob("*.sql"))
MOST_LINES = 60


def lines_of_code(sql: str) -> int:
    """The lines of a model that are neither blank nor only a comment."""
    without = re.sub(r"\{#.*?#\}|^\s*--[^\n]*", "", sql, flags=re.DOTALL | re.MULTILINE)
    return sum(bool(line.strip()) for line in without.splitlines())


def test_no_model_has_more_than_60_lines_of_code():
    assert len(MODELS) > 80
    long = {path.name: count for path in MODELS if (count := lines_of_code(path.read_text())) > MOST_LINES}
    assert not long, f"{long}: move a step into an ephemeral model, or what two models share into a macro"


@pytest.mark.parametrize(
    ("sql", "count"),
    [
        ("select\n    a, -- a note\n    b\nfrom c\n", 4),
        ("{# One.\n   Two. #}\n\n-- three\nselect 1 as a\n", 1),
        ("{% set a = 1 %}\n{% for b in c %}\nselect 1 as a\n{% endfor %}\n", 4),
    ],
)
def test_blank_and_comment_lines_are_no_code(sql, count):
    assert lines_of_code(sql) == count
