"""Fokker-Planck equations on grids, their thermodynamics, and the speed-accuracy relations of diffusion models.

Four steps: take *data*, :func:`diffuse` it, :func:`generate` from a start, ask for the :func:`speed_accuracy`.
"""

from fpsolve import fluxes, problems, steppers
from fpsolve.accuracy import speed_accuracy
from fpsolve.cases import Case, PlaneCase
from fpsolve.densities import (
    Density,
    FunctionDensity,
    Gaussian,
    GaussianMixture,
    PlaneDensity,
    PlaneFunction,
    PlaneGaussian,
    PlaneMixture,
    PlaneTabulated,
    PlaneUniform,
    ScipyDensity,
    SwissRoll,
    Tabulated,
    Uniform,
    as_density,
    from_image,
    from_samples,
)
from fpsolve.design import (
    IndependentComponents,
    Protocol,
    ScheduleCosts,
    compare_protocols,
    drive,
    minimum_dissipation_of,
    optimal_protocol,
    principal_components,
    retime,
    schedule_costs,
    schedule_metric,
)
from fpsolve.discretisation import Discretisation
from fpsolve.dynamics import diffuse, record
from fpsolve.equation import Domain, FokkerPlanck
from fpsolve.estimates import Estimate, Relation
from fpsolve.forces import (
    DoubleWell,
    Force,
    HarmonicTrap,
    LinearForce,
    NonconservativeForce,
    PotentialForce,
    Quartic,
    TiltedRing,
)
from fpsolve.generator import Generator, operator
from fpsolve.grids import Grid
from fpsolve.integration import NotConverged
from fpsolve.io import Store
from fpsolve.learning import (
    flow_matching,
    incomplete_estimation,
    polynomial_basis,
    radial_basis,
    reverse_sde,
    sample,
    sampler_errors,
    score_matching,
    spline_basis,
)
from fpsolve.measuring import trade_offs
from fpsolve.results import SpeedAccuracy, TradeOffs
from fpsolve.reverse import generate
from fpsolve.schedules import (
    ArraySchedule,
    ConditionalOptimalTransport,
    Cosine,
    DDIMCoordinates,
    DiscreteDiffusion,
    FlowMatching,
    Levels,
    LinearForceSchedule,
    OptimalTransport,
    Schedule,
    Stirring,
    StreamFunction,
    VarianceExploding,
    VariancePreserving,
    Vortices,
    to_alphas_cumprod,
    to_betas,
    to_flow_matching,
    to_sigmas,
)
from fpsolve.settings import InputError
from fpsolve.solution import Equilibrium, Stationary, solve
from fpsolve.thermodynamics.conditional_energy import conditional_energy
from fpsolve.thermodynamics.inference import infer
from fpsolve.thermodynamics.ledger import ledger
from fpsolve.thermodynamics.path_averages import elbo, entropy_statistics, work_statistics
from fpsolve.transport.gaussian import bures
from fpsolve.transport.plane import transport_w1, transport_w2

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Give ``plot`` at its first use: drawing alone needs matplotlib, which is slow to load."""
    if name == "plot":
        from fpsolve.plots import plot

        return plot
    raise AttributeError(f"module 'fpsolve' has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names, and those of every module."""
    return sorted({*globals(), "plot"})


__all__ = [
    # densities
    "Density",
    "FunctionDensity",
    "Gaussian",
    "GaussianMixture",
    "ScipyDensity",
    "Tabulated",
    "Uniform",
    "as_density",
    "from_samples",
    "PlaneDensity",
    "PlaneFunction",
    "PlaneGaussian",
    "PlaneMixture",
    "PlaneTabulated",
    "PlaneUniform",
    "SwissRoll",
    "from_image",
    # Fokker-Planck equations
    "Discretisation",
    "Domain",
    "DoubleWell",
    "Equilibrium",
    "FokkerPlanck",
    "Force",
    "Generator",
    "Grid",
    "HarmonicTrap",
    "LinearForce",
    "NonconservativeForce",
    "NotConverged",
    "PotentialForce",
    "Quartic",
    "Stationary",
    "Store",
    "TiltedRing",
    "fluxes",
    "operator",
    "problems",
    "solve",
    "steppers",
    # stochastic thermodynamics
    "Protocol",
    "TradeOffs",
    "compare_protocols",
    "drive",
    "elbo",
    "entropy_statistics",
    "infer",
    "ledger",
    "minimum_dissipation_of",
    "optimal_protocol",
    "trade_offs",
    "work_statistics",
    # schedules
    "ArraySchedule",
    "ConditionalOptimalTransport",
    "Cosine",
    "DDIMCoordinates",
    "DiscreteDiffusion",
    "FlowMatching",
    "IndependentComponents",
    "Levels",
    "LinearForceSchedule",
    "OptimalTransport",
    "Schedule",
    "ScheduleCosts",
    "Stirring",
    "StreamFunction",
    "VarianceExploding",
    "VariancePreserving",
    "Vortices",
    "conditional_energy",
    "principal_components",
    "retime",
    "schedule_costs",
    "schedule_metric",
    "to_alphas_cumprod",
    "to_betas",
    "to_flow_matching",
    "to_sigmas",
    # optimal transport
    "bures",
    "transport_w1",
    "transport_w2",
    # generation, learned and step by step
    "flow_matching",
    "incomplete_estimation",
    "polynomial_basis",
    "radial_basis",
    "reverse_sde",
    "sample",
    "sampler_errors",
    "score_matching",
    "spline_basis",
    # the four steps
    "diffuse",
    "generate",
    "record",
    "speed_accuracy",
    # results
    "Case",
    "Estimate",
    "InputError",
    "PlaneCase",
    "Relation",
    "SpeedAccuracy",
    "plot",
]
