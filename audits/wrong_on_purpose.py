"""Break the package on purpose and see who notices: wrong_on_purpose.py [PATCH ...]

Each patch in tests/wrong says in its first line what it makes wrong, and in its second which notebooks are
concerned. With it applied to a copy, a unit test must fail, and in each of these notebooks a verdict, unless
the run that it is about diverges. First, nothing of this may happen without a patch. Prints who noticed, and
exits with 1 where somebody did not.
"""

import csv
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from compare import outputs

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
# These read the repository itself, patches included, or run copies of it.
LEFT_OUT = [f"--ignore=tests/{name}" for name in ("audits", "faults", "notebooks", "tools")]
DIVERGED = ("FloatingPointError", "EnsembleError")
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
    ran = run([BIN / "pytest", "-x", "-q", "-n", str(os.cpu_count()), *LEFT_OUT], folder)
    lines = [line for line in ran.stdout.splitlines() if line.startswith("FAILED ")]
    if (ran.returncode != 0) != bool(lines):
        sys.exit(f"the unit tests did not run:\n{ran.stdout}{ran.stderr}")
    return lines[0].split()[1] if lines else None


def failing_notebooks(folder: Path, names: list[str]) -> tuple[set[str], set[str]]:
    """Return the notebooks in which a verdict fails, and those that stop before it since a run diverges."""
    run(["make", "reproduce", f"BIN={BIN}", f"ONLY={' '.join(names)}"], folder)
    with (folder / "build" / "verdicts.csv").open(encoding="utf-8") as lines:
        failing = {Path(row["notebook"]).name for row in csv.DictReader(lines) if row["verdict"] == "fails"}
    broken = (folder / "build").rglob("failed/*.ipynb")
    stopped = {path.stem for path in broken if any(one.get("ename") in DIVERGED for one in outputs(path))}
    return failing, stopped - failing


def tried(patch: Path | None, names: list[str]) -> tuple[str | None, set[str], set[str]]:
    """Return the failing test, and the notebooks failing and stopped, in a copy with the patch applied."""
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent, "copy")
        shutil.copytree(ROOT, folder, ignore=NOT_COPIED)
        if patch:
            subprocess.run(["patch", "--quiet", "--strip=1", f"--input={patch}"], cwd=folder, check=True)
        return failing_test(folder), *failing_notebooks(folder, names)


def unnoticed(wrong: Wrong) -> list[str]:
    """Print who notices that something is wrong, and return who does not."""
    test, failing, stopped = tried(wrong.patch, wrong.concerned)
    print(f"{wrong.patch.stem}: {wrong.meaning}")
    print(f"    test that fails: {test or 'none'}")
    print(f"    notebooks with a failing verdict: {' '.join(sorted(failing)) or 'none'}")
    print(f"    notebooks whose runs diverge: {' '.join(sorted(stopped)) or 'none'}", flush=True)
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
    wrongs = [read(patch) for patch in chosen]
    test, failing, stopped = tried(None, sorted({name for wrong in wrongs for name in wrong.concerned}))
    if test or failing or stopped:
        sys.exit(f"without a patch: {test or ''} {' '.join(failing | stopped)} fails; mend that first")
    missed = [line for wrong in wrongs for line in unnoticed(wrong)]
    print("\n".join(missed) or f"all {len(chosen)} noticed, by the unit tests and by each notebook concerned")
    return 1 if missed else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
