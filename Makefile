# `make demo` and `make test` need Python 3.11 or later and nothing else: they make their own environment in .venv.

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null \
	&& echo $$python && break; done)
VENV := .venv
READY := $(VENV)/.ready
LOWEST := .venv-lowest
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help install demo demo-node test lint docs unit e2e e2e-node e2e-story lowest mutants benchmarks format lock image image-archive clean

help:  ## Say what can be made
	@sed -n 's/^\([a-z0-9-]*\):.*  ## /\1\t/p' Makefile

install: $(READY)  ## Make the environment in .venv, every package by its hash

$(READY): requirements/development.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "gatekeeper_py needs Python 3.11 to 3.14; set PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --require-hashes -r requirements/development.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $(READY)

demo: $(READY)  ## Two tenants, good and hostile, against the real HTTPS webhook
	$(VENV)/bin/python -m examples.demo

demo-node: $(READY)  ## The same with real pods and control planes in gVisor; a shell at the end
	$(VENV)/bin/python -m tests.e2e.story.demo

test: lint docs unit  ## The whole test suite: style, types, floors, documents, tests

lint: $(READY)
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

docs: $(READY)  ## The documents as a site in site/; a broken link fails
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/python -W error -m mkdocs build --strict

# A process for each core; a file's tests stay together, for what they share is made once. All have one hash seed, of the
# day's chance: they must agree on the tests' names, in which a set may stand.
unit: $(READY)
	PYTHONHASHSEED=$$$$ $(VENV)/bin/python -m pytest --numprocesses auto --dist loadfile --durations=10

# Each process has a control plane of its own, of about 700 MB: so four at most.
e2e: $(READY)  ## kubectl against a real kube-apiserver (KUBEBUILDER_ASSETS, or built with Go)
	PYTHONHASHSEED=$$$$ $(VENV)/bin/python -m pytest tests/e2e --ignore=tests/e2e/node --ignore=tests/e2e/story \
		--numprocesses auto --maxprocesses 4 --dist loadfile

# Needs Linux, root, runc, busybox-static, and Go the first time (8 minutes on two cores); skips where it cannot run.
e2e-node: $(READY)  ## Pods of tenants run in gVisor on a real node, and land on a virtual one
	$(VENV)/bin/python -m tests.e2e.node

e2e-story: $(READY)  ## Two tenants, each with a control plane of its own in gVisor
	$(VENV)/bin/python -m tests.e2e.node tests/e2e/story

# What the tests themselves need may be new. Old packages warn of what has gone out of use since: no fault of ours.
lowest: $(LOWEST)/.ready  ## Server and engine with the oldest packages that pyproject.toml allows
	$(LOWEST)/bin/python -m pytest tests/smoke tests/cluster/test_live.py -W default --disable-warnings
	$(LOWEST)/bin/python -m tests.smoke.uvicorn_versions

$(LOWEST)/.ready: pyproject.toml
	@test -n "$(PYTHON)" || { echo "gatekeeper_py needs Python 3.11 to 3.14; set PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(LOWEST)
	$(LOWEST)/bin/python -m pip --disable-pip-version-check --quiet install uv
	$(LOWEST)/bin/uv pip install --quiet --python $(LOWEST)/bin/python --resolution lowest-direct --editable .
	$(LOWEST)/bin/uv pip install --quiet --python $(LOWEST)/bin/python httpx hypothesis pytest pytest-timeout
	@touch $(LOWEST)/.ready

mutants: $(READY)  ## Break every shipped policy in small ways: its own suite must see each
	$(VENV)/bin/python -m tests.policies.mutants

benchmarks: $(READY)  ## What a decision costs on this machine
	$(VENV)/bin/python -m pytest tests/benchmarks -s
	$(VENV)/bin/python -m tests.benchmarks.cel
	$(VENV)/bin/python -m tests.benchmarks.cluster
	$(VENV)/bin/python -m tests.benchmarks.engine
	$(VENV)/bin/python -m tests.benchmarks.audit
	$(VENV)/bin/python -m tests.benchmarks.audit.rivals
	$(VENV)/bin/python -m tests.benchmarks.webhook
	$(VENV)/bin/python -m tests.benchmarks.webhook.tenants

format: $(READY)  ## Let ruff lay out the code
	$(VENV)/bin/ruff check --fix
	$(VENV)/bin/ruff format

# The locks are remade only on purpose: `make lock` needs uv (`pip install uv`).
LOCK := uv pip compile --universal --generate-hashes --no-header --python-version 3.11 --quiet pyproject.toml

lock:  ## Remake the locks in requirements/ from pyproject.toml
	$(LOCK) --output-file requirements/runtime.txt
	$(LOCK) --extra development --output-file requirements/development.txt

image:  ## The container image
	docker build --tag gatekeeper-py:latest .

# Needs root, debootstrap and pip; a minute the first time. `ctr images import`, `docker load` or `podman load` take it.
image-archive: $(READY)  ## The container image as dist/gatekeeper-py.tar, without a container engine
	$(VENV)/bin/python -m image dist/gatekeeper-py.tar

clean:  ## Remove the environment and what tools cache
	rm -rf $(VENV) $(LOWEST) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .benchmarks dist site
