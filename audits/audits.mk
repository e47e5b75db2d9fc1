# The longer checks; TESTING.md says what each of them found.
.PHONY: coverage faults seeds ranges margins stability wrong mutants audit companions-full
SEEDS = 50
RUNS = 20
KILLS = 100
GRID = PYTHONPATH="$(CURDIR):$(CURDIR)/tools" $(RUN) audits/grid.py

coverage: $(ENVIRONMENT)
	@$(RUN) -m coverage run -m pytest -q --ignore=tests/faults tests
	@$(RUN) -m coverage report

faults: $(ENVIRONMENT)
	@FA_KILLS=$(KILLS) $(RUN) -m pytest -q -n $(JOBS) tests/faults

seeds: $(ENVIRONMENT)
	@$(GRID) seeds $(JOBS) $(SEEDS) $(SELECTED)

ranges: $(ENVIRONMENT)
	@$(GRID) ranges $(JOBS) $(SELECTED)

margins: $(ENVIRONMENT)
	@$(RUN) audits/margins.py $(JOBS) $(SELECTED)

stability: $(ENVIRONMENT) .venv-trust/installed
	@.venv-trust/bin/python audits/stability.py $(RUNS)

wrong: $(ENVIRONMENT)
	@$(RUN) audits/wrong_on_purpose.py

mutants: .venv-trust/installed
	@.venv-trust/bin/python audits/mutants.py $(JOBS)

audit: .venv-trust/installed
	@.venv-trust/bin/pip-audit --require-hashes --disable-pip --requirement tests/trust.lock

# Hours; the same command goes on where it was stopped.
companions-full: RUNS = 50
companions-full: $(ENVIRONMENT)
	@$(RUN) audits/published_table.py $(RUNS)
