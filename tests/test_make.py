"""Make as a user meets it, on a small copy of this repository with notebooks of a few lines."""

import os
import shutil
import signal
import stat
import subprocess
import time

import nbformat
import pytest
from small_copy import BIN, CLAIM, PICTURE, clean_environment, files_below, make, write_notebook

SLOWLY = "import pathlib, time; pathlib.Path('../started').touch(); time.sleep(1)"


def test_reproduce_leaves_notebooks_pictures_and_verdicts_and_then_has_nothing_to_do(copy):
    first = make(copy, "reproduce")
    assert first.returncode == 0, first.stderr
    assert "[1/1] good" in first.stdout and "1 of 1 verdicts hold" in first.stdout
    made = files_below(copy)
    assert {"build/good.ipynb", "build/verdicts.csv", "figures/good.png", "figures/good.csv"} <= made.keys()
    assert not any(name.startswith(("figures/.", "build/.good")) for name in made)
    executed = nbformat.read(copy / "build" / "good.ipynb", as_version=4)
    assert [cell.execution_count for cell in executed.cells] == [1, 2, 3, 4]
    assert "papermill" not in executed.metadata and not first.stderr

    second = make(copy, "reproduce")
    assert second.returncode == 0 and "good  " not in second.stdout.split("holds")[0]
    assert files_below(copy)["build/good.ipynb"] == made["build/good.ipynb"]


def test_a_lost_or_changed_picture_is_made_again(copy):
    make(copy, "reproduce")
    picture = copy / "figures" / "good.png"
    drawn = picture.read_bytes()
    picture.unlink()
    assert "[1/1] good" in make(copy, "reproduce").stdout and picture.read_bytes() == drawn
    picture.write_bytes(b"garbage")
    assert "[1/1] good" in make(copy, "reproduce").stdout and picture.read_bytes() == drawn


def test_a_damaged_record_or_notebook_is_made_again(copy):
    make(copy, "reproduce")
    paths = [copy / "build" / name for name in ("good.ipynb", "good.made.json")]
    made = [path.read_bytes() for path in paths]

    def is_still_there():
        command = [BIN / "python", "tools/up_to_date.py", "build", "--", "good"]
        subprocess.run(command, cwd=copy, env=clean_environment(), check=True)
        return paths[0].exists()

    assert is_still_there()
    for damaged in paths:
        for content in (b"", b"{}", b"[]", b'{"inputs": 1}', b'{"made": 3}', b"\xff"):
            damaged.write_bytes(content)
            assert not is_still_there()
            for path, whole in zip(paths, made, strict=True):
                path.write_bytes(whole)
    paths[1].write_bytes(b"\xff")
    ran = make(copy, "reproduce")
    assert ran.returncode == 0 and "[1/1] good" in ran.stdout, ran.stdout + ran.stderr
    assert [path.read_bytes() for path in paths] == made


def test_pictures_go_where_they_are_asked_to_go(copy, tmp_path):
    make(copy, "reproduce")
    elsewhere = make(copy, "reproduce", f"FA_FIGURES={tmp_path / 'other figures'}")
    assert elsewhere.returncode == 0 and (tmp_path / "other figures" / "good.png").exists()


def test_accept_adopts_every_part_of_an_edited_notebook_and_none_of_one_edited_meanwhile(copy):
    path = copy / "notebooks" / "good.ipynb"
    make(copy, "accept")
    for edit in ('"tags": [\n     "parameters"\n    ]', '"source_hidden": true'):
        text = path.read_text()
        path.write_text(text.replace('"tags": []', edit, 1))
        assert path.read_text() != text and make(copy, "accept").returncode == 0
        assert edit in path.read_text()
    write_notebook(copy, "good", PICTURE.format(name="good"), CLAIM.format(bound=5), SLOWLY)
    run = subprocess.Popen(["make", f"BIN={BIN}", "accept"], cwd=copy, env=clean_environment(), stderr=-1)
    while not (copy / "started").exists():
        time.sleep(0.01)
    path.write_text(path.read_text().replace("<=", "<= "))
    edited = path.read_bytes()
    said = run.communicate()[1].decode()
    assert run.returncode != 0 and "was changed while it ran; nothing of it is adopted" in said
    assert path.read_bytes() == edited


