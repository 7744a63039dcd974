"""The documents: every link leads somewhere, and docs/metrics.md defines what is served.

Belongs here: what can be derived from data_contracts/, the seeds and the files. Does not belong here: wording.
"""

import csv
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml
from pipeline import CHECKOUT

from orchestration.contracts.odcs import load_layer
from orchestration.publish.serving import DRILL_DOWN

DOCUMENTS = [
    CHECKOUT / "README.md",
    CHECKOUT / "CONTRIBUTING.md",
    CHECKOUT / "data_contracts" / "README.md",
    *sorted((CHECKOUT / "docs").glob("*.md")),
]
METRICS = CHECKOUT / "docs" / "metrics.md"
AUTHORITATIVE = load_layer("authoritative")
CODE = re.compile(r"`([^`]+)`")
TYPED = ("DOUBLE", "BIGINT", "INTEGER", "BOOLEAN", "DATE", "TIMESTAMP WITH TIME ZONE")


def prose(path: Path) -> str:
    """A document without its blocks of code."""
    return re.sub(r"^```.*?^```", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)


def headings(path: Path) -> list[str]:
    return re.findall(r"^#+ +(.+?) *$", prose(path), flags=re.MULTILINE)


def anchors(path: Path) -> set[str]:
    """The fragments that GitHub makes of a document's headings: a repeated one gets a number."""
    found, seen = set(), Counter()
    for heading in headings(path):
        anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        found.add(f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
        seen[anchor] += 1
    return found


def links(path: Path) -> list[str]:
    """The targets inside the repository that a document links to, in Markdown or HTML."""
    targets = re.findall(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"", prose(path))
    return [target for pair in targets for target in pair if target and "://" not in target]


def table(heading: str) -> list[list[str]]:
    """The cells of the first table under a heading of docs/metrics.md, without its head."""
    section = re.split(rf"^#+ +{re.escape(heading)} *$", METRICS.read_text(), flags=re.MULTILINE)[1]
    rows = re.search(r"^\|.*\n\|[-| ]+\|\n((?:\|.*\n)+)", section, flags=re.MULTILINE).group(1).splitlines()
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def is_named(column: str, name: str) -> bool:
    """Whether a name of the table of units, a prefix, a suffix or a whole name, is about a column."""
    if name.startswith("_"):
        return column.endswith(name)
    return column.startswith(name) if name.endswith("_") else column == name


def test_every_document_has_headings_and_links_to_check():
    assert METRICS in DOCUMENTS and len(DOCUMENTS) >= 8
    assert all(headings(path) for path in DOCUMENTS)
    assert sum(len(links(path)) for path in DOCUMENTS) > 50


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_every_link_leads_to_a_file_and_a_heading(path):
    lost = []
    for link in links(path):
        name, _, fragment = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        if not target.exists() or (fragment and fragment not in anchors(target)):
            lost.append(link)
    assert lost == []


def test_an_anchor_is_made_as_github_makes_it(tmp_path):
    document = tmp_path / "a.md"
    document.write_text("# One, two: `three_four`\n## Again\n```\n# no heading\n```\n## Again\n")
    assert anchors(document) == {"one-two-three_four", "again", "again-1"}


def test_every_metric_has_one_definition():
    with (CHECKOUT / "dbt_project" / "seeds" / "declared" / "metrics.csv").open() as file:
        served = {row["metric_id"] for row in csv.DictReader(file)}
    of_metrics = [heading for heading in headings(METRICS) if not heading.startswith("Table ")]
    defined = [metric_id for text in of_metrics for metric_id in CODE.findall(text)]
    defined += [CODE.findall(interval)[0] for interval, *_ in table("Intervals")]
    assert Counter(defined) == Counter(served)


def test_every_served_table_has_one_heading():
    described = [CODE.findall(heading)[0] for heading in headings(METRICS) if heading.startswith("Table ")]
    assert Counter(described) == Counter([*AUTHORITATIVE, *DRILL_DOWN, "publication"])


@pytest.mark.parametrize("name", sorted(AUTHORITATIVE))
def test_every_column_has_a_unit_and_its_type(name):
    units = [(CODE.findall(names), types.split(", ")) for names, _, types in table("Units")]
    wrong = []
    for column in AUTHORITATIVE[name].properties:
        whole = [types for names, types in units if column.name in names]
        part = [types for names, types in units if any(is_named(column.name, n) for n in names)]
        types = (whole or part or [[]])[0]
        if column.physical_type in TYPED and column.physical_type not in types:
            wrong.append((column.name, column.physical_type, types))
    assert wrong == []


def test_every_name_of_the_table_of_units_is_in_use():
    columns = {column.name for contract in AUTHORITATIVE.values() for column in contract.properties}
    names = [name for row in table("Units") for name in CODE.findall(row[0])]
    assert [name for name in names if not any(is_named(column, name) for column in columns)] == []


def test_every_reason_for_null_is_explained_once():
    promised = {
        value
        for contract in AUTHORITATIVE.values()
        for column in contract.properties
        if column.name.endswith("reason")
        for rule in column.quality
        for value in rule["arguments"]["validValues"]
    }
    explained = [reason for row in table("Reasons for NULL") for reason in CODE.findall(row[0])]
    assert Counter(explained) == Counter(promised)


def test_the_workflow_pins_its_actions_bounds_its_jobs_and_needs_no_secret():
    text = (CHECKOUT / ".github" / "workflows" / "ci.yml").read_text()
    jobs = yaml.safe_load(text)["jobs"]
    actions = [step["uses"] for job in jobs.values() for step in job["steps"] if "uses" in step]
    assert set(jobs) == {"check", "test", "wheel", "soak"}
    assert all(job["timeout-minutes"] for job in jobs.values())
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@v\d+\.\d+\.\d+", action) for action in actions)
    assert "secrets." not in text
