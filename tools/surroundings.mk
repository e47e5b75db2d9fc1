# Nobody's settings reach a run. Where packages come from is left to pip and uv: their hashes are locked.
unexport $(filter PYTHON% JUPYTER% IPYTHON% MPL% MATPLOTLIB% OMP_% LC_% LANG% TMP TEMP TMPDIR FA_FIGURES \
	$(addprefix PIP_,USER TARGET PREFIX ROOT CONSTRAINT NO_DEPS DRY_RUN) \
	$(addprefix UV_,SYSTEM_PYTHON CONSTRAINT BUILD_CONSTRAINT OVERRIDE EXCLUDE RESOLUTION EXCLUDE_NEWER NO_BINARY),$(.VARIABLES))
export LC_ALL := C
export PYTHONUTF8 := 1
export PYTHONNOUSERSITE := 1
# A number in a module compiled by a kernel that rounds upward would stay rounded upward.
export PYTHONDONTWRITEBYTECODE := 1
export PYTHONPATH := $(CURDIR):$(CURDIR)/tools/nbsteady
WITH_TOOLS = PYTHONPATH="$$PYTHONPATH:$$PWD/tools"
export MPLBACKEND := agg
export MPLCONFIGDIR := $(CURDIR)/.venv/matplotlib
export IPYTHONDIR := $(CURDIR)/build/.ipython
export JUPYTER_CONFIG_DIR := $(CURDIR)/build/.jupyter
export JUPYTER_DATA_DIR := $(CURDIR)/build/.jupyter
export JUPYTER_RUNTIME_DIR := $(CURDIR)/build/.jupyter/runtime

# Notebooks run side by side already: what one of them computes keeps to its own cores.
export OPENBLAS_NUM_THREADS := $(THREADS)
export OMP_NUM_THREADS := $(THREADS)
export MKL_NUM_THREADS := $(THREADS)
export VECLIB_MAXIMUM_THREADS := $(THREADS)
export LOKY_MAX_CPU_COUNT := $(THREADS)

# What the tools are told.
export FA_PARAMETERS := $(P)
export FA_ROUNDING := $(ROUNDING)
export FA_FIGURES := $(CURDIR)/$(OUT)/figures
export FA_NOTEBOOKS := $(SELECTED)
