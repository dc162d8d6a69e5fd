# make demo, make test: each makes its own environment in .venv first. They need Python 3.11 or newer, git and make.

PY := .venv/bin/python
CODE := $(wildcard guard merge tests benchmarks changelog.d)

# Nothing of the caller's own environment may leak in: another virtualenv, or the repository of a hook that runs make.
unexport PYTHONDONTWRITEBYTECODE PYTHONHOME PYTHONPATH VIRTUAL_ENV PIP_USER PIP_TARGET PIP_PREFIX PIP_REQUIRE_VIRTUALENV
unexport GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_PREFIX
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# An environment that was copied or moved here, or whose Python is gone, is made anew.
$(shell test "$$(cat .venv/made 2>/dev/null)" = "$(CURDIR)" && $(PY) -c '' 2>/dev/null || rm -f .venv/made)

.NOTPARALLEL:
.PHONY: help demo test faults mutants lowest lint format bench changelog clean

help:
	@echo 'make demo    a fleet, its frames merged, a crash, a wipe and its repair, in a temporary directory'
	@echo 'make test    every test, then ruff and mypy'
	@echo 'make faults  random histories of a fleet in which things go wrong: SEED=1 ROUNDS=50'
	@echo 'make mutants guard with one promise broken at a time, to see that make faults finds each'
	@echo 'make lowest  some of the tests, with the lowest version of each dependency that pyproject.toml allows'
	@echo 'make lint    ruff and mypy alone'
	@echo 'make format  let ruff format the code'
	@echo 'make bench   what guard costs beside git and other tools (25 minutes), into docs/benchmarks.md; --quick to try it'
	@echo 'make changelog  for a release: what stands in changelog.d/ goes into CHANGELOG.md'
	@echo 'make clean   remove .venv, caches and builds'
	@echo "More options: make demo ARGS='--keep DIR', make test ARGS='-k merge', make bench ARGS='hooks --files 5000'"

demo: .venv/run
	@.venv/bin/guard demo $(ARGS)

test: .venv/test
	$(PY) -m pytest -n auto --dist worksteal $(ARGS)
	@$(MAKE) --no-print-directory lint

SEED ?= 0
ROUNDS ?= 20
faults: .venv/test
	FAULTS_SEED=$(SEED) FAULTS_ROUNDS=$(ROUNDS) $(PY) -m pytest -n auto tests/faults $(ARGS)

mutants: .venv/test
	FAULTS_SEED=$(SEED) $(PY) tests/faults/mutants.py $(ARGS)

# What each dependency is used for, without the processes: the newest versions are tested by make test.
LOWEST ?= tests/merge tests/rules tests/test_policy.py tests/test_shell.py tests/test_page_schema.py \
	tests/git/test_lone_merge.py tests/git/test_words_of_errors.py tests/git/test_config.py tests/walks/test_demo.py
lowest: .venv/test
	$(PY) -m uv venv --quiet --clear --python $(PY) .venv/lowest
	$(PY) -m uv pip compile --quiet --resolution lowest-direct --python $(PY) pyproject.toml -o .venv/lowest/versions.txt
	$(PY) -m uv pip install --quiet --python .venv/lowest --constraint .venv/lowest/versions.txt \
	  --editable . hypothesis pytest pytest-xdist
	.venv/lowest/bin/python -m pytest -n auto --dist worksteal $(LOWEST) $(ARGS)

lint: .venv/test
	$(PY) -m ruff check $(CODE)
	$(PY) -m ruff format --check $(CODE)
	$(PY) -m mypy

format: .venv/test
	$(PY) -m ruff check --fix-only $(CODE)
	$(PY) -m ruff format $(CODE)

bench: .venv/test
	$(PY) benchmarks/run.py $(ARGS)

changelog: .venv/made
	@$(PY) changelog.d/assemble.py

clean:
	rm -rf .venv .venv-bench build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps: reinstall only when pyproject.toml has changed.
.venv/run: pyproject.toml .venv/made
	@echo 'installing guard'
	@$(PY) -m pip install -qq --editable .
	@touch $@

.venv/test: pyproject.toml .venv/made
	@echo 'installing guard and its test tools (about a minute on a fresh machine)'
	@$(PY) -m pip install -qq --editable '.[test]'
	@touch .venv/run $@

# The first Python >= 3.11 that can make an environment: by venv, or by virtualenv where Debian has split venv off.
.venv/made:
	@command -v git >/dev/null || { echo 'git is missing: install git first' >&2; exit 1; }
	@found=; \
	for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
	  "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	  test -n "$$found" || found=$$python; \
	  if "$$python" -c 'import ensurepip, venv' 2>/dev/null; then maker=venv; \
	  elif "$$python" -c 'import virtualenv' 2>/dev/null; then maker='virtualenv --quiet'; \
	  else continue; fi; \
	  echo "making .venv with $$("$$python" --version)"; \
	  rm -rf .venv && "$$python" -m $$maker .venv && echo '$(CURDIR)' >.venv/made; exit; \
	done; \
	if test -n "$$found"; then \
	  name=$$("$$found" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'); \
	  echo "$$found cannot make virtual environments: install the package $$name (apt install $$name) or virtualenv" >&2; \
	else \
	  echo 'Python 3.11 or newer is missing: none of python3, python3.11 ... python3.14 is (make PYTHON=/path/to/python)' >&2; \
	fi; \
	exit 1
