# `make demo` and `make test` need Python 3.11 or newer, make and a package registry; they make .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# What the conformance tests drive and cannot import: each list of pins is an environment of its own.
ENVIRONMENTS := $(patsubst tests/conformance/environments/%.txt,%,$(wildcard tests/conformance/environments/*.txt))
# Branch coverage, the servers' own processes included. It only rises.
COVERAGE_FLOOR := 94
# Tests wait for servers more than they work, so three run at once even on two cores; modules stay whole.
TEST_JOBS ?= 3

.PHONY: help demo test lint environments bench fuzz clean

help:
	@echo "make demo    install, start an embedded server, query spans, write evaluations back"
	@echo "make test    install, then format, lint, types, layers and every test"
	@echo "make lint    the fast half of that: format, lint, types, layers"
	@echo "make environments   what the conformance tests drive: an older SDK and a command line of the vendor's"
	@echo "make fuzz    arbitrary filters for FUZZ_SECONDS (600); atheris leads the search where it is installed"
	@echo "make bench   the benchmarks (a quarter of an hour; SPANDUCK_BENCH_ROWS makes it shorter)"

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "spanduck needs Python 3.11 or newer; name one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV) ..."
	@# `--group` needs pip 25.1, newer than what many Pythons bring.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --constraint constraints.txt --editable . --group dev
	@touch $@

environments: $(ENVIRONMENTS:%=$(VENV)/environments/%/.installed)

# The pins are complete, so nothing is resolved; and most of what is installed is never imported.
$(VENV)/environments/%/.installed: tests/conformance/environments/%.txt | $(STAMP)
	@echo "installing into $(@D) ..."
	@$(BIN)/python -m venv --clear --without-pip $(@D)
	@$(BIN)/python -m pip --python $(@D)/bin/python install --quiet --disable-pip-version-check \
	  --no-compile --no-deps --requirement $<
	@touch $@

demo: $(STAMP)
	@$(BIN)/spanduck demo

# The runner's summary comes last, so the wheel is tried first.
# Tests that need what SPANDUCK_REQUIRE names fail without it, where they would be skipped.
test: $(STAMP) lint environments
	@sh .ci/check-wheel $(BIN)/python
	@SPANDUCK_REQUIRE="$$SPANDUCK_REQUIRE $(ENVIRONMENTS)" \
	  $(BIN)/python -m pytest -m "not bench" -n $(TEST_JOBS) --dist loadfile --cov --cov-report=term --cov-fail-under=$(COVERAGE_FLOOR) tests

lint: $(STAMP)
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

bench: $(STAMP)
	@$(BIN)/python -m pytest -m bench -s -p no:randomly tests/bench

# A finding is written to crash-*; once mended it joins tests/fuzz/corpus.
FUZZ_SECONDS ?= 600
fuzz: $(STAMP)
	@$(BIN)/python tests/fuzz/fuzz_filter.py $(FUZZ_SECONDS)

clean:
	rm -rf $(VENV) dist build .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis
