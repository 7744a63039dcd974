"""Spark as a process of the run: which addresses need one, the Java it needs, what it is started with."""

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestration.build.engines import driver, environment
from orchestration.build.engines.environment import EngineError, check_java
from orchestration.engine_cli import app
from orchestration.settings import Engine

WORDS = "echo 'openjdk version \"{}\" 2025-04-15' >&2"


@pytest.mark.parametrize(
    ("address", "is_one"),
    [(None, True), ("local", True), ("local[2]", True), ("spark://a:7077", True), ("sc://a:15002", False)],
)
def test_a_master_needs_java_here_and_a_server_of_spark_connect_does_not(address, is_one):
    assert Engine("spark", address).needs_java == driver.is_master("spark", address) == is_one
    assert not Engine("sail", address).needs_java
    assert not driver.is_master("sail", address)


def java(folder: Path, script: str) -> Path:
    """A JAVA_HOME with this script as its java."""
    path = folder / "bin" / "java"
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return folder


@pytest.mark.parametrize("version", ["17.0.15", "17", "21.0.2", "25-ea"])
def test_java_17_and_later_will_do(version, tmp_path, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(java(tmp_path, WORDS.format(version))))
    check_java()


@pytest.mark.parametrize(
    ("script", "what_is_wrong"),
    [
        (WORDS.format("1.8.0_412"), "is Java 8"),
        (WORDS.format("11.0.2"), "is Java 11"),
        ("echo GNU libgcj >&2", "of an unknown version"),
        ("exit 1", "can't be run"),
    ],
)
def test_another_java_is_named_with_what_to_install(script, what_is_wrong, tmp_path, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(java(tmp_path, script)))
    with pytest.raises(EngineError, match=f"{what_is_wrong}.*needs Java 17 or later.*openjdk-17"):
        check_java()


def test_without_java_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match=r"There is no Java here\. Apache Spark needs Java 17 or later"):
        check_java()
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "nowhere"))
    with pytest.raises(EngineError, match="nowhere/bin/java can't be run"):
        check_java()


@pytest.mark.parametrize(("name", "has_words"), [("spark", True), ("sail", False)])
def test_who_installs_spark_without_java_learns_it_at_once(name, has_words, tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "install_engine", lambda engine: tmp_path / engine)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "nowhere"))
    ended = CliRunner().invoke(app, ["install", name])
    assert ended.exit_code == 0, ended.output
    assert ("Java 17 or later" in ended.output) == has_words


def test_what_spark_writes_of_its_own_stays_in_the_folder_of_the_build(tmp_path):
    settings = driver._settings("local[*]", tmp_path / "an odd 'name'", 0)
    assert settings["spark.sql.warehouse.dir"] == f"{tmp_path}/an odd 'name'/warehouse"
    assert settings["spark.driver.defaultJavaOptions"].endswith("""'"'"'name'"'"'/temporary'""")
    assert settings["spark.driver.host"] == settings["spark.driver.bindAddress"] == "127.0.0.1"
    assert "spark.driver.host" not in driver._settings("spark://a:7077", tmp_path, 0)


@pytest.mark.parametrize(("size", "parts"), [(0, os.cpu_count()), (6_400 << 20, 200), (1 << 50, 2_000)])
def test_a_shuffle_has_parts_by_the_size_of_what_landed(size, parts):
    assert driver._partitions(size) == parts
    assert 1_024 <= driver._memory_mb() <= 8_192
