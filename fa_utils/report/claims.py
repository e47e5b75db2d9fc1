"""Claims and their verdicts: what was measured, against which bound, and whether that holds."""

import json
import operator
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from fa_utils.checks import real_number, whole_number

RELATIONS = {"<=": operator.le, ">=": operator.ge, "==": operator.eq}
MARKS = ("stated", "rebuilt", "new")
VERDICT_MIME = "application/vnd.fa-utils.verdicts+json"

Number = float | np.integer | np.floating | np.ndarray  # of arrays those with one entry


@dataclass(frozen=True)
class Claim:
    """A statement that can fail: ``measured relation bound``.

    ``statement`` begins with the paper's number ("Theorem 2: ..."); ``mark`` says whose it is: *stated* in
    the paper, *rebuilt* here with our constants, or *new*. Digits below ``resolution`` are rounding and
    differ from machine to machine: a smaller value is reported as ``resolution``. ``chance`` is the most with
    which it fails at a fresh seed although it is true: 0, unless it is judged on random draws.
    Raises ValueError for an unknown mark or relation, for a resolution that reaches the bound, and for a
    chance outside [0, 1).

    >>> fa.Claim("Lemma 1: largest gap", "stated", measured=3e-9, relation="<=", bound=1e-6).holds
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
        if self.mark not in MARKS:
            raise ValueError(f"mark is {self.mark!r}; choose one of {', '.join(MARKS)}")
        if self.relation not in RELATIONS:
            raise ValueError(f"relation is {self.relation!r}; choose one of {', '.join(RELATIONS)}")
        bound = real_number("bound", self.bound)
        if self.resolution and self.resolution >= abs(bound):
            raise ValueError(f"resolution {self.resolution} reaches the bound {bound}; choose a smaller one")
        if not 0 <= real_number("chance", self.chance) < 1:
            raise ValueError(f"chance is {self.chance}; choose a number from 0, below 1")

    @property
    def holds(self) -> bool:
        """Whether the measured value stands in the relation to the bound; never for NaN."""
        return bool(RELATIONS[self.relation](float(self.measured), self.bound))

    @property
    def row(self) -> dict[str, str]:
        """The claim as `verdicts.csv` has it, but for the notebook's name, and how readers are shown it."""
        below = abs(float(self.measured)) < self.resolution
        measured = _short(self.resolution if below else self.measured)
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


def probability_limit(count: int, draws: int, confidence: float) -> float:
    """Return the exact (Clopper-Pearson) upper limit of a probability seen ``count`` times in ``draws``.

    The true probability is above it with probability at most 1 - ``confidence``.
    Raises ValueError for a count beyond the draws and for a confidence outside (0, 1).

    >>> round(fa.probability_limit(0, draws=1000, confidence=0.99), 4)
    0.0046
    """
    from scipy.special import betaincinv  # here, because SciPy takes longer to import than many a run

    count, draws = whole_number("count", count, least=0), whole_number("draws", draws, least=1)
    if count > draws:
        raise ValueError(f"count is {count} of {draws} draws; choose at most {draws}")
    if not 0 < real_number("confidence", confidence) < 1:
        raise ValueError(f"confidence is {confidence}; choose a number between 0 and 1")
    return 1.0 if count == draws else float(betaincinv(count + 1, draws - count, confidence))


def kolmogorov_limit(one: int, other: int, chance: float) -> float:
    """Return the Kolmogorov distance that two samples of one law, of these sizes, exceed with that chance.

    (The asymptotic formula, which errs to the safe side.) Raises ValueError for a chance outside (0, 1).

    >>> round(fa.kolmogorov_limit(200, 200, chance=1e-6), 3)
    0.269
    """
    sizes = [whole_number("one", one, least=1), whole_number("other", other, least=1)]
    if not 0 < real_number("chance", chance) < 1:
        raise ValueError(f"chance is {chance}; choose a number between 0 and 1")
    return float(np.sqrt(np.log(2 / chance) / 2 * sum(1 / size for size in sizes)))


