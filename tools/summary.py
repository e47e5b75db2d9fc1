"""Say what came of the notebooks' runs: summary.py FOLDER NOTEBOOK ...

For each notebook: how many of its verdicts hold, fail, or were not judged since it broke, and without other
parameters than its own how many outputs and figures were compared with the committed ones. Then all that is
wrong, and where to look; last where the pictures are. FOLDER/verdicts.csv has all verdicts. Exits with 1 if
anything is wrong.
"""

import csv
import os
import signal
import sys
from collections import Counter
from pathlib import Path
from textwrap import fill
from typing import NamedTuple

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # who interrupts the imports below is told nothing

from compare import Comparison, compare_notebook, figures_of, outputs, together

from fa_utils.report.claims import VERDICT_MIME

COLUMNS = ["notebook", "statement", "mark", "measured", "relation", "bound", "verdict", "chance"]
WIDTH = 100


class Run(NamedTuple):
    """What came of one notebook: its executed copy, the rows of its verdicts and controls, and what lacks."""

    name: str
    place: Path
    rows: list[dict[str, str]]
    controls: list[dict[str, str]]
    broke: bool
    missing: int  # verdicts that the committed one has, and this one has not, since it broke


def rows_in(notebook: Path) -> list[dict[str, str]]:
    """Return the rows of verdicts and controls in a notebook's outputs, in order; none without a file."""
    found = outputs(notebook) if notebook.exists() else ()
    return [row for output in found for row in output.get("data", {}).get(VERDICT_MIME, [])]


def run_of(name: str, folder: Path) -> Run:
    """Return what came of a notebook, from as much of its executed copy as there is."""
    done = folder / f"{name}.ipynb"
    place = done if done.exists() else done.parent / "failed" / done.name
    found = rows_in(place)
    rows = [row for row in found if "broken" not in row]
    controls = [row for row in found if "broken" in row]
    wanted = sum("broken" not in row for row in rows_in(Path("notebooks", f"{name}.ipynb")))
    broke = not done.exists()
    return Run(name, place, rows, controls, broke, broke * max(0, wanted - len(rows)))


def failures(runs: list[Run]) -> list[str]:
    """Return a line for each failing verdict, control that holds, broken notebook, and clash of figures."""
    lines = []
    owners = {}
    for run in runs:
        for row in run.rows + run.controls:
            if (row["verdict"] == "holds") == ("broken" in row):
                found = f"holds although {row['broken']}" if "broken" in row else "fails"
                measured = f"{row['shown']}, must be {row['relation']} {row['bound']}"
                lines.append(f"{found}: {row['statement']}: {measured}; see {run.place}")
        if run.broke:
            place = f"see {run.place}" if run.place.exists() else "make executed says why"
            lines.append(f"broke: {run.name}, {run.missing} of its verdicts were not judged; {place}")
        for figure in figures_of(run.place) if run.place.exists() else ():
            if owners.setdefault(figure, run.name) != run.name:
                lines.append(f"figure {figure} is saved by {owners[figure]} and {run.name}: rename it in one")
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
    judged = total["holds"] + total["fails"]
    return [*lines, f"{total['holds']} of {judged} verdicts hold, {total['missing']} were not judged"]


def write_verdicts(runs: list[Run], path: Path) -> None:
    """Write all verdict rows as a table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows({"notebook": run.name} | row for run in runs for row in run.rows)


def main(folder: Path, names: list[str]) -> int:
    """Write the table of verdicts, print the summary, and return the exit code."""
    runs = [run_of(name, folder) for name in names]
    write_verdicts(runs, folder / "verdicts.csv")
    usual = not os.environ.get("FA_PARAMETERS")
    compared = {run.name: compare_notebook(run.name, folder) for run in runs if usual and not run.broke}
    of_all = together(list(compared.values()))
    wrong = failures(runs) + [f"differs: {line}" for line in of_all.differences]
    red, plain = ("\033[31m", "\033[0m") if os.isatty(1) else ("", "")
    filled = (fill(line, WIDTH, subsequent_indent="    ", break_on_hyphens=False) for line in wrong)
    print(*table(runs, compared), *(f"{red}{line}{plain}" for line in filled), sep="\n")
    if compared:
        print(f"{of_all.outputs} outputs and {of_all.figures} figures compared: {of_all}")
    print(f"verdicts: {folder}/verdicts.csv; pictures: {folder}/figures")
    return bool(wrong)


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
    except OSError as refusal:
        sys.exit(f"the summary cannot be written: {refusal}")
