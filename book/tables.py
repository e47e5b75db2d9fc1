"""Make anew the tables of VERDICTS.md: all statements, and all verdicts of the committed notebooks."""

import csv
import re
from pathlib import Path

from accept import NOTEBOOKS, names, read, with_part, write
from summary import run_of

MEANS_SOMETHING = re.compile(r"[|*]")  # in a Markdown table
VERDICTS = Path("VERDICTS.md")
SENTENCES = Path("book", "sentences.csv")  # of the paper: section, sentence, keys, or a reason
RELATIONS = {"<=": "≤", ">=": "≥", "==": "="}


def by_statement(rows: list[dict[str, str]]) -> dict[str, list[dict[str, str]]]:
    """Return the rows of each statement, such as Theorem 2, in order."""
    groups: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        groups.setdefault(row["statement"].partition(":")[0], []).append(row)
    return groups


def numbered(statement: str) -> tuple[str, int]:
    """Return of New 4 or Song claim 4 the words and the number, by which they follow each other."""
    found = re.fullmatch(r"(New|\w+ claim) (\d+)", statement)
    return (found[1], int(found[2])) if found else ("", 0)


def strip(rows: list[dict[str, str]]) -> str:
    """Return all statements in a few lines, each with its verdict and a link to its first notebook."""
    cells: dict[str, list[str]] = {"The paper": [], "Beyond it": [], "Companion papers": []}
    found = by_statement(rows)
    # Authors in the order of the tour, and the statements of each by their numbers.
    authors = [*dict.fromkeys(numbered(statement)[0] for statement in found)]
    for statement in sorted(found, key=lambda one: (authors.index(numbered(one)[0]), numbered(one)[1])):
        of_it = found[statement]
        holds = all(row["verdict"] == "holds" for row in of_it)
        kind = "Companion papers" if " claim " in statement else "The paper"
        kind = "Beyond it" if statement.startswith("New") else kind
        link = f"[{statement}](notebooks/{of_it[0]['notebook']}.ipynb)"
        cells[kind].append(f"{'✔' if holds else '✘'} {link}")
    lines = [f"| {kind} | {' · '.join(links)} |" for kind, links in cells.items() if links]
    return "\n".join(["| statements of | ✔ all verdicts hold, ✘ some fail |", "|---|---|", *lines])


def outcome(rows: list[dict[str, str]]) -> tuple[str, str]:
    """Return links to the notebooks of some rows, and in words how many of them hold."""
    places = dict.fromkeys(f"[{row['notebook']}](notebooks/{row['notebook']}.ipynb)" for row in rows)
    holding = sum(row["verdict"] == "holds" for row in rows)
    return ", ".join(places), f"{holding} of {len(rows)} hold"


def statements(rows: list[dict[str, str]]) -> str:
    """Return a Markdown table with a line for each statement of the paper: where it runs, how it fares."""
    lines = ["| statement | notebook | verdicts | mark |", "|---|---|---|---|"]
    for statement, of_it in by_statement(rows).items():
        places, fares = outcome(of_it)
        marks = ", ".join(dict.fromkeys(row["mark"] for row in of_it))
        lines.append(f"| {statement} | {places} | {fares} | {marks} |")
    return "\n".join(lines)


def sentences(rows: list[dict[str, str]], listed: list[dict[str, str]]) -> str:
    """Return a Markdown table of the paper's sentences: where each is judged, or why it cannot be."""
    lines = ["| section | the paper says | judged in | verdicts |", "|---|---|---|---|"]
    for sentence in listed:
        keys = tuple(filter(None, sentence["key"].split(" ; ")))
        of_it = [row for row in rows if row["statement"].startswith(keys)]
        if bool(of_it) == bool(sentence["reason"]):
            raise ValueError(f"{sentence['sentence']!r} needs verdicts that begin with its keys, or a reason")
        places, fares = outcome(of_it)
        text = MEANS_SOMETHING.sub(r"\\\g<0>", sentence["sentence"])
        lines.append(f"| {sentence['section']} | {text} | {places} | {sentence['reason'] or fares} |")
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


def all_rows() -> list[dict[str, str]]:
    """Return all verdicts of the committed notebooks, each with its notebook, in the order of the tour."""
    runs = [run_of(name, NOTEBOOKS) for name in names()]
    return [{"notebook": run.name} | row for run in runs for row in run.rows]


def with_tables(text: str) -> str:
    """Return the page's text with its strip and its three tables made anew."""
    rows = all_rows()
    text = with_part(text, "strip", strip(rows))
    with SENTENCES.open(encoding="utf-8", newline="") as file:
        text = with_part(text, "sentences", sentences(rows, list(csv.DictReader(file))))
    text = with_part(text, "statements", statements(rows))
    return with_part(text, "verdicts", verdict_table(rows))


if __name__ == "__main__":
    write(VERDICTS, with_tables(read(VERDICTS)).encode())
