"""Patches that make the package wrong on purpose apply, name who must notice, and who does not is told."""

import subprocess
from pathlib import Path

import pytest
import wrong_on_purpose
from compare import notebooks
from made_up import code, write

ROOT = Path(__file__).parents[2]
PATCHES = sorted((ROOT / "tests" / "wrong").glob("*.patch"))


@pytest.mark.parametrize("patch", PATCHES, ids=lambda path: path.stem)
def test_every_patch_applies_and_names_notebooks_that_there_are(patch):
    wrong = wrong_on_purpose.read(patch)
    names = {path.stem for path in notebooks(ROOT / "notebooks")}
    assert wrong.meaning and wrong.concerned and set(wrong.concerned) <= names
    command = ["patch", "--dry-run", "--strip=1", "--quiet", f"--input={patch}"]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def test_there_are_patches_for_each_part_of_the_package():
    assert len(PATCHES) >= 32
    changed = {
        line.split("/")[-1]
        for patch in PATCHES
        for line in patch.read_text().splitlines()
        if line[:4] == "+++ "
    }
    assert {"rules.py", "alignment.py", "law.py"} <= {name.strip() for name in changed}


def error(name):
    return {"output_type": "error", "ename": name, "evalue": "", "traceback": []}


def test_who_notices_is_read_from_verdicts_and_from_runs_that_diverge(tmp_path, monkeypatch):
    monkeypatch.setattr(wrong_on_purpose, "run", lambda command, folder: None)
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "verdicts.csv").write_text("notebook,verdict\ndeep/a,fails\na,holds\nb,holds\n")
    for name, kind in (("b", "FloatingPointError"), ("deep/c", "EnsembleError"), ("d", "KeyError")):
        folder = (tmp_path / "build" / name).parent / "failed"
        write(folder / f"{Path(name).name}.ipynb", code("1", error(kind)))
    found = wrong_on_purpose.failing_notebooks(tmp_path, ["a", "b", "c", "d"])
    assert found == ({"a"}, {"b", "c"})


@pytest.mark.parametrize(
    ("test", "failing", "stopped", "missed"),
    [
        ("tests/x.py::y", {"theorem-2"}, {"rate"}, []),
        (None, {"theorem-2", "rate"}, set(), ["it is not noticed by the unit tests"]),
        ("tests/x.py::y", {"theorem-2"}, set(), ["it is not noticed by rate"]),
        (
            None,
            set(),
            set(),
            [f"it is not noticed by {who}" for who in ("theorem-2", "rate", "the unit tests")],
        ),
    ],
)
def test_who_does_not_notice_is_named(monkeypatch, capsys, test, failing, stopped, missed):
    wrong = wrong_on_purpose.Wrong(Path("it.patch"), "the sign is wrong", ["theorem-2", "rate"])
    monkeypatch.setattr(wrong_on_purpose, "tried", lambda patch, names: (test, failing, stopped))
    assert wrong_on_purpose.unnoticed(wrong) == missed
    said = capsys.readouterr().out
    assert said.startswith(f"it: the sign is wrong\n    test that fails: {test or 'none'}\n")


def test_a_copy_that_fails_without_a_patch_is_to_be_mended_first(monkeypatch):
    monkeypatch.setattr(wrong_on_purpose, "tried", lambda patch, names: (None, {"rate"}, set()))
    with pytest.raises(SystemExit, match="rate fails; mend that first"):
        wrong_on_purpose.main([])
    with pytest.raises(SystemExit, match="no patch is called so; choose from: alignment-without-transpose, "):
        wrong_on_purpose.main(["nonsense"])
