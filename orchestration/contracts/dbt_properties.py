"""Derives the dbt properties that enforce the authoritative contracts; `make contracts` writes them.

Belongs here: a contract as dbt's YAML. Does not belong here: reading contracts (odcs.py), SQL (dbt_project/).
"""

from pathlib import Path

import yaml

from orchestration.contracts.contract import Contract, Property
from orchestration.contracts.odcs import load_layer
from orchestration.home import FILES


def dbt_properties(contracts: dict[str, Contract]) -> str:
    """The YAML text of the dbt properties file that enforces these contracts on their models."""
    header = "# Generated from data_contracts/authoritative by `make contracts`. Don't edit: change the contract.\n"
    models = [_dbt_model(contract) for contract in contracts.values()]
    return header + yaml.safe_dump({"version": 2, "models": models}, sort_keys=False, width=110, allow_unicode=True)


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
    description = f"There is one row per {_listed(contract.grain)}"
    if accepted:
        holds = "holds" if len(accepted) == 1 else "hold"
        description += f", and {_listed(list(accepted))} {holds} only what the contract lists"
    arguments = {"grain": contract.grain} | ({"accepted": accepted} if accepted else {})
    config = {"meta": {"description": f"{description}."}}  # where dagster-dbt reads an asset check's description
    return {"name": f"{contract.name}_is_valid", "arguments": arguments, "config": config}


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def _dbt_column(p: Property) -> dict:
    column = {"name": p.name, "data_type": p.physical_type, "description": p.description}
    return column | ({"constraints": [{"type": "not_null"}]} if p.required else {})


def write_dbt_properties() -> Path:
    """Write the generated dbt properties of the authoritative layer; returns the file."""
    path = FILES / "dbt_project" / "models" / "authoritative" / "properties.yml"
    path.write_text(dbt_properties(load_layer("authoritative")))
    return path


if __name__ == "__main__":
    print(f"wrote {write_dbt_properties()}")
