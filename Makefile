# make run   serve the stage with the default avatar on http://127.0.0.1:8420
# make test  everything that CI runs
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8420
# After set-up nothing that it brings may be skipped; modules are compiled once, whatever the shell says of that.
PYTEST := RHAPSODE_IS_SET_UP=1 PYTHONDONTWRITEBYTECODE= $(BIN)/pytest
QUICK := -n $(shell expr $$(nproc) + 1) --maxprocesses 4 --dist worksteal -m "not slow and not browser"

.PHONY: run test test-quick lint bench clean

run: $(VENV)/.ready
	$(BIN)/rhapsode serve --port $(PORT) --open

test: $(VENV)/.ready-dev lint
	$(PYTEST) $(QUICK)
	$(PYTEST) -m "slow or browser"

test-quick: $(VENV)/.ready-dev
	$(PYTEST) $(QUICK)

lint: $(VENV)/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.ready-dev
	$(BIN)/python -m bench

clean:
	rm -rf $(VENV) build dist out .pytest_cache .mypy_cache .ruff_cache web/node_modules

$(VENV)/.ready: pyproject.toml scripts/setup.sh
	scripts/setup.sh run
	touch $@

$(VENV)/.ready-dev: pyproject.toml scripts/setup.sh
	scripts/setup.sh dev
	touch $@ $(VENV)/.ready
