# The engine: one pattern rule runs one notebook with papermill. `make` alone lists what there is.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help reproduce executed accept test lint unit nbval bench lock clean

# What a user may set: make reproduce ONLY="theorem-2 lemma-1" P="seed=7" THREADS=2 JOBS=4
ONLY =
P =
THREADS = 1
JOBS = $(shell getconf _NPROCESSORS_ONLN)
PYTHON = python3 python3.13 python3.12 python3.11
BIN = .venv/bin

ENVIRONMENT := $(if $(filter .venv/bin,$(BIN)),.venv/installed)
NOTEBOOKS := $(sort $(patsubst notebooks/%.ipynb,%,$(shell find notebooks -name '*.ipynb' -not -path '*/.*')))
SELECTED := $(foreach name,$(or $(ONLY),$(NOTEBOOKS)),$(or \
	$(filter $(name) %/$(name),$(NOTEBOOKS)), \
	$(error no notebook is called $(name); choose from: $(NOTEBOOKS))))

# A run with parameters of its own stays below build/runs, pictures included.
OUT := build$(if $(strip $(P)),/runs/$(shell printf '%s' '$(strip $(P))' | tr -c 'A-Za-z0-9.-' '_'))
FA_FIGURES ?= $(CURDIR)/$(if $(strip $(P)),$(OUT)/)figures
export FA_FIGURES
export FA_PROGRESS := $(OUT)/.progress

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
	@echo "make test        ruff, pytest, and nbval on every notebook; figures' data compared"
	@echo "make bench       time it against NumPy, SciPy, PyTorch and diffrax: benchmarks/README.md"
	@echo "make accept      reproduce, then adopt the executed notebooks and the README's tables"
	@echo "make lock        remake requirements.lock from pyproject.toml (needs uv)"
	@echo "make clean       remove build/ and .venv/"

# --- the environment -------------------------------------------------------------------------------

build:
	@mkdir -p build

.venv/installed: requirements.lock tools/make_environment.sh
	@sh tools/make_environment.sh $(PYTHON)

lock:
	@command -v uv >/dev/null || { echo "make lock needs uv; install it, for instance: pip install uv" >&2; exit 1; }
	uv pip compile pyproject.toml --extra notebooks --extra test --extra build --universal \
		--python-version 3.11 --fork-strategy fewest --generate-hashes --no-emit-index-url --no-annotate \
		--upgrade --quiet --custom-compile-command "make lock" --output-file requirements.lock

# --- notebooks -------------------------------------------------------------------------------------

reproduce: $(ENVIRONMENT) | build
	@$(if $(strip $(P)),"$(BIN)/python" tools/parameters.py $(P:%='%') -- $(SELECTED))
	@mkdir -p $(OUT); rm -f $(FA_PROGRESS)
	@FA_TOTAL=$$($(MAKE) -n executed | grep -c 'tools/run_notebook.py'); export FA_TOTAL; \
		$(MAKE) --no-print-directory --keep-going --jobs=$(JOBS) executed; ran=$$?; \
		"$(BIN)/python" tools/verdicts.py $(OUT) $(SELECTED) && test $$ran -eq 0

executed: $(SELECTED:%=$(OUT)/%.ipynb)
	@:

$(OUT)/%.ipynb: notebooks/%.ipynb $(wildcard fa_utils/*.py) tools/run_notebook.py $(ENVIRONMENT)
	@"$(BIN)/python" tools/run_notebook.py $< $@ $(P:%='%')

# A picture that is missing or newer than its notebook's run makes that notebook run again.
-include $(SELECTED:%=$(OUT)/%.figures.mk)

$(if $(and $(filter accept,$(MAKECMDGOALS)),$(strip $(P))),$(error accept adopts default runs only: leave P out))

accept: reproduce
	@"$(BIN)/python" tools/accept.py $(SELECTED)

# --- tests -----------------------------------------------------------------------------------------

test: lint unit nbval

lint: $(ENVIRONMENT)
	@"$(BIN)/ruff" check .
	@"$(BIN)/ruff" format --check .
	@"$(BIN)/python" tools/check_notebooks.py notebooks

unit: $(ENVIRONMENT) | build
	"$(BIN)/pytest" -n $(JOBS)

# One notebook after the other: nbval's kernels listen on TCP ports, and two at once may pick the same.
nbval: $(ENVIRONMENT) | build
	@rm -rf build/nbval
	FA_FIGURES='$(CURDIR)/build/nbval' "$(BIN)/pytest" --nbval notebooks
	@"$(BIN)/python" tools/compare_figures.py build/nbval figures

# --- speed -----------------------------------------------------------------------------------------

bench: $(ENVIRONMENT)
	@"$(BIN)/python" benchmarks/exact_fa_star.py
	@"$(BIN)/python" benchmarks/euler_steps.py
	@"$(BIN)/python" benchmarks/growth.py
	@"$(BIN)/python" benchmarks/draws.py

clean:
	rm -rf build .venv
