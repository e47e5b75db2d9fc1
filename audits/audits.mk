# Grids of runs, and the longer checks; TESTING.md says what each of them found. SHOW=FIGURE adds its curves to a sweep.
.PHONY: bench coverage faults sweep seeds ranges margins stability wrong mutants audit companions-full lock dist
export FA_SHOW := $(SHOW)
SEEDS = 50
KILLS = 100
GRID = $(WITH_TOOLS) $(RUN) audits/grid.py

bench: $(DEVELOP)
	@for one in exact_fa_star exact_fa euler_steps growth draws networks; do $(RUN) benchmarks/$$one.py || exit; done

coverage: $(DEVELOP)
	@$(RUN) -m coverage run -m pytest -q --ignore=tests/faults tests
	@$(RUN) -m coverage report

sweep: $(ENVIRONMENT)
	@$(GRID) sweep $(JOBS) $(SELECTED)

faults: $(DEVELOP)
	@FA_KILLS=$(KILLS) $(RUN) -m pytest -q -n $(JOBS) tests/faults

seeds: $(ENVIRONMENT)
	@$(GRID) seeds $(JOBS) $(SEEDS) $(SELECTED)

ranges: $(ENVIRONMENT)
	@$(GRID) ranges $(JOBS) $(SELECTED)

margins: $(ENVIRONMENT)
	@$(RUN) audits/margins.py $(JOBS) $(SELECTED)

stability: $(ENVIRONMENT) .venv-trust/installed
	@.venv-trust/bin/python audits/stability.py

wrong: $(DEVELOP)
	@$(WITH_TOOLS) $(RUN) audits/wrong_on_purpose.py

mutants: .venv-trust/installed
	@.venv-trust/bin/python audits/mutants.py $(JOBS) $(ROOMS)

audit: .venv-trust/installed
	@for lock in tests/trust.lock tools/lab.lock book/book.lock; do \
		.venv-trust/bin/pip-audit --require-hashes --disable-pip --requirement $$lock || exit; done

# What a tag releases: built, checked, and in an empty environment made to run the README's example.
dist: .venv-trust/installed
	@rm -rf build/dist build/empty
	@PYTHONPATH="$$PYTHONPATH:$$PWD/tools:$$PWD/book" .venv-trust/bin/python tools/release.py "$$TAG"
	@.venv-trust/bin/validate-pyproject build/release/pyproject.toml
	@.venv-trust/bin/python -m build --no-isolation --outdir build/dist build/release
	@.venv-trust/bin/python -m twine check --strict build/dist/*
	@.venv-trust/bin/python -m venv --without-pip build/empty
	@.venv-trust/bin/uv pip install --quiet --python build/empty/bin/python build/dist/*.whl
	@sed -n '/^```python/,/^```/{/^```/!p;}' README.md | (cd build/empty && env -u PYTHONPATH bin/python -P -W error -)
	@echo "the wheel runs the README's example; it is in build/dist$${TAG:+, as a release uploads it}"

# Hours; the same command goes on where it was stopped.
companions-full: RUNS = 50
companions-full: $(DEVELOP)
	@$(RUN) audits/published_table.py $(RUNS)

LOCK = uv pip compile pyproject.toml --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
	--no-emit-index-url --no-annotate $(UPGRADE) --quiet --custom-compile-command "make lock"
lock: UPGRADE = --upgrade
lock:
	@command -v uv >/dev/null || { echo "make lock needs uv; install it, for instance: pip install uv" >&2; exit 1; }
	$(LOCK) --extra notebooks --extra build --output-file requirements.lock
	$(LOCK) --extra notebooks --extra build --extra test --constraint requirements.lock --output-file tests/develop.lock
	$(LOCK) --extra lab --constraint requirements.lock --output-file tools/lab.lock
	$(LOCK) --extra trust --constraint tests/develop.lock --output-file tests/trust.lock
	$(LOCK) --extra book --constraint requirements.lock --output-file book/book.lock
