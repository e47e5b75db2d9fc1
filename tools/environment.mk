# Environments of locked packages. One belongs to its folder: if it came with a copy, it is made anew.
.PHONY: $(filter-out $(shell pwd -P | grep -slxFf - .venv*/installed),.venv/installed .venv-trust/installed .venv-book/installed)
PYTHON = python3 python3.14 python3.13 python3.12 python3.11
UV = uv
BIN = .venv/bin
RUN = "$(BIN)/python"
ENVIRONMENT := $(if $(filter .venv/bin,$(BIN)),.venv/installed)
DEVELOP := $(ENVIRONMENT:installed=develop)
LAB := $(ENVIRONMENT:installed=lab)

.venv/installed: requirements.lock
.venv-trust/installed: tests/trust.lock
.venv-book/installed: book/book.lock
.venv/installed .venv-trust/installed .venv-book/installed: tools/environment.sh
	@UV="$(UV)" sh tools/environment.sh "$@" $(filter %.lock,$^) $(PYTHON)

# What checks the notebooks and the package, and an editor, come on top of what runs them.
.venv/develop: tests/develop.lock .venv/installed
.venv/lab: tools/lab.lock .venv/installed
.venv/develop .venv/lab:
	@UV="$(UV)" sh tools/environment.sh "$@" $(filter %.lock,$^)
