# make demo | test | test-slow | lint | bench | study | docs | clean
# Each makes the virtual environment .venv when it is missing; Python >= 3.11 and make are enough.
# Another Python: make test PYTHON=/path/to/python3.12

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
WORKERS ?= 2
BIN := .venv/bin
USE := .venv/.installed-for-use
DEV := .venv/.installed-for-work
PYTEST := $(BIN)/python -m pytest -rs

# Parallel tests and searches bring their own processes; two levels of threads only slow them down.
export OPENBLAS_NUM_THREADS := 1
export OMP_NUM_THREADS := 1
export MKL_NUM_THREADS := 1

.PHONY: demo test test-slow lint bench study docs clean
.NOTPARALLEL:

demo: $(USE)
	$(BIN)/ossicle demo

test: lint
	$(PYTEST) -n $(WORKERS)

test-slow: $(DEV)
	$(PYTEST) -m "slow or data"

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(DEV)
	@set -e; for script in $(sort $(wildcard benchmarks/*.py)); do \
		echo "== $$script"; $(BIN)/python $$script; done

study: $(DEV)
	$(BIN)/python -m studies.alarm --processes $(WORKERS)

docs: $(DEV)
	$(BIN)/python docs/make_docs.py

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find src tests docs benchmarks studies .ci -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

$(USE): EXTRAS := search,plot
$(DEV): EXTRAS := dev

$(USE) $(DEV): pyproject.toml
	@test -x $(BIN)/python || test -n "$(PYTHON)" || { \
		echo "ossicle needs Python 3.11 or newer and found none;" \
		     "name one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "ossicle needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1)" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv --clear .venv
	@$(BIN)/python .ci/is_installed.py $(EXTRAS) || { \
		echo "installing ossicle into .venv"; \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[$(EXTRAS)]'; }
	@touch $@
