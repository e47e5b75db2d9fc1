"""Learning with random feedback on low-rank matrix factorisation: GD, FA and FA* (Garg & Vempala, 2022).

What is here is the paper. `fa_utils.theory` goes beyond it, `fa_utils.companions` has other papers, and
`fa_utils.report` shows claims and figures.

Examples in docstrings come after ``import numpy as np``, ``import fa_utils as fa`` and
``from fa_utils import report, theory``.
"""

from fa_utils.alignment import alignment_cosine as alignment_cosine
from fa_utils.alignment import alignment_matrix as alignment_matrix
from fa_utils.alignment import conserved_by_fa as conserved_by_fa
from fa_utils.alignment import conserved_by_gd as conserved_by_gd
from fa_utils.alignment import error as error
from fa_utils.alignment import loss as loss
from fa_utils.alignment import overlap as overlap
from fa_utils.alignment import residual as residual
from fa_utils.alignment import squared_norm as squared_norm
from fa_utils.ensembles import EnsembleError as EnsembleError
from fa_utils.ensembles import ensemble as ensemble
from fa_utils.ensembles import ensemble_over as ensemble_over
from fa_utils.problems import FactoredTarget as FactoredTarget
from fa_utils.problems import Factors as Factors
from fa_utils.problems import Problem as Problem
from fa_utils.problems import nearly_square_problem as nearly_square_problem
from fa_utils.problems import orthonormal_columns as orthonormal_columns
from fa_utils.problems import random_problem as random_problem
from fa_utils.problems import target_with_spectrum as target_with_spectrum
from fa_utils.rules import FA as FA
from fa_utils.rules import FA_STAR as FA_STAR
from fa_utils.rules import GD as GD
from fa_utils.rules import Rule as Rule
from fa_utils.rules import optimal_forward as optimal_forward
from fa_utils.simulate import compare as compare
from fa_utils.simulate import descend as descend
from fa_utils.simulate import flow as flow
from fa_utils.simulate import safe_learning_rate as safe_learning_rate
from fa_utils.stationary import Rest as Rest
from fa_utils.stationary import descend_to_rest as descend_to_rest
from fa_utils.stationary import optimal_error as optimal_error
from fa_utils.stationary import optimal_point as optimal_point
from fa_utils.stationary import stationarity_gap as stationarity_gap
from fa_utils.stationary import stationary_errors as stationary_errors
from fa_utils.stationary import stationary_point as stationary_point
from fa_utils.trajectory import Trajectory as Trajectory

__version__ = "0.2.0"
