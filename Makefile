# make up, make test and make check each do their own set-up, in .venv inside this checkout.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
REQ := ops/requirements
UV := .venv/bin/uv
INSTALL := $(UV) pip install --quiet --python .venv/bin/python --require-hashes
PROJECT := $(UV) pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .

.PHONY: up test check bench lock screenshots clean
.DELETE_ON_ERROR:

up: .venv/base.stamp $(if $(MODEL),vllm)
	.venv/bin/qalqan up $(if $(MODEL),--model $(MODEL)) $(ARGS)

test: .venv/dev.stamp vllm
	ops/setup-browser.sh
	.venv/bin/python -m pytest $(ARGS)

check: .venv/dev.stamp
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/basedpyright
	.venv/bin/python ops/docs.py --check

bench: .venv/base.stamp
	.venv/bin/qalqan bench gateway

screenshots: .venv/dev.stamp
	ops/setup-browser.sh
	.venv/bin/python ops/screenshots.py

# Rewrites the hashed requirements from pyproject.toml; they name no index address.
lock: .venv/tools.stamp
	$(UV) pip compile --quiet --generate-hashes --no-header --no-annotate --python-version 3.11 $(REQ)/bootstrap.in -o $(REQ)/bootstrap.txt
	$(UV) pip compile --quiet --generate-hashes --no-header --no-annotate --python-version 3.11 --extra dev pyproject.toml -o $(REQ)/dev.txt
	$(UV) pip compile --quiet --generate-hashes --no-header --no-annotate --python-version 3.11 -c $(REQ)/dev.txt pyproject.toml -o $(REQ)/base.txt

.PHONY: vllm
vllm: .venv/tools.stamp
	ops/setup-vllm.sh

.venv/tools.stamp: $(REQ)/bootstrap.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] < (3, 11) and "Qalqan needs Python 3.11 or newer: install it, or name it with make PYTHON=...")'
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(REQ)/bootstrap.txt
	@touch $@

.venv/base.stamp: .venv/tools.stamp $(REQ)/base.txt pyproject.toml
	@echo "Fetching 146 packages into .venv (212 MB, 0.7 GB unpacked); this happens once."
	$(INSTALL) -r $(REQ)/base.txt
	$(PROJECT)
	@touch $@

.venv/dev.stamp: .venv/base.stamp $(REQ)/dev.txt
	$(INSTALL) -r $(REQ)/dev.txt
	@touch $@

clean:
	rm -rf .venv .venv-vllm .tiny-llama
