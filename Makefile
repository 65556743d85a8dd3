# make demo    the window on a bundled study
# make test    all tests
# make portable  all tests as on an older processor: plain vector units, one thread
# make kills   kill the window 200 times while it is typed in, and count what is lost
# make matrix  hold pixels of every combination to the standard: 5,190 files, a minute
# make check   formatting, lint, types, walls and tests: what must pass before a commit
# make fuzz    open thousands of mutated DICOM files and codestreams; FUZZ_ARGS="--files 20000 …"
#              and load hundreds of mutated checkpoints and adapters; MODEL_FUZZ_ARGS="--adapters 2500 …"
# make format  put every file into shape
# make clean   remove what can be made again, .venv included
#
# Each target sets up .venv by itself where it is missing or older than pyproject.toml or
# constraints.txt. Another Python: make PYTHON=python3.12 …

PYTHON ?= python3
WORKERS ?= logical
PYTEST_ARGS ?=
FUZZ_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test portable kills matrix fuzz check format lint types walls clean libraries

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

help:
	@sed -n 's/^# make/make/p' Makefile

$(STAMP): pyproject.toml constraints.txt
	@set -e; chosen=; \
	for candidate in "$(PYTHON)" python3.13 python3.12 python3.11; do \
	  if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; \
	  then chosen="$$candidate"; break; fi; \
	done; \
	if [ -z "$$chosen" ]; then \
	  echo "pinfill: Python 3.11 or later is needed, and $(PYTHON) is not one." \
	    "Install it, or name it: make PYTHON=/path/to/python3" >&2; exit 1; \
	fi; \
	if ! "$$chosen" -c 'import ensurepip, venv' >/dev/null 2>&1; then \
	  echo "pinfill: $$chosen cannot make environments. On Debian and Ubuntu:" \
	    "sudo apt-get install python3-venv" >&2; exit 1; \
	fi; \
	quiet=--quiet; \
	if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
	  echo "Making $(VENV) with $$chosen; the first time takes some minutes."; \
	  "$$chosen" -m venv --clear $(VENV); quiet=; \
	fi; \
	$(BIN)/python -m pip install $$quiet --disable-pip-version-check -c constraints.txt -e '.[all,dev]'
	@touch $@

libraries: $(STAMP)
	@$(BIN)/python -m desktop.system_libraries --install

demo: libraries
	@$(BIN)/pinfill demo

test: libraries
	$(BIN)/python -m pytest -n $(WORKERS) --maxprocesses 8 --dist worksteal $(PYTEST_ARGS)

# Expectations that hold on the processor alone that they were made on show here.
portable: libraries
	NPY_DISABLE_CPU_FEATURES="$$($(BIN)/python -c 'import numpy; \
	  print(*numpy.show_config(mode="dicts")["SIMD Extensions"]["found"])')" \
	ATEN_CPU_CAPABILITY=default OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 \
	$(BIN)/python -m pytest -n $(WORKERS) --maxprocesses 8 --dist worksteal $(PYTEST_ARGS)

kills: libraries
	$(BIN)/python -m desktop.kill_trials --times 200

matrix: $(STAMP)
	@$(BIN)/python -m desktop.studies.conformance

check: lint types walls test

lint: $(STAMP)
	$(BIN)/ruff format --check
	$(BIN)/ruff check

types: $(STAMP)
	$(BIN)/mypy

walls: $(STAMP)
	@$(BIN)/lint-imports

fuzz: $(STAMP)
	@$(BIN)/python -m desktop.fuzz $(FUZZ_ARGS)
	@$(BIN)/python -m inference.fuzz $(MODEL_FUZZ_ARGS)

format: $(STAMP)
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
