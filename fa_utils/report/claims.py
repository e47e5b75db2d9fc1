"""Claims and their verdicts: what was measured, against which bound, and whether that holds."""

import operator
from dataclasses import dataclass
from html import escape
from textwrap import fill
from typing import Any

import numpy as np

from fa_utils._checks import real_number

RELATIONS = {"<=": operator.le, ">=": operator.ge, "==": operator.eq}
MARKS = ("stated", "rebuilt", "new")
VERDICT_MIME = "application/vnd.fa-utils.verdicts+json"
WIDTH = 100  # columns of a verdict's text
INDENT = " " * 7  # of what stands below a statement
COLUMNS = ("verdict", "statement", "measured", "must be", "source")

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
    seen
        What a limit was computed from, where ``measured`` is one: "3 of 1500 draws".

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
    seen: str = ""

    def __post_init__(self) -> None:
        for name, value, allowed in (("mark", self.mark, MARKS), ("relation", self.relation, RELATIONS)):
            if value not in allowed:
                raise ValueError(f"{name} is {value!r}; choose one of {', '.join(allowed)}")
        bound = real_number("bound", self.bound)
        # What is hidden below the resolution must not decide the verdict.
        if self.resolution and self.resolution >= abs(bound):
            raise ValueError(f"resolution {self.resolution} reaches the bound {bound}; choose a smaller one")
        if not 0 <= real_number("chance", self.chance) < 1:
            raise ValueError(f"chance is {self.chance}; choose a number of at least 0 and below 1")

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
        shown = f"<{measured}" if below else measured
        return {
            "statement": self.statement,
            "mark": self.mark,
            "measured": measured,
            "relation": self.relation,
            "bound": f"{self.bound:zg}",
            "verdict": "holds" if self.holds else "fails",
            "chance": f"{self.chance:g}",
            "shown": f"{self.seen} (limit {shown})" if self.seen else shown,
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
    seen: str = "",
) -> Claim:
    """Return the claim that what was measured keeps its bound, of which there is exactly one.

    Parameters
    ----------
    statement, measured, mark, resolution, chance, seen
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
    return Claim(statement, mark, measured, relation, bound, resolution, chance, seen)


# --- tables of verdicts ---


@dataclass(frozen=True, repr=False)
class Verdicts:
    """Judged claims: a table where a notebook displays them, text elsewhere. `verdict` and `control` make it.

    Attributes
    ----------
    rows
        As `Claim.row` gives them, at least one; those of a control say under ``broken`` what is.

    Raises
    ------
    ValueError
        No rows: what judges nothing would pass unseen.
    """

    rows: list[dict[str, str]]

    def __post_init__(self) -> None:
        if not self.rows:
            raise ValueError("no claim was given, so nothing was judged; give at least one")

    @property
    def heading(self) -> str:
        """What stands above a control's rows; empty above those of a verdict."""
        broken = self.rows[0].get("broken")
        return f"Broken on purpose: {broken}. The same check must fail." if broken else ""

    def __repr__(self) -> str:
        lines = [fill(self.heading, WIDTH)] if self.heading else []
        for row in self.rows:
            # The statement first; then, below it, the number.
            judged = f"{row['shown']}, must be {row['relation']} {row['bound']} ({row['mark']})"
            lines.append(fill(f"{row['verdict']}  {row['statement']}", WIDTH, subsequent_indent=INDENT))
            lines.append(fill(judged, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT))
        return "\n".join(lines)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        # The rows as data go beside the table, for the summary of all runs.
        return {"text/plain": repr(self), "text/html": self._html(), VERDICT_MIME: self.rows}

    def _html(self) -> str:
        lines = [f"<p>{escape(self.heading)}</p>"] if self.heading else []
        lines += ["<table>", _table_row("th", COLUMNS)]
        for row in self.rows:
            must_be = f"{row['relation']} {row['bound']}"
            cells = (row["verdict"], row["statement"], row["shown"], must_be, row["mark"])
            lines.append(_table_row("td", cells))
        return "\n".join([*lines, "</table>"])


def _table_row(tag: str, cells: tuple[str, ...]) -> str:
    """Return a row of an HTML table, its cells aligned on the left."""
    # Twice said, since GitHub drops the style and JupyterLab's own style wins over the attribute.
    left = 'align="left" style="text-align: left"'
    return "".join(["<tr>", *(f"<{tag} {left}>{escape(cell)}</{tag}>" for cell in cells), "</tr>"])


def verdict(*claims: Claim) -> Verdicts:
    """Return the claims as a notebook shows them: a table, and data for the summary of all runs.

    One that fails hides no other. Like any value, the table is displayed where it ends a cell; `display` and
    `print` show it elsewhere.

    Parameters
    ----------
    claims
        At least one, from `claim`.

    Returns
    -------
    Verdicts

    Raises
    ------
    ValueError
        No claim, which would pass unseen.

    Examples
    --------
    >>> claim = report.claim("Theorem 2: error", measured=2e-9, at_most=1e-6, mark="stated", resolution=1e-8)
    >>> report.verdict(claim)
    holds  Theorem 2: error
           <1e-08, must be <= 1e-06 (stated)
    """
    return Verdicts([claim.row for claim in claims])


def control(broken: str, *claims: Claim) -> Verdicts:
    """Return the claims of a control, each of which must fail since an assumption is ``broken``.

    Parameters
    ----------
    broken
        What is wrong on purpose, in words.
    claims
        At least one, from `claim`, measured where that is wrong.

    Returns
    -------
    Verdicts

    Raises
    ------
    ValueError
        No claim, which would pass unseen.

    Examples
    --------
    >>> claim = report.claim("Theorem 2: error at rest", measured=0.5, at_most=1e-6, mark="stated")
    >>> report.control("r is below the rank of Y", claim)
    Broken on purpose: r is below the rank of Y. The same check must fail.
    fails  Theorem 2: error at rest
           0.5, must be <= 1e-06 (stated)
    """
    return Verdicts([claim.row | {"broken": broken} for claim in claims])
