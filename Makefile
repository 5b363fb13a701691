# Everything runs in .venv, which is made when it is missing and brought up to date when
# pyproject.toml changes. Written for GNU make 3.81, the one that macOS ships.

SHELL := /bin/sh
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed

# Extra arguments for demo, test and bench: make test ARGS='-m "not slow"'
ARGS ?=
# Test processes; `auto` is one for each core.
WORKERS ?= auto
# The Python that makes .venv; empty: the first on PATH that is new enough.
PYTHON ?=
CANDIDATES := $(if $(PYTHON),$(PYTHON),python3 python3.14 python3.13 python3.12 python3.11)

# Workers share the cores already, so each one's linear algebra gets a single thread.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 VECLIB_MAXIMUM_THREADS=1

.PHONY: help demo test lint format docs bench clean distclean

help:
	@echo "make demo       train on handwritten digits and write demo/report.html (ARGS='--epochs 3')"
	@echo "make test       run every test (ARGS='-m \"not slow\"' for the quick ones)"
	@echo "make lint       ruff, mypy --strict and the import contract"
	@echo "make format     let ruff lay out the code and fix what it safely can"
	@echo "make docs       write the pages that are generated from the rule table"
	@echo "make bench      time chainrule against its peers (those that are installed)"
	@echo "make clean      remove what these commands wrote; make distclean: .venv as well"

demo: $(STAMP)-demo
	$(PY) -m chainrule demo $(ARGS)

test: $(STAMP)-dev
	$(ONE_THREAD) $(PY) -m pytest -n $(WORKERS) $(ARGS)

# All four run, whatever the first one says, so that there is one list of what is to mend.
lint: $(STAMP)-dev
	@status=0; set -x; \
	$(PY) -m ruff check . || status=1; \
	$(PY) -m ruff format --check . || status=1; \
	$(PY) -m mypy --strict src || status=1; \
	$(VENV)/bin/lint-imports --no-logo || status=1; \
	{ set +x; } 2>/dev/null; exit $$status

format: $(STAMP)-dev
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

docs: $(STAMP)-base
	$(PY) docs/generate.py

bench: $(STAMP)-base
	$(PY) -m benchmarks $(ARGS)

clean:
	rm -rf demo build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

distclean: clean
	rm -rf $(VENV)

# A stamp says that .venv holds that set of packages as the current pyproject.toml names it.
# `ensurepip` heals an environment whose making was interrupted.
define install
	@$(PY) -m pip --version >/dev/null 2>&1 || $(PY) -m ensurepip --default-pip
	$(PY) -m pip install --quiet --disable-pip-version-check -e '$(1)'
	@touch $@
endef

$(STAMP)-base: pyproject.toml $(PY)
	$(call install,.)

$(STAMP)-demo: pyproject.toml $(PY)
	$(call install,.[demo])

$(STAMP)-dev: pyproject.toml $(PY)
	$(call install,.[demo$(comma)test$(comma)lint])

comma := ,

# The candidates are run, not just looked up: a name on PATH may be a shim that leads nowhere.
$(PY):
	@bare=; for candidate in $(CANDIDATES); do \
	  "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	  if "$$candidate" -c 'import ensurepip, venv' 2>/dev/null; then \
	    echo "making $(VENV) with $$candidate"; \
	    exec "$$candidate" -m venv --clear $(VENV); \
	  fi; \
	  bare="$$bare $$candidate"; \
	done; \
	if [ -n "$$bare" ]; then \
	  echo "new enough, but unable to make a virtual environment:$$bare." >&2; \
	  echo "On Debian and Ubuntu install the package python3-venv." >&2; \
	else \
	  echo "chainrule needs Python 3.11 or newer; none of these is: $(CANDIDATES)." >&2; \
	  echo "Install one, or name it: make PYTHON=/path/to/python3.12 ..." >&2; \
	fi; \
	exit 1
