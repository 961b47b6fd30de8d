"""The paper's one-dimensional experiment (Figs. 4 and 5, Table I): four starts, three schedules."""

from __future__ import annotations

import math
from typing import Any

from fpsolve.cases import Case
from fpsolve.densities import Density, Gaussian, GaussianMixture, Uniform
from fpsolve.schedules import ConditionalOptimalTransport, Cosine, OptimalTransport, Schedule

#: duration, s
TAU = 1.0
_PEAK = math.sqrt(0.35)
_R = math.sqrt(0.94)

#: q: two narrow peaks, with mean 0 and variance 0.44 (95), (F1)
DATA = GaussianMixture(means=(_PEAK, -_PEAK), stds=(0.3, 0.3))
#: what the estimated process starts from, in place of N(0, 1)
STARTS: dict[str, Density] = {
    "mean": Gaussian(mean=1.0, std=1.0),
    "variance": Gaussian(mean=0.0, std=0.8),
    "mixture": GaussianMixture(means=(-1.0 / _R, 0.0, 1.0 / _R), stds=(0.3 / _R, 0.8 / _R, 0.3 / _R)),
    "uniform": Uniform(lower=-math.sqrt(3.0), upper=math.sqrt(3.0)),
}
SCHEDULES: dict[str, Schedule | OptimalTransport] = {
    "cosine": Cosine(tau=TAU),
    "cond-ot": ConditionalOptimalTransport(tau=TAU),
    "optimal-transport": OptimalTransport(target=Gaussian(mean=0.0, std=1.0), tau=TAU),
}


def paper_cases(**numerics: Any) -> dict[str, Case]:
    """The twelve cases, named ``start/schedule``.

    Parameters
    ----------
    **numerics
        Numerical choices of :class:`fpsolve.Case`: cells, steps, window, ...

    Returns
    -------
    dict of Case
    """
    return {
        f"{start}/{schedule}": Case(DATA, SCHEDULES[schedule], STARTS[start], **numerics)
        for start in STARTS
        for schedule in SCHEDULES
    }
