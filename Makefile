# Two commands matter: `make demo` and `make test`. Everything lands in .venv.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test lint bench weights fuzz audit clean

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

# What ships, made anew from the research data: the projection, and what stands on it. Each step goes on
# where it stopped; a finished one is skipped. An hour to an hour and a half on two idle cores (estimated).
RESEARCH := $(or $(DATA),../shared/data)
W := src/iptnet/weights
weights: $(VENV)/.base  ## train all that ships; DATA=FOLDER (docs/weights.md)
	$(BIN)/iptnet train configs/projection.yaml --out runs/projection --data $(RESEARCH)
	cp runs/projection/projection.safetensors $(W)/lite_projection.safetensors
	mark=$$(sha256sum $(W)/lite_projection.safetensors | cut -c1-8); set -e; \
	$(BIN)/iptnet train configs/summarization-shipped.yaml --out runs/summarizer-$$mark --data \
	  $(RESEARCH)/summarization/summe_blip_wordllama256.h5 \
	  $(RESEARCH)/summarization/tvsum_blip_wordllama256.h5 $(RESEARCH)/rated; \
	cp runs/summarizer-$$mark/summarizer.safetensors $(W)/; \
	$(BIN)/iptnet train configs/localization-default.yaml --out runs/localizer-$$mark --data $(RESEARCH); \
	cp runs/localizer-$$mark/localizer.safetensors $(W)/

fuzz: $(VENV)/.test  ## mutated files and requests for SECONDS in all (docs/faults.md)
	$(BIN)/python -m tests.fuzz --seconds $(or $(SECONDS),300) --seed $(or $(SEED),0)

audit: $(VENV)/.base  ## look through what an installation brings along; at most a minute
	$(BIN)/python .ci/audit.py

clean:
	rm -rf $(VENV) demo
