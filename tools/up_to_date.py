"""Which executed notebooks still are what their inputs give, by content: no clock is trusted.

Usage: up_to_date.py FOLDER [NAME=VALUE ...] -- NOTEBOOK ...   deletes all others from FOLDER.

A run leaves a record beside its notebook: of what went in (the notebook without its outputs, the package, the
lock file, the environment, the parameters, the figures' folder), and of the files that came out.
"""

import hashlib
import json
import os
import platform
import sys
from functools import cache
from pathlib import Path


def fingerprint(content: bytes) -> str:
    """Return a short text that no other content has."""
    return hashlib.sha256(content).hexdigest()


@cache
def _surroundings() -> list[str]:
    """Return the fingerprints of what all notebooks depend on."""
    files = [*sorted(Path("fa_utils").glob("*.py")), Path("tools/run_notebook.py"), Path("requirements.lock")]
    places = [os.path.relpath(place) for place in (sys.prefix, os.environ.get("FA_FIGURES", "figures"))]
    texts = [f"{path} {fingerprint(path.read_bytes())}" for path in files]
    return [platform.python_version(), *places, *texts]


def data_of(notebook: Path) -> list[Path]:
    """Return the tables that notebooks of this folder may read."""
    return sorted(notebook.parent.glob("*.csv"))


def inputs_of(notebook: Path, words: list[str]) -> str:
    """Return the fingerprint of all that a run of this notebook depends on, parameters as words."""
    content = json.loads(notebook.read_text(encoding="utf-8"))
    data = [f"{path.name} {fingerprint(path.read_bytes())}" for path in data_of(notebook)]
    for cell in content["cells"]:
        cell.pop("outputs", None)
        cell.pop("execution_count", None)
    return fingerprint(json.dumps([content, data, words, _surroundings()], sort_keys=True).encode())


def record_of(executed: Path) -> Path:
    """Return where the record of an executed notebook is kept."""
    return executed.with_suffix(".made.json")


def record(inputs: str, made: dict[str, bytes]) -> bytes:
    """Return the record of a run: its inputs' fingerprint, and that of each file that it made."""
    prints = {path: fingerprint(content) for path, content in made.items()}
    return f"{json.dumps({'inputs': inputs, 'made': prints}, indent=1)}\n".encode()


def is_up_to_date(executed: Path, inputs: str) -> bool:
    """Return whether the run was made from these inputs, and all that it made is as it left it."""
    try:
        kept = record_of(executed).read_bytes()
        made = {path: Path(path).read_bytes() for path in json.loads(kept)["made"]}
    except (OSError, ValueError, LookupError, TypeError):
        return False
    return str(executed) in made and kept == record(inputs, made)


def main(arguments: list[str]) -> None:
    """Delete each executed notebook that is not up to date."""
    divider = arguments.index("--")
    folder, words = Path(arguments[0]), arguments[1:divider]
    for name in arguments[divider + 1 :]:
        executed = folder / f"{name}.ipynb"
        if executed.exists() and not is_up_to_date(
            executed, inputs_of(Path("notebooks", f"{name}.ipynb"), words)
        ):
            executed.unlink(missing_ok=True)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except OSError as error:
        sys.exit(f"{error}; mend that and run make again")
    except KeyboardInterrupt:
        sys.exit(130)
