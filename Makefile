SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
MEASURED := $(BIN)/python tests/measured.py
HOME_OPTION := $(if $(FLYWHEEL_HOME),--home $(FLYWHEEL_HOME))
export PYTHONDONTWRITEBYTECODE :=
export DO_NOT_TRACK := 1

.DEFAULT_GOAL := help
.PHONY: help run try check test soak tests lint-python lint-sql ui notebook sample lint lock format bench bench-engines contracts wheel clean

help: ## print this
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: .venv/ready ## land the inbox, shape, check and publish (the sample organisation, when nothing was ever sent)
	@$(BIN)/flywheel run $(HOME_OPTION)

try: .venv/ready ## measure a dbt repository by its history: make try DBT=path/to/clone
	@test -n "$(DBT)" || { echo "Name a dbt repository: make try DBT=path/to/clone"; exit 2; }
	@name=$$(basename "$$(realpath -eq "$(DBT)" || echo "$(DBT)")" .git) && $(BIN)/flywheel try "$(DBT)" --home "data/try/$$name"

check: .venv/ready ## lint of the Python and the fast tests, about two minutes
	@$(MEASURED) $(MAKE) --no-print-directory lint-python tests WHICH="not slow and not soak"

test: .venv/ready ## everything CI runs: lint, and every test but the exhaustive ones
	@$(MEASURED) $(MAKE) --no-print-directory lint tests WHICH="not soak"

soak: .venv/ready ## every test, the exhaustive ones with hundreds of examples; takes an hour
	@FLYWHEEL_SOAK=1 $(MEASURED) $(MAKE) --no-print-directory lint tests WHICH=""

tests: .venv/ready
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m "$(WHICH)"

ui: .venv/ready ## the Dagster UI on 127.0.0.1, under a path only this home knows
	@$(BIN)/flywheel ui $(HOME_OPTION)

notebook: .venv/ready ## the analyst's notebooks on 127.0.0.1, with a token
	@$(BIN)/marimo edit --host 127.0.0.1 --skip-update-check notebooks

sample: .venv/ready ## put the sample organisation's events into the inbox
	@$(BIN)/flywheel sample $(HOME_OPTION)

lint: lint-python lint-sql ## ruff, mypy and sqlfluff, which takes 40 of 55 CPU-seconds

lint-python: .venv/ready
	@$(BIN)/ruff check --quiet . && $(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy --no-error-summary

lint-sql: .venv/ready
	@home=$$(mktemp -d) && mkdir $$home/builds && FLYWHEEL_HOME=$$home FLYWHEEL_AS_OF=2026-01-01T00:00:00Z \
		$(BIN)/sqlfluff lint --disable-progress-bar dbt_project/models dbt_project/tests && rm -rf $$home

format: .venv/ready ## let ruff format the Python
	@$(BIN)/ruff check --quiet --fix . ; $(BIN)/ruff format --quiet .

contracts: .venv/ready ## derive dbt's properties from data_contracts/authoritative
	@$(BIN)/python -m orchestration.contracts.dbt_properties

bench: .venv/ready ## 5,000,000 events against a hand-written floor; takes minutes
	@$(BIN)/python tests/benchmarks/bench.py

bench-engines: .venv/ready .venv/engines/sail/installed .venv/engines/spark/installed ## 50,000,000 uses on DuckDB, Sail and Spark; takes hours, 60 GB
	@$(BIN)/python tests/benchmarks/engines.py --whole

lock: .venv/ready ## resolve pyproject.toml into requirements.lock, with hashes and without an index
	@$(BIN)/uv pip compile --quiet pyproject.toml --group notebooks --group dev --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --output-file requirements.lock
	@for engine in sail spark; do $(BIN)/uv pip compile --quiet --group engine-$$engine --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --output-file orchestration/build/engines/$$engine.lock; done

# setuptools packs whatever an earlier build left in build/
wheel: .venv/ready ## dist/*.whl, which runs without a checkout
	@rm -rf build dist && $(BIN)/uv build --quiet --offline --wheel --no-build-isolation --out-dir dist && ls dist/*.whl

# an engine's own environment; without it the tests on that engine are skipped
.venv/engines/%/installed: orchestration/build/engines/%.lock .venv/ready
	@$(BIN)/flywheel engine install $*

clean: ## delete everything generated: data/, .venv/, caches
	@rm -rf data .venv build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis dbt_project/target dbt_project/logs

# pip brings uv, uv brings the rest; compiled at install, because importing uncompiled packages costs seconds a run
.venv/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] < (3, 11) and "Flywheel needs Python 3.11 or later: make PYTHON=python3.11 run")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing the locked dependencies into .venv (once)"
	@awk '/^[a-z]/ {of_uv = /^uv==/} of_uv' requirements.lock > .venv/uv.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.txt
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch .venv/ready
