# Engram. `make run` starts the app, `make test` runs every test; both do all of their own set-up.
# `make help` lists the rest.

export PORT ?= 8000
BIND ?= 127.0.0.1
ARGS ?=
SIZE ?= default
SEED ?= 1
# Processes for pytest-xdist; WORKERS= (empty) runs the tests in one, as --pdb and --headed want it.
WORKERS ?= 2

# Only a quicker installer: where it can't be had, pip does the same.
UV_VERSION := 0.13.9

VENV := .venv
PYTHON := $(VENV)/bin/python
MANAGE := $(PYTHON) manage.py
SERVICES := $(PYTHON) -m tests.running.with_services
PYTEST := $(PYTHON) -m pytest $(if $(WORKERS),-n $(WORKERS) --dist loadgroup)
RUNTIME := $(VENV)/runtime-installed
DEVELOPMENT := $(VENV)/development-installed

# The files that pages name, by their content and packed. Only a server collects; here it needs no more than this.
COLLECTED := $(or $(VAR_DIR),var)/static/staticfiles.json
COLLECTING := env DATABASE_URL=postgres://none SECRET_KEY=none BASE_URL=http://localhost DEBUG=0

# What a developer keeps in .env must not decide a test. An empty DATABASE_URL means SQLite, as in `make run`.
TESTS := env SECRET_KEY=for-tests-only DEBUG=0 BASE_URL=http://localhost:8000
ON_SQLITE := $(TESTS) DATABASE_URL= $(PYTEST) --ignore=tests/browser $(ARGS)
# What has no database, or one of its own, has run by then.
WITHOUT_DATABASE := scheduling house deploy bench $(addprefix services/test_,\
	fault_proxy.py serve.py smtp_sink.py static_files.py with_services.py) $(addprefix config/test_,\
	mail_settings.py required.py secret_files.py)
ON_POSTGRES := $(TESTS) $(PYTEST) $(WITHOUT_DATABASE:%=--ignore=tests/%) $(ARGS)

# A production that could be, so that Django's deployment checks have something to look at.
PRODUCTION := DATABASE_URL=sqlite:///:memory: DEBUG=0 ALLOWED_HOSTS=engram.example \
	BASE_URL=https://engram.example EMAIL_URL=smtp://localhost:25 EMAIL_FROM=engram@engram.example \
	SECRET_KEY="$$($(PYTHON) -c 'import secrets; print(secrets.token_urlsafe(50))')"

BENCH = env -u DATABASE_URL -u REDIS_URL SIZE=$(SIZE) SEED=$(SEED) $(SERVICES) $(PYTHON) -m tests.bench

COMPILE := $(PYTHON) -m uv pip compile pyproject.toml
COMPILE_OPTIONS := --universal --generate-hashes --no-emit-index-url --python-version 3.11

.DEFAULT_GOAL := help
.PHONY: help run bench bench-load bench-scale soak test test-sqlite test-postgres check fix seed setup setup-dev lock browser always

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' Makefile

run: setup $(COLLECTED) ## start Engram on http://localhost:8000/ (PORT=... for another port)
	@$(MANAGE) migrate --verbosity 0
	@$(MANAGE) seed
	@exec $(MANAGE) serve --bind $(BIND):$(PORT)

seed: setup ## load the decks of fixtures/ into the database, as often as you like
	@$(MANAGE) migrate --verbosity 0
	@$(MANAGE) seed

test: setup-dev browser ## the whole suite: on SQLite (without a browser), then on PostgreSQL (ARGS="-k undo")
	@$(SERVICES) $(ON_SQLITE) --then $(ON_POSTGRES)

test-sqlite: setup-dev ## on SQLite only, without a browser
	@$(SERVICES) $(ON_SQLITE)

test-postgres: setup-dev browser ## on PostgreSQL only, with the browser
	@$(SERVICES) $(ON_POSTGRES)

