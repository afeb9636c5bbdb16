# Clearance: every verb a developer, CI or a curious visitor needs. `make` alone prints them.
# A fresh machine needs Python 3.11+, make and a package index; the first verb installs everything
# into .venv, and from then on all verbs work offline, whoever runs them and wherever HOME points.

PYTHON     ?= python3
VENV       := .venv
BIN        := $(VENV)/bin
UV         := .uv/bin/uv
UV_VERSION := 0.13.9
UV_STAMP   := .uv/installed-$(UV_VERSION)
STAMP      := $(VENV)/.installed
WORKERS    ?= 4

# The container installs the second lock: the same versions, without the tools of development.
COMPILE := --quiet --extra all --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock"

# All caches stay in the folder: HOME may be fresh, full or not writable.
export UV_CACHE_DIR := $(CURDIR)/.cache/uv
export MPLCONFIGDIR := $(CURDIR)/.cache/matplotlib
export UV_PYTHON_DOWNLOADS := never
# A virtual environment that happens to be active is not ours.
unexport VIRTUAL_ENV PYTHONHOME PYTHONPATH
# Without bytecode every process compiles what it imports: MLflow takes 5 s to load then, not 2.
unexport PYTHONDONTWRITEBYTECODE

# uv does not read pip's configuration, where a company's own index usually stands.
FROM_INDEX = UV_DEFAULT_INDEX="$${UV_DEFAULT_INDEX:-$${PIP_INDEX_URL:-$$(.uv/bin/python -m pip config get global.index-url 2>/dev/null)}}"

# A moved folder has scripts that point to where it was, so the stamp says where that is.
ifneq ($(shell cat $(STAMP) 2>/dev/null),$(CURDIR))
.PHONY: $(STAMP)
endif

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help setup check test bench calibrate serve demo demo-mlflow lock clean

help: ## print this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' Makefile

setup: $(STAMP) ## install everything into .venv (clearance, uvicorn, python)
	@echo "Ready: $(BIN)/clearance"

check: $(STAMP) ## lint, formatting, types, import contracts, the shape of the code
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/architecture

test: $(STAMP) ## all tests, on SQLite and on a real PostgreSQL
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

bench: $(STAMP) ## measure against plain alternatives in five minutes (ONLY="decide start serve" picks)
	$(BIN)/python -m tests.bench $(ONLY)

calibrate: $(STAMP) ## measure how often verdicts are wrong and write docs/honesty.md
	$(BIN)/python -m tests.calibrate

serve: $(STAMP) ## run the service on http://127.0.0.1:8000
	$(BIN)/clearance serve

demo-mlflow: $(STAMP) ## a real MLflow server, its webhooks, models, restarts: the alias follows the verdicts
	@rm -rf .demo-mlflow
	$(BIN)/python -m tests.scenarios.mlflow_loop .demo-mlflow

demo: $(STAMP) ## the whole story on a real model in under a minute
	$(BIN)/clearance demo --keep .demo

lock: $(UV_STAMP) ## resolve pyproject.toml into requirements.lock (names, versions, hashes)
	@$(FROM_INDEX) $(UV) pip compile $(COMPILE) --group dev --output-file requirements.lock pyproject.toml
	@echo hatchling | $(FROM_INDEX) $(UV) pip compile $(COMPILE) --constraint requirements.lock \
	    --output-file deploy/requirements.lock pyproject.toml -

clean: ## remove what the verbs made: environment, caches, demo
	rm -rf .venv .uv .cache .demo .demo-mlflow .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .schemathesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(UV_STAMP):
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Clearance needs Python 3.11 or later; try make PYTHON=/path/to/python3.11")'
	@echo "Installing uv $(UV_VERSION) into .uv ..."
	@$(PYTHON) -m venv --clear .uv
	@.uv/bin/python -m pip install --quiet --no-cache-dir --disable-pip-version-check "uv==$(UV_VERSION)"
	@touch $@

$(STAMP): requirements.lock pyproject.toml $(UV_STAMP)
	@echo "Installing the locked packages into $(VENV) ..."
	@test "$$(cat $@ 2>/dev/null)" = "$(CURDIR)" || rm -rf $(VENV)
	@rm -f $@
	@test -x $(BIN)/python || $(UV) venv --quiet --clear --python $(PYTHON) $(VENV)
	@$(FROM_INDEX) $(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --offline --editable .
	@printf '%s' "$(CURDIR)" > $@
