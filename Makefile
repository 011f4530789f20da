# Two commands matter: `make run` and `make test`. Both need Python 3.11 and a package index, and set up the rest themselves.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?= $(shell command -v python3.11 || command -v python3)
UV_VERSION := 0.9.30
BIN := .venv/bin
PY := $(BIN)/python
TEMPLATES := templates
# A database nobody listens at, for checks that must not need one.
NO_SERVERS := DATABASE_URL=postgresql://nobody@127.0.0.1:9/none REDIS_URL=redis://127.0.0.1:9/0
PRODUCTION := DJANGO_SETTINGS_MODULE=billing_site.settings.production ALLOWED_HOSTS=billing.example.com \
	SECRET_KEY=only-for-this-check-Zq8vN3xK7mW2pL5tR9yB4cH6jF1gD0sA TACTUS_PUBLIC_URL=https://billing.example.com $(NO_SERVERS)

.PHONY: help run reset test test-calendar check format migrations lock acceptance bench setup setup-dev

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: setup ## start everything here, in the foreground (PORT=8000 moves it)
	@TACTUS_DIE_WITH_PARENT=1 exec $(PY) -m supervisor

reset: ## delete the data of `make run`; refuses while it runs
	@if [ -x $(PY) ]; then $(PY) -m supervisor.reset; else $(PYTHON) -m supervisor.reset; fi

test: setup-dev ## the whole suite, browser tests included, against servers of its own (ARGS="-k name" narrows it)
	@chromium=$$(.ci/browser) && pgbouncer=$$(.ci/pgbouncer) && CHROMIUM=$$chromium PGBOUNCER=$$pgbouncer $(BIN)/pytest -n 2 --dist loadgroup $(ARGS)

test-calendar: setup-dev ## what depends on dates, at each of the dates where it might fail (some 20 minutes)
	@.ci/calendar $(ARGS)

check: setup-dev ## lint, format, types, import rules, migrations, templates, production settings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(NO_SERVERS) $(PY) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	@if [ -n "$$(find $(TEMPLATES) -name '*.html' -print -quit)" ]; then $(BIN)/djlint $(TEMPLATES) --check --quiet && $(BIN)/djlint $(TEMPLATES) --lint --quiet; fi
	$(PRODUCTION) $(PY) manage.py check --deploy --fail-level WARNING

format: setup-dev ## let ruff and djlint rewrite what they can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	-$(BIN)/djlint $(TEMPLATES) --reformat --quiet

migrations: setup-dev ## make each app's first migration anew from its models; what is kept by hand stays
	@$(NO_SERVERS) .ci/migrations

bench: setup-dev ## how fast it is on this machine, raw limits beside it (about 8 minutes; ARGS="ingest --seconds 300" for more)
	$(PY) -m bench $(or $(ARGS),all)

acceptance: setup-dev ## run ../shared/acceptance against a temporary Tactus and print the cases that do not pass
	@.ci/acceptance

lock: $(PY) ## pin again what requirements*.in ask for
	$(BIN)/uv pip compile requirements.in -q --universal --annotation-style line --python-version 3.11 --custom-compile-command "make lock" -o requirements.txt
	$(BIN)/uv pip compile requirements-dev.in -q --universal --annotation-style line --python-version 3.11 --custom-compile-command "make lock" -c requirements.txt -o requirements-dev.txt

# --- set-up -------------------------------------------------------------------------------------------------------------

setup: .venv/.installed
setup-dev: .venv/.installed-dev

# A virtual environment that no longer starts (its Python was removed, the folder was moved) is made anew.
$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Tactus needs Python 3.11 or newer: make PYTHON=/path/to/python3.11")'
	@rm -rf .venv
	@$(PYTHON) -m venv .venv

ifneq ($(shell test -e $(PY) && ! $(PY) -c '' 2>/dev/null && echo broken),)
.PHONY: $(PY)
endif

# uv installs in seconds. Where it cannot reach the index (it does not read pip's configuration), pip does the same more slowly.
.venv/.installed: requirements.txt | $(PY)
	@test -x $(BIN)/uv || $(PY) -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@$(BIN)/uv pip install --quiet --python $(PY) -r $< || $(PY) -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

.venv/.installed-dev: requirements-dev.txt .venv/.installed | $(PY)
	@$(BIN)/uv pip install --quiet --python $(PY) -r $< || $(PY) -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@
