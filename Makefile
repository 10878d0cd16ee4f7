# Headwater. `make demo` and `make test` do all their own set-up; nothing but Python 3.11+ and make is needed.
PYTHON ?= python3
BIN := .venv/bin
DATA ?= operator
CUSTOMERS ?= 20000
SHARE ?= 1
SEED ?= 0
PYTEST := $(BIN)/python -m pytest
# --dist worksteal: neighbours stay with one worker, so that what a module shares is made once.

.DEFAULT_GOAL := help
.PHONY: help demo test test-all check bench reliability results docs clean

help:            ## What can be made
	@grep -hE '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /  make \1\t/' | expand -t 18

demo: .venv/ready  ## Demo data, models, one night; names the files to open. DATA=operator|complete-journey|cdnow
	@$(BIN)/headwater demo $(DATA) --customers $(CUSTOMERS)

test: .venv/dev  ## The quick tests, about 7 minutes on two cores
	$(PYTEST) -n 2 --dist worksteal -m "not slow"

test-all: .venv/dev  ## Every test, the slow suites included
	$(PYTEST) -n 2 --dist worksteal

check: .venv/dev  ## Format, lint, types, import direction
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: CUSTOMERS = 100000
bench: .venv/dev .venv/featuretools/ready  ## Timings and peaks as ratios of one run; workspace/bench.json. CUSTOMERS=1000000
	$(BIN)/python -m benchmarks.run --customers $(CUSTOMERS)

reliability: .venv/dev  ## Faults of every kind against a workspace; workspace/reliability.json. PARTS="crashes calls" SHARE=0.1 SEED=3
	$(BIN)/python -m benchmarks.reliability $(PARTS) --share $(SHARE) --seed $(SEED)

results: .venv/dev  ## Figures of the three demo sets and what was to be reached, beside its bars: docs/results.md, docs/results/, workspace/results.json. SETS="cdnow operator"
	$(BIN)/python -m benchmarks.results $(SETS)

docs: .venv/ready  ## Write docs/features.md, docs/errors.md and docs/tables.md from the code
	$(BIN)/python -m pipelines.reference.dictionary docs

clean:           ## Remove the environment and everything generated
	rm -rf .venv workspace data

.venv/ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; assert (3, 11) <= sys.version_info < (3, 14), "Headwater needs Python 3.11, 3.12 or 3.13: make PYTHON=/path/to/python3.12"'
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "Python lacks venv: apt-get install python3-venv"; exit 1; }
	@echo "Making the environment in .venv (about a minute, once) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[samples]'
	@$(BIN)/python -c 'import lightgbm' 2>/dev/null || { echo "LightGBM needs libgomp: apt-get install libgomp1"; exit 1; }
	@touch $@

# What only tests and benchmarks need.
.venv/dev: .venv/ready
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,samples,postgres,sqlite,tune,bench]'
	@touch $@

# One rival of `make bench` needs an older pandas; where its environment cannot be made, its lines say so.
.venv/featuretools/ready: .venv/dev benchmarks/featuretools.txt
	@$(PYTHON) -m venv .venv/featuretools && .venv/featuretools/bin/python -m pip install --quiet --disable-pip-version-check -r benchmarks/featuretools.txt && touch $@ || rm -rf .venv/featuretools
