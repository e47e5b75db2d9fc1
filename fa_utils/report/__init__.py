"""What a notebook shows: claims with their verdicts and controls, and figures in one style.

The submodule `figures` is not imported here, since importing Matplotlib takes longer than many runs: write
``from fa_utils.report import figures``.
"""

from fa_utils.report.claims import Claim, claim, control, verdict
from fa_utils.report.limits import (
    kolmogorov_distance,
    kolmogorov_limit,
    probability_limit,
    student_limit,
    two_sample_distance,
)

__all__ = [
    "Claim",
    "claim",
    "control",
    "kolmogorov_distance",
    "kolmogorov_limit",
    "probability_limit",
    "student_limit",
    "two_sample_distance",
    "verdict",
]
