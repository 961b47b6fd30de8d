"""Generation by what a computer has: learned velocities, noisy reverse processes, samplers of a few steps."""

from fpsolve.learning.bases import polynomial_basis, spline_basis
from fpsolve.learning.estimation import IncompleteEstimation
from fpsolve.learning.incomplete import basis_table, incomplete_estimation
from fpsolve.learning.learned_plane import LearnedPlaneScore, LearnedPlaneVelocity
from fpsolve.learning.losses import MatchingGrid
from fpsolve.learning.matching import LearnedScore, LearnedVelocity, flow_matching, score_matching
from fpsolve.learning.plane_grid import PlaneMatchingGrid
from fpsolve.learning.radial import radial_basis
from fpsolve.learning.reverse_sde import reverse_sde
from fpsolve.learning.sampler_errors import sampler_errors
from fpsolve.learning.samplers import sample

__all__ = [
    "IncompleteEstimation",
    "LearnedPlaneScore",
    "LearnedPlaneVelocity",
    "LearnedScore",
    "LearnedVelocity",
    "MatchingGrid",
    "PlaneMatchingGrid",
    "basis_table",
    "flow_matching",
    "incomplete_estimation",
    "polynomial_basis",
    "radial_basis",
    "reverse_sde",
    "sample",
    "sampler_errors",
    "score_matching",
    "spline_basis",
]
