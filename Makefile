# Every target makes the environment in .venv that it needs, once; `make` alone lists the targets.
# PYTHON names the interpreter, NEURARIUM_TORCH another torch than the pinned CPU one, for example
#   make install NEURARIUM_TORCH="torch==2.13.0 --index-url ADDRESS_OF_A_CUDA_BUILD"

VENV ?= .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
PIP := $(BIN)/python -m pip install --quiet --constraint $(VENV)/constraints.txt
INSTALLED := $(VENV)/.installed
DEVELOP := $(VENV)/.develop
HOUSE := $(wildcard tests/test_house*.py)
BENCH ?= training_loop tables_peers
BENCHED := $(VENV)-bench/.installed
PLACES := src tests benchmarks scripts
PARALLEL ?= --numprocesses auto --dist worksteal

.PHONY: help install demo test test-all check bench docs constraints clean distclean FORCE

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

install: $(INSTALLED) ## the environment in .venv with everything that the library can use
	@echo "Ready: $(BIN)/neurarium --help"

demo: $(INSTALLED) ## train on embedded handwritten digits, evaluate, write the report (no download of data)
	rm -rf runs/demo
	$(BIN)/neurarium train digits --out runs/demo
	$(BIN)/neurarium evaluate runs/demo
	@echo "The report: $(CURDIR)/runs/demo/report.html"

test: $(DEVELOP) ## the tests, without the slow ones
	$(BIN)/python -m pytest -m "not slow" $(PARALLEL)

test-all: $(DEVELOP) ## all tests
	$(BIN)/python -m pytest $(PARALLEL)

check: $(DEVELOP) ## format, lint, types, the order of the house
	$(BIN)/ruff format --check $(PLACES)
	$(BIN)/ruff check $(PLACES)
	$(BIN)/mypy
	$(BIN)/python -m pytest $(HOUSE)

bench: $(BENCHED) ## measure beside the peers, in .venv-bench; BENCH="training_loop ..." names scripts of benchmarks/
	for name in $(BENCH); do $(dir $(BENCHED))bin/python benchmarks/$$name.py || exit 1; done

docs: $(DEVELOP) ## check documents and examples, build the pages in site/
	$(BIN)/python -m pytest tests/test_house_repository.py src/neurarium
	$(BIN)/python scripts/build_docs.py site

constraints: ## make constraints.txt again from what pip resolves today
	sh scripts/constraints.sh

clean: ## remove what was built, keep the environment
	rm -rf build dist site runs/demo .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find src tests benchmarks scripts -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## remove the environment too
	rm -rf $(VENV) $(VENV)-bench

# ---------------------------------------------------------------------------------------------- the environment

# The torch that was asked for last is kept: `make test` after `make install NEURARIUM_TORCH=...` does not go back.
$(VENV)/.torch: FORCE
	@mkdir -p $(VENV)
	@if [ ! -f $@ ] || { [ -n "$(NEURARIUM_TORCH)" ] && [ "$$(cat $@)" != "$(NEURARIUM_TORCH)" ]; }; then \
		echo "$(NEURARIUM_TORCH)" > $@; fi

$(VENV)/constraints.txt: constraints.txt scripts/find-python.sh $(VENV)/.torch
	python=$$(PYTHON="$(PYTHON)" sh scripts/find-python.sh) && "$$python" -m venv $(VENV)
	if [ -n "$$(cat $(VENV)/.torch)" ]; then grep -v '^torch==' constraints.txt > $@; else cp constraints.txt $@; fi

$(INSTALLED): $(VENV)/constraints.txt pyproject.toml
	@echo "Installing into $(VENV); the first time takes some minutes ..."
	torch=$$(cat $(VENV)/.torch) && $(PIP) $${torch:+--upgrade} $${torch:-torch}
	$(PIP) --editable '.[all]'
	touch $@

$(BENCHED): constraints.txt pyproject.toml benchmarks/requirements.txt
	python=$$(PYTHON="$(PYTHON)" sh scripts/find-python.sh) && "$$python" -m venv $(VENV)-bench
	$(dir $@)bin/python -m pip install --quiet --constraint constraints.txt --editable '.[all]' -r benchmarks/requirements.txt
	# fastai brings a torchvision for another torch; nothing here needs it, and the others fail where it cannot be loaded
	$(dir $@)bin/python -m pip uninstall --quiet --yes torchvision
	touch $@

$(DEVELOP): $(INSTALLED)
	$(PIP) --editable '.[all,oracles,develop]'
	touch $@
