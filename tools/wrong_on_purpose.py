"""Break the package on purpose and see who notices: wrong_on_purpose.py [PATCH ...]

Each patch in tests/wrong says in its first line what it makes wrong, and in its second which notebooks are
concerned. With it applied to a copy, a unit test must fail, and in each of these notebooks a verdict, or the
run that it is about must diverge. Prints a line for each patch, and exits with 1 where one went unnoticed.
"""

import csv
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
NOT_COPIED = shutil.ignore_patterns(".git", ".venv*", "build", "__pycache__", ".*_cache")


class Wrong(NamedTuple):
    """A patch, what it makes wrong, and the names of the notebooks whose verdicts must notice."""

    patch: Path
    meaning: str
    concerned: list[str]


def read(patch: Path) -> Wrong:
    """Return what a patch says of itself."""
    meaning, concerned, *_ = patch.read_text(encoding="utf-8").splitlines()
    return Wrong(patch, meaning, concerned.removeprefix("Noticed by: ").split())


def run(command: list, folder: Path) -> subprocess.CompletedProcess:
    """Run a command in the broken copy, whose package comes before the installed one."""
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith(("FA_", "MAKE"))}
    surroundings |= {"PYTHONPATH": str(folder)}
    return subprocess.run(command, cwd=folder, env=surroundings, capture_output=True, text=True, check=False)


def failing_test(folder: Path) -> str | None:
    """Return the first unit test that fails, or None."""
    ran = run([BIN / "pytest", "-x", "-q", "-n", str(os.cpu_count())], folder)
    if ran.returncode not in (0, 1):
        sys.exit(f"the unit tests did not run:\n{ran.stdout}{ran.stderr}")
    lines = [line for line in ran.stdout.splitlines() if line.startswith("FAILED ")]
    return lines[0].split()[1] if lines else None


def failing_notebooks(folder: Path, names: list[str]) -> tuple[set[str], set[str]]:
    """Return the notebooks in which a verdict fails, and those that stop before it with an error."""
    run(["make", "reproduce", f"BIN={BIN}", f"ONLY={' '.join(names)}"], folder)
    with (folder / "build" / "verdicts.csv").open(encoding="utf-8") as lines:
        failing = {Path(row["notebook"]).name for row in csv.DictReader(lines) if row["verdict"] == "fails"}
    stopped = {path.stem for path in folder.glob("build/**/failed/*.ipynb")}
    return failing, stopped - failing


def unnoticed(wrong: Wrong) -> list[str]:
    """Apply a patch to a copy of the repository, print who noticed, and return who did not."""
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent, "copy")
        shutil.copytree(ROOT, folder, ignore=NOT_COPIED)
        subprocess.run(["patch", "--quiet", "--strip=1", f"--input={wrong.patch}"], cwd=folder, check=True)
        test, (failing, stopped) = failing_test(folder), failing_notebooks(folder, wrong.concerned)
    print(f"{wrong.patch.stem}: {wrong.meaning}")
    print(f"    test that fails: {test or 'none'}")
    print(f"    notebooks with a failing verdict: {' '.join(sorted(failing)) or 'none'}")
    print(f"    notebooks that stop with an error: {' '.join(sorted(stopped)) or 'none'}", flush=True)
    blind = [name for name in wrong.concerned if name not in failing | stopped]
    return [
        f"{wrong.patch.stem} is not noticed by {name}" for name in blind + ["the unit tests"] * (not test)
    ]


def main(names: list[str]) -> int:
    """Try these patches, or all; return the exit code."""
    patches = sorted((ROOT / "tests" / "wrong").glob("*.patch"))
    chosen = [patch for patch in patches if not names or patch.stem in names]
    if not chosen:
        sys.exit(f"no patch is called so; choose from: {', '.join(patch.stem for patch in patches)}")
    missed = [line for patch in chosen for line in unnoticed(read(patch))]
    print("\n".join(missed) or f"all {len(chosen)} noticed, by the unit tests and by each notebook concerned")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
