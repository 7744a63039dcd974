# ruff: noqa: F401 - imported so that no forked run has to
"""What every forked run shares, done once by the server that forks them: see pipeline.py.

Imports, and what is only built at first use. Nothing here may keep a database open.
"""

import gc
import os

import dbt.adapters.duckdb
import great_expectations
import pytest  # a forked process imports pytest's main module again
import scipy.stats
from dbt.cli.main import dbtRunner
from pipeline import PARSED_IN_A_FORK

from orchestration import summary
from orchestration.build import dbt as build_dbt
from orchestration.cli import open_instance, prepare_instance
from orchestration.contracts.expectations import expectation_suites
from orchestration.contracts.odcs import load_layer
from orchestration.definitions import defs
from orchestration.home import Home

os.environ |= PARSED_IN_A_FORK | {"FLYWHEEL_CHROMIUM": ""}  # a PDF a run takes 3 CPU-seconds: tests/publish prints
home = Home.at()
prepare_instance(home)
open_instance(home)
defs().resolve_job_def("flywheel")  # which parses dbt's project in this home
for contract in load_layer("landing").values():
    expectation_suites(contract)
manifest = build_dbt.parsed(home)


def _build_without_artifacts(home, arguments, *others, invoke=build_dbt.invoke):
    """What dbt writes of a build for people to look at takes a CPU-second a run."""
    quick = ["--no-write-json"] if arguments[0] == "build" else []
    return invoke(home, [*arguments, *quick], *others)


build_dbt.invoke = _build_without_artifacts
gc.collect()
gc.freeze()  # no forked run looks through all of this again, which took it 0.4 CPU-s
