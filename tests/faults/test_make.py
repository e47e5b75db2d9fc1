"""Make as a user meets it, on a small copy of this repository with notebooks of a few lines."""

import re
import subprocess
import time

import grid
import nbformat
import pytest
from small_copy import (
    BIN,
    CLAIM,
    PICTURE,
    clean_environment,
    contents_below,
    copy_repository,
    files_below,
    make,
    write_notebook,
)

SLOWLY = "import pathlib, time\npathlib.Path('../started').touch()\ntime.sleep(1)"


@pytest.fixture(scope="module")
def accepted_once(tmp_path_factory):
    """A small repository, accepted."""
    folder = copy_repository(tmp_path_factory.mktemp("accepted") / "a cópy")
    ran = make(folder, "accept")
    assert ran.returncode == 0 and not ran.stderr, ran.stdout + ran.stderr
    return folder


@pytest.fixture
def accepted(accepted_once, tmp_path):
    """A copy of the accepted repository, with what it has run."""
    subprocess.run(["cp", "-a", accepted_once, tmp_path / "a cópy"], check=True)
    return tmp_path / "a cópy"


def test_accept_adopts_outputs_figures_and_the_tables(accepted_once):
    for name in ("good.ipynb", "figures/good.png", "figures/good.csv"):
        place = name.replace("good.ipynb", "notebooks/good.ipynb")
        assert (accepted_once / place).read_bytes() == (accepted_once / "build" / name).read_bytes()
    page = (accepted_once / "VERDICTS.md").read_text()
    assert "| [Lemma 1: seed is small](notebooks/good.ipynb) | new | 1 ≤ 5 | holds |" in page
    assert "| Lemma 1 | [good](notebooks/good.ipynb) | 1 of 1 hold | new |" in page


def test_what_was_accepted_is_reproduced_and_nothing_outside_of_build_changes(accepted):
    before = contents_below(accepted)
    subprocess.run(["rm", "-r", accepted / "build"], check=True)
    first = make(accepted, "reproduce")
    assert first.returncode == 0 and not first.stderr, first.stdout + first.stderr
    lines = first.stdout.splitlines()
    assert lines[0] == "good starts" and re.fullmatch(r"good \d+\.\d s; 0 left, about 0 s", lines[1])
    assert lines[3].split() == ["good", "1", "0", "0", "4", "1"]
    assert lines[4:] == [
        "1 of 1 verdicts hold, 0 were not judged",
        "4 outputs and 1 figures compared: none differ; data deviate by at most 0 of what is allowed",
        "verdicts: build/verdicts.csv; pictures: build/figures",
    ]
    assert max(map(len, lines)) <= 100
    made = files_below(accepted)
    second = make(accepted, "reproduce")
    assert second.stdout.splitlines() == ["nothing to do: 1 notebooks are up to date", *lines[2:]]
    assert second.returncode == 0 and not second.stderr
    assert made | {"build/verdicts.csv": 0} == files_below(accepted) | {"build/verdicts.csv": 0}
    assert contents_below(accepted) == before and not any(name.startswith("build/.") for name in made)


def test_a_second_accept_adopts_nothing(accepted):
    before = contents_below(accepted)
    again = make(accepted, "accept")
    assert again.stdout == "no of 1 notebooks differed from what is committed\n" and again.returncode == 0
    assert contents_below(accepted) == before


def test_whatever_a_run_depends_on_makes_it_run_again(accepted):
    for name in (
        "notebooks/good.ipynb",
        "fa_utils/theory/law.py",
        "notebooks/table.csv",
        "tools/nbsteady/nbsteady/launcher.py",
    ):
        (accepted / name).touch()
        assert "good starts" in make(accepted, "reproduce").stdout, name
    assert "good starts" not in make(accepted, "reproduce").stdout


