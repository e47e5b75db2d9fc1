"""Make a virtual environment from a lock file: environment.py FOLDER LOCK

Only packages whose hashes are in the lock are installed, then this repository itself. What it was made from
is written to FOLDER/installed, last of all: an interrupted attempt starts afresh. Whoever comes second, while
another is at it, waits and then finds the environment made. Run by the Python that the environment is for,
before there are any packages.
"""

import fcntl
import os
import platform
import subprocess
import sys
import venv
from pathlib import Path


def stamp(lock: Path) -> str:
    """Return what the environment is made from: the lock's text and this file's own."""
    return lock.read_text(encoding="utf-8") + Path(__file__).read_text(encoding="utf-8")


def is_made(folder: Path, lock: Path) -> bool:
    """Return whether the environment was made from this lock, and completely."""
    installed = folder / "installed"
    return installed.exists() and installed.read_text(encoding="utf-8") == stamp(lock)


def make(folder: Path, lock: Path, guard: int) -> None:
    """Make the environment; ``guard`` stays with every process that works on it, orphans included."""
    print(
        f"Making {folder} with Python {platform.python_version()} from {lock} (a minute or two)", flush=True
    )
    made_from = stamp(lock)  # as it is now: a lock that is edited meanwhile asks for another environment
    (folder / "installed").unlink(missing_ok=True)
    venv.create(folder, clear=True, with_pip=False)
    python, quiet = str(folder / "bin" / "python"), ["--quiet", "--disable-pip-version-check"]
    for command in (
        ["-m", "ensurepip", "--upgrade", "--default-pip"],
        ["-m", "pip", "install", *quiet, "--require-hashes", "--requirement", str(lock)],
        ["-m", "pip", "install", *quiet, "--no-deps", "--no-build-isolation", "--editable", "."],
        # Matplotlib's font cache, made now, so that no notebook reports the making of it.
        ["-c", "import matplotlib.font_manager"],
    ):
        surroundings = os.environ | {"MPLCONFIGDIR": str(folder / "matplotlib")}
        said = subprocess.DEVNULL if "ensurepip" in command else None
        subprocess.run([python, *command], check=True, env=surroundings, pass_fds=[guard], stdout=said)
    (folder / "installed").write_text(made_from, encoding="utf-8")


def main(folder: Path, lock: Path) -> None:
    """Make the environment unless it is made, one process at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f".{folder.name.lstrip('.')}.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not is_made(folder, lock):
            make(folder, lock, guard.fileno())


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
    except subprocess.CalledProcessError as failed:
        sys.exit(f"{' '.join(failed.cmd[1:4])} failed, see above; mend it, and the next run starts afresh")
    except OSError as error:
        sys.exit(f"The environment cannot be made: {error}; mend that, and the next run starts afresh")
    except KeyboardInterrupt:
        sys.exit(130)