check: setup-dev ## lint, format, templates, types, contracts, container image, migrations, deployment settings
	@$(PYTHON) -m ruff check --quiet
	@$(PYTHON) -m ruff format --quiet --check
	@find templates -name '*.html' -exec $(VENV)/bin/djade --check --target-version 5.2 {} +
	@$(PYTHON) -m mypy --no-error-summary
	@$(VENV)/bin/lint-imports --no-logo
	@$(VENV)/bin/hadolint Dockerfile
	@$(PYTHON) -m pytest --quiet tests/house
	@$(PRODUCTION) $(MANAGE) makemigrations --check --dry-run
	@$(PRODUCTION) $(MANAGE) check --deploy --fail-level WARNING

bench: setup-dev browser ## measure against the budgets of docs/performance.md (SIZE=small, default, large; SEED=2)
	@$(BENCH) bench

bench-load: setup-dev ## 32 learners reviewing for five minutes on two cores, written down in the same place
	@$(BENCH) bench-load

bench-scale: SIZE = large
bench-scale: setup-dev ## what depends on others, with 10 million states and a million learners
	@$(BENCH) bench-scale

soak: setup-dev ## 10,000 mails and 20,000 answers while everything fails: none lost (LEARNERS=2000 GRADES=2000)
	@$(TESTS) $(SERVICES) $(PYTHON) -m tests.soak

fix: setup-dev ## mend what the formatters and the linter can mend
	@$(PYTHON) -m ruff check --quiet --fix-only
	@$(PYTHON) -m ruff format
	@# djade's status says that it changed something.
	@find templates -name '*.html' -exec $(VENV)/bin/djade --target-version 5.2 {} + || true

lock: $(VENV)/bin/pip ## bring both lock files up to date with pyproject.toml (UPGRADE=--upgrade for newer versions)
	@$(PYTHON) -m pip install --quiet uv==$(UV_VERSION)
	@$(COMPILE) -o requirements.lock $(COMPILE_OPTIONS) $(UPGRADE) >/dev/null
	@$(COMPILE) --group dev -o requirements-dev.lock $(COMPILE_OPTIONS) $(UPGRADE) >/dev/null

setup: $(RUNTIME) ## what `make run` needs: the environment and the fonts
	@$(PYTHON) -m config.fonts

setup-dev: $(DEVELOPMENT) ## what `make check` and `make test` need
	@$(PYTHON) -m config.fonts

# Made after the fonts, which are in no list here the first time: they come with `setup`.
$(COLLECTED): requirements.lock $(wildcard static/*/*) | setup
	@$(COLLECTING) $(MANAGE) collectstatic --no-input --verbosity 0
	@touch $@

browser: $(DEVELOPMENT)
	@$(PYTHON) -m tests.running.chromium

$(RUNTIME): requirements.lock $(VENV)/bin/pip
	@$(call install,$<)
	@touch $@

$(DEVELOPMENT): requirements-dev.lock $(VENV)/bin/pip
	@$(call install,$<)
	@touch $@

# Installs exactly the files whose hashes are in the lock file $(1), compiled: each process starts in half the time.
define install
echo "Installing $(1)"; \
$(PYTHON) -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION) 2>/dev/null \
&& $(PYTHON) -m uv pip install --quiet --compile-bytecode --python $(PYTHON) --require-hashes -r $(1) 2>/dev/null \
|| $(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1)
endef

# pip is the last thing that venv makes: an interrupted set-up begins anew, and so does one whose Python has gone.
$(VENV)/bin/pip: $(shell test -x $(PYTHON) || echo always)
	@$(find_python); "$$found" -m venv --clear $(VENV)

# Sets $found to a Python that will do. As root it installs what Debian and Ubuntu keep in a package of its own.
define find_python
good() { "$$1" -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }; \
search() { \
	for found in python3 python3.14 python3.13 python3.12 python3.11; do good "$$found" && return; done; false; \
}; \
apt_install() { \
	[ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && echo "Installing python3-venv" \
	&& apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install python3-venv >/dev/null; \
}; \
search || { apt_install && search; } || { \
	echo "Engram needs Python 3.11 or newer with venv: 'sudo apt-get install python3-venv'" \
		"(Debian 12, Ubuntu 24.04 or newer) or 'brew install python@3.13' (macOS)." >&2; exit 1; \
}
endef
