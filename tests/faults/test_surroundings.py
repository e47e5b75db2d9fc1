"""Nobody's settings and nobody's folder: what a user has set, and where the clone is, reach no run."""

import json
import os
import shutil
import subprocess

import pytest
from small_copy import (
    BIN,
    CLAIM,
    PICTURE,
    ROOT,
    clean_environment,
    copy_repository,
    make,
    run,
    write_notebook,
)

SEEN = """\
import os, sys
from pathlib import Path
import numpy as np
import matplotlib as mpl
here = Path(fa.__file__).resolve().parents[1] == Path.cwd().parent
size = mpl.rcParams["font.size"]
print(here, "anaconda" in np.__file__, size, os.environ.get("TMPDIR"), sys.flags.safe_path)
print(os.environ["OPENBLAS_NUM_THREADS"], os.environ.get("ANOTHER_KERNEL"), os.environ["LC_ALL"])"""
EXPECTED = "True False 10.0 None False\n1 None C\n"


def printed(folder, name="good", below="build"):
    """Return all that a notebook has printed."""
    cells = json.loads((folder / below / f"{name}.ipynb").read_bytes())["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return "".join("".join(output.get("text", "")) for output in outputs)


@pytest.fixture
def looking(copy):
    """A small repository whose notebook prints what of its surroundings has reached it."""
    write_notebook(copy, "good", SEEN, PICTURE.format(name="good"), CLAIM.format(bound=5))
    return copy


def reproduced(folder, **environment):
    """Run make reproduce there; return what the notebook printed, once all of it has passed but comparing."""
    ran = make(folder, "reproduce", **environment)
    assert "1 of 1 verdicts hold, 0 were not judged" in ran.stdout, ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr
    return printed(folder)


def test_another_numpy_and_another_fa_utils_on_pythonpath_are_not_imported(looking, tmp_path):
    for name in ("numpy", "fa_utils", "papermill"):
        (tmp_path / "anaconda" / name).mkdir(parents=True)
        (tmp_path / "anaconda" / name / "__init__.py").write_text("raise ImportError('another one')")
    assert reproduced(looking, PYTHONPATH=str(tmp_path / "anaconda")) == EXPECTED


def test_another_python3_kernel_on_jupyter_path_is_not_started(looking, tmp_path):
    folder = tmp_path / "share" / "kernels" / "python3"
    folder.mkdir(parents=True)
    specification = {
        "argv": ["/no/such/python", "-f", "{connection_file}"],
        "display_name": "x",
        "language": "python",
    }
    (folder / "kernel.json").write_text(json.dumps(specification | {"env": {"ANOTHER_KERNEL": "1"}}))
    told = {"JUPYTER_PATH": str(tmp_path / "share"), "JUPYTER_DATA_DIR": str(tmp_path / "share")}
    home = tmp_path / "home"
    shutil.copytree(tmp_path / "share", home / ".local" / "share" / "jupyter")
    assert reproduced(looking, HOME=str(home), **told) == EXPECTED


def test_settings_of_an_editors_ipython_and_matplotlib_are_not_read(looking, tmp_path):
    startup = tmp_path / ".ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00.py").write_text("print('startup')")
    (tmp_path / "matplotlibrc").write_text("font.size: 31\n")
    (tmp_path / ".config" / "matplotlib").mkdir(parents=True)
    (tmp_path / ".config" / "matplotlib" / "matplotlibrc").write_text("font.size: 31\n")
    told = {"MATPLOTLIBRC": str(tmp_path / "matplotlibrc"), "MPLBACKEND": "nonsense"}
    assert reproduced(looking, HOME=str(tmp_path), IPYTHONDIR=str(tmp_path / ".ipython"), **told) == EXPECTED


def test_a_long_temporary_folder_and_safe_paths_and_threads_change_nothing(looking, tmp_path):
    long = tmp_path / ("x" * 100)
    long.mkdir()
    told = {"TMPDIR": str(long), "PYTHONSAFEPATH": "1", "OMP_NUM_THREADS": "7", "OPENBLAS_NUM_THREADS": "7"}
    told |= {"PYTHONWARNINGS": "error", "PYTHONHASHSEED": "1", "PYTHONOPTIMIZE": "2", "LC_ALL": "de_DE.UTF-8"}
    told |= {"FA_FIGURES": str(tmp_path / "elsewhere"), "FA_ROUNDING": "up", "FA_PARAMETERS": "seed=9"}
    assert reproduced(looking, **told) == EXPECTED
    assert not (tmp_path / "elsewhere").exists() and not list(long.iterdir())


def test_settings_of_pip_do_not_move_packages_away(copy):
    shown = make(
        copy, "--eval=show: ; @env", "show", PIP_USER="1", PIP_TARGET="/x", PIP_NO_DEPS="1", PIP_INDEX_URL="y"
    )
    told = ("PIP_USER=", "PIP_TARGET=", "PIP_NO_DEPS=", "PIP_INDEX_URL=")
    pips = sorted(line for line in shown.stdout.splitlines() if line.startswith(told))
    assert pips == ["PIP_INDEX_URL=y"]  # where packages come from is the user's


