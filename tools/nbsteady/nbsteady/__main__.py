"""Compare the tables and pictures in two folders: python -m nbsteady FRESH COMMITTED"""

import argparse
import sys
from pathlib import Path

from nbsteady.compare import OF_A_PIXEL, PICTURES, file_difference

KINDS = (".csv", *PICTURES)


def main(arguments: list[str] | None = None) -> int:
    """Print a line for each file that differs or is in one folder only; return the exit code."""
    parser = argparse.ArgumentParser(
        "python -m nbsteady", description="Compare tables and pictures in folders."
    )
    parser.add_argument("fresh", type=Path, help="the folder with what was made now")
    parser.add_argument("committed", type=Path, help="the folder with what is expected")
    parser.add_argument("--labels", help="columns that label rows: series,kind [all that are not numbers]")
    parser.add_argument("--picture-tolerance", type=float, default=OF_A_PIXEL, metavar="OF_255")
    given = parser.parse_args(arguments)
    labels = given.labels and given.labels.split(",")
    found = set()
    for folder in (given.fresh, given.committed):
        found |= {path.relative_to(folder) for path in folder.rglob("*") if path.suffix.lower() in KINDS}
    if not found:
        parser.error(f"neither {given.fresh} nor {given.committed} has a table or a picture")
    differences = []
    for name in sorted(found):
        pair = given.fresh / name, given.committed / name
        said, _ = file_difference(*pair, labels, given.picture_tolerance)
        differences += [said] if said else []
    print(*differences, f"{len(found)} files compared, {len(differences) or 'none'} differ", sep="\n")
    return bool(differences)


if __name__ == "__main__":
    sys.exit(main())
