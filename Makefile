# Everything from a fresh machine with Python 3.11 or newer, g++, make and git. `make` alone lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(firstword $(foreach p,python3 python3.13 python3.12 python3.11,$(shell \
	$(p) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1 && echo $(p))))
PROJECT := firmware_projects/evn-two-body
JOBS ?= 2
# Where a machine forbids bytecode, each worker and each program that a test starts would compile all modules anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help firmware test quick lint docs benchmarks clean tools

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | \
		while IFS=$$'\t' read -r name text; do printf '  make %-12s %s\n' "$$name" "$$text"; done

firmware: $(VENV)/.installed ## build and verify the event-variable example, print its report
	@$(BIN)/qtrigger build $(PROJECT)

test: $(VENV)/.installed-dev ## the whole test suite
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal --durations 20 --durations-min 5

quick: $(VENV)/.installed-dev ## the tests that take no more than a moment each
	@$(BIN)/python -m pytest -n $(JOBS) -m "not slow"

lint: $(VENV)/.installed-dev ## style (ruff) and types (mypy --strict, tests and benchmarks too)
	@$(BIN)/ruff check .
	@$(BIN)/mypy

docs: $(VENV)/.installed-dev ## the documentation site, into site/index.html
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	@echo "site/index.html; with its search: $(BIN)/python -m http.server -d site"

benchmarks: $(VENV)/.installed-dev ## side-by-side measurements, each against a peer in the same run, into docs/benchmarks.md
	@$(BIN)/python benchmarks/publish.py

clean: ## remove what builds and tests left (keeps .venv)
	@rm -rf firmware_projects/*/build firmware_projects/*/.build* firmware_projects/*/.cache build dist site *.egg-info
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

# A stamp is as new as the pins that it was made from, so an outdated .venv is brought up to date.
$(VENV)/.installed: pyproject.toml constraints.txt | tools
	@test -x $(BIN)/python && $(BIN)/python -c '' || { rm -rf $(VENV); $(PYTHON) -m venv $(VENV); }
	@echo "Installing the pinned packages into $(VENV) (minutes, once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[all]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[all,dev]'
	@touch $@

tools:
	@test -n "$(PYTHON)" || { echo "qtrigger needs Python 3.11, 3.12 or 3.13, and found none: install it, or say make PYTHON=..." >&2; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "$(PYTHON) has no venv module: install the python3-venv package" >&2; exit 2; }
	@command -v g++ >/dev/null || { echo "qtrigger needs g++ for the C simulation: install it (Debian: apt-get install g++)" >&2; exit 2; }
	@command -v git >/dev/null || { echo "qtrigger needs git: install it (Debian: apt-get install git)" >&2; exit 2; }
