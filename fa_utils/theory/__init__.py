"""Beyond the paper: exact solutions, times, exact small problems, the error law, FA's error at rest."""

from fa_utils.theory.any_inputs import InputReduction, flow_to_rest, reduce_inputs
from fa_utils.theory.bounds import (
    first_time,
    first_times,
    gaussian_problem,
    opposed_copies,
    problem_of_any_shape,
    theorem_1_time,
    trace_ceiling,
    trace_time,
)
from fa_utils.theory.decay import (
    decay_rest,
    decay_shrinkage,
    feedback_on,
    schatten_slope,
    with_decay,
)
from fa_utils.theory.depth import (
    decayed_values,
    diagonal_ends,
    diagonal_strengths,
    least_ceiling,
    norm_exponent,
)
from fa_utils.theory.exact import (
    fa_star_eigenvalues,
    fa_star_exact,
    fa_star_losses,
    fa_star_losses_at,
    fa_star_overlaps,
    fa_star_rate,
)
from fa_utils.theory.fa_solved import fa_descend_exact, fa_exact, fa_shares
from fa_utils.theory.integration import Quadrature, quadrature, running_integral
from fa_utils.theory.law import (
    corrected_error_law,
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
    "corrected_error_law",
    "decay_rest",
    "decay_shrinkage",
    "decayed_values",
    "diagonal_ends",
    "diagonal_strengths",
    "error_law",
    "error_law_correction",
    "fa_descend_exact",
    "fa_exact",
    "fa_shares",
    "fa_star_eigenvalues",
    "fa_star_exact",
    "fa_star_losses",
    "fa_star_losses_at",
    "fa_star_overlaps",
    "fa_star_rate",
    "feedback_on",
    "first_time",
    "first_times",
    "flow_to_rest",
    "gaussian_problem",
    "least_ceiling",
    "least_error",
    "norm_exponent",
    "opposed_copies",
    "oversampling_bound",
    "problem_of_any_shape",
    "quadrature",
    "reduce",
    "reduce_feedback",
    "reduce_inputs",
    "running_integral",
    "sampled_errors",
    "schatten_slope",
    "separation_limit",
    "separation_spectrum",
    "steadied_errors",
    "streamed_error",
    "theorem_1_time",
    "trace_ceiling",
    "trace_time",
    "undecided_directions",
    "with_decay",
]
