# Everything happens in a virtual environment of this checkout, .venv, made on first use.
# Needs make and Python 3.11 or newer; another one:  make demo PYTHON=python3.12

PYTHON ?= python3
# `gpu` takes faiss-gpu instead of faiss-cpu.
EXTRA ?= cpu
# The versions our checks run with. Take the newest instead:  make test CONSTRAINTS=
CONSTRAINTS ?= constraints.txt

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install $(if $(CONSTRAINTS),-c $(CONSTRAINTS))

.DEFAULT_GOAL := help
.PHONY: help demo test check bench screenshots compact measure text-scorer format clean

help:
	@echo "make demo    install, audit the demo shards, curate, export, check"
	@echo "make test    install with what the tests need, run them"
	@echo "make check   style and types (ruff, strict mypy)"
	@echo "make bench   benchmarks; they print ratios"
	@echo "make screenshots  make the README's pictures of the review screen again (needs chromium)"
	@echo "make compact train the bundled scorer again (about 90 minutes on two cores)"
	@echo "make measure measure it again and put the figures onto its card"
	@echo "make text-scorer  train and measure the scorer of captions again (minutes)"
	@echo "make format  put the code into the house style"
	@echo "make clean   remove the environment, caches and demo results"

# The demo shards hold a damaged picture, so the scan ends with 3: finished, some samples failed. The
# check ends with 3 because so small an export has not the 3,000 clean records of the released recipe.
demo: $(VENV)/.installed
	$(BIN)/audit scan data/demo-shards || [ $$? -eq 3 ]
	$(BIN)/audit status demo-shards.audit
	$(BIN)/audit top demo-shards.audit
	$(BIN)/curate plan demo-shards.audit --policy psa-vlm --out demo-plan.html
	$(BIN)/curate export demo-shards.audit --stage 1 --policy psa-vlm --out demo-stage-1 --overwrite
	$(BIN)/curate check demo-stage-1 || [ $$? -eq 3 ]

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.installed
	$(BIN)/python -m bench $(ARGS)

screenshots: $(VENV)/.installed-dev
	$(BIN)/python -m bench.screenshots $(ARGS)

# The recipe of the bundled scorer: a long run on strongly changed pictures, then a gentler one.
# PHOTOS holds labelled shards.
PHOTOS ?= ../shared/datasets/risk-photos
OTHER ?= ../shared/datasets/other-sources
COMPACT := data/scorers/compact

compact: $(VENV)/.installed
	$(BIN)/audit train "$(PHOTOS)/train-*.tar" --out build/compact
	$(BIN)/audit train "$(PHOTOS)/train-*.tar" --out $(COMPACT) --from build/compact \
	  --strength 0.4 --steps 3300 --rate 0.001 --seed 257

# OTHER has sources that training never saw; nothing is tuned on it.
measure: $(VENV)/.installed
	$(BIN)/audit eval $(COMPACT) "$(PHOTOS)/val-*.tar" --record held-out-photos
	$(BIN)/audit eval $(COMPACT) --drawn 1400 --record held-out-drawings
	$(BIN)/audit eval $(COMPACT) $(OTHER) --record other-sources \
	  --separate weapon neutral --separate smoking confusable
	$(BIN)/audit false-positives $(COMPACT) --record

# The text scorer: TEXTS holds the files that data/recipes/text-minilm.yaml names.
TEXTS ?= ../shared/fixtures/text

text-scorer: $(VENV)/.installed-dev
	$(BIN)/audit train-text --data $(TEXTS) --out data/scorers/text-minilm
	$(BIN)/audit eval-text text-minilm --data $(TEXTS) --pictures $(PHOTOS) --record held-out

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) build dist demo-shards.audit demo-stage-1 demo-plan.html .mypy_cache .ruff_cache .pytest_cache .hypothesis

# The stamps make a second run start at once, and a changed dependency install again.
$(VENV)/.installed: pyproject.toml $(CONSTRAINTS) | $(BIN)/python
	@echo "Installing into $(VENV): a few minutes and up to 7 GB, nearly all of it PyTorch."
	$(PIP) --editable ".[$(EXTRA)]"
	@touch $@

$(VENV)/.installed-dev: pyproject.toml $(CONSTRAINTS) | $(BIN)/python
	@echo "Installing into $(VENV): a few minutes and up to 7 GB, nearly all of it PyTorch."
	$(PIP) --editable ".[$(EXTRA),dev]"
	@touch $(VENV)/.installed $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "$(PYTHON) is missing or older than 3.11; name a newer one: make PYTHON=python3.12" >&2; \
	  exit 1; }
	@echo "Making $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "$(PYTHON) cannot make a virtual environment; see the message above (on Debian and" \
	    "Ubuntu: apt install python3-venv)" >&2; \
	  exit 1; }
