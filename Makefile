.DEFAULT_GOAL := help
.PHONY: help setup serve run fmt lint types test test-long test-node scenarios alerts replay fuzz docs sim soak mutations check bench lock

PY := .venv/bin/python
WORKERS ?= 2

# Bytecode is kept whatever the caller's shell says: the processes that tests start would each compile the product again.
export PYTHONDONTWRITEBYTECODE :=

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: ## Make .venv, build the local model's engine once, fetch the model (all kept under ~/.pointsman)
	@bash ops/setup.sh dev

serve: ## Set everything up, then serve on 127.0.0.1:8094 (ARGS="--config FILE" for a configuration)
	@bash ops/setup.sh serve
	@exec .venv/bin/pointsman serve $(ARGS)

run: serve ## The same as serve

fmt: setup ## Format the code
	@$(PY) -m ruff format .
	@$(PY) -m ruff check --fix --quiet .

lint: setup ## Check style and layout rules
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .

types: setup ## Check types
	@$(PY) -m mypy

test: setup ## Run the tests, two at a time (WORKERS=N; ARGS=PATH for some of them)
	@$(PY) -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

test-long: setup ## Run the tests that take minutes: every bug on purpose against its invariant
	@$(PY) -m pytest -m long

test-node: setup ## Ask a router for every recorded answer with the official Node packages (Debian: apt-get install nodejs npm); skipped without Node 20
	@$(PY) -m tests.node

scenarios: setup ## Put a router through every scenario and print the table (ARGS="--base-url URL --model M": another gateway)
	@$(PY) -m tests.scenarios $(ARGS)

replay: setup ## Serve every recorded exchange through every front end, print the table, write docs/providers.md
	@$(PY) -m tests.replay

fuzz: setup ## Hostile requests and answers through every translator for five minutes (ARGS="--seconds N --seed S")
	@$(PY) -m tests.fuzz $(ARGS)

docs: setup ## Write docs/api.md and the tables of docs/providers.md and docs/failures.md anew, from the code
	@$(PY) -m tests.providers.table
	@$(PY) -m tests.failures
	@$(PY) -m tests.front.apidoc

sim: setup ## Simulate worlds of faults on virtual time (ARGS="--exchanges N --seed S")
	@$(PY) -m tests.simulation --tier core $(ARGS)
	@$(PY) -m tests.simulation --tier wire $(ARGS)

soak: setup ## Load a router and its provider with calls and faults, for an hour (ARGS="--hours N --callers N")
	@$(PY) -m tests.simulation.sockets.soak $(ARGS)

alerts: setup ## Check the alerts; with promtool (Debian: apt-get install prometheus) on time series too
	@$(PY) -m pytest -rs tests/ops/test_alerts.py tests/ops/test_promtool.py

mutations: setup ## Put bugs into the product and write the table of what caught them into docs/simulation.md
	@$(PY) -m tests.simulation.mutations

check: lint types test ## Everything that must pass before a commit

bench: setup ## Measure the runtime, the translators and a whole request
	@$(PY) -m bench.runtime
	@$(PY) -m bench.dialects
	@$(PY) -m bench.proxy

lock: setup ## Write the hash-pinned locks anew from pyproject.toml
	@bash ops/lock.sh