def test_a_failing_verdict_and_a_broken_notebook_fail_the_run_after_the_others_ran(copy):
    write_notebook(copy, "failing", PICTURE.format(name="failing"), CLAIM.format(bound=0))
    write_notebook(copy, "broken", PICTURE.format(name="broken"), "1 / 0")
    ran = make(copy, "reproduce", "JOBS=2")
    assert ran.returncode != 0
    assert "/3] good  " in ran.stdout
    assert "failing  BROKE: VerdictError: does not hold: Lemma 1: seed is small" in ran.stdout
    assert "broken  BROKE: ZeroDivisionError: division by zero  (see build/failed/broken.ipynb)" in ran.stdout
    assert "1 of 2 verdicts hold" in ran.stdout
    made = files_below(copy)
    assert {"build/failed/failing.ipynb", "build/failed/broken.ipynb", "figures/good.png"} <= made.keys()
    assert (
        not {"build/failing.ipynb", "build/broken.ipynb", "figures/broken.png", "figures/failing.png"}
        & made.keys()
    )
    table = (copy / "build" / "verdicts.csv").read_text()
    assert "failing,Lemma 1: seed is small,new,1,<=,0,fails,0" in table

    write_notebook(copy, "failing", CLAIM.format(bound=5))
    write_notebook(copy, "broken", CLAIM.format(bound=5))
    assert make(copy, "reproduce").returncode == 0
    assert not list((copy / "build" / "failed").iterdir())


def test_other_parameters_touch_no_committed_file(copy):
    make(copy, "reproduce")
    before = files_below(copy)
    ran = make(copy, "reproduce", "P=seed=4")
    assert ran.returncode == 0, ran.stderr
    after = files_below(copy)
    assert {name: after[name] for name in before} == before
    assert {"build/runs/seed_4/verdicts.csv", "build/runs/seed_4/figures/good.png"} <= after.keys()
    assert ",4,<=,5,holds,0" in (copy / "build" / "runs" / "seed_4" / "verdicts.csv").read_text()


def test_fresh_seeds_are_judged_and_touch_no_committed_file(copy):
    make(copy, "reproduce")
    before = files_below(copy)
    ran = make(copy, "seeds", "SEEDS=2")  # above 5, most likely, and so failing
    assert ran.returncode != 0 and "1 statements fail too often" in ran.stdout
    assert len(list((copy / "build" / "runs").iterdir())) == 2
    write_notebook(copy, "good", PICTURE.format(name="good"), CLAIM.format(bound=10**6))
    ran = make(copy, "seeds", "SEEDS=2")
    assert ran.returncode == 0 and "2 verdicts at fresh seeds, 0 failures" in ran.stdout
    assert len(list((copy / "build" / "runs").iterdir())) == 2
    after = files_below(copy)
    del before["notebooks/good.ipynb"]
    assert {name: after[name] for name in before} == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["P=sede=7"], "notebooks/good.ipynb has no parameter 'sede'; it has seed"),
        (["P=seed=seven"], "'seed=seven' is not name=value"),
        (["ONLY=bad"], "no notebook is called bad; choose from: good"),
    ],
)
def test_names_that_do_not_exist_are_refused_before_anything_runs(copy, arguments, message):
    ran = make(copy, "reproduce", *arguments)
    assert ran.returncode != 0 and message in ran.stderr
    assert "Traceback" not in ran.stderr and not list(copy.rglob("build/**/good.ipynb"))


def test_only_the_notebooks_asked_for_run(copy):
    (copy / "notebooks" / "beyond").mkdir()
    write_notebook(copy, "beyond/other", CLAIM.format(bound=5))
    ran = make(copy, "reproduce", "ONLY=other")
    assert ran.returncode == 0 and "[1/1] other" in ran.stdout
    assert (
        not (copy / "build" / "good.ipynb").exists() and (copy / "build" / "beyond" / "other.ipynb").exists()
    )


