"""The Dagster code location: everything in defs/."""

import warnings

import dagster as dg

from orchestration import defs as folder
from orchestration.home import PACKAGES


@dg.definitions
def defs() -> dg.Definitions:
    """Assets, checks, jobs, sensors and schedules."""
    # not dg.load_from_defs_folder: it reads the module's name from a pyproject.toml, and an installed package has none
    with warnings.catch_warnings(action="ignore", category=dg.PreviewWarning):
        return dg.ComponentTree.from_module(folder, project_root=PACKAGES).build_defs()
