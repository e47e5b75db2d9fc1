"""Beyond the paper: exact solutions, exact small problems, the error law, and draws of FA's error at rest."""

from fa_utils.theory.any_inputs import InputReduction, flow_to_rest, reduce_inputs
from fa_utils.theory.exact import (
    fa_star_eigenvalues,
    fa_star_exact,
    fa_star_losses,
    fa_star_overlaps,
    fa_star_rate,
)
from fa_utils.theory.integration import Quadrature, quadrature, running_integral
from fa_utils.theory.law import (
    error_law,
    error_law_correction,
    least_error,
    oversampling_bound,
    separation_limit,
    separation_spectrum,
    undecided_directions,
)
from fa_utils.theory.reduction import Reduction, reduce, reduce_feedback
from fa_utils.theory.sampling import sampled_errors, steadied_errors, streamed_error

__all__ = [
    "InputReduction",
    "Quadrature",
    "Reduction",
    "error_law",
    "error_law_correction",
    "fa_star_eigenvalues",
    "fa_star_exact",
    "fa_star_losses",
    "fa_star_overlaps",
    "fa_star_rate",
    "flow_to_rest",
    "least_error",
    "oversampling_bound",
    "quadrature",
    "reduce",
    "reduce_feedback",
    "reduce_inputs",
    "running_integral",
    "sampled_errors",
    "separation_limit",
    "separation_spectrum",
    "steadied_errors",
    "streamed_error",
    "undecided_directions",
]
