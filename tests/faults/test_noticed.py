"""What is wrong is noticed by the command whose business it is, with a message that names it."""

import re
import shutil
import subprocess

import numpy as np
import pytest
from matplotlib import image
from small_copy import BIN, CLAIM, PICTURE, ROOT, copy_repository, make, run, write_notebook

CURVE = """\
rng = np.random.default_rng(seed)
target = fa.target_with_spectrum(np.linspace(2, 1, 4), shape=(8, 6), rng=rng)
problem = fa.random_problem(target, rank=4, start_scale=0.1, feedback_scale=0.5, rng=rng)
run = fa.flow(problem, fa.FA, np.linspace(0, 30, 40))"""
DRAWN = """\
figure, (ax,) = figures.panels()
figures.draw_rule(ax, fa.FA, run.times, fa.error(target, run.Z, run.W))
figures.save(figure, "curve", "the error falls")"""
JUDGED = """error = fa.error(target, run.Z, run.W)[-1]
report.verdict(report.claim("Theorem 2: the error falls", measured=error, at_most=1.0, mark="new"))"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A small repository with two figures, accepted."""
    folder = copy_repository(tmp_path_factory.mktemp("whole") / "a cópy")
    write_notebook(folder, "curve", "import numpy as np", CURVE, DRAWN, JUDGED)
    ran = make(folder, "accept")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert make(folder, "reproduce").returncode == 0
    return folder


@pytest.fixture
def copied(whole, tmp_path):
    """A copy of it, with what it has run."""
    subprocess.run(["cp", "-a", whole, tmp_path / "a cópy"], check=True)
    return tmp_path / "a cópy"


def told(ran):
    """Return what a failing command said, in one line."""
    assert ran.returncode != 0 and "Traceback" not in ran.stdout + ran.stderr, ran.stdout + ran.stderr
    return " ".join(ran.stdout.split())


@pytest.mark.parametrize("wrong", ["sign-of-z", "sign-of-w", "feedback-not-transposed"])
def test_a_wrong_sign_in_fa_fails_reproduce(copied, wrong):
    patch = ROOT / "tests" / "wrong" / f"{wrong}.patch"
    subprocess.run(["patch", "--quiet", "--strip=1", f"--input={patch}"], cwd=copied, check=True)
    said = told(make(copied, "reproduce", "ONLY=curve"))
    assert "broke: curve, 1 of its verdicts" in said or "6 outputs and 1 figures compared: " in said
    found = re.search(r"differs: build/figures/curve\.csv: row \d+ \(0, line, FA, ", said)
    assert found or "BROKE: " in said


@pytest.mark.parametrize(("column", "row"), [(4, 1), (5, 20), (5, 40)])
def test_a_changed_stored_number_fails_reproduce(copied, column, row):
    path = copied / "figures" / "curve.csv"
    lines = path.read_text().splitlines()
    cells = lines[row].split(",")
    cells[column] = f"{float(cells[column]) * 1.001 + 0.001:.6g}"
    path.write_text("\n".join([*lines[:row], ",".join(cells), *lines[row + 1 :], ""]))
    said = told(make(copied, "reproduce"))
    numbers = (
        f"{'xy'[column - 4]} is {float(lines[row].split(',')[column]):g}, committed {float(cells[column]):g}"
    )
    assert f"differs: build/figures/curve.csv: row {row + 1} (0, line, FA, {cells[3]}): {numbers}" in said
    assert "2 figures compared: 1 differ" in said


def test_a_changed_stored_output_fails_both_reproduce_and_nbval(copied):
    path = copied / "notebooks" / "good.ipynb"
    path.write_text(path.read_text().replace("       1, must", "       2, must"))
    said = told(make(copied, "reproduce"))
    assert (
        "build/good.ipynb: cell 4: 'text/plain: 1, must be <= 5 (new)', committed 'text/plain: 2, must"
        in said
    )
    compared = make(copied, "nbval", "JOBS=1", "ONLY=good")
    assert compared.returncode != 0 and "notebooks/good.ipynb::Cell 3" in compared.stdout


def test_a_recoloured_curve_fails_reproduce(copied):
    path = copied / "figures" / "curve.png"
    pixels = image.imread(path)
    orange = np.abs(pixels - [0xD5 / 255, 0x5E / 255, 0, 1]).max(axis=-1) < 0.01
    pixels[orange] = [0, 0x72 / 255, 0xB2 / 255, 1]
    assert orange.sum() > 100
    image.imsave(path, pixels)
    said = told(make(copied, "reproduce"))
    assert f"differs: build/figures/curve.png: {orange.sum()} pixels are of another colour, at " in said


def test_a_committed_picture_in_the_place_of_another_fails_reproduce(copied):
    for one, other in (("curve", "good"), ("good", "curve")):
        shutil.copy(copied / "build" / "figures" / f"{one}.png", copied / "figures" / f"{other}.png")
    said = told(make(copied, "reproduce"))
    for name in ("curve", "good"):
        assert f"differs: build/figures/{name}.png: " in said


@pytest.mark.parametrize("kind", ["png", "csv"])
def test_a_committed_figure_that_is_missing_or_damaged_fails_reproduce(copied, kind):
    path = copied / "figures" / f"curve.{kind}"
    path.write_bytes(b"damaged")
    said = told(make(copied, "reproduce"))
    assert f"differs: build/figures/curve.{kind} or figures/curve.{kind} cannot be read: " in said
    path.unlink()
    assert f"differs: figures/curve.{kind} is missing" in told(make(copied, "reproduce"))


def test_a_damaged_run_gets_a_sentence(copied):
    (copied / "build" / "good.ipynb").write_bytes(b"damaged")
    ran = make(copied, "reproduce")
    assert ran.returncode != 0 and "Traceback" not in ran.stderr
    assert "build/good.ipynb is no notebook" in ran.stderr and "delete it" in ran.stderr
    (copied / "build" / "good.ipynb").unlink()
    assert make(copied, "reproduce").returncode == 0


def test_a_control_that_holds_fails_reproduce(copied):
    write_notebook(
        copied,
        "good",
        PICTURE.format(name="good"),
        CLAIM.format(bound=5).replace("verdict(", "control('n is 8', "),
    )
    said = told(make(copied, "reproduce", "ONLY=good"))
    assert "holds although n is 8: Lemma 1: seed is small: 1, must be <= 5; see build/good.ipynb" in said


def test_lint_names_a_notebook_that_an_editor_saved(tmp_path):
    folder = tmp_path / "clone"
    keep = [
        "cp",
        "-r",
        *(ROOT / name for name in ("notebooks", "figures", "tests", "tools", "book", "fa_utils", "audits")),
    ]
    folder.mkdir()
    subprocess.run([*keep, folder], check=True)
    for name in (
        "pyproject.toml",
        "README.md",
        "VERDICTS.md",
        "TESTING.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "CITATION.cff",
    ):
        shutil.copy(ROOT / name, folder)
    path = folder / "notebooks" / "theorem-2.ipynb"
    text = path.read_text()
    path.write_text(text.replace('"display_name": "Python 3"', '"display_name": "other"'))
    command = [BIN / "python", "-m", "pytest", "-q", "tests/notebooks", "-k", "theorem-2 and fit_for_github"]
    ran = run(folder, *command, PYTHONPATH=str(folder))
    assert path.read_text() != text and ran.returncode != 0
    assert "metadata of kernelspec are {'display_name': 'other'" in ran.stdout
