# The engine: one pattern rule runs one notebook with papermill. `make` alone lists what there is.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: always help reproduce executed accept sweep parameters ranges test lint unit nbval bench lock clean \
	coverage faults seeds stability wrong mutants audit book test-book links companions-full

# What a user may set: make reproduce ONLY="theorem-2 lemma-1" P="seed=7" THREADS=2 JOBS=4
# where it must be one, NOTEBOOK: make sweep NOTEBOOK=theorem-3 P="theta=0.1,0.5,1 seed=1:20"
# and for the longer checks: make seeds SEEDS=50, make stability RUNS=20, make faults KILLS=100
# and where no pin is to move that need not: make lock UPGRADE=
ONLY =
NOTEBOOK =
P =
THREADS = 1
JOBS = $(shell getconf _NPROCESSORS_ONLN)
PYTHON = python3 python3.13 python3.12 python3.11
BIN = .venv/bin
SEEDS = 50
RUNS = 20
KILLS = 100
UPGRADE = --upgrade

ENVIRONMENT := $(if $(filter .venv/bin,$(BIN)),.venv/installed)
NOTEBOOKS := $(sort $(patsubst notebooks/%.ipynb,%,$(shell find notebooks -name '*.ipynb' -not -path '*/.*')))
SELECTED := $(foreach name,$(or $(NOTEBOOK),$(ONLY),$(NOTEBOOKS)),$(or \
	$(filter $(name) %/$(name),$(NOTEBOOKS)), \
	$(error no notebook is called $(name); choose from: $(NOTEBOOKS))))

# A run with parameters of its own stays below build/runs, pictures included.
OUT := build$(if $(strip $(P)),/runs/$(shell printf '%s' '$(strip $(P))' | tr -c 'A-Za-z0-9.-' '_'))
FA_FIGURES ?= $(CURDIR)/$(if $(strip $(P)),$(OUT)/)figures
export FA_FIGURES

# Same numbers everywhere, and nobody's personal settings.
export OPENBLAS_NUM_THREADS := $(THREADS)
export OMP_NUM_THREADS := $(THREADS)
export MKL_NUM_THREADS := $(THREADS)
export VECLIB_MAXIMUM_THREADS := $(THREADS)
# Notebooks run side by side already: an ensemble in one of them keeps to its own cores.
export LOKY_MAX_CPU_COUNT := $(THREADS)
export MPLBACKEND :=
export MPLCONFIGDIR := $(CURDIR)/.venv/matplotlib
export IPYTHONDIR := $(CURDIR)/build/.ipython
export JUPYTER_CONFIG_DIR := $(CURDIR)/build/.jupyter
export JUPYTER_DATA_DIR := $(CURDIR)/build/.jupyter
export JUPYTER_RUNTIME_DIR := $(CURDIR)/build/.jupyter/runtime
export JUPYTER_PREFER_ENV_PATH := 1

help:
	@echo "make reproduce   run every notebook: figures/, build/*.ipynb, build/verdicts.csv"
	@echo "                 ONLY=\"theorem-2 ...\"  some of them    P=\"seed=7 ...\"  other parameters"
	@echo "make parameters  what notebooks take, with units and sensible ranges   ONLY=\"...\""
	@echo "make sweep       one notebook with every combination: build/sweeps/NOTEBOOK/verdicts.csv, .png"
	@echo "                 NOTEBOOK=theorem-3  P=\"theta=0.1,0.5,1 seed=1:20\""
	@echo "make test        ruff, mypy, pytest, and nbval on every notebook; figures' data compared"
	@echo "make companions-full   the published simulations of networks, in hours: notebooks/companions/alignment.csv"
	@echo "make book        the notebooks as a site to browse, build/book/index.html; make test-book reads all of it"
	@echo "make links       what leads from page to page, made anew, with the repository's address if it is known"
	@echo "make coverage | faults | seeds | ranges | stability | wrong | mutants | audit: the longer checks of TESTING.md"
	@echo "make bench       time it against NumPy, SciPy, PyTorch and diffrax: benchmarks/README.md"
	@echo "make accept      make links, reproduce, then adopt the executed notebooks and the README's tables"
	@echo "make lock        remake the lock files from pyproject.toml (needs uv)    UPGRADE=  keep the pins"
	@echo "make clean       remove build/ and the environments"

# --- the environment -------------------------------------------------------------------------------

build:
	@mkdir -p build

# Asked every time, and quick where nothing is to do: what an environment was made from is compared, not dates.
.venv/installed: LOCK := requirements.lock
.venv-trust/installed: LOCK := tests/trust.lock
.venv-book/installed: LOCK := book/book.lock
.venv/installed .venv-trust/installed .venv-book/installed: always
	@cat $(LOCK) tools/environment.py | cmp -s - $@ 2>/dev/null || \
		sh tools/make_environment.sh $(@D) $(LOCK) $(PYTHON)

always:

LOCK_COMMAND = uv pip compile pyproject.toml --universal --python-version 3.11 --fork-strategy fewest \
	--generate-hashes --no-emit-index-url --no-annotate $(UPGRADE) --quiet --custom-compile-command "make lock"

lock:
	@command -v uv >/dev/null || { echo "make lock needs uv; install it, for instance: pip install uv" >&2; exit 1; }
	$(LOCK_COMMAND) --extra notebooks --extra test --extra build --output-file requirements.lock
	$(LOCK_COMMAND) --extra trust --constraint requirements.lock --output-file tests/trust.lock
	$(LOCK_COMMAND) --extra book --constraint requirements.lock --output-file book/book.lock

