"""Learning with random feedback on low-rank matrix factorisation: GD, FA and FA* (Garg & Vempala, 2022).

Examples in docstrings come after ``import numpy as np`` and ``import fa_utils as fa``. A result of shape
(...,) has the type of an array; for a single state it is a NumPy number.
"""

from fa_utils.alignment import (
    alignment_cosine,
    alignment_matrix,
    conserved_by_fa,
    conserved_by_gd,
    error,
    error_curve,
    fa_star_losses,
    loss,
    overlap,
    residual,
    squared_norm,
)
from fa_utils.claims import (
    Claim,
    VerdictError,
    control,
    kolmogorov_limit,
    probability_limit,
    read_verdicts,
    verdict,
)
from fa_utils.ensembles import EnsembleError, ensemble, ensemble_over
from fa_utils.exact import fa_star_eigenvalues, fa_star_exact, fa_star_overlaps, fa_star_rate
from fa_utils.law import (
    error_law,
    error_law_correction,
    least_error,
    oversampling_bound,
    separation_limit,
    separation_spectrum,
    undecided_directions,
)
from fa_utils.problems import (
    FactoredTarget,
    Factors,
    Problem,
    nearly_square_problem,
    orthonormal_columns,
    random_problem,
    target_with_spectrum,
)
from fa_utils.quadrature import Quadrature, quadrature, running_integral
from fa_utils.reduction import Reduction, reduce, reduce_feedback
from fa_utils.rules import FA, FA_STAR, GD, Rule, optimal_forward
from fa_utils.sampling import sampled_errors, streamed_error
from fa_utils.simulate import descend, flow
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
    "Claim",
    "EnsembleError",
    "FactoredTarget",
    "Factors",
    "Problem",
    "Quadrature",
    "Reduction",
    "Rest",
    "Rule",
    "Trajectory",
    "VerdictError",
    "alignment_cosine",
    "alignment_matrix",
    "conserved_by_fa",
    "conserved_by_gd",
    "control",
    "descend",
    "descend_to_rest",
    "ensemble",
    "ensemble_over",
    "error",
    "error_curve",
    "error_law",
    "error_law_correction",
    "fa_star_eigenvalues",
    "fa_star_exact",
    "fa_star_losses",
    "fa_star_overlaps",
    "fa_star_rate",
    "flow",
    "kolmogorov_limit",
    "least_error",
    "loss",
    "nearly_square_problem",
    "optimal_error",
    "optimal_forward",
    "optimal_point",
    "orthonormal_columns",
    "overlap",
    "oversampling_bound",
    "probability_limit",
    "quadrature",
    "random_problem",
    "read_verdicts",
    "reduce",
    "reduce_feedback",
    "residual",
    "running_integral",
    "sampled_errors",
    "separation_limit",
    "separation_spectrum",
    "squared_norm",
    "stationarity_gap",
    "stationary_errors",
    "stationary_point",
    "streamed_error",
    "target_with_spectrum",
    "undecided_directions",
    "verdict",
]
