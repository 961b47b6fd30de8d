"""Problems with exact solutions, for tests, validation and teaching.

``ALL`` names one of each kind with default parameters: ``problems.ALL["double-well"]()`` is an
:class:`ExactProblem`. ``BOUNDED`` names those with a domain, ``PLANE`` those in the plane, ``STATIONARY`` those that
stay as they are.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from fpsolve.densities import GaussianMixture, Uniform
from fpsolve.problems.base import ExactProblem
from fpsolve.problems.equilibria import boltzmann, double_well, geometric_brownian, local_temperature, quartic_well
from fpsolve.problems.passage import exit_probability, kramers_rate, mean_first_passage
from fpsolve.problems.planes import anisotropic_linear, rotation, stirred_well
from fpsolve.problems.rings import stationary_ring, tilted_ring
from fpsolve.problems.walls import absorbed_drift, absorbed_oscillator, box_diffusion, drifting_ring
from fpsolve.problems.whole_line import (
    conditional_transport_mixture,
    cosine_mixture,
    free_diffusion,
    ornstein_uhlenbeck,
    scheduled_mixture,
)

_TWO = GaussianMixture(means=(1.2, -0.8), stds=(0.25, 0.4), weights=(0.3, 0.7))


def _ramped() -> ExactProblem:
    return anisotropic_linear(
        matrix_end=((-3.0, 0.5), (-0.5, -1.0)), duration=1.0, temperature=lambda t: 0.3 + 0.2 * np.sin(3.0 * t)
    )


#: name -> a problem with default parameters
ALL: dict[str, Callable[[], ExactProblem]] = {
    "ornstein-uhlenbeck": ornstein_uhlenbeck,
    "ornstein-uhlenbeck-mixture": functools.partial(ornstein_uhlenbeck, start=_TWO),
    "free-diffusion": functools.partial(free_diffusion, drift=0.7),
    "uniform-diffusion": functools.partial(free_diffusion, start=Uniform(-1.0, 1.0)),
    "cosine-mixture": cosine_mixture,
    "cosine-mixture-to-the-end": functools.partial(cosine_mixture, fraction=1.0),
    "conditional-transport-mixture": conditional_transport_mixture,
    "conditional-transport-mixture-to-the-end": functools.partial(conditional_transport_mixture, fraction=1.0),
    "box-reflecting": box_diffusion,
    "box-absorbing": functools.partial(box_diffusion, "absorbing"),
    "box-periodic": functools.partial(box_diffusion, "periodic"),
    "box-reflecting-absorbing": functools.partial(box_diffusion, ("reflecting", "absorbing")),
    "drifting-ring": drifting_ring,
    "tilted-ring": tilted_ring,
    "absorbed-oscillator": absorbed_oscillator,
    "absorbed-drift": absorbed_drift,
    "double-well": double_well,
    "tilted-double-well": functools.partial(double_well, tilt=0.2),
    "quartic-well": quartic_well,
    "local-temperature": local_temperature,
    "geometric-brownian": geometric_brownian,
    "rotation": rotation,
    "anisotropic-linear": anisotropic_linear,
    "anisotropic-linear-in-time": _ramped,
    "anisotropic-linear-mobility": functools.partial(anisotropic_linear, mobility=((1.0, 0.4), (0.4, 0.6))),
    "stirred-well": stirred_well,
}

#: names of the problems with walls, or on a ring
BOUNDED = frozenset(
    name for name in ALL if name.startswith(("box-", "absorbed-")) or name.endswith("-ring")
) | {"local-temperature", "geometric-brownian"}  # fmt: skip
#: names of the problems in the plane
PLANE = frozenset({"rotation", "stirred-well"}) | {name for name in ALL if name.startswith("anisotropic-")}
#: names of the problems whose density does not change
STATIONARY = frozenset({"double-well", "tilted-double-well", "quartic-well", "local-temperature", "stirred-well"})

__all__ = [
    "ALL",
    "BOUNDED",
    "ExactProblem",
    "PLANE",
    "STATIONARY",
    "absorbed_drift",
    "absorbed_oscillator",
    "anisotropic_linear",
    "boltzmann",
    "box_diffusion",
    "conditional_transport_mixture",
    "cosine_mixture",
    "double_well",
    "drifting_ring",
    "exit_probability",
    "free_diffusion",
    "geometric_brownian",
    "kramers_rate",
    "local_temperature",
    "mean_first_passage",
    "ornstein_uhlenbeck",
    "quartic_well",
    "rotation",
    "scheduled_mixture",
    "stationary_ring",
    "stirred_well",
    "tilted_ring",
]