# --- notebooks -------------------------------------------------------------------------------------

reproduce: $(ENVIRONMENT) $(if $(filter accept,$(MAKECMDGOALS)),links) | build
	@$(if $(strip $(P)),"$(BIN)/python" tools/parameters.py $(P:%='%') -- $(SELECTED))
	@"$(BIN)/python" tools/up_to_date.py $(OUT) $(P:%='%') -- $(SELECTED)
	@FA_PROGRESS=$$(mktemp); export FA_PROGRESS; \
		trap 'rm -f "$$FA_PROGRESS"' EXIT; trap 'exit 130' INT TERM HUP; \
		FA_TOTAL=$$($(MAKE) -n executed | grep -c 'tools/run_notebook.py'); export FA_TOTAL; \
		$(MAKE) --no-print-directory --keep-going --jobs=$(JOBS) executed; ran=$$?; \
		"$(BIN)/python" tools/verdicts.py $(OUT) $(SELECTED) && test $$ran -eq 0

executed: $(SELECTED:%=$(OUT)/%.ipynb)
	@:

# What is there was found to be up to date, or else deleted, before: dates do not count.
$(OUT)/%.ipynb: | notebooks/%.ipynb
	@"$(BIN)/python" tools/run_notebook.py notebooks/$*.ipynb $@ $(P:%='%')

$(if $(and $(filter accept,$(MAKECMDGOALS)),$(strip $(P))),$(error accept adopts default runs only: leave P out))

accept: reproduce
	@"$(BIN)/python" tools/accept.py $(SELECTED)

parameters: $(ENVIRONMENT)
	@"$(BIN)/python" tools/parameters.py -- $(SELECTED)

$(if $(filter sweep,$(MAKECMDGOALS)),$(if $(and $(filter 1,$(words $(NOTEBOOK))),$(strip $(P))),,$(error \
	sweep needs one notebook and its parameters: make sweep NOTEBOOK=theorem-3 P="theta=0.1,0.5,1 seed=1:20")))

sweep: $(ENVIRONMENT) | build
	@exec "$(BIN)/python" tools/sweep.py $(JOBS) $(SELECTED) $(P:%='%')

# Hours; the same command goes on where it was stopped.
companions-full: RUNS = 50
companions-full: $(ENVIRONMENT) | build
	@exec "$(BIN)/python" tools/companions.py $(RUNS)

# --- tests -----------------------------------------------------------------------------------------

test: lint unit nbval

lint: $(ENVIRONMENT)
	@"$(BIN)/ruff" check .
	@"$(BIN)/ruff" format --check .
	@"$(BIN)/mypy"
	@"$(BIN)/python" tools/check_notebooks.py notebooks

unit: $(ENVIRONMENT) | build
	"$(BIN)/pytest" -n $(JOBS)

# The cells of a notebook belong together; notebooks run side by side.
nbval: $(ENVIRONMENT) | build
	@rm -rf build/nbval
	FA_FIGURES='$(CURDIR)/build/nbval' PYTHONPATH="tools$${PYTHONPATH:+:$$PYTHONPATH}" \
		"$(BIN)/pytest" -p kernels_on_files -n $(JOBS) --dist loadfile --nbval notebooks
	@"$(BIN)/python" tools/compare_figures.py build/nbval figures

# --- trust: what takes longer; TESTING.md says what each of these found ------------------------------

coverage: $(ENVIRONMENT) | build
	"$(BIN)/coverage" run -m pytest
	@"$(BIN)/coverage" report

faults: $(ENVIRONMENT) | build
	FA_KILLS=$(KILLS) "$(BIN)/pytest" -n $(JOBS) tests/test_faults.py

seeds: $(ENVIRONMENT) | build
	@"$(BIN)/python" tools/seeds.py $(SEEDS) $(SELECTED)

ranges: $(ENVIRONMENT) | build
	@exec "$(BIN)/python" tools/ranges.py $(JOBS) $(SELECTED)

stability: $(ENVIRONMENT) .venv-trust/installed | build
	@.venv-trust/bin/python tools/stability.py $(RUNS)

wrong: $(ENVIRONMENT) | build
	@"$(BIN)/python" tools/wrong_on_purpose.py

mutants: .venv-trust/installed | build
	@.venv-trust/bin/python tools/mutants.py $(JOBS)

audit: .venv-trust/installed
	@.venv-trust/bin/pip-audit --require-hashes --disable-pip --requirement tests/trust.lock

# --- the book ---------------------------------------------------------------------------------------

book: .venv-book/installed | build
	@.venv-book/bin/python tools/book.py build/book
	@echo "the book is in build/book; open build/book/index.html"

test-book: book
	.venv-book/bin/pytest book/tests

links: $(ENVIRONMENT)
	@"$(BIN)/python" tools/links.py

# --- speed -----------------------------------------------------------------------------------------

bench: $(ENVIRONMENT)
	@"$(BIN)/python" benchmarks/exact_fa_star.py
	@"$(BIN)/python" benchmarks/euler_steps.py
	@"$(BIN)/python" benchmarks/growth.py
	@"$(BIN)/python" benchmarks/draws.py
	@"$(BIN)/python" benchmarks/networks.py

clean:
	rm -rf build .venv .venv-trust .venv-book
