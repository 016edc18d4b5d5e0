# `make demo` and `make test` need Python 3.10+ and make, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Once with torch in place, no other package pulls a second build of it.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test test-slow lint check format clean

demo: $(STAMP)  ## Turn the sample raw into night.jpg
	$(BIN)/darkdiff enhance samples/night_x300.dng -o night.jpg --ratio 300 --overwrite

test: $(STAMP)  ## Tests, without the slow ones, on two cores
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile

test-slow: $(STAMP)  ## All tests
	$(BIN)/python -m pytest

lint: $(STAMP)  ## Style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check: lint test  ## What a change must pass: style, types, tests

format: $(STAMP)  ## Put the code into its one format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) torch
	$(PIP) -e '.[dev]'
	@touch $(STAMP)

clean:  ## Drop the environment and every cache
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