@pytest.mark.parametrize("count", ["1", "9"])
def test_as_many_notebooks_run_at_once_as_cores_are_allowed(copy, count):
    allowed = len(os.sched_getaffinity(0))
    for under, wanted in (((), allowed), (("taskset", "-c", str(min(os.sched_getaffinity(0)))), 1)):
        shown = make(copy, "--eval=show: ; @echo $(JOBS)", "show", under=under, OMP_NUM_THREADS=count)
        assert shown.stdout.strip() == str(wanted)


@pytest.mark.parametrize("name", ["it's a clone", "é(1)", "semi;colon"])
def test_a_clone_may_be_in_a_folder_of_almost_any_name(tmp_path, name):
    folder = copy_repository(tmp_path / name)
    ran = make(folder, "accept")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert make(folder, "reproduce").returncode == 0
    compared = make(folder, "nbval", "JOBS=1")
    assert compared.returncode == 0, compared.stdout + compared.stderr


@pytest.mark.parametrize("name", ["figure-1 copy", "figure-1-Copy1", "figure-1(1)", "figure_1", "beyond/Two"])
def test_a_copy_of_a_notebook_is_refused_in_a_sentence(copy, name):
    write_notebook(copy, "figure-1", PICTURE.format(name="figure-1"))
    (copy / "notebooks" / "beyond").mkdir()
    shutil.copy(copy / "notebooks" / "figure-1.ipynb", copy / "notebooks" / f"{name}.ipynb")
    for target in ("reproduce", "accept", "nbval"):
        ran = make(copy, target)
        assert ran.returncode != 0 and len(ran.stderr.splitlines()) == 1
        assert (
            f"notebooks/{name}.ipynb: a notebook has a name of small letters, digits and dashes" in ran.stderr
        )
    assert not (copy / "build").exists() and not list((copy / "figures").iterdir())


def test_an_editors_checkpoints_are_no_notebooks(copy):
    (copy / "notebooks" / ".ipynb_checkpoints").mkdir()
    shutil.copy(
        copy / "notebooks" / "good.ipynb", copy / "notebooks/.ipynb_checkpoints/good-checkpoint.ipynb"
    )
    assert "1 of 1 verdicts hold" in make(copy, "reproduce").stdout


def test_two_notebooks_that_save_one_figure_are_refused_in_a_sentence(copy):
    write_notebook(copy, "other", PICTURE.format(name="good"), CLAIM.format(bound=5))
    for target in ("reproduce", "accept"):
        ran = make(copy, target)
        text = " ".join((ran.stdout + ran.stderr).split())
        assert ran.returncode != 0
        assert "figure good is saved by good and other: rename it in one" in text
    assert not list((copy / "figures").iterdir())


def test_papermill_by_hand_from_another_folder_touches_no_committed_figure(copy, tmp_path):
    write_notebook(copy, "good", PICTURE.format(name="good"), CLAIM.format(bound=9))
    (copy / "figures" / "good.png").write_bytes(b"committed")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    command = [BIN / "papermill", copy / "notebooks" / "good.ipynb", "out.ipynb", "-p", "seed", "7"]
    told = {"PYTHONPATH": str(copy), "IPYTHONDIR": str(tmp_path / "ipython"), "HOME": str(tmp_path)}
    ran = run(elsewhere, *command, **told)
    assert ran.returncode == 0, ran.stderr
    assert (copy / "figures" / "good.png").read_bytes() == b"committed"
    assert (copy / "build" / "figures" / "good.png").exists()
    assert [path.name for path in elsewhere.iterdir()] == ["out.ipynb"]


def test_line_ends_of_another_system_do_not_reach_scripts(tmp_path):
    """core.autocrlf is set where Git comes from a Windows installer."""
    folder = copy_repository(tmp_path / "origin")
    shutil.copy(ROOT / ".gitattributes", folder)
    (folder / "figures" / "x.png").write_bytes(b"\x89PNG\r\n\x1a\n\r\n\n")
    git = ["git", "-c", "user.name=x", "-c", "user.email=x", "-c", "core.autocrlf=true"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"], ["clone", "-q", ".", "../clone"]):
        subprocess.run([*git, *command], cwd=folder, check=True, env=clean_environment(), capture_output=True)
    for path in (
        path for path in (tmp_path / "clone").rglob("*") if path.is_file() and ".git" not in path.parts
    ):
        if path.suffix == ".png":
            assert path.read_bytes() == (folder / "figures" / "x.png").read_bytes()
        else:
            assert b"\r\n" not in path.read_bytes(), path
    assert (tmp_path / "clone" / "tools" / "environment.sh").exists()