def test_make_n_does_nothing(copy):
    before = files_below(copy)
    for arguments in (["reproduce"], ["accept"], ["reproduce", "P=seed=7"], ["test"], ["clean"], ["sweep"]):
        ran = make(copy, "-n", *arguments)
        assert ran.returncode == 0 and files_below(copy) == before, arguments
    assert (
        "tools/run_notebook.py notebooks/good.ipynb build/good.ipynb" in make(copy, "-n", "reproduce").stdout
    )


def test_a_failing_verdict_hides_no_later_one_and_a_broken_notebook_no_other(accepted):
    later = 'report.verdict(report.claim("Lemma 2: later", measured=seed, at_most=5, mark="new"))'
    write_notebook(accepted, "failing", PICTURE.format(name="failing"), CLAIM.format(bound=0), later)
    write_notebook(accepted, "broken", PICTURE.format(name="broken"), CLAIM.format(bound=5), "1 / 0")
    ran = make(accepted, "reproduce", "JOBS=2")
    assert ran.returncode != 0
    assert "broken BROKE: ZeroDivisionError: division by zero; " in ran.stdout
    assert "3 of 4 verdicts hold, 0 were not judged" in ran.stdout
    assert "fails: Lemma 1: seed is small: 1, must be <= 0; see build/failing.ipynb" in ran.stdout
    assert "broke: broken, 0 of its verdicts were not judged; see build/failed/broken.ipynb" in ran.stdout
    made = files_below(accepted)
    assert {"build/failed/broken.ipynb", "build/failing.ipynb", "build/figures/failing.png"} <= made.keys()
    assert not {"build/broken.ipynb", "build/figures/broken.png"} & made.keys()
    assert [line for line in ran.stderr.splitlines() if not line.startswith("make")] == []
    assert make(accepted, "accept").returncode != 0  # it makes links, whatever comes of the runs
    before = contents_below(accepted)
    refused = make(accepted, "accept")
    assert refused.returncode != 0 and "nothing is adopted" in refused.stdout
    assert contents_below(accepted) == before

    write_notebook(accepted, "failing", CLAIM.format(bound=5))
    write_notebook(accepted, "broken", CLAIM.format(bound=5))
    ran = make(accepted, "reproduce")
    assert "3 of 3 verdicts hold" in ran.stdout and not list((accepted / "build" / "failed").iterdir())


def test_other_parameters_touch_no_committed_file_and_are_not_compared(accepted):
    before = files_below(accepted)
    for words, folder in (("seed=4", "seed_4"), ("seed = 4", "seed___4"), ("seed=4.0", "seed_4.0")):
        ran = make(accepted, "reproduce", f"P={words}")
        assert ran.returncode == 0 and "compared" not in ran.stdout, ran.stdout + ran.stderr
        table = (accepted / "build" / "runs" / folder / "verdicts.csv").read_text()
        assert ",4,<=,5,holds,0" in table
        assert (accepted / "build" / "runs" / folder / "figures" / "good.png").exists()
    after = files_below(accepted)
    assert {name: after[name] for name in before} == before