def student_limit(deviations: Sequence[ArrayLike], runs: Sequence[ArrayLike], chance: float) -> np.ndarray:
    """Return how far the means of two samples of one Gaussian are apart, at most, but for that chance.

    Of one sample: how far its mean is from the Gaussian's. By Student's t, from each sample's standard
    deviation and number of runs, which broadcast. Raises ValueError for fewer than two runs, for a deviation
    that is not at least 0, for another number of samples, and for a chance outside (0, 1).

    >>> round(float(fa.student_limit([1.0, 1.0], [50, 50], chance=0.05)), 3)
    0.397
    """
    from scipy.special import stdtrit

    if not len(deviations) == len(runs) in (1, 2):
        raise ValueError(f"{len(deviations)} deviations and {len(runs)} runs; give one or two of each")
    samples = [np.broadcast_arrays(*map(np.asarray, sample)) for sample in zip(deviations, runs, strict=True)]
    for deviation, number in samples:
        if not (number >= 2).all():
            raise ValueError(f"runs is {number.min():g}; a deviation needs at least 2")
        if not (deviation >= 0).all():
            raise ValueError(f"deviation is {deviation.min():g}; choose a number of at least 0")
    if not 0 < real_number("chance", chance) < 1:
        raise ValueError(f"chance is {chance}; choose a number between 0 and 1")
    freedom = sum(number - 1.0 for _, number in samples)
    pooled = np.sqrt(sum((number - 1.0) / freedom * deviation**2.0 for deviation, number in samples))
    return -stdtrit(freedom, chance / 2) * pooled * np.sqrt(sum(1.0 / number for _, number in samples))


def verdict(*claims: Claim) -> None:
    """Show the claims as a table, and as data for `read_verdicts`. One that fails hides none after it.

    >>> fa.verdict(fa.Claim("Theorem 2: error at rest", "stated", 2e-9, "<=", 1e-6, resolution=1e-8))
    holds  <1e-08  <=  1e-06  Theorem 2: error at rest (stated)
    """
    rows = [claim.row for claim in claims]
    _show(_aligned(rows), rows)


def control(broken: str, *claims: Claim) -> None:
    """Show that each of these claims fails once an assumption is ``broken``.

    >>> claim = fa.Claim("Theorem 2: error at rest", "stated", 0.5, "<=", 1e-6)
    >>> fa.control("r is below the rank of Y", claim)
    Broken on purpose: r is below the rank of Y
    fails  0.5  <=  1e-06  Theorem 2: error at rest (stated)
    """
    rows = [claim.row for claim in claims]
    _show(f"Broken on purpose: {broken}\n{_aligned(rows)}", [row | {"broken": broken} for row in rows])


def read_verdicts(notebook: str | Path) -> list[dict[str, str]]:
    """Return the verdict rows in an executed notebook's outputs, in order, without those of controls.

    >>> rows = fa.read_verdicts("notebooks/lemma-1.ipynb")
    >>> rows[0]["statement"].partition(":")[0], rows[0]["mark"], rows[0]["verdict"]
    ('Lemma 1', 'stated', 'holds')
    """
    cells = json.loads(Path(notebook).read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    rows = [row for output in outputs for row in output.get("data", {}).get(VERDICT_MIME, [])]
    return [row for row in rows if "broken" not in row]


def _short(value: Number) -> str:
    """Return a count in full, any other number to two digits."""
    return f"{value:d}" if isinstance(value, int | np.integer) else f"{float(value):z.2g}"


def _aligned(rows: list[dict[str, str]]) -> str:
    """Return the rows as text in columns; raise ValueError where there are none, which would pass unseen."""
    if not rows:
        raise ValueError("no claim was given, so nothing was judged; give at least one")
    columns = [[row[name] for row in rows] for name in ("verdict", "shown", "relation", "bound")]
    columns.append([f"{row['statement']} ({row['mark']})" for row in rows])
    widths = [max(map(len, column)) for column in columns]
    lines = ("  ".join(map(str.ljust, cells, widths)) for cells in zip(*columns, strict=True))
    return "\n".join(line.rstrip() for line in lines)


def _show(text: str, rows: list[dict[str, str]]) -> None:
    """Display in a notebook, the rows as data beside the text; print elsewhere."""
    ipython = sys.modules.get("IPython")
    if ipython is None or ipython.get_ipython() is None:
        print(text)
    else:
        ipython.display.display({"text/plain": text, VERDICT_MIME: rows}, raw=True)
