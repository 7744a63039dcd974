"""docs/concepts.md: each table, column and metric that it names exists, and each tenet has its row.

Belongs here: what can be derived from contracts and seeds. Does not belong here: pages (tests/dashboard), wording.
"""

import csv
import re

import pytest
from pipeline import CHECKOUT

from orchestration.contracts.odcs import load_layer

SEEDS = CHECKOUT / "dbt_project" / "seeds" / "declared"
LINES = (CHECKOUT / "docs" / "concepts.md").read_text().splitlines()
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in LINES if line.startswith("| ")]
CONCEPTS = [row for row in ROWS if row[0] != "concept"]
CLASSES = {"measured", "declared", "measured, declared"}


def seed(name: str, column: str) -> list[str]:
    with (SEEDS / f"{name}.csv").open(encoding="utf-8") as file:
        return [row[column] for row in csv.DictReader(file)]


@pytest.mark.parametrize("concept", CONCEPTS, ids=lambda row: row[0])
def test_a_concept_is_served_by_columns_that_exist(concept):
    columns = {
        f"{table}.{c.name}" for table, contract in load_layer("authoritative").items() for c in contract.properties
    }
    named = re.findall(r"`([^`]+)`", concept[2])
    assert concept[1] in CLASSES
    assert any("." in name for name in named)
    assert {name for name in named if "." in name} <= columns
    assert {name for name in named if "." not in name} <= set(seed("metrics", "metric_id"))


def test_every_tenet_and_phase_has_a_row():
    named = " ".join(row[0] for row in CONCEPTS)
    for tenet in seed("tenets", "name"):
        assert tenet.lower().removeprefix("a culture of ") in named
    for phase in ("I", "II", "III", "IV"):
        assert f"phase {phase}," in named