def test_a_list_and_several_names_with_blanks_and_brackets_are_taken(accepted):
    lines = "seed = 1  # x [0 to 9]\nsizes = [3, 4]  # y [1 to 9]"
    write_notebook(accepted, "lists", "print(sizes, seed)", parameters=lines)
    ran = make(accepted, "reproduce", "ONLY=lists", "P=sizes=[5, 6,  7] seed=2")
    assert "0 of 0 verdicts hold" in ran.stdout, ran.stdout + ran.stderr
    (made,) = (accepted / "build" / "runs").glob("*/lists.ipynb")
    assert made.parent.name == "sizes__5__6__7__seed_2" and "[5, 6, 7] 2" in made.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["P=sede=7"], "notebooks/good.ipynb has no parameter 'sede'; did you mean seed?"),
        (["P=seed=seven"], "seed='seven': seed is a whole number, such as 1"),
        (["P=seed='7'"], "seed='7': seed is a whole number, such as 1"),
        (["P=seed=None"], "seed=None: seed is a whole number, such as 1"),
        (["P=seed=True"], "seed=True: seed is a whole number, such as 1"),
        (["P=seed"], "'seed' is not name=value"),
        (["ONLY=bad"], "no notebook is called bad; choose from: good"),
        (["ONLY=good bad"], "no notebook is called bad; choose from: good"),
        (["ROUNDING=nonsense"], "ROUNDING=nonsense: choose up, down or zero"),
        (["JOBS=many"], "JOBS=many: choose a whole number of at least 1"),
        (["JOBS=0"], "JOBS=0: choose a whole number of at least 1"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence_before_anything_runs(copy, arguments, message):
    ran = make(copy, "reproduce", *arguments)
    assert ran.returncode != 0 and message in ran.stderr
    assert len([line for line in ran.stderr.splitlines() if message not in line]) <= 1
    assert "Traceback" not in ran.stderr + ran.stdout and not (copy / "build").exists()


@pytest.mark.parametrize("arguments", [["P=seed=4"], ["ROUNDING=up"]])
def test_accept_adopts_the_usual_run_only(copy, arguments):
    before = contents_below(copy)
    refused = make(copy, "accept", *arguments)
    assert refused.returncode != 0 and "accept adopts the usual run only" in refused.stderr
    assert contents_below(copy) == before


def test_only_the_notebooks_asked_for_run_each_once_and_in_folders_too(copy):
    (copy / "notebooks" / "deep").mkdir()
    for name in ("deep/other", "third"):
        write_notebook(copy, name, CLAIM.format(bound=5))
    ran = make(copy, "reproduce", "ONLY=other third deep/other")
    assert sorted(line for line in ran.stdout.splitlines() if line.endswith("starts")) == [
        "deep/other starts",
        "third starts",
    ]
    assert "2 of 2 verdicts hold" in ran.stdout
    assert not (copy / "build" / "good.ipynb").exists() and (copy / "build" / "deep" / "other.ipynb").exists()


@pytest.mark.parametrize("mode", ["up", "down", "zero"])
def test_another_rounding_is_a_run_of_its_own_that_is_compared(accepted, mode):
    rounded = "x = 1.0\ny = x / 3\nprint(y == float.fromhex('0x1.5555555555556p-2'), (1 - x) * -1.0 + -y)"
    write_notebook(accepted, "good", PICTURE.format(name="good"), CLAIM.format(bound=5), rounded)
    assert make(accepted, "accept").returncode == 0
    before = files_below(accepted)
    ran = make(accepted, "reproduce", f"ROUNDING={mode}")
    place = accepted / "build" / f"rounding-{mode}" / "good.ipynb"
    assert (str(mode == "up") + " -0.333") in place.read_text()
    assert (ran.returncode != 0) == (mode == "up"), ran.stdout
    if mode == "up":
        assert "differs: build/rounding-up/good.ipynb: cell 5: 'stdout: True -0.333" in ran.stdout
    after = files_below(accepted)
    assert {name: after[name] for name in before} == before


def test_a_notebook_that_is_edited_while_it_runs_keeps_its_edit(accepted):
    path = accepted / "notebooks" / "good.ipynb"
    write_notebook(accepted, "good", PICTURE.format(name="good"), CLAIM.format(bound=5), SLOWLY)
    command = ["make", f"BIN={BIN}", "accept"]
    run = subprocess.Popen(command, cwd=accepted, env=clean_environment(), stdout=-1, stderr=-1)
    while not (accepted / "started").exists() and run.poll() is None:
        time.sleep(0.01)
    path.write_text(path.read_text().replace("seed is small", "a seed is small"))
    edited = path.read_bytes()
    said = run.communicate()[1].decode()
    assert run.returncode != 0 and "good.ipynb was edited after it ran: touch it, and run make accept" in said
    assert path.read_bytes() == edited
    assert make(accepted, "accept").returncode == 0 and "holds  Lemma 1: a seed is small" in path.read_text()


def test_an_editors_metadata_is_accepted_away_and_breaks_no_comparison(accepted):
    path = accepted / "notebooks" / "good.ipynb"
    clean = path.read_text()
    edited = nbformat.read(path, as_version=4)
    edited.metadata.kernelspec = {"name": "conda-env-other", "display_name": "Other", "language": "python"}
    edited.metadata.vscode = {"interpreter": {"hash": "1"}}
    edited.cells[0].metadata["collapsed"] = True
    nbformat.write(edited, path)
    compared = make(accepted, "nbval", "JOBS=1")
    assert compared.returncode == 0, compared.stdout + compared.stderr
    adopted = make(accepted, "accept")
    assert "adopted good\n" in adopted.stdout and path.read_text() == clean


def test_nbval_passes_on_a_fresh_clone_and_notices_each_kind_of_drift(accepted):
    subprocess.run(["rm", "-r", accepted / "build"], check=True)
    passed = make(accepted, "nbval", "JOBS=1")
    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert "1 figures compared: none differ" in passed.stdout
    notebook = accepted / "notebooks" / "good.ipynb"
    data = accepted / "figures" / "good.csv"
    for path, stored, drifted in (
        (notebook, "       1, must", "       2, must"),
        (data, "x,y\n", "x,y\n0,line,extra,linear linear,1,1\n"),
    ):
        text = path.read_text()
        path.write_text(text.replace(stored, drifted))
        ran = make(accepted, "nbval", "JOBS=1")
        assert path.read_text() != text and ran.returncode != 0
        said = "good.csv: 0, line, extra, linear linear: 0 rows in all, committed 1"
        assert (said in ran.stdout) == (path == data)
        path.write_text(text)


def test_nbval_rounds_upward_unless_told_otherwise(accepted):
    rounded = "x = 1.0\nprint(x / 3 == float.fromhex('0x1.5555555555556p-2'))"
    write_notebook(accepted, "good", PICTURE.format(name="good"), CLAIM.format(bound=5), rounded)
    assert make(accepted, "accept").returncode == 0
    assert make(accepted, "nbval", "JOBS=1").returncode != 0
    assert make(accepted, "nbval", "JOBS=1", "ROUNDING=down").returncode == 0


def test_make_alone_lists_what_there_is_and_each_of_it_there_is(copy):
    listed = make(copy)
    assert listed.returncode == 0 and max(map(len, listed.stdout.splitlines())) <= 110
    named = re.findall(r"^make (\S+)", listed.stdout, re.MULTILINE)
    last = listed.stdout.splitlines()[-1].partition(":")[2]
    named += re.findall(r"[a-z]+", last.replace("make ", ""))
    assert {"reproduce", "test", "accept", "sweep", "faults"} <= {*named}
    for target in named:
        assert "Nothing to be done" not in make(copy, "-n", target, "ONLY=good").stdout, target


def test_parameters_are_listed_and_unusual_values_are_said_and_tried(copy):
    lines = "seed = 1  # of every draw [0 to 9]\ntheta = 1.0  # weight [1/time, 0.5 to 2]"
    write_notebook(copy, "good", CLAIM.format(bound=5), parameters=lines)
    listed = make(copy, "parameters").stdout
    assert listed.startswith(
        "notebooks/good.ipynb\nparameter  default  sensible range  unit    meaning\nseed"
    )
    ran = make(copy, "reproduce", "P=theta=0.25 seed=2")
    assert ran.returncode == 0
    assert ran.stdout.startswith("good: theta=0.25 is outside its sensible range 0.5 to 2\ngood starts\n")


# --- grids -------------------------------------------------------------------------------------------


def test_make_sweeps_a_notebook_and_leaves_no_other_trace(accepted):
    lines = "seed = 1  # x [0 to 9]\ntheta = 1.0  # y [0.5 to 2]"
    claim = """text = f"Lemma 1: theta = {theta:g}: x"
report.verdict(report.claim(text, measured=theta * seed, at_most=2.0, mark="new"))"""
    write_notebook(accepted, "good", PICTURE.format(name="good"), claim, "1 / (seed - 3)", parameters=lines)
    before = files_below(accepted)
    ran = make(accepted, "sweep", "ONLY=good", "P=theta=0.5,1 seed=2:3")
    assert ran.returncode != 0 and "Traceback" not in ran.stderr
    assert "good: holds in 3 of 4, 1 to 3, 0 may fail: Lemma …: theta = …: x" in ran.stdout
    assert (
        "6 verdicts of 4 runs, 3 fail; 2 statements fail too often; table in build/sweeps/good" in ran.stdout
    )
    after = files_below(accepted)
    assert {name: after[name] for name in before} == before
    made = {name for name in set(after) - set(before) if not name.startswith("build/runs/theta_")}
    assert made == {"build/sweeps/good/verdicts.csv", "build/sweeps/good/verdicts.png"}
    again = make(accepted, "sweep", "ONLY=good", "P=theta=0.5,1 seed=2", "SHOW=nothing")
    assert "no run saved a figure nothing; choose one that the notebook saves" in again.stderr
    kept = files_below(accepted)
    runs = [name for name in after if name.endswith("seed_2/good.ipynb")]
    assert len(runs) == 2 and all(kept[name] == after[name] for name in runs)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["P=seed=1:2", "ONLY=good other"], "give one notebook and values: make sweep ONLY=theorem-3 P="),
        (["ONLY=good"], "give one notebook and values"),
        (["ONLY=bad", "P=seed=1"], "no notebook is called bad; choose from: good"),
        (["ONLY=good", "P=sede=1"], "has no parameter 'sede'; did you mean seed?"),
        (["ONLY=good", "P=seed=2:1"], "0 combinations; choose 1 to 10000"),
        (["ONLY=good", "P=seed=1,None"], "seed=None: seed is a whole number, such as 1"),
    ],
)
def test_make_refuses_a_sweep_of_nothing_in_a_sentence(copy, arguments, message):
    write_notebook(copy, "other", CLAIM.format(bound=5))
    ran = make(copy, "sweep", *arguments)
    assert ran.returncode != 0 and message in ran.stderr and "Traceback" not in ran.stderr
    assert not (copy / "build").exists()


