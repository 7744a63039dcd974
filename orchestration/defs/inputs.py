"""What people put into a home, as external assets: the inbox, and the tables that they declare."""

import dagster as dg

from orchestration.contracts.odcs import load_layer
from orchestration.home import Home
from orchestration.sources.declaration import NAME, declared_names

INBOX = dg.AssetKey("inbox")
# {name: key} of each declared source; one that is badly named has no asset, and every run says why
SOURCES = {name: dg.AssetKey(["sources", name]) for name in declared_names(Home.at()) if NAME.fullmatch(name)}


@dg.definitions
def inputs() -> dg.Definitions:
    """Dagster shows these and what reads them; it can't materialize them."""
    inbox = dg.AssetSpec(
        INBOX,
        group_name="inputs",
        description=(
            "Delivery events as files in `<home>/inbox`, or in S3, and its folders, from every source; a file never "
            "changes once it is there. Landing reads each one once. The sensor starts a run for new files."
        ),
        owners=["team:data-engineering"],
        kinds={"file"},
    )
    declared = [
        dg.AssetSpec(
            ["declared", contract.name],
            group_name="inputs",
            description=(
                f"{contract.description} {contract.purpose} `<home>/declared/{contract.name}.csv`; "
                "a run checks it against its contract and writes it into its build."
            ),
            owners=[f"team:{contract.owner}"],
            kinds={"csv"},
        )
        for contract in load_layer("declared").values()
    ]
    return dg.Definitions(assets=[inbox, *declared])
