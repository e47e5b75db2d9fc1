# The engine: one pattern rule runs one notebook with papermill. `make` alone lists what there is.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help reproduce executed accept parameters sweep test lint unit nbval book test-book lab clean
# What you may set: make reproduce ONLY="theorem-2 lemma-1" P="seed=7" JOBS=4 THREADS=2 ROUNDING=up
ONLY =
P =
ROUNDING =
THREADS = 1
JOBS := $(shell env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)

NOTEBOOKS := $(sort $(patsubst notebooks/%.ipynb,%,$(shell find notebooks -name '*.ipynb' -not -path '*/.*')))
PACKAGE := $(shell find fa_utils -name '*.py') $(shell find notebooks -name '*.csv') $(shell find tools/nbsteady -name '*.py') tools/run_notebook.py
BADLY_NAMED := $(shell find notebooks -name '*.ipynb' -not -path '*/.*' | LC_ALL=C grep '[^a-z0-9./-]')
$(if $(and $(BADLY_NAMED),$(filter-out help lab clean,$(or $(MAKECMDGOALS),help))),\
	$(error $(BADLY_NAMED): a notebook has a name of small letters, digits and dashes; rename or delete it))
SELECTED := $(sort $(foreach name,$(or $(ONLY),$(NOTEBOOKS)),$(or $(filter $(name) %/$(name),$(NOTEBOOKS)),\
	$(error no notebook is called $(name); choose from: $(NOTEBOOKS)))))
$(if $(filter-out up down zero,$(ROUNDING)),$(error ROUNDING=$(ROUNDING): choose up, down or zero))
$(if $(shell test '$(JOBS)' -ge 1 2>&1 || echo no),$(error JOBS=$(JOBS): choose a whole number of at least 1))
# What a run leaves: with parameters or another rounding of its own, apart from the usual one.
OUT := build$(ROUNDING:%=/rounding-%)$(if $(strip $(P)),/runs/$(shell echo '$(subst ','\'',$(strip $(P)))' | tr -c 'A-Za-z0-9.\n-' _))
include tools/surroundings.mk
include tools/environment.mk

help:
	@cat tools/help.txt

reproduce: $(ENVIRONMENT)
	@$(if $(FA_PARAMETERS),$(RUN) tools/parameters.py $(SELECTED))
	@$(MAKE) --question executed >/dev/null 2>&1 && echo "nothing to do: $(words $(SELECTED)) notebooks are up to date" || \
		$(RUN_ALL) || { $(SUMMARY); exit 1; }
	@$(SUMMARY)
SUMMARY = $(RUN) tools/summary.py $(OUT) $(SELECTED)
RUN_ALL = FA_STARTED=$$(date +%s) $(MAKE) --no-print-directory --silent --keep-going --jobs=$(JOBS) executed 2>/dev/null
executed: $(SELECTED:%=$(OUT)/%.ipynb)

$(OUT)/%.ipynb: notebooks/%.ipynb $(PACKAGE) $(ENVIRONMENT)
	@$(RUN) tools/run_notebook.py $< $@

accept: $(ENVIRONMENT)
	@$(if $(P)$(ROUNDING),$(error accept adopts the usual run only: leave P and ROUNDING out))
	@$(WITH_TOOLS) $(RUN) book/links.py
	@$(RUN_ALL) || { $(SUMMARY); echo "nothing is adopted"; exit 1; }
	@$(RUN) tools/accept.py $(SELECTED) && $(WITH_TOOLS) $(RUN) book/tables.py

parameters: $(ENVIRONMENT)
	@$(RUN) tools/parameters.py $(SELECTED)

test: lint unit nbval

lint: $(DEVELOP)
	@$(RUN) -m ruff check --quiet .
	@$(RUN) -m ruff format --quiet --check .
	@$(RUN) -m mypy
	@$(RUN) -m pytest -q tests/notebooks

unit: $(DEVELOP)
	@$(RUN) -m pytest -q -n $(JOBS) --ignore=tests/faults --ignore=tests/notebooks tests

# Every notebook once more, with the processor rounding upward. The cells of a notebook belong together.
nbval: $(ENVIRONMENT)
	@rm -rf build/test
	@FA_FIGURES="$$PWD/build/test/figures" $(RUN) -m pytest -q -p nbsteady.plugin --rounding=$(or $(ROUNDING),up) \
		-n $(JOBS) --dist loadfile --nbval --nbval-current-env $(SELECTED:%=notebooks/%.ipynb)
	@$(RUN) tools/compare.py build/test/figures $(SELECTED)

book: $(ENVIRONMENT) .venv-book/installed
	@$(WITH_TOOLS) $(RUN) book/stage.py build/book-source
	@rm -rf build/book
	@.venv-book/bin/python -m sphinx --fail-on-warning --keep-going --quiet --fresh-env \
		--doctree-dir build/book-doctrees build/book-source build/book
	@echo "the book is in build/book; open build/book/index.html"

test-book: book
	.venv-book/bin/python -m pytest book/tests

# Notebooks in JupyterLab. It saves what belongs to a notebook, and nothing of an editor.
lab: $(LAB)
	@FA_FIGURES="$$PWD/build/lab/figures" $(WITH_TOOLS) $(RUN) -m jupyterlab \
		--ContentsManager.pre_save_hook=lab.without_history $(ARGS) notebooks

include audits/audits.mk
clean:
	rm -rf build .venv .venv-trust .venv-book
