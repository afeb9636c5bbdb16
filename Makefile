# Clearance: every verb a developer, CI or a curious visitor needs. `make` alone prints them.
# A fresh machine needs Python 3.11+, make and a package index; the first verb installs everything
# into .venv, and from then on all verbs work offline.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV     := .uv/bin/uv
STAMP  := $(VENV)/.installed
UV_VERSION := 0.13.9
export UV_LINK_MODE ?= copy
export PYTHONDONTWRITEBYTECODE =

.DEFAULT_GOAL := help
.PHONY: help setup check test bench serve demo lock clean

help: ## print this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## install everything into .venv (clearance, uvicorn, python)

$(UV):
	@echo "Installing uv into .uv ..."
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Clearance needs Python 3.11 or later; set PYTHON=/path/to/python3.11")'
	@$(PYTHON) -m venv .uv
	@.uv/bin/python -m pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)"

$(STAMP): requirements.lock pyproject.toml | $(UV)
	@echo "Installing the locked packages into $(VENV) ..."
	@test -x $(BIN)/python || $(UV) venv --quiet --python $(PYTHON) $(VENV)
	@$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

lock: | $(UV) ## resolve pyproject.toml into requirements.lock (names, versions, hashes)
	@$(UV) pip compile --quiet pyproject.toml --extra all --group dev --universal --python-version 3.11 \
	    --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate \
	    --custom-compile-command "make lock" --output-file requirements.lock
