# Send One Email: everything from a clean checkout with python3 and make.
# `make` alone says what there is.

PORT ?= 8000
DATA_DIR ?= var
WORKERS ?= 4
LETTERS ?= 20000
DEPTH ?= 5000000

BIN := .venv/bin
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n $(WORKERS) --dist loadscope

# quick with uv; without it, or where only pip knows the way to the packages, the same with pip
define install
	@{ command -v uv >/dev/null && uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r $(1); } \
		|| $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1)
	@touch $@
endef

LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

# uv asks nobody but this machine which certificates and which Python to use
export UV_SYSTEM_CERTS = 1
export UV_PYTHON_DOWNLOADS = never

.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench format words lock browser

help: ## what there is
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

setup: .venv/runtime.stamp ## everything that running needs, in .venv

demo: setup ## the whole service with a made-up alert; nothing leaves this machine (PORT, DATA_DIR)
	@ONE_EMAIL_DATA_DIR="$(DATA_DIR)" exec $(BIN)/python -m app demo --port $(PORT)

test: .venv/dev.stamp browser ## the tests, on SQLite, PostgreSQL, with mail servers and a browser
	$(PYTEST) -m "not thorough"

check: .venv/dev.stamp browser ## format, lint, types, import contracts, every test in every place
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PYTEST)

bench: .venv/dev.stamp ## how fast it is, beside named peers (LETTERS, DEPTH)
	-@ONE_EMAIL_DATA_DIR="$(DATA_DIR)" $(BIN)/python -m app bench delivery --letters $(LETTERS)
	-@ONE_EMAIL_DATA_DIR="$(DATA_DIR)" $(BIN)/python -m app bench delivery --letters $(LETTERS) --database postgresql
	-@ONE_EMAIL_DATA_DIR="$(DATA_DIR)" $(BIN)/python -m app bench delivery --letters $(LETTERS) --database postgresql --workers 2 --no-peers
	-@ONE_EMAIL_DATA_DIR="$(DATA_DIR)" $(BIN)/python -m app bench depth --letters $(DEPTH)
	-@ONE_EMAIL_DATA_DIR="$(DATA_DIR)" $(BIN)/python -m app bench depth --letters $(DEPTH) --database postgresql
	-@ONE_EMAIL_DATA_DIR="$(DATA_DIR)" $(BIN)/python -m app bench forms
	-@ONE_EMAIL_DATA_DIR="$(DATA_DIR)" $(BIN)/python -m app bench forms --database postgresql

format: .venv/dev.stamp ## put the code in its one form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

words: .venv/dev.stamp ## gather the sentences of pages and notices into the catalogues, to be translated
	$(BIN)/pybabel -q extract -F pyproject.toml -k marked --no-wrap --add-location=file --sort-by-file \
		--project="Send One Email" -o .venv/messages.pot .
	$(BIN)/pybabel -q update -i .venv/messages.pot -d app/locale --no-wrap --no-fuzzy-matching \
		--ignore-obsolete --ignore-pot-creation-date

lock: ## choose the newest libraries anew (needs uv)
	$(LOCK) --upgrade pyproject.toml -o requirements.txt
	$(LOCK) --upgrade --extra dev pyproject.toml -c requirements.txt -o requirements-dev.txt

browser: .venv/dev.stamp
	@$(BIN)/python tests/grounds/browser/setup.py

$(BIN)/python:
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	python3 -m venv .venv || { rm -rf .venv; exit 1; }

.venv/runtime.stamp: requirements.txt | $(BIN)/python
	$(call install,requirements.txt)

.venv/dev.stamp: requirements-dev.txt | $(BIN)/python
	$(call install,requirements-dev.txt)
