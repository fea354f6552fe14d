# Needs python3 (3.11 or newer) and make; everything else goes into .venv of this folder.
#   make test PYTHON=python3.13         another interpreter, for a new .venv
#   make test TEST_WORKERS=0            tests in one process
#   make test PYTEST_ARGS="-k cache"    more arguments for pytest

PYTHON       ?= python3
TEST_WORKERS ?= auto
PYTEST_ARGS  ?=
BENCH_ARGS   ?=
OUT          := data

SHELL       := /bin/sh
VENV        := .venv
PY          := $(VENV)/bin/python
PIP         := $(PY) -m pip --disable-pip-version-check --no-input install -qq
CLIENT_PIP  := $(VENV)/clients/bin/python -m pip --disable-pip-version-check --no-input install -qq
RUN_READY   := $(VENV)/.ready-to-run
DEV_READY   := $(VENV)/.ready-to-develop
PINS        := pyproject.toml constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo test soak clients check docs format bench constraints clean

help: ## this list
	@echo "GridLoom: make <target>"
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  \1|\2/p' Makefile | while IFS='|' read -r name text; do printf '%-14s %s\n' "$$name" "$$text"; done

demo: $(RUN_READY) ## one real year of hourly grid data: one Parquet file, its tensors, four ring shards
	$(VENV)/bin/gridloom year --sample --through ring --out "$(OUT)"

test: $(DEV_READY) ## all tests but the soak tests
	$(PY) -m pytest -n $(TEST_WORKERS) --maxprocesses 4 --dist loadfile $(PYTEST_ARGS)

soak: $(DEV_READY) ## the long randomised tests (those marked "soak"), about twenty minutes
	$(PY) -m pytest -m soak --timeout 3600 $(PYTEST_ARGS)

# In an environment of their own: what these packages need must not decide what GridLoom is tested with.
clients: $(RUN_READY) ## the stand-in server asked by other people's EIA clients
	@"$(PYTHON)" tools/make_venv.py $(VENV)/clients
	@echo "Installing other people's EIA clients into $(VENV)/clients"
	@$(CLIENT_PIP) --upgrade "pip>=25.1"
	@$(CLIENT_PIP) -c constraints.txt -e . --group clients
	$(VENV)/clients/bin/python -m pytest -m clients tests/clients $(PYTEST_ARGS)

check: $(DEV_READY) ## format, lint, types, import contracts, documents, reference
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports --no-logo --no-cache
	$(PY) tools/check_docs.py
	$(PY) tools/paste_examples.py --check
	@$(MAKE) --no-print-directory docs

docs: $(DEV_READY) ## the reference of all public names, from their docstrings, into build/site
	$(PY) -W error -m pdoc --docformat google --no-show-source --output-directory build/site gridloom gridloom.errors

format: $(DEV_READY) ## rewrite the sources in the one format, paste the examples into the documents
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .
	$(PY) tools/paste_examples.py

bench: $(DEV_READY) ## measure every stage on this machine
	$(PY) benchmarks/run.py $(BENCH_ARGS)

constraints: $(RUN_READY) ## ask for the newest versions of everything and pin them in constraints.txt
	$(PY) tools/make_constraints.py

clean: ## remove .venv, builds and caches (never data)
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests tools benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# A dangling interpreter (Python was upgraded or removed) counts as absent and is made anew.
$(PY):
	@command -v "$(PYTHON)" >/dev/null || { echo "There is no '$(PYTHON)' here. Install Python 3.11 or newer, or name yours: make PYTHON=/path/to/python3 <target>" >&2; exit 1; }
	@"$(PYTHON)" tools/make_venv.py $(VENV)

$(RUN_READY): $(PINS) | $(PY)
	@"$(PYTHON)" tools/make_venv.py $(VENV)
	@echo "Installing GridLoom and what it needs to run into $(VENV)"
	@$(PIP) -c constraints.txt -e '.[tensors]'
	@touch $@

# Older pips do not know dependency groups.
$(DEV_READY): $(RUN_READY)
	@echo "Installing what tests and checks need into $(VENV)"
	@$(PIP) --upgrade "pip>=25.1"
	@$(PIP) -c constraints.txt --group dev
	@touch $@
