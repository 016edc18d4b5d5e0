# `make demo` and `make test` need Python 3.10+ and make, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Torch alone first: once it is in place, no other package pulls another build of it, with gigabytes of CUDA.
N ?= 1000
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
COMMANDS := $(BIN)/typer darkdiff_cli.app utils docs --name darkdiff --title Commands --output
LOCKED := train ray bench metadata formats dev docs release

TOOLS = $(VENV)/.release
BUILD = $(abspath $(BIN))/python -m build --outdir ../../dist .

.PHONY: demo test test-slow fuzz kills long dry lint check format docs docs-commands lock licences packages release clean

demo: $(VENV)/.user  ## Turn the sample raw into night.jpg
	$(BIN)/darkdiff enhance samples/night_x300.dng -o night.jpg --ratio 300 --overwrite

test: $(VENV)/.dev  ## Tests, without the slow ones, on two cores
	$(BIN)/python -m compileall -q darkdiff_cli models  # once, instead of in each of hundreds of processes
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile

test-slow: $(VENV)/.dev  ## All tests
	$(BIN)/python -m pytest

fuzz: $(VENV)/.dev  ## Damaged files of every kind: N=10000 of each, KIND=raw alone, CASE=17 again with its traceback
	OMP_NUM_THREADS=1 $(BIN)/python -W ignore -m tests.fuzz --cases $(N) $(KIND:%=--kind %) $(CASE:%=--case %)
kills: $(VENV)/.dev  ## N kills of batches at random moments (ENGINE=local, devices or ray): as if nothing had happened
	$(BIN)/python -m tests.endurance kills $(or $(N),100) --engine $(or $(ENGINE),local) --seed $(or $(SEED),0)

long: $(VENV)/.dev  ## A batch over N raws: memory, open files and time of a photo, every hundred
	$(BIN)/python -m tests.endurance long $(or $(N),5000)

dry: $(VENV)/.dev  ## Memory that each of N raws takes in batch --dry-run
	$(BIN)/python -m tests.endurance dry $(or $(N),100000)

lint: $(VENV)/.dev  ## Style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check: lint test docs  ## What a change must pass: style, types, tests, documents

format: $(VENV)/.dev  ## Put the code into its one format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.docs  ## Build site/; fails on a broken link and on a command reference that is out of date
	@$(COMMANDS) $(VENV)/commands.md > /dev/null
	@diff -u docs/commands.md $(VENV)/commands.md || { echo "docs/commands.md is out of date: make docs-commands"; exit 1; }
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

docs-commands: $(VENV)/.user  ## Write the command reference from the program's own help
	$(COMMANDS) docs/commands.md

lock: $(VENV)/.release  ## Pins for what pyproject.toml newly asks for; UPGRADE="--upgrade-package diffusers" moves a pin
	$(BIN)/uv pip compile --universal --python-version 3.10 $(LOCKED:%=--extra %) --no-annotate \
	    --custom-compile-command "make lock" --output-file constraints.txt $(UPGRADE) pyproject.toml

licences: $(VENV)/.user  ## The packages that the program needs, and their licences; fails on one that is not allowed
	@$(BIN)/python docs/licences.py

# From the commit, not from the folder, whose times and permissions are no other clone's.
packages: $(TOOLS)  ## Source package and wheel of the last commit, in dist/; the wheel has the same bytes wherever it is made
	rm -rf build dist
	umask 022 && mkdir -p build/source && git -c tar.umask=0022 archive HEAD | tar -x -C build/source && cd build/source && \
	    SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) PIP_CONSTRAINT=$(CURDIR)/constraints.txt $(BUILD)

release: $(VENV)/.release  ## The check list of a release: all of it but the tag and the upload
	@test -z "$$(git status --porcelain)" || { echo "There are changes that are not committed."; exit 1; }
	@grep -qF "## [$(VERSION)]" CHANGELOG.md || { echo "CHANGELOG.md has no section [$(VERSION)]."; exit 1; }
	@grep -qxF "version: $(VERSION)" CITATION.cff || { echo "CITATION.cff has another version than $(VERSION)."; exit 1; }
	@! git rev-parse -q --verify "refs/tags/v$(VERSION)" || { echo "The tag v$(VERSION) is there already."; exit 1; }
	$(MAKE) check
	$(MAKE) licences packages
	$(BIN)/twine check --strict dist/*
	@echo "Version $(VERSION) is ready. Left to do: git tag v$(VERSION) && git push origin v$(VERSION)"
	@echo "The tag starts the workflow 'release', which uploads to PyPI."

VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)

$(VENV)/.user: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) torch
	$(PIP) -e .
	@touch $@

$(VENV)/.dev $(VENV)/.docs $(VENV)/.release: $(VENV)/.%: $(VENV)/.user
	$(PIP) -e '.[$*]'
	@touch $@

clean:  ## Drop the environment and every cache
	rm -rf $(VENV) build dist site *.egg-info .pytest_cache .mypy_cache .ruff_cache
