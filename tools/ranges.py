"""Run notebooks at the ends of their parameters' sensible ranges, one at a time: ranges.py JOBS NOTEBOOK ...

At an end of a list's range its least, or its largest, entry is put there. Runs are made and kept as those of
a sweep are. Prints each verdict that fails and each run that breaks, and exits with 1 where there is one.
"""

import sys
from functools import partial
from pathlib import Path

import sweep
from parameters import Parameter, ParameterError, entries, listed


def ends(parameter: Parameter) -> list[str]:
    """Return name=value for both ends of a parameter's range, unless its default is there.

    Raises ParameterError where it has no range.
    """
    if parameter.least is None:
        raise ParameterError(f"{parameter.name} has no range; its line must end with [least to most]")
    numbers = list(entries(parameter.default))
    moves = ((min(numbers), parameter.least), (max(numbers), parameter.most))
    values = [exchanged(parameter.default, entry, end) for entry, end in moves]
    return [f"{parameter.name}={value!r}" for value in values if value != parameter.default]


def exchanged(value, old: float, new: float):
    """Return a value with a number in it exchanged for another, which is made whole where the old one is."""
    if isinstance(value, list):
        return [exchanged(part, old, new) for part in value]
    return type(old)(new) if value == old else value


def report(name: str, jobs: int) -> int:
    """Run one notebook at all ends, print what does not hold there; return in how many runs that is so."""
    known = listed(Path("notebooks", f"{name}.ipynb")).values()
    runs = [sweep.run_of(name, (word,)) for parameter in known for word in ends(parameter)]
    found = [
        (run, failing)
        for run, rows in zip(runs, sweep.complete(name, runs, jobs), strict=True)
        if (failing := [row for row in rows if row["verdict"] != "holds"])
    ]
    for run, failing in found:
        for row in failing:
            print(
                "   ", *run.words, *(row[column] for column in ("statement", "measured", "relation", "bound"))
            )
    print(f"{name}: all verdicts hold in {len(runs) - len(found)} of {len(runs)} runs", flush=True)
    return len(found)


def main(arguments: list[str]) -> int:
    """Report on all of these notebooks; return the exit code."""
    return min(1, sum([report(name, int(arguments[0])) for name in arguments[1:]]))


if __name__ == "__main__":
    sweep.end_with(partial(main, sys.argv[1:]))
