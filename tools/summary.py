"""Say what came of the notebooks' runs: summary.py FOLDER NOTEBOOK ...

For each notebook: how many of its verdicts hold, fail, or were not judged since it broke; without parameters
of its own also how many outputs and figures were compared with the committed ones. Then all that fails or
differs, and where to look; last where the pictures are. FOLDER/verdicts.csv has all verdicts. Exits with 1
where anything is wrong.
"""

import csv
import os
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from compare import Comparison, compare_notebook, figures_of, outputs, together

COLUMNS = ["notebook", "statement", "mark", "measured", "relation", "bound", "verdict", "chance"]
MIME = "application/vnd.fa-utils.verdicts+json"


class Run(NamedTuple):
    """What came of one notebook: its executed copy, the rows of its verdicts and controls, how many lack."""

    name: str
    place: Path
    rows: list[dict[str, str]]
    controls: list[dict[str, str]]
    missing: int


def rows_in(notebook: Path) -> list[dict[str, str]]:
    """Return the rows of verdicts and controls in a notebook's outputs, in order; none without a file."""
    found = outputs(notebook) if notebook.exists() else ()
    return [row for output in found for row in output.get("data", {}).get(MIME, [])]


def run_of(name: str, folder: Path) -> Run:
    """Return what came of a notebook, from as much of its executed copy as there is."""
    done = folder / f"{name}.ipynb"
    place = done if done.exists() else done.parent / "failed" / done.name
    rows = [row for row in rows_in(place) if "broken" not in row]
    controls = [row for row in rows_in(place) if "broken" in row]
    wanted = sum("broken" not in row for row in rows_in(Path("notebooks", f"{name}.ipynb")))
    return Run(name, place, rows, controls, 0 if done.exists() else max(1, wanted - len(rows)))


def failures(runs: list[Run]) -> list[str]:
    """Return a line for each verdict that fails or was not judged, control that holds, and figure saved twice."""
    lines, owners = [], {}
    for run in runs:
        for row in run.rows + run.controls:
            if (row["verdict"] == "holds") == ("broken" in row):
                found = f"holds although {row['broken']}" if "broken" in row else "fails"
                measured = f"{row['shown']}, bound {row['relation']} {row['bound']}"
                lines.append(f"{found}: {row['statement']}\n    {measured}; see {run.place}")
        if run.missing:
            lines.append(f"not judged: {run.missing} verdicts of {run.name}; see {run.place}")
        for figure in figures_of(run.place) if run.place.exists() else ():
            if owners.setdefault(figure, run.name) != run.name:
                lines.append(
                    f"figure {figure} is saved by {owners[figure]} and by {run.name}: rename it in one"
                )
    return lines


def table(runs: list[Run], compared: dict[str, Comparison]) -> list[str]:
    """Return the counts of each notebook, a line each, and a line for all."""
    lines = [f"{'notebook':34}{'hold':>8}{'fail':>8}{'not judged':>14}{'outputs':>11}{'figures':>11}"]
    total: Counter[str] = Counter()
    for run in runs:
        count = Counter(row["verdict"] for row in run.rows)
        outputs, figures = compared[run.name][:2] if run.name in compared else ("", "")
        numbers = f"{count['holds']:8}{count['fails']:8}{run.missing:14}{outputs:>11}{figures:>11}"
        lines.append(f"{run.name:34}{numbers}")
        total += count + Counter(missing=run.missing)
    hold, fail = total["holds"], total["fails"]
    return [*lines, f"{hold} of {hold + fail} verdicts hold, {total['missing']} were not judged"]


def write_verdicts(runs: list[Run], path: Path) -> None:
    """Write all verdict rows as a table."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows({"notebook": run.name} | row for run in runs for row in run.rows)


def main(folder: Path, names: list[str]) -> int:
    """Write the table of verdicts, print the summary, and return the exit code."""
    runs = [run_of(name, folder) for name in names]
    write_verdicts(runs, folder / "verdicts.csv")
    whole = [] if os.environ.get("FA_PARAMETERS") else [run.name for run in runs if not run.missing]
    compared = {name: compare_notebook(name, folder) for name in whole}
    of_all = together(list(compared.values()))
    wrong = failures(runs) + [f"differs: {line}" for line in of_all.differences]
    red, plain = ("\033[31m", "\033[0m") if os.isatty(1) else ("", "")
    print(*table(runs, compared), *(f"{red}{line}{plain}" for line in wrong), sep="\n")
    if compared:
        print(
            f"{of_all.outputs} outputs and {of_all.figures} figures compared with what is committed: {of_all}"
        )
    print(f"verdicts: {folder}/verdicts.csv; pictures: {folder}/figures")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
