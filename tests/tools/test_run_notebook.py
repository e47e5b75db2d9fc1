"""A notebook's run: put into place whole or not at all, with nothing in it of the machine that ran it."""

import os
import re
import sys
from pathlib import Path

import nbformat
import papermill
import pytest
import run_notebook
from made_up import METADATA
from nbsteady import launcher
from small_copy import CLAIM, PICTURE, write_notebook

ENVIRONMENT = "import os\nprint(os.environ['FA_ROUNDING'], seed)"


@pytest.fixture(autouse=True)
def checkout(tmp_path, monkeypatch):
    """A folder for notebooks, which is the working one; what make tells the tools is told."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notebooks" / "deep").mkdir(parents=True)
    told = {"FA_FIGURES": "build/figures", "FA_NOTEBOOKS": "deep/one", "FA_STARTED": "0", "FA_ROUNDING": ""}
    for name, value in (told | {"FA_PARAMETERS": "", "IPYTHONDIR": str(tmp_path / "ipython")}).items():
        monkeypatch.setenv(name, value)
    return tmp_path


def files(folder="build"):
    """Return the names of all files, hidden ones too."""
    return {path.relative_to(folder).as_posix() for path in Path(folder).rglob("*") if path.is_file()}


def pretended(monkeypatch, cells=(), broke=None, figures=("x.csv", "x.png")):
    """Let papermill write these cells and figures at once, and then break, if it is to."""

    def execute(notebook, output, parameters, **how):
        content = nbformat.read(notebook, as_version=4)
        content.metadata["papermill"] = {"duration": 1.0}
        content.cells += [nbformat.v4.new_code_cell(cell, metadata={"execution": {}}) for cell in cells]
        nbformat.write(content, output)
        folder = Path(os.environ["FA_FIGURES"])
        folder.mkdir()
        for name in figures:
            (folder / name).write_text("new")
        if broke:
            raise broke

    monkeypatch.setattr(papermill, "execute_notebook", execute)


def main():
    return run_notebook.main(Path("notebooks", "deep", "one.ipynb"), Path("build", "deep", "one.ipynb"))


# --- really run --------------------------------------------------------------------------------------


def test_a_notebook_runs_in_its_folder_with_its_parameters_and_rounding(checkout, monkeypatch, capfd):
    def_of_third = "third = 1.0\nthird /= 3.0\nprint(third > 0.3333333333333333, os.getcwd())"
    cells = ENVIRONMENT, def_of_third, PICTURE.format(name="x"), CLAIM.format(bound=8)
    write_notebook(checkout, "deep/one", *cells)
    monkeypatch.setenv("FA_PARAMETERS", "seed = 7.0")
    monkeypatch.setenv("FA_ROUNDING", "up")
    assert main() == 0
    said = capfd.readouterr().out.splitlines()
    assert said[0] == "deep/one starts" and re.fullmatch(r"deep/one \d+\.\d s; 0 left, about 0 s", said[1])
    assert files() == {"deep/one.ipynb", "figures/x.csv", "figures/x.png"}
    ran = nbformat.read("build/deep/one.ipynb", as_version=4)
    printed = [output.text for cell in ran.cells for output in cell.outputs if "text" in output]
    assert printed == ["up 7\n", f"True {checkout}/notebooks/deep\n"]
    assert ran.metadata == METADATA
    assert [cell.metadata for cell in ran.cells] == [
        {},
        {"tags": ["parameters"]},
        {"tags": ["injected-parameters"]},
        *[{}] * 4,
    ]


def test_a_failing_verdict_hides_none_after_it_and_a_broken_cell_goes_to_failed(checkout, capfd):
    cells = PICTURE.format(name="x"), CLAIM.format(bound=0), CLAIM.format(bound=5), "1 /\\\n 0", "seed"
    write_notebook(checkout, "deep/one", *cells)
    assert main() == 1
    said = capfd.readouterr().out
    assert "deep/one BROKE: ZeroDivisionError: division by zero; 0 left, about " in said
    assert files() == {"deep/failed/one.ipynb"}
    text = Path("build", "deep", "failed", "one.ipynb").read_text()
    assert '"verdict": "fails"' in text and '"verdict": "holds"' in text


def test_whatever_kernelspec_is_found_the_kernel_is_this_interpreters(tmp_path, monkeypatch):
    found = tmp_path / "kernels" / "python3"
    found.mkdir(parents=True)
    (found / "kernel.json").write_text('{"argv": ["/another/python"], "display_name": "x", "language": "x"}')
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    monkeypatch.setenv("FA_ROUNDING", "down")
    manager = run_notebook.own_kernel()(kernel_name="python3")
    given = [launcher.__file__, "down", "-f", manager.connection_file]
    assert manager.format_kernel_cmd() == [sys.executable, *given]


# --- pretended ---------------------------------------------------------------------------------------


def test_a_run_replaces_what_an_older_one_left(checkout, monkeypatch):
    write_notebook(checkout, "deep/one")
    for folder, name in (("deep", "one.ipynb"), ("deep/failed", "one.ipynb"), ("figures", "x.csv")):
        Path("build", folder).mkdir(parents=True, exist_ok=True)
        Path("build", folder, name).write_text("old")
    pretended(monkeypatch, ["1"])
    assert main() == 0
    assert files() == {"deep/one.ipynb", "figures/x.csv", "figures/x.png"}
    assert Path("build", "figures", "x.csv").read_text() == "new"
    assert nbformat.read("build/deep/one.ipynb", as_version=4).cells[-1].source == "1"


ERROR = papermill.PapermillExecutionError(0, 1, "1 / 0", "ZeroDivisionError", "division\nby zero", [])


@pytest.mark.parametrize(
    ("broke", "says"),
    [
        (ERROR, "ZeroDivisionError: division by zero"),
        (RuntimeError("Kernel died"), "RuntimeError: Kernel died"),
        (OSError(28, "No space left on device"), "OSError: [Errno 28] No space left on device"),
        (KeyError("whatever else"), "KeyError: 'whatever else'"),
        (ValueError("x" * 999), "ValueError: " + "x" * 188),
    ],
)
def test_a_broken_run_moves_no_figure_and_leaves_no_older_result(checkout, monkeypatch, capsys, broke, says):
    write_notebook(checkout, "deep/one")
    for folder, name in (("deep", "one.ipynb"), ("figures", "x.csv")):
        Path("build", folder).mkdir(parents=True, exist_ok=True)
        Path("build", folder, name).write_text("old")
    pretended(monkeypatch, broke=broke)
    assert main() == 1 and f"deep/one BROKE: {says}; " in capsys.readouterr().out
    assert files() == {"deep/failed/one.ipynb", "figures/x.csv"}
    assert Path("build", "figures", "x.csv").read_text() == "old"
    failed = nbformat.read("build/deep/failed/one.ipynb", as_version=4)
    assert failed.metadata == METADATA


def test_who_interrupts_a_run_finds_nothing_of_it(checkout, monkeypatch):
    write_notebook(checkout, "deep/one")
    pretended(monkeypatch, broke=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        main()
    assert files() == set()


def test_a_run_is_older_than_what_was_edited_while_it_ran(checkout, monkeypatch):
    write_notebook(checkout, "deep/one")
    pretended(monkeypatch)
    executed = papermill.execute_notebook

    def editing(notebook, *rest, **how):
        executed(notebook, *rest, **how)
        Path(notebook).touch()

    monkeypatch.setattr(papermill, "execute_notebook", editing)
    before = Path("notebooks", "deep", "one.ipynb").stat().st_mtime
    assert main() == 0
    edited = Path("notebooks", "deep", "one.ipynb").stat().st_mtime
    assert before <= Path("build", "deep", "one.ipynb").stat().st_mtime < edited


def test_wrong_parameters_are_a_sentence_as_well(checkout, monkeypatch, capsys):
    write_notebook(checkout, "deep/one")
    monkeypatch.setenv("FA_PARAMETERS", "sede=7")
    assert main() == 1 and files() == set()
    assert "has no parameter 'sede'; did you mean seed?; " in capsys.readouterr().out


def test_a_file_that_is_no_notebook_is_a_sentence_as_well(checkout, capsys):
    Path("notebooks", "deep", "one.ipynb").write_text("{")
    assert main() == 1 and files() == set()
    assert "deep/one BROKE: NotJSONError: " in capsys.readouterr().out


def test_of_metadata_only_those_on_the_list_are_kept():
    tagged, bare = (nbformat.v4.new_code_cell("1") for _ in range(2))
    tagged.metadata = {"tags": ["parameters"], "collapsed": True, "papermill": {"status": "completed"}}
    bare.metadata = {"tags": [], "execution": {"iopub.status.busy": "now"}}
    editors = {
        "kernelspec": METADATA["kernelspec"] | {"name": "other"},
        "vscode": {},
        "widgets": {},
        "language_info": {"name": "python", "version": "3"},
    }
    found = run_notebook.without_history(nbformat.v4.new_notebook(cells=[tagged, bare], metadata=editors))
    assert found.metadata == METADATA
    assert [cell.metadata for cell in found.cells] == [{"tags": ["parameters"]}, {}]


def test_how_many_are_left_and_how_long_they_may_take(checkout, monkeypatch):
    names = ["a", "b", "deep/c", "deep/d"]
    monkeypatch.setenv("FA_NOTEBOOKS", " ".join(names))
    monkeypatch.setattr(run_notebook, "PACKAGE", checkout / "package")
    monkeypatch.setattr(run_notebook.time, "time", lambda: 160.0)
    (checkout / "package").mkdir()
    (checkout / "package" / "one.py").touch()
    os.utime(checkout / "package" / "one.py", (50, 50))
    for name in names:
        write_notebook(checkout, name)
        os.utime(checkout / "notebooks" / f"{name}.ipynb", (60, 60))

    def done(name, when):
        path = Path("build", f"{name}.ipynb")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (when, when))

    assert run_notebook.left(Path("build"), 100.0) == "4 left, about 240 s"
    done("a", 120)
    done("deep/c", 70)  # of an earlier run, and up to date
    assert run_notebook.left(Path("build"), 100.0) == "2 left, about 120 s"
    done("deep/failed/d", 130)
    assert run_notebook.left(Path("build"), 100.0) == "1 left, about 30 s"
    done("b", 55)  # older than its notebook
    assert run_notebook.left(Path("build"), 100.0) == "1 left, about 30 s"
    done("b", 150)
    assert run_notebook.left(Path("build"), 100.0) == "0 left, about 0 s"
