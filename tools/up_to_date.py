"""Which executed notebooks still are what their inputs give, by content: no clock is trusted.

Usage: up_to_date.py FOLDER [NAME=VALUE ...] -- NOTEBOOK ...   deletes all others from FOLDER.

A run leaves beside its notebook a record of what went in (the notebook's cells without outputs, the package,
the lock file, the Python, the parameters) and of the figures that came out.
"""

import hashlib
import json
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
    return [platform.python_version()] + [f"{path} {fingerprint(path.read_bytes())}" for path in files]


def inputs_of(notebook: Path, words: list[str]) -> str:
    """Return the fingerprint of all that a run of this notebook depends on, parameters as words."""
    cells = [
        [cell["cell_type"], "".join(cell["source"]), cell["metadata"].get("tags") or []]
        for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    ]
    return fingerprint(json.dumps([cells, words, _surroundings()]).encode())


def record_of(executed: Path) -> Path:
    """Return where the record of an executed notebook is kept."""
    return executed.with_suffix(".made.json")


def record(inputs: str, figures: list[Path]) -> str:
    """Return the record of a run, as text: its inputs' fingerprint, and that of each figure."""
    made = {str(path): fingerprint(path.read_bytes()) for path in figures}
    return json.dumps({"inputs": inputs, "figures": made}, indent=1) + "\n"


def is_up_to_date(executed: Path, inputs: str) -> bool:
    """Return whether the run was made from these inputs and its figures are still as it left them."""
    try:
        made = json.loads(record_of(executed).read_text(encoding="utf-8"))
        figures = {path: fingerprint(Path(path).read_bytes()) for path in made["figures"]}
    except (OSError, ValueError):
        return False
    return made == {"inputs": inputs, "figures": figures}


def main(arguments: list[str]) -> None:
    """Delete each executed notebook that is not up to date."""
    divider = arguments.index("--")
    folder, words = Path(arguments[0]), arguments[1:divider]
    for name in arguments[divider + 1 :]:
        executed = folder / f"{name}.ipynb"
        if executed.exists() and not is_up_to_date(
            executed, inputs_of(Path("notebooks", f"{name}.ipynb"), words)
        ):
            executed.unlink()


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except OSError as error:
        sys.exit(f"{error}; mend that and run make again")
