"""Run mutmut on copies of this repository, and write tests/mutants.md: mutants.py JOBS [ROOM ...]

Each room - core, theory, companions, report - has a copy: its modules alone are changed there, and its own
tests run. Without ROOM all are run; of one that is left out, what was found before counts. Every surviving
mutant must have its reason in tests/equivalent_mutants.toml, and none that is killed may have one (a busy
machine may be too slow for one that would survive). A mutant is known by its function, the changed lines and
what became of them. Exits with 1 otherwise, and where some mutants have not been run.
"""

import ast
import contextlib
import difflib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from fa_utils.report.files import write_whole

COPIES = Path("build", "mutation")
ROOMS = ("core", "theory", "companions", "report")
NOT_COPIED = shutil.ignore_patterns(".git", ".venv*", "build", "__pycache__", ".*_cache")
FATES = {0: "survived", 5: "survived", 33: "survived"}  # all tests passed, or none reached the mutant
# 7, -11: what was meant to end a draw's process, or broke it, ended the tests' own.
FATES |= {1: "killed", 3: "killed", 7: "killed", -11: "killed"}
FATES |= dict.fromkeys((-24, 24, 36, 152, 255), "timed out")
INTRODUCTION = """\
# Mutants of fa_utils

`make mutants` changes one expression of the package after the other ({tool}) and runs those tests of its
room that reach it. What no test notices survives; it is listed below, with the reason why nobody could notice
it. Made by `audits/mutants.py` from what mutmut found and from [the reasons](equivalent_mutants.toml).

Properties and constants are not changed: mutmut leaves most decorated functions, and code outside functions,
alone.
"""
HEADER = "| module | mutants | killed | timed out | survived | score |\n|---|--:|--:|--:|--:|--:|"


class Mutant(NamedTuple):
    """A change: its function's name below fa_utils, and the changed lines before and after."""

    function: str
    was: str
    becomes: str

    def __str__(self) -> str:
        return f"{self.function}: {self.was} -> {self.becomes}"


def run(jobs: str, room: str, copy: Path) -> None:
    """Run mutmut from the start on a copy, and end whatever processes the mutants' tests leave behind."""
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(Path.cwd(), copy, ignore=NOT_COPIED)
    narrow(copy, room)
    command = [Path(sys.executable).with_name("mutmut"), "run", "--max-children", jobs]
    mutmut = subprocess.Popen(command, cwd=copy, start_new_session=True)
    mutmut.wait()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(mutmut.pid, signal.SIGKILL)


def narrow(copy: Path, room: str) -> None:
    """Set the copy up for one room: its modules are changed, and its tests run."""
    folder = "fa_utils" if room == "core" else f"fa_utils/{room}"
    # Not __init__, which only names what the others have.
    modules = sorted(path.relative_to(copy).as_posix() for path in (copy / folder).glob("*[!_].py"))
    settings = copy / "pyproject.toml"
    text = settings.read_text(encoding="utf-8").replace('    "tests",\n', f'    "tests/{room}",\n')
    text = text.replace("[tool.mutmut]\n", f"[tool.mutmut]\nonly_mutate = {json.dumps(modules)}\n")
    settings.write_text(text, encoding="utf-8")


def mutated_modules(folder: Path) -> dict[str, Path]:
    """Return {module: its mutated source} of all rooms; a room's name comes before its modules'."""
    found = {}
    for room in ROOMS:
        package = folder / room / "mutants" / "fa_utils"
        prefix = "" if room == "core" else f"{room}."
        for path in sorted((package if room == "core" else package / room).glob("*.py.meta")):
            found[prefix + path.name.removesuffix(".py.meta")] = path.with_suffix("")
    return found


def exit_codes(folder: Path) -> dict[str, dict[str, int | None]]:
    """Return {module: {mutant's name in mutmut: exit code of its tests, None if not run}}."""
    found = {}
    for module, source in mutated_modules(folder).items():
        meta = source.with_name(f"{source.name}.meta")
        codes = json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"]
        if codes:
            found[module] = codes
    return found


def mutants_that(fate: str, folder: Path) -> list[Mutant]:
    """Return every mutant of this fate."""
    found = []
    sources = mutated_modules(folder)
    for module, codes in exit_codes(folder).items():
        functions = texts(sources[module].read_text(encoding="utf-8"))
        names = [name.rpartition(".")[2] for name, code in codes.items() if FATES.get(code) == fate]
        found += [described(module, name, functions) for name in names]
    return found


