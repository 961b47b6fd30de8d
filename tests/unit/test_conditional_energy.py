"""The conditional kinetic energy (92)-(94): closed forms, and Jensen's inequality."""

from __future__ import annotations

import numpy as np
import pytest

import fpsolve as fp
from fpsolve.design.conditional_energy import conditional_energy, conditional_energy_bound


@pytest.mark.parametrize("tau", [1.0, 2.5])
@pytest.mark.parametrize("data", [fp.Gaussian(0.0, 1.0), fp.GaussianMixture(means=(-1.0, 0.4), stds=(0.2, 0.6))])
def test_closed_forms(data, tau):
    second = data.variance + data.mean**2
    cosine, straight = (conditional_energy(data, s(tau)) for s in (fp.Cosine, fp.ConditionalOptimalTransport))
    assert abs(cosine.value - (second + 1.0) * np.pi**2 / (8.0 * tau)) <= cosine.error + 1e-12
    assert abs(straight.value - (second + 1.0) / tau) <= straight.error + 1e-12


def test_a_start_like_a_root_of_the_time_costs_without_limit():
    energy = conditional_energy(fp.Gaussian(0.0, 1.0), fp.VariancePreserving(beta_min=0.1, beta_max=20.0))
    assert np.isinf(energy.value) and "root" in energy.why
    assert conditional_energy_bound(fp.Estimate(1.0), energy).verdict == "undefined"


@pytest.mark.parametrize("seed", range(4))
def test_the_energy_bounds_the_cost(seed):
    rng = np.random.default_rng(seed)
    data = fp.GaussianMixture(means=tuple(rng.normal(size=3)), stds=tuple(rng.uniform(0.05, 0.6, 3)))
    for schedule in (fp.Cosine(), fp.ConditionalOptimalTransport()):
        costs = fp.schedule_costs(data, schedule)
        relation = conditional_energy_bound(costs.c2, conditional_energy(data, schedule))
        assert relation.verdict == "holds" and relation.margin > 0.0


def test_narrow_data_nearly_attain_it():
    # in one dimension x tells y as long as the peaks stay apart: never all the way, so that a part is left
    wide, narrow = (fp.GaussianMixture(means=(-1.0, 1.0), stds=(s, s)) for s in (0.5, 0.01))
    shares = [
        fp.schedule_costs(data, fp.Cosine()).c2.value / conditional_energy(data, fp.Cosine()).value
        for data in (wide, narrow)
    ]
    assert shares[0] < shares[1] < 1.0
