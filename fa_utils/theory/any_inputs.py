"""Linear networks on inputs of any kind: the same rules, in coordinates where each row of Z has a speed.

A network ZW on inputs X (N, n) should give the outputs XY. Its training error is ||X(Y - ZW)||_F^2, and
the paper's rules (9) to (11) are

    dZ = X^T X (Y - ZW) B^T,        dW = Z^T X^T X (Y - ZW),

B being W or C. Take X = U_X Sigma_X V_X^T, Sigma_X holding the k nonzero singular values. In the coordinates
Sigma_X V_X^T Z and Sigma_X V_X^T Y = U_X^T XY the second equation is that of the factorisation. In the
first, row i runs sigma_i(X)^2 times as fast. So the network factorises its outputs, a
k x m matrix with the singular values of XY.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from fa_utils._checks import positive_number, real_array
from fa_utils._linalg import above_rounding
from fa_utils._records import Record
from fa_utils.problems import Problem, checked_problem
from fa_utils.rules import Derivatives, Rule, checked_rule
from fa_utils.simulate import solve_flow
from fa_utils.stationary import Rest, stationarity_gap

MOST_EVALUATIONS = 1_000_000  # of a rule's field, on the way to rest


@dataclass(frozen=True, eq=False, repr=False)
class InputReduction(Record):
    """A network's problem in the coordinates of its outputs, its rules there, and the way back.

    Attributes
    ----------
    full
        The problem in the coordinates of the inputs: Y (n, m), Z (n, r), W (r, m).
    scales
        The nonzero singular values of the inputs, in falling order, shape (k,).
    directions
        The inputs' right singular vectors V_X, orthonormal columns, shape (n, k).
    problem
        The problem whose target is the outputs, of shape (k, m) and the same r.

    References
    ----------
    N8 of this package.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> inputs = rng.standard_normal((50, 5))
    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=rng)
    >>> small = theory.reduce_inputs(problem, inputs)
    >>> run = fa.flow(small.problem, small.rule(fa.FA), [0.0, 0.01])
    >>> Z = small.lift(run.Z)
    >>> training_errors = fa.squared_norm(inputs @ (problem.target - Z @ run.W))
    >>> np.allclose(training_errors, fa.error(small.problem.target, run.Z, run.W))
    True
    """

    full: Problem
    scales: np.ndarray
    directions: np.ndarray

    def __post_init__(self) -> None:
        for array in (self.scales, self.directions):
            array.setflags(write=False)

    @cached_property
    def problem(self) -> Problem:
        """The problem whose target is the outputs, of shape (k, m)."""
        # Sigma_X V_X^T, which takes the coordinates of the inputs to those of the outputs.
        to_outputs = self.scales[:, None] * self.directions.T
        return replace(self.full, target=to_outputs @ self.full.target, Z=to_outputs @ self.full.Z)

    def rule(self, rule: Rule) -> Rule:
        """Return a rule as the network follows it: row i of Z is faster by the square of its scale.

        Parameters
        ----------
        rule
            `GD`, `FA`, `FA_STAR`, or one of your own.

        Returns
        -------
        Rule
            For ``problem``, with the same name.
        """
        checked_rule(rule)
        speeds = np.square(self.scales)[:, None]

        def field(problem: Problem, Z: np.ndarray, W: np.ndarray) -> Derivatives:
            dZ, dW = rule.field(problem, Z, W)
            return speeds * dZ, dW

        return Rule(rule.name, field, rule.forward)

    def lift(self, Z: np.ndarray) -> np.ndarray:
        """Return Z in the coordinates of the inputs; W is the same in both.

        Parameters
        ----------
        Z
            Of a snapshot or of a whole run of ``problem``, shape (..., k, r).

        Returns
        -------
        np.ndarray
            Shape (..., n, r).
        """
        # What lies outside the range of X^T stays where it started.
        return self.full.Z + self.directions @ ((Z - self.problem.Z) / self.scales[:, None])

    def __repr__(self) -> str:
        n, k = self.directions.shape
        return f"InputReduction({k} x {self.full.target.shape[1]}, of {n} inputs)"


def reduce_inputs(problem: Problem, inputs: ArrayLike) -> InputReduction:
    """Return a network on given inputs as the factorisation of its outputs, with a speed for each row of Z.

    The inputs need be neither isotropic nor independent. Lemma 1, Theorems 2 to 4 and the error law hold for
    the small problem: they speak of the singular values of the outputs XY.

    Parameters
    ----------
    problem
        What the network should compute, Y (n, m), and from which start. For labels that are not linear in
        the inputs, Y is their least-squares fit.
    inputs
        X, shape (N, n), one row for each sample. Its rank k counts the singular values above rounding, as
        `np.linalg.matrix_rank` does.

    Returns
    -------
    InputReduction

    Raises
    ------
    ValueError
        Inputs with another number of columns than Y has rows, or of a rank below the number of hidden units.

    References
    ----------
    Garg & Vempala (2022), Section 5, for isotropic inputs; N8 of this package.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=rng)
    >>> theory.reduce_inputs(problem, rng.standard_normal((4, 5)))
    InputReduction(4 x 5, of 5 inputs)
    """
    n, r = checked_problem(problem).Z.shape
    inputs = real_array("inputs", inputs, ndim=2, integers=True)
    if inputs.shape[1] != n:
        raise ValueError(f"inputs has shape {inputs.shape}; for a target with {n} rows it needs {n} columns")
    _, scales, directions = np.linalg.svd(inputs, full_matrices=False)
    # Directions in which there are no data: their singular values are rounding.
    rank = int(above_rounding(scales, inputs.shape).sum())
    if rank < r:
        raise ValueError(f"inputs has rank {rank}, below the {r} hidden units; choose at most {rank} of them")
    return InputReduction(problem, scales[:rank], directions[:rank].T)


def flow_to_rest(problem: Problem, rule: Rule, time: float, *, tolerance: float = 1e-6) -> Rest:
    """Return where the gradient flow is at a late time, by an implicit solver whose steps grow near rest.

    `flow` takes steps as short as its fastest direction needs. This takes as many as the path is long, also
    where some rows of Z are 10^7 times as fast as others. Each of the k (r + m) or so entries is varied by
    turns, so it is for small problems.

    Parameters
    ----------
    problem, rule
        As for `flow`.
    time
        How long the flow runs. The ``gap`` of what is returned says whether that was enough.
    tolerance
        Bound of the local error. Along the way it counts; the rest itself does not depend on it.

    Returns
    -------
    Rest
        Its ``steps`` count how often the field was evaluated.

    Raises
    ------
    ValueError
        A time or a tolerance that is not positive.
    FloatingPointError
        The solver gives up, or takes more than a million evaluations.

    References
    ----------
    Petzold (1983), Automatic selection of methods for solving stiff and nonstiff systems of ordinary
    differential equations, SIAM Journal on Scientific and Statistical Computing 4: its LSODA is used here.

    Examples
    --------
    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> theory.flow_to_rest(problem, fa.FA, 1e6).gap < 1e-8
    True
    """
    checked_rule(rule)
    checked_problem(problem)
    times = np.array([positive_number("time", time)])
    tolerance = positive_number("tolerance", tolerance)
    # Implicit where the flow is stiff: steps may then be far longer than the fastest row's time.
    path, evaluations = solve_flow(problem, rule, times, tolerance, MOST_EVALUATIONS, "LSODA")
    Z = path.Z[0]
    W = path.W[0]
    return Rest(Z, W, float(stationarity_gap(problem, Z, W)), evaluations)
