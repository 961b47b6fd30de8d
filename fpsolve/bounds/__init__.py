"""The relations, one file each; every one is a function of a :class:`Measurement`."""

from collections.abc import Callable

from fpsolve.bounds.benamou_brenier import benamou_brenier
from fpsolve.bounds.chi2_invariance import chi2_invariance
from fpsolve.bounds.conditional_energy import conditional_energy_bound
from fpsolve.bounds.excess import excess
from fpsolve.bounds.minimum_dissipation import minimum_dissipation
from fpsolve.bounds.optimal_protocol import optimal_protocol
from fpsolve.bounds.second_law import second_law
from fpsolve.bounds.speed_accuracy import instantaneous_speed_accuracy, speed_accuracy_relation
from fpsolve.bounds.speed_limits import speed_limit_hierarchy
from fpsolve.bounds.uncertainty import uncertainty_optimal, uncertainty_x, uncertainty_x2
from fpsolve.bounds.wasserstein_speeds import v1_below_v2
from fpsolve.estimates import Relation
from fpsolve.thermodynamics.measurement import Measurement

#: every relation that a speed-accuracy experiment checks, in the order of the paper
RELATIONS: tuple[Callable[[Measurement], Relation], ...] = (
    second_law,
    benamou_brenier,
    minimum_dissipation,
    excess,
    speed_limit_hierarchy,
    uncertainty_x,
    uncertainty_x2,
    uncertainty_optimal,
    v1_below_v2,
    chi2_invariance,
    instantaneous_speed_accuracy,
    speed_accuracy_relation,
    optimal_protocol,
    conditional_energy_bound,
)

__all__ = ["RELATIONS", *(relation.__name__ for relation in RELATIONS)]
