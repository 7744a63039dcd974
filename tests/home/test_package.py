"""The package: what a wheel holds, and where an installation keeps what it generates."""

import zipfile

from installed import wheel

from orchestration.code import code_files
from orchestration.home import DEFAULT_HOME, FILES, IS_CHECKOUT


def test_a_wheel_holds_all_code_contracts_models_and_templates_and_nothing_else():
    expected = {}
    for name, path in code_files().items():
        packed = name.startswith(("data_contracts/", "dbt_project/"))
        expected["orchestration/_files/" + name if packed else name] = path.read_bytes()
    for path in (FILES / "sources").rglob("*"):
        if path.is_file():
            expected[f"orchestration/_files/{path.relative_to(FILES)}"] = path.read_bytes()
    with zipfile.ZipFile(wheel()) as file:
        held = {name: file.read(name) for name in file.namelist() if ".dist-info/" not in name}
    assert held.keys() == expected.keys()
    assert held == expected
    assert len([name for name in held if name.endswith(".sql")]) > 60


def test_a_checkout_keeps_its_home_and_its_files_at_its_top():
    assert IS_CHECKOUT
    assert (FILES / "data_contracts").is_dir()
    assert DEFAULT_HOME == FILES / "data"
