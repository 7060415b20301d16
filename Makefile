# Two commands matter: `make demo` and `make test`. Everything lands in .venv.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test lint bench clean

$(VENV)/.base: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "iptnet needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) torch
	$(PIP) -e '.[demo]'
	touch $@

$(VENV)/.test: $(VENV)/.base
	$(PIP) -e '.[demo,test]'
	touch $@

$(VENV)/.bench: $(VENV)/.test
	$(PIP) -e '.[demo,test,bench]'
	touch $@

$(VENV)/.lint: $(VENV)/.base
	$(PIP) -e '.[lint]'
	touch $@

demo: $(VENV)/.base  ## install, summarize and query a small video made on the spot
	$(BIN)/iptnet demo --out demo

test: $(VENV)/.test  ## install what the suite needs and run it
	$(BIN)/python -m pytest -n 2 --dist worksteal

lint: $(VENV)/.lint  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.bench  ## measure us against what a user would pick instead
	$(BIN)/python -m benchmarks $(if $(DATA),--data $(DATA)) $(if $(QUICK),--quick)

clean:
	rm -rf $(VENV) demo
