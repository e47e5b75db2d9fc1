"""Learning with random feedback on low-rank matrix factorisation: GD, FA and FA* (Garg & Vempala, 2022).

What is here is the paper. `fa_utils.theory` goes beyond it, `fa_utils.companions` has other papers, and
`fa_utils.report` shows claims and figures.

Examples in docstrings come after ``import numpy as np``, ``import fa_utils as fa`` and
``from fa_utils import report, theory``.
"""

from fa_utils.alignment import (
    alignment_cosine,
    alignment_matrix,
    conserved_by_fa,
    conserved_by_gd,
    error,
    loss,
    overlap,
    residual,
    squared_norm,
)
from fa_utils.ensembles import EnsembleError, ensemble, ensemble_over
from fa_utils.problems import (
    FactoredTarget,
    Factors,
    Problem,
    nearly_square_problem,
    orthonormal_columns,
    random_problem,
    target_with_spectrum,
)
from fa_utils.rules import FA, FA_STAR, GD, Rule, optimal_forward
from fa_utils.simulate import compare, descend, flow, safe_learning_rate
from fa_utils.stationary import (
    Rest,
    descend_to_rest,
    optimal_error,
    optimal_point,
    stationarity_gap,
    stationary_errors,
    stationary_point,
)
from fa_utils.trajectory import Trajectory

__all__ = [
    "FA",
    "FA_STAR",
    "GD",
    "EnsembleError",
    "FactoredTarget",
    "Factors",
    "Problem",
    "Rest",
    "Rule",
    "Trajectory",
    "alignment_cosine",
    "alignment_matrix",
    "compare",
    "conserved_by_fa",
    "conserved_by_gd",
    "descend",
    "descend_to_rest",
    "ensemble",
    "ensemble_over",
    "error",
    "flow",
    "loss",
    "nearly_square_problem",
    "optimal_error",
    "optimal_forward",
    "optimal_point",
    "orthonormal_columns",
    "overlap",
    "random_problem",
    "residual",
    "safe_learning_rate",
    "squared_norm",
    "stationarity_gap",
    "stationary_errors",
    "stationary_point",
    "target_with_spectrum",
]
