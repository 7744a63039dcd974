"""Which code computes: its files, and a version that changes with any of them.

Belongs here: the code and the packages that compute. Does not belong here: what depends on them (builds, pulls).
"""

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

from orchestration.home import FILES, PACKAGES

CODE = (PACKAGES / "dashboard", FILES / "data_contracts", FILES / "dbt_project", PACKAGES / "orchestration")
CODE_SUFFIXES = (".css", ".csv", ".html", ".lock", ".owm", ".py", ".sql", ".yaml", ".yml")
COMPUTING_PACKAGES = ("duckdb", "dbt-core", "dbt-duckdb", "numpy", "scipy")


@cache
def code_version() -> str:
    """The version of the package, and a hash of the code and of the packages that compute."""
    digest = hashlib.sha256(" ".join(f"{name} {version(name)}" for name in COMPUTING_PACKAGES).encode())
    for name, path in sorted(code_files().items()):
        digest.update(f"\0{name}\0".encode() + path.read_bytes())
    return f"{version('flywheel-metrics')}+{digest.hexdigest()[:12]}"


def code_files() -> dict[str, Path]:
    """{its path in a checkout: file} of all that computes or draws; a wheel has the same ones."""
    files = {f"{folder.name}/{path.relative_to(folder)}": path for folder in CODE for path in folder.rglob("*")}
    packed = "orchestration/_files/"  # data_contracts/ and dbt_project/ once more
    return {n: path for n, path in files.items() if path.suffix in CODE_SUFFIXES and not n.startswith(packed)}
