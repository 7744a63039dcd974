# ruff: noqa: F401 - imported so that no forked run has to
"""What every forked run shares, done once by the server that forks them: see pipeline.py.

Imports, and what is only built at first use. Nothing here may keep a database open.
"""

import os

import dbt.adapters.duckdb
import great_expectations
import pytest  # a forked process imports pytest's main module again
import scipy.stats
from dbt.cli.main import dbtRunner
from pipeline import PARSED_IN_A_FORK

from orchestration import summary
from orchestration.cli import open_instance, prepare_instance
from orchestration.contracts import expectation_suites, load_layer
from orchestration.definitions import defs
from orchestration.home import Home
from orchestration.transform import dbt_environment
from orchestration.warehouse import DBT_PROJECT

home = Home.at()
os.environ |= {"DBT_PROFILES_DIR": str(DBT_PROJECT), "DBT_PROJECT_DIR": str(DBT_PROJECT)} | dbt_environment(home)
prepare_instance(home)
open_instance(home)
defs().resolve_job_def("flywheel")
for contract in load_layer("landing").values():
    expectation_suites(contract)
places = ["--target-path", str(home.dbt_target), "--log-path", str(home.logs)]
manifest = dbtRunner().invoke(["--quiet", *PARSED_IN_A_FORK, "parse", *places]).result
