# Everything there is to do, for people and for continuous integration alike. `make` lists the targets.
PYTHON ?= python3
BIN := .venv/bin
DEMO_CONFIG = $$($(BIN)/nicamon demo folder)/nicamon.toml
# What `nicamon demo up --with` runs.
SYSTEMS := gridengine-master gridengine-exec gridengine-client slurmctld slurmd slurm-client munge \
	xrootd-server xrootd-client

# Processes that run tests side by side; much of what they do is waiting.
TESTERS := 3

# Compiled modules are kept, whatever the caller's environment says: else each process compiles all of them again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install packages demo demo-down test test-fast lint format docs bench clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.venv/nicamon: pyproject.toml
	@sh .ci/venv "$(PYTHON)" install
	@touch $@

.venv/develop: pyproject.toml .venv/nicamon
	@sh .ci/venv "$(PYTHON)" develop
	@touch $@

install: .venv/nicamon ## Make .venv and install nicamon into it

packages: .venv/develop
	@$(BIN)/python -m nicassh.demo.packages openssh-server iproute2 busybox faketime mksh dash tcsh fish zsh systemd || [ -z "$$CI" ]
	@$(BIN)/python -m nicassh.demo.packages $(SYSTEMS) || [ -z "$$CI" ]
	@$(BIN)/python -m nicassh.demo.packages postgresql mariadb-server || [ -z "$$CI" ]

demo: .venv/nicamon ## Bring a farm of real nodes up on this machine, collect, and show it
	@sh .ci/demo $(SYSTEMS)

demo-down: .venv/nicamon ## Take the demo farm down and remove all of it
	@$(BIN)/nicamon demo down

test: packages ## Run all tests
	@$(BIN)/pytest --numprocesses $(TESTERS) --dist loadgroup --durations 15

test-fast: .venv/develop ## Run the tests that need no database server and no farm, in less than a minute
	@$(BIN)/pytest --quiet --numprocesses 2 --dist loadgroup -m "not server" tests/unit tests/docs tests/views

lint: .venv/develop ## Check format, types, floors and shell scripts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/shellcheck --shell=sh probes/*/*.sh src/nicassh/collection/bundle.sh src/nicassh/demo/*.sh .ci/demo .ci/run .ci/venv

format: .venv/develop ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: .venv/develop ## Write the generated pages, the man pages and the picture of docs/
	$(BIN)/python docs/generate.py

bench: packages ## Compare with pdsh on 100 nodes and with another queue, measure sessions, queue, nodes and views (root)
	@$(BIN)/python -m nicassh.demo.packages pdsh
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --group bench
	$(BIN)/python tests/bench/fanout.py
	$(BIN)/python tests/bench/kept.py
	$(BIN)/python tests/bench/footprint.py
	$(BIN)/python tests/bench/views.py
	$(BIN)/python tests/bench/store.py
	$(BIN)/python tests/bench/readers.py
	$(BIN)/python tests/bench/history.py
	$(BIN)/python tests/bench/narrow.py
	$(BIN)/python tests/bench/tasks_rate.py
	$(BIN)/python tests/bench/tasks_deferred.py
	$(BIN)/python tests/bench/tasks_share.py
	$(BIN)/python tests/bench/tasks_rival.py
	$(BIN)/python tests/bench/tasks_start.py
	$(BIN)/python tests/bench/tasks_race.py
	$(BIN)/python tests/bench/fair.py
	$(BIN)/python tests/bench/looking_back.py
	$(BIN)/python tests/bench/timescale.py
	$(BIN)/python tests/bench/scale.py

clean: ## Remove .venv and caches
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
