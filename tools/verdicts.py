"""Gather the verdicts of executed notebooks: verdicts.py FOLDER NOTEBOOK ...

Writes FOLDER/verdicts.csv, prints it as a table, and exits with 1 where a verdict fails or a notebook is
missing. Rows of a notebook that broke come from its copy below failed/.
"""

import csv
import io
import sys
from pathlib import Path

from fa_utils import read_verdicts
from fa_utils.files import write_whole

COLUMNS = ["notebook", "statement", "mark", "measured", "relation", "bound", "verdict", "chance"]


def gather(folder: Path, names: list[str]) -> list[dict[str, str]]:
    """Return all verdict rows of the executed notebooks, with the notebook's name in each."""
    rows = []
    for name in names:
        executed = folder / f"{name}.ipynb"
        broken = executed.parent / "failed" / executed.name
        for copy in (executed, broken):
            if copy.exists():
                rows += [{"notebook": name} | row for row in read_verdicts(copy)]
    return rows


def as_csv(rows: list[dict[str, str]], columns: list[str] = COLUMNS) -> str:
    """Return the rows as the text of `verdicts.csv`."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def as_table(rows: list[dict[str, str]]) -> str:
    """Return the rows as aligned text, the verdict first."""
    order = ["verdict", "shown", "relation", "bound", "mark", "notebook", "statement"]
    widths = [max(len(row[column]) for row in rows) for column in order]
    return "\n".join(
        "  ".join(row[column].ljust(width) for column, width in zip(order, widths, strict=True)).rstrip()
        for row in rows
    )


def main(folder: Path, names: list[str]) -> int:
    """Write and print the table; return the exit code."""
    rows = gather(folder, names)
    write_whole(folder / "verdicts.csv", as_csv(rows).encode())
    if rows:
        print(as_table(rows))
    failing = [row["statement"] for row in rows if row["verdict"] != "holds"]
    missing = [name for name in names if not (folder / f"{name}.ipynb").exists()]
    print(f"{len(rows) - len(failing)} of {len(rows)} verdicts hold; table in {folder}/verdicts.csv")
    for name in missing:
        print(f"{name} did not finish; its executed copy, if any, is below {folder}/", file=sys.stderr)
    return 1 if failing or missing else 0


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
    except OSError as error:
        sys.exit(f"There is no table of verdicts: {error}; mend that and run make again")
