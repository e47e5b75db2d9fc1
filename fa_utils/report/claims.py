"""Claims and their verdicts: what was measured, against which bound, and whether that holds."""

import operator
import sys
from dataclasses import dataclass

import numpy as np

from fa_utils._checks import real_number

RELATIONS = {"<=": operator.le, ">=": operator.ge, "==": operator.eq}
MARKS = ("stated", "rebuilt", "new")
VERDICT_MIME = "application/vnd.fa-utils.verdicts+json"

Number = float | np.integer | np.floating | np.ndarray  # of arrays those with one entry


def short_number(value: float, digits: int) -> str:
    """Return a number with so many digits, alike however the processor rounds; a zero has no sign."""
    # A hair more: rounding upward, Python shows what is just below a power of ten as nan, and rounding down
    # what is just below a short decimal with a last digit too low.
    return f"{value * (1 + 1e-12):z.{digits}g}"


@dataclass(frozen=True)
class Claim:
    """A statement that can fail: ``measured relation bound``. Notebooks make it with `claim`.

    Attributes
    ----------
    statement
        Begins with the paper's number: "Theorem 2: ...".
    mark
        Whose it is: *stated* in the paper, *rebuilt* here with our constants, or *new*.
    measured
        What the run gave: one number. NaN never holds.
    relation
        ``<=``, ``>=`` or ``==``.
    bound
        What the measured value is compared with.
    resolution
        Digits below it are rounding and differ from machine to machine. A smaller value is reported as this.
    chance
        The most with which the claim fails at a fresh seed although it is true: 0, unless it is judged on
        random draws.

    Raises
    ------
    TypeError
        A bound or a chance that is no real number.
    ValueError
        An unknown mark or relation, a resolution that reaches the bound, or a chance outside [0, 1).

    Examples
    --------
    >>> report.Claim("Lemma 1: largest gap", "stated", measured=3e-9, relation="<=", bound=1e-6).holds
    True
    """

    statement: str
    mark: str
    measured: Number
    relation: str
    bound: float
    resolution: float = 0.0
    chance: float = 0.0

    def __post_init__(self) -> None:
        for name, value, allowed in (("mark", self.mark, MARKS), ("relation", self.relation, RELATIONS)):
            if value not in allowed:
                raise ValueError(f"{name} is {value!r}; choose one of {', '.join(allowed)}")
        bound = real_number("bound", self.bound)
        # What is hidden below the resolution must not decide the verdict.
        if self.resolution and self.resolution >= abs(bound):
            raise ValueError(f"resolution {self.resolution} reaches the bound {bound}; choose a smaller one")
        if not 0 <= real_number("chance", self.chance) < 1:
            raise ValueError(f"chance is {self.chance}; choose a number from 0, below 1")

    @property
    def holds(self) -> bool:
        """Whether the measured value stands in the relation to the bound."""
        return bool(RELATIONS[self.relation](float(self.measured), self.bound))

    @property
    def row(self) -> dict[str, str]:
        """The claim as texts: `verdicts.csv` has them with the notebook's name, and readers see ``shown``."""
        # What is below the resolution is shown as less than it.
        below = abs(float(self.measured)) < self.resolution
        value = self.resolution if below else self.measured
        # A count in full, any other number to two digits.
        whole = isinstance(value, int | np.integer)
        measured = f"{value:d}" if whole else short_number(float(value), 2)
        return {
            "statement": self.statement,
            "mark": self.mark,
            "measured": measured,
            "relation": self.relation,
            "bound": f"{self.bound:zg}",
            "verdict": "holds" if self.holds else "fails",
            "chance": f"{self.chance:g}",
            "shown": f"<{measured}" if below else measured,
        }


def claim(
    statement: str,
    *,
    measured: Number,
    at_most: float | None = None,
    at_least: float | None = None,
    equal_to: float | None = None,
    mark: str,
    resolution: float = 0.0,
    chance: float = 0.0,
) -> Claim:
    """Return the claim that what was measured keeps its bound, of which there is exactly one.

    Parameters
    ----------
    statement, measured, mark, resolution, chance
        As `Claim` has them.
    at_most, at_least, equal_to
        The bound, by the relation in which the measured number must stand to it.

    Returns
    -------
    Claim

    Raises
    ------
    TypeError
        No bound, or more than one; or a bound or a chance that is no real number.
    ValueError
        As `Claim`.

    Examples
    --------
    >>> report.claim("Lemma 1: largest gap", measured=3e-9, at_most=1e-6, mark="stated").holds
    True
    """
    bounds = {"<=": at_most, ">=": at_least, "==": equal_to}
    given = [(relation, bound) for relation, bound in bounds.items() if bound is not None]
    if len(given) != 1:
        raise TypeError(f"{len(given)} bounds are given; give exactly one of at_most, at_least and equal_to")
    relation, bound = given[0]
    return Claim(statement, mark, measured, relation, bound, resolution, chance)


def verdict(*claims: Claim) -> None:
    """Show the claims as a table, and as data for the summary of all runs. One that fails hides no other.

    Parameters
    ----------
    claims
        At least one, from `claim`.

    Raises
    ------
    ValueError
        No claim, which would pass unseen.

    Examples
    --------
    >>> claim = report.claim("Theorem 2: error", measured=2e-9, at_most=1e-6, mark="stated", resolution=1e-8)
    >>> report.verdict(claim)
    holds  <1e-08  <=  1e-06  Theorem 2: error (stated)
    """
    _show("", [one.row for one in claims])


def control(broken: str, *claims: Claim) -> None:
    """Show that each of these claims fails once an assumption is ``broken``.

    Parameters
    ----------
    broken
        What is wrong on purpose, in words.
    claims
        At least one, from `claim`, measured where that is wrong.

    Raises
    ------
    ValueError
        No claim, which would pass unseen.

    Examples
    --------
    >>> claim = report.claim("Theorem 2: error at rest", measured=0.5, at_most=1e-6, mark="stated")
    >>> report.control("r is below the rank of Y", claim)
    Broken on purpose: r is below the rank of Y
    fails  0.5  <=  1e-06  Theorem 2: error at rest (stated)
    """
    _show(f"Broken on purpose: {broken}\n", [one.row | {"broken": broken} for one in claims])


def _aligned(rows: list[dict[str, str]]) -> str:
    """Return the rows as text in columns, whose widths are those of their longest entries."""
    entries = [[row["verdict"], row["shown"], row["relation"], row["bound"]] for row in rows]
    # All but the statement, which ends the line, has its place in a column.
    widths = [max(map(len, column)) for column in zip(*entries, strict=True)]
    starts = ["  ".join(map(str.ljust, entry, widths)) for entry in entries]
    return "\n".join(
        f"{start}  {row['statement']} ({row['mark']})" for start, row in zip(starts, rows, strict=True)
    )


def _show(heading: str, rows: list[dict[str, str]]) -> None:
    """Display in a notebook, the rows as data beside the text; print elsewhere."""
    if not rows:
        raise ValueError("no claim was given, so nothing was judged; give at least one")
    text = heading + _aligned(rows)
    # Only a notebook has imported IPython: to import it here would take longer than many a run.
    ipython = sys.modules.get("IPython")
    if ipython is None or ipython.get_ipython() is None:
        print(text)
    else:
        ipython.display.display({"text/plain": text, VERDICT_MIME: rows}, raw=True)