def test_accept_adopts_outputs_and_the_readmes_tables(copy):
    assert "adopted: good" in make(copy, "accept").stdout
    assert (copy / "notebooks" / "good.ipynb").read_bytes() == (copy / "build" / "good.ipynb").read_bytes()
    readme = (copy / "README.md").read_text()
    assert "| [Lemma 1: seed is small](notebooks/good.ipynb) | new | 1 ≤ 5 | holds |" in readme
    assert "| Lemma 1 | [good](notebooks/good.ipynb) | 1 of 1 hold | new |" in readme
    assert "[![an empty panel](figures/good.png)](notebooks/good.ipynb)" in readme
    again = make(copy, "accept")
    assert "adopted: nothing" in again.stdout and "[1/1]" not in again.stdout


def test_nbval_passes_on_a_fresh_clone_and_notices_each_kind_of_drift(copy):
    make(copy, "accept")
    shutil.rmtree(copy / "build")
    passed = make(copy, "nbval", "JOBS=1")
    assert passed.returncode == 0, passed.stdout + passed.stderr
    notebook, data = copy / "notebooks" / "good.ipynb", copy / "figures" / "good.csv"
    for path, stored, drifted in ((notebook, "holds  1 ", "holds  2 "), (data, "\n", "\n0,line,extra,1,1\n")):
        text = path.read_text()
        path.write_text(text.replace(stored, drifted))
        assert path.read_text() != text and make(copy, "nbval", "JOBS=1").returncode != 0
        path.write_text(text)


def test_accept_refuses_a_failing_verdict_and_other_parameters(copy):
    refused = make(copy, "accept", "P=seed=4")
    assert refused.returncode != 0 and "adopts default runs only: leave P out" in refused.stderr
    write_notebook(copy, "good", CLAIM.format(bound=0))
    assert make(copy, "links").returncode == 0  # accept makes these, whatever comes of the runs
    before = (copy / "notebooks" / "good.ipynb").read_bytes()
    assert make(copy, "accept").returncode != 0
    assert (copy / "notebooks" / "good.ipynb").read_bytes() == before


@pytest.mark.parametrize("delay", [0.3, 1.2, 2.4])
def test_a_run_killed_at_any_moment_leaves_nothing_half_written(copy, delay):
    command = ["make", f"BIN={BIN}", "reproduce"]
    killed = subprocess.Popen(
        command, cwd=copy, env=clean_environment(), start_new_session=True, stdout=subprocess.DEVNULL
    )
    time.sleep(delay)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    for notebook in (copy / "build").glob("*.ipynb"):
        assert nbformat.read(notebook, as_version=4).cells[-1].outputs
    for picture in (copy / "figures").glob("*.png"):
        assert picture.read_bytes().endswith(b"IEND\xaeB`\x82")
    assert make(copy, "reproduce").returncode == 0


def fake_python(folder, script):
    path = folder / "fake-python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (None, "No Python 3.11, 3.12 or 3.13 among: no-such-python; install one, or name it: make PYTHON="),
        ("exit 1", "No Python 3.11, 3.12 or 3.13 among:"),
        ('case "$2" in *ensurepip*) exit 1;; esac', "has no venv module; install it"),
    ],
)
def test_a_missing_old_or_incomplete_python_gets_one_sentence(copy, script, message, tmp_path):
    python = fake_python(tmp_path, script) if script else "no-such-python"
    command = ["make", "reproduce", f"PYTHON={python}"]
    ran = subprocess.run(
        command, cwd=copy, env=clean_environment(), capture_output=True, text=True, check=False
    )
    assert ran.returncode != 0 and message in ran.stderr
    assert len([line for line in ran.stderr.splitlines() if not line.startswith("make")]) == 1
    assert not (copy / ".venv").exists()


def test_make_alone_lists_what_there_is(copy):
    listed = make(copy).stdout
    assert "make reproduce" in listed and "make test" in listed
