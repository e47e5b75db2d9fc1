"""Make anew the README's tables: the statements of the paper, and all verdicts of the committed notebooks."""

import re

from accept import NOTEBOOKS, README, names, read, with_part, write
from summary import run_of

MEANS_SOMETHING = re.compile(r"[|*]")  # in a Markdown table
RELATIONS = {"<=": "≤", ">=": "≥", "==": "="}


def statements(rows: list[dict[str, str]]) -> str:
    """Return a Markdown table with a line for each statement of the paper: where it runs, how it fares."""
    groups: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        groups.setdefault(row["statement"].partition(":")[0], []).append(row)
    lines = ["| statement | notebook | verdicts | mark |", "|---|---|---|---|"]
    for statement, of_it in groups.items():
        places = dict.fromkeys(f"[{row['notebook']}](notebooks/{row['notebook']}.ipynb)" for row in of_it)
        holding = sum(row["verdict"] == "holds" for row in of_it)
        marks = ", ".join(dict.fromkeys(row["mark"] for row in of_it))
        lines.append(f"| {statement} | {', '.join(places)} | {holding} of {len(of_it)} hold | {marks} |")
    return "\n".join(lines)


def verdict_table(rows: list[dict[str, str]]) -> str:
    """Return all verdicts as a Markdown table, each linking to its notebook."""
    lines = ["| statement | mark | measured against bound | verdict |", "|---|---|---|---|"]
    for row in rows:
        statement = MEANS_SOMETHING.sub(r"\\\g<0>", row["statement"])
        measured = f"{row['shown']} {RELATIONS[row['relation']]} {row['bound']}"
        place = f"notebooks/{row['notebook']}.ipynb"
        lines.append(f"| [{statement}]({place}) | {row['mark']} | {measured} | {row['verdict']} |")
    return "\n".join(lines)


def with_tables(text: str) -> str:
    """Return the README's text with its two tables of verdicts made anew."""
    runs = [run_of(name, NOTEBOOKS) for name in names()]
    rows = [{"notebook": run.name} | row for run in runs for row in run.rows]
    text = with_part(text, "statements", statements(rows))
    return with_part(text, "verdicts", verdict_table(rows))


if __name__ == "__main__":
    write(README, with_tables(read(README)).encode())
