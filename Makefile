# The commands of this repository. `make help` lists them.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# Wheels are pinned by hash; uv resolves nothing, it only installs.
UV_VERSION := 0.13.9

.DEFAULT_GOAL := help
.PHONY: help demo test check lint format crds docs bench sandbox clean lock

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/ready ## the whole story on a real control plane: namespaces, Deployments, a bucket (KEEP=1 leaves it up)
	$(BIN)/python -m sandbox.demo $(if $(KEEP),--keep)

test: $(VENV)/ready ## everything CI checks: lint, types, imports, generated files, all tests
	$(MAKE) --no-print-directory lint
	$(BIN)/python -m sandbox build
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder

check: $(VENV)/ready ## what to run between edits: lint, then all tests that need no control plane
	$(MAKE) --no-print-directory lint
	$(BIN)/pytest -q -n 2 tests/unit tests/reconcile

lint: $(VENV)/ready ## formatting, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: $(VENV)/ready ## put the formatting right
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

crds: $(VENV)/ready ## write crds/ and the chart's copy from the models
	$(BIN)/python -m setops.api.crds crds charts/setops/crds

docs: $(VENV)/ready ## write what docs/ says of the command line and of the rights at AWS, from the code
	$(BIN)/python -m setops.aws.operator_rights docs
	$(BIN)/python -m setops.cli.generate docs

bench: $(VENV)/ready ## side-by-side figures as ratios, also in build/bench.json
	$(BIN)/python -m bench

sandbox: $(VENV)/ready ## a control plane with the operator in the foreground, until Ctrl-C
	$(BIN)/python -m sandbox up --operator --foreground

lock: $(VENV)/ready ## resolve the pinned versions anew
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --extra operator --group dev \
	  --generate-hashes --no-emit-index-url --no-annotate --no-header --upgrade pyproject.toml -o constraints/dev.txt

clean: ## remove what make made (the sandbox's binaries stay in the cache)
	@if [ -d build/sandbox ] && [ -x $(BIN)/python ]; then $(BIN)/python -m sandbox down; fi
	rm -rf $(VENV) build .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

$(VENV)/ready: pyproject.toml constraints/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: Python 3.11 or newer is needed; name one with PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { echo "make: this Python lacks the venv module (on Debian: apt install python3-venv)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r constraints/dev.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@
