"""What each kind of data gives to the design of schedules: its metric, and the distance between a schedule's ends."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fpsolve.densities import Density, PlaneDensity, PlaneGaussian, PlaneUniform, Uniform, as_density, blur
from fpsolve.design.components import IndependentComponents, components_metric, principal_components, squared_distance
from fpsolve.design.line_metric import line_metric
from fpsolve.design.metric import ScheduleMetric
from fpsolve.design.plane_metric import plane_distance, plane_metric
from fpsolve.estimates import Estimate
from fpsolve.quadrature import Array
from fpsolve.schedules import Schedule
from fpsolve.transport.coupling import Coupling

#: data that have a best schedule; an array holds samples, a row for each
Data = Density | PlaneDensity | IndependentComponents | Array
Checked = Density | PlaneDensity | IndependentComponents


def check_data(data: Any) -> Checked:
    """Data as they are, samples as their principal components; or an InputError."""
    if isinstance(data, (Density, PlaneDensity, IndependentComponents)):
        return data
    if isinstance(data, (np.ndarray, list, tuple)):
        return principal_components(data)
    return as_density(data)


def schedule_metric(data: Data, lower: float = 0.0, upper: float = math.inf) -> ScheduleMetric:
    """The metric on schedules that data define (theory 5.8).

    Parameters
    ----------
    data : Density, PlaneDensity, IndependentComponents or (N, n) array
        q, with a finite second moment; samples are taken by :func:`principal_components`.
    lower, upper : float
        Range of sigma/m that is needed, unit of x.

    Returns
    -------
    ScheduleMetric

    Raises
    ------
    InputError
        Data without a second moment, or with nothing but zeros; an empty range.
    """
    data = factorised(check_data(data))
    if isinstance(data, IndependentComponents):
        return components_metric(data, lower, upper)
    return plane_metric(data, lower, upper) if isinstance(data, PlaneDensity) else line_metric(data, lower, upper)


def factorised(data: Checked) -> Checked:
    """Densities in the plane that factorise along two axes, as such; all others as they are."""
    if isinstance(data, PlaneGaussian):
        variances, axes = np.linalg.eigh(data.covariance)
        return IndependentComponents((), axes.T @ data.mean, np.maximum(variances, 0.0))
    if isinstance(data, PlaneUniform):
        return IndependentComponents([Uniform(low, high) for low, high in zip(data.lower, data.upper, strict=True)])
    return data


def squared_distance_of_ends(data: Checked, schedule: Schedule, cells: tuple[int, int]) -> Estimate:
    """W₂² between the densities at both ends of a schedule: exact but for rounding, in the plane on so many cells."""
    data, ends = factorised(data), schedule.curve(np.array([0.0, schedule.tau]))
    if isinstance(data, IndependentComponents):
        return squared_distance(data, ends)
    if isinstance(data, PlaneDensity):
        return plane_distance(data, schedule, cells).squared()
    pair = [blur(data, float(a), float(s) ** 2) for a, s in zip(ends.signal, ends.noise, strict=True)]
    return Estimate(*Coupling(*pair).wasserstein(2.0)).squared()
