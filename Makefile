# Needs python3 (3.11 or newer), make and git, and nothing else. All that is installed goes to .venv.

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000
CORPUS ?=
PRESET ?=
MINUTES ?=
SEED ?=
AUDIT ?=
SITE ?= build/site
UV_VERSION := 0.13.9

BIN := .venv/bin
# A process for each core; tests/conftest.py says which tests stay together.
PYTEST := $(BIN)/python -m pytest -n auto
INSTALLED := .venv/.installed

export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := .venv
unexport VIRTUAL_ENV

.PHONY: help install demo serve test check bench faults openapi docs
.DEFAULT_GOAL := help

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

install: $(INSTALLED) ## Make the environment in .venv from uv.lock

$(INSTALLED): pyproject.toml uv.lock
	@test -x $(BIN)/python || { \
	    $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	        { echo 'Medtune needs Python 3.11 or newer: make PYTHON=/path/to/python3' >&2; exit 1; }; \
	    $(PYTHON) -m venv .venv; }
	@uv=uv; $$uv --version >/dev/null 2>&1 || { \
	    uv=$(BIN)/uv; \
	    $(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip; \
	    $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION); }; \
	    $$uv sync --locked --quiet --python $(BIN)/python
	@touch $(INSTALLED)

demo: install ## Show the whole story; CORPUS=folder for real data, PRESET=fast|balanced|accurate
	$(BIN)/medtune demo $(if $(CORPUS),--corpus "$(CORPUS)") $(if $(PRESET),--preset "$(PRESET)")

serve: install ## Run the service on HOST and PORT
	exec $(BIN)/medtune serve --host "$(HOST)" --port "$(PORT)"

test: install ## Run the tests
	$(PYTEST)

check: install ## Everything CI checks: lint, format, types, import rules, audit, tests
	$(BIN)/python -m ruff check
	$(BIN)/python -m ruff format --check
	$(BIN)/python -m mypy
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/python -m deploy.audit $(AUDIT)
	@$(MAKE) --no-print-directory test

bench: install ## Run all benchmarks; CORPUS=folder of a BC5CDR-like corpus
	@set -e; for file in benchmarks/[a-z]*.py; do \
	    name=$$(basename "$$file" .py); echo "== $$name"; \
	    $(BIN)/python -m "benchmarks.$$name" $(if $(CORPUS),--corpus "$(CORPUS)"); done

faults: install ## Kill processes at random for MINUTES (15) and count what is lost; SEED repeats
	$(BIN)/python -m faults $(if $(MINUTES),--minutes "$(MINUTES)") $(if $(SEED),--seed "$(SEED)")
	$(BIN)/python -m faults.soak --clients 100 --minutes 1 $(if $(SEED),--seed "$(SEED)")
	$(BIN)/python -m faults.fuzz $(if $(MINUTES),--minutes "$(MINUTES)")
	$(BIN)/python -m faults.hostile
	$(BIN)/python -m faults.schemas $(if $(MINUTES),--minutes "$(MINUTES)")

openapi: install ## Write tests/api/openapi.json anew
	@mkdir -p tests/api
	$(BIN)/medtune openapi > tests/api/openapi.json.new
	@mv tests/api/openapi.json.new tests/api/openapi.json

docs: install ## Build the documentation into SITE (build/site), to be served as files
	@uv=uv; $$uv --version >/dev/null 2>&1 || uv=$(BIN)/uv; \
	    NO_MKDOCS_2_WARNING=1 $$uv run --isolated --only-group docs --locked --quiet \
	    --python $(BIN)/python mkdocs build --quiet --strict --site-dir "$(abspath $(SITE))"
