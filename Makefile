# `make quality` takes seconds, `make types` a minute or two, `make test-fast` under a minute; see CONTRIBUTING.md.
VENV ?= .venv
PYTHON = $(VENV)/bin/python

.PHONY: quality types style test-fast test docs

quality:
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types:
	find sargan_hf/demo -name "*.pyi" -delete
	$(VENV)/bin/pyright --pythonpath $(PYTHON)

style:
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

test-fast:
	$(PYTHON) -m pytest -q -m "not slow and not browser and not launch and not hub" -n auto

test:
	bash scripts/test.sh -q

docs:
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict --quiet