def texts(source: str) -> dict[str, list[str]]:
    """Return {name: lines} of all functions and methods."""
    lines = source.splitlines()
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, kinds)]
    return {node.name: [line.strip() for line in lines[node.lineno - 1 : node.end_lineno]] for node in nodes}


def described(module: str, name: str, functions: dict[str, list[str]]) -> Mutant:
    """Return the mutant with this name in mutmut, from the texts of its mutated module."""
    mangled = name.partition("__mutmut_")[0]
    names = (f"{mangled}__mutmut_orig", name)
    before, after = ([line.replace(each, mangled) for line in functions[each]] for each in names)
    lines = list(difflib.unified_diff(before, after, n=0, lineterm=""))[2:]
    was, becomes = (" ".join(line[1:] for line in lines if line[0] == mark) for mark in "-+")
    return Mutant(f"{module}.{mangled[2:].replace('ǁ', '.')}", was, becomes)


def table(codes: dict[str, dict[str, int | None]]) -> str:
    """Return the counts of each module and of all as a Markdown table."""
    rows = {module: list(found.values()) for module, found in codes.items()}
    rows["all"] = [code for found in rows.values() for code in found]
    lines = [HEADER]
    for module, found in rows.items():
        count = Counter(FATES[code] for code in found)
        score = 100 * (1 - count["survived"] / len(found))
        counts = f"{count['killed']} | {count['timed out']} | {count['survived']}"
        lines.append(f"| {module} | {len(found)} | {counts} | {score:.1f} % |")
    return "\n".join(lines) + "\n"


def listed(reasons: list[tuple[str, list[Mutant]]], found: Counter) -> str:
    """Return the survivors below their reasons, as Markdown."""
    lines = ["## Survivors"]
    for why, mutants in reasons:
        survivors = [one for one in mutants if one in found]
        if survivors:
            lines.append(f"\n{why}\n")
        for mutant in survivors:
            times = f", {found[mutant]} times" if found[mutant] > 1 else ""
            lines.append(f"- {mutant.function}{times}: `` {mutant.was} `` becomes `` {mutant.becomes} ``")
    return "\n".join(lines) + "\n"


def mutants_in(mutants: list[list[str]], modules: Collection[str]) -> list[Mutant]:
    """Return the mutants of the modules that were run, of those that have a reason."""
    every = [Mutant(*mutant) for mutant in mutants]
    return [one for one in every if one.function.startswith(tuple(f"{module}." for module in modules))]


def complaints(codes: dict, found: Counter, late: list[Mutant], reasons: list) -> list[str]:
    """Return what keeps the page from being complete, a line each; ``late`` are those that timed out."""
    explained = Counter(mutant for _, mutants in reasons for mutant in mutants)
    waiting = sum(code not in FATES for outcomes in codes.values() for code in outcomes.values())
    return [
        *([] if codes else ["there are no mutants: run mutmut first"]),
        *([f"{waiting} mutants have not been run, or not to an end: run again"] if waiting else []),
        *(f"survives without a reason: {mutant}" for mutant in found if mutant not in explained),
        *(f"has a reason but is killed: {one}" for one in explained if one not in found and one not in late),
        *(f"has two reasons: {mutant}" for mutant, count in explained.items() if count > 1),
    ]


def main(folder: Path, tests: Path) -> int:
    """Write the page and print its table, or print what is missing; return the exit code."""
    used = re.search(r"^mutmut==\S+", (tests / "trust.lock").read_text(encoding="utf-8"), re.MULTILINE)[0]
    given = tomllib.loads((tests / "equivalent_mutants.toml").read_text(encoding="utf-8"))["equivalent"]
    codes = exit_codes(folder)
    found = Counter(mutants_that("survived", folder))
    reasons = [(one["why"], mutants_in(one["mutants"], codes)) for one in given]
    missing = complaints(codes, found, mutants_that("timed out", folder), reasons)
    if missing:
        print("\n".join(missing), file=sys.stderr)
        return 1
    introduction = INTRODUCTION.format(tool=used.replace("==", " "))
    page = "\n".join([introduction, table(codes), listed(reasons, found)])
    write_whole(tests / "mutants.md", page.encode())
    print(table(codes), end="")
    return 0


if __name__ == "__main__":
    try:
        for room in sys.argv[2:] or ROOMS:
            run(sys.argv[1], room, (COPIES / room).resolve())
        sys.exit(main(COPIES, Path("tests")))
    except KeyboardInterrupt:
        sys.exit(130)
