# Two commands do everything: `make run` and `make test`.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
# For another build of PyTorch: make run PIP_ARGS="--extra-index-url <the index that PyTorch's install page names>"
PIP_ARGS ?=
# How many test files run side by side, each on a database of its own: make test SIDE_BY_SIDE=1 for one after another.
SIDE_BY_SIDE ?= auto
# Static files are served from where they lie, also with a database and a broker of one's own.
PYTEST := COLLECTS_STATIC=false $(BIN)/python -m pytest --numprocesses $(SIDE_BY_SIDE) --maxprocesses 4 --dist loadfile
# Which of the tests that break things: make test-faults FAULT_TESTS=tests/faults/test_broker.py
FAULT_TESTS ?= tests/faults

.PHONY: run test test-faults test-faults-full check format screenshots bench-training bench-generation clean

run: $(VENV)/.run
	@$(BIN)/python manage.py serve --port $(PORT)

test: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(PYTEST) -m "not fault"

# Kill, freeze and cut off real processes, and see that no run is lost, run twice or stuck.
test-faults: $(VENV)/.dev
	$(PYTEST) -m fault --durations=25 $(FAULT_TESTS)

# The same with the leases and deadlines of a real installation, instead of a tenth of them.
test-faults-full: $(VENV)/.dev
	FAULTS_FULL=true $(PYTEST) -m fault --durations=25 $(FAULT_TESTS)

# Before each commit: format, lint, architecture and the fast tests.
check: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(PYTEST) -m "not browser and not worker and not fault"

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Every page at two widths and in both themes, into var/screenshots/.
screenshots: $(VENV)/.dev
	SCREENSHOTS=var/screenshots $(BIN)/python -m pytest tests/browser/test_screenshots.py

# How fast and how well the trainer learns: make bench-training DATA=/folder [LONG="ptb lyrics"]
bench-training: $(VENV)/.dev
	$(BIN)/python -m tests.benchmarks.training --data $(DATA) $(LONG)

# How fast, lean and faithful writing is: make bench-generation [FIGURES="streams http"]
bench-generation: $(VENV)/.dev
	$(BIN)/python -m tests.benchmarks.generation $(FIGURES)

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || \
		{ echo "Python 3.11 is needed, as $(PYTHON) (or: make run PYTHON=/path/to/python3.11)."; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv module is missing (Debian: apt install python3-venv)."; exit 1; }
	@touch $@

$(VENV)/.run: requirements.txt | $(VENV)/.made
	$(BIN)/pip install --quiet --disable-pip-version-check $(PIP_ARGS) -r requirements.txt
	$(BIN)/python -m training.language_model.kernels.compile
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.run
	$(BIN)/pip install --quiet --disable-pip-version-check $(PIP_ARGS) -r requirements-dev.txt
	@touch $@

clean:
	rm -rf $(VENV) var
