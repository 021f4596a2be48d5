# Everything a newcomer needs: `make demo` shows it, `make test` proves it. Each target installs what it uses.

# Compiled modules make every start faster; some machines are set not to keep them.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= $(firstword $(foreach p,python3 python3.13 python3.12 python3.11,$(shell \
	$(p) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $(p))))
BIN := .venv/bin
INSTALLED := .venv/.installed
UV := $(BIN)/uv --system-certs
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock"

.PHONY: help install servers demo up env compose-check test test-rules test-faults test-pages test-airflow test-cluster faults cluster bench check format lock clean

help:  ## Say what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## / — /'

install: $(INSTALLED)  ## Install into .venv

$(INSTALLED): requirements.txt requirements-s3.txt requirements-dev.txt requirements-build.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed; set PYTHON=/path/to/it"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-build.txt
	$(UV) pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements-dev.txt -r requirements-build.txt
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

servers:  ## Install PostgreSQL, Redis, OpenSSH's server and Chromium for the tests, if they are not there (apt)
	@{ ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || command -v postgres >/dev/null; } && \
		{ test -x /usr/sbin/sshd || command -v sshd >/dev/null; } && \
		command -v redis-server >/dev/null && command -v chromium >/dev/null || { \
		run=$$([ $$(id -u) = 0 ] || echo sudo); policy=/usr/sbin/policy-rc.d; \
		$$run mkdir -p /etc/postgresql-common && \
		echo "create_main_cluster = false" | $$run tee /etc/postgresql-common/createcluster.conf >/dev/null && \
		if [ -e $$policy ]; then policy=; else printf '#!/bin/sh\nexit 101\n' | $$run tee $$policy >/dev/null; $$run chmod 755 $$policy; fi && \
		$$run apt-get update -qq && \
		$$run env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -qq -y postgresql redis-server openssh-server chromium; \
		failed=$$?; [ -z "$$policy" ] || $$run rm -f $$policy; \
		! command -v systemctl >/dev/null || $$run systemctl --quiet disable redis-server; exit $$failed; }

demo: install  ## Simulate a week, ingest it, backfill five days through a real Airflow, show what arrived where
	$(BIN)/python -m sobank.simulator.demo

up: install  ## Leave an Airflow open, on loopback, with a generated password
	$(BIN)/python -m sobank.simulator.up

env: install  ## Generate the secrets of docker-compose.yaml into .env; refuses where there is one
	@$(BIN)/python -m deploy.make_env

compose-check: install  ## Look at docker-compose.yaml without an engine: secrets, ports, rights, limits, health
	$(BIN)/python -m deploy.compose_check

test: install servers  ## Every test; PostgreSQL, sshd, Airflow and simulated partners are started on loopback
	@echo "The rules, then the pages in a browser; beside them the faults, then whole days through a real"
	@echo "Airflow, then through the processes of docker-compose.yaml. Each of the five is shown when it is over."
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target test-pages test-cluster

test-rules:
	$(BIN)/pytest --ignore=tests/faults --ignore=tests/e2e --ignore=tests/cluster

test-faults:
	$(BIN)/pytest tests/faults

test-pages: test-rules
	$(BIN)/pytest tests/e2e/pages

test-airflow: test-faults
	$(BIN)/pytest tests/e2e --ignore=tests/e2e/pages

test-cluster: test-airflow
	$(BIN)/pytest tests/cluster

faults: install servers  ## Break every step of every kind of delivery, and write docs/faults.md
	$(BIN)/pytest tests/faults --write-faults

cluster: install servers  ## Kill every part of an installation in turn, and write docs/cluster.md
	$(BIN)/pytest tests/cluster --every-kill

bench: install servers  ## Measure speed and memory beside peers, in one run (SIZE, ROUNDS, ONLY)
	$(BIN)/python -m benchmarks

check: compose-check  ## Format, lint, types, and who may import whom
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install  ## Format and mend what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: install  ## Compile the requirement files again, to the newest versions that resolve together
	$(COMPILE) --upgrade requirements.in -o requirements.txt
	$(COMPILE) --upgrade requirements-s3.in -o requirements-s3.txt
	$(COMPILE) --upgrade requirements-dev.in -o requirements-dev.txt
	$(COMPILE) --upgrade benchmarks/requirements-peers.in -o benchmarks/requirements-peers.txt
	$(COMPILE) --upgrade requirements-build.in -o requirements-build.txt

clean:  ## Remove what the other targets made, the environment included
	rm -rf .venv benchmarks/.peers .demo .airflow .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache include/*.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
