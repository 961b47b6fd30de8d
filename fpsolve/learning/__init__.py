"""Generation by what a computer has: learned velocities, noisy reverse processes, samplers of a few steps."""

from fpsolve.learning.bases import polynomial_basis, spline_basis
from fpsolve.learning.incomplete import IncompleteEstimation, basis_table, incomplete_estimation
from fpsolve.learning.losses import MatchingGrid
from fpsolve.learning.matching import LearnedScore, LearnedVelocity, flow_matching, score_matching
from fpsolve.learning.reverse_sde import reverse_sde
from fpsolve.learning.samplers import sample

__all__ = [
    "IncompleteEstimation",
    "LearnedScore",
    "LearnedVelocity",
    "MatchingGrid",
    "basis_table",
    "flow_matching",
    "incomplete_estimation",
    "polynomial_basis",
    "reverse_sde",
    "sample",
    "score_matching",
    "spline_basis",
]