def test_fresh_seeds_are_judged_and_touch_no_committed_file(accepted):
    before = files_below(accepted)
    ran = make(accepted, "seeds", "SEEDS=2")  # above 5, most likely, and so failing
    assert ran.returncode != 0 and "1 statements fail too often" in ran.stdout
    assert len(list((accepted / "build" / "runs").iterdir())) == 2
    after = files_below(accepted)
    assert {name: after[name] for name in before} == before


def test_ranges_are_tried_at_both_ends(accepted):
    write_notebook(accepted, "good", CLAIM.format(bound=5), parameters="seed = 1  # x [0 to 9]")
    ran = make(accepted, "ranges")
    assert ran.returncode != 0
    assert "good: holds in 1 of 2, 0 to 9, 0 may fail: Lemma …: seed is small" in ran.stdout


def test_a_run_of_a_sweep_is_where_make_keeps_it(copy):
    for words in ("seed=1", "seed=-1", "theta=1e-05", "sizes=[1,2]", "sizes=[[1,2],[3]] seed=7"):
        named = make(copy, "--eval=show: ; @echo '$(OUT)'", "show", f"P={words}")
        assert named.stdout.strip() == f"build/runs/{re.sub('[^A-Za-z0-9.-]', '_', words)}", named.stderr
    assert grid.place(("good", {"sizes": [[1, 2], [3]], "seed": 7})).as_posix() == named.stdout.strip()
