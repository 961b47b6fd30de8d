"""The evidence bound of a diffusion chain against Gaussian algebra and identities."""

from __future__ import annotations

import numpy as np
import pytest

import fpsolve as fp
from fpsolve.schedules import DiscreteDiffusion
from fpsolve.settings import InputError
from fpsolve.thermodynamics.path_averages.elbo import elbo


def gaussian(mean, variance, betas, spreads):
    """K and L of Gaussian data: every density and every posterior mean is known."""
    means, variances, posteriors = [mean], [variance], []
    for beta in betas:
        keep, m, s = np.sqrt(1.0 - beta), means[-1], variances[-1]
        later = keep**2 * s + beta
        gain = keep * s / later
        posteriors.append((gain, m - gain * keep * m, s - gain * keep * s))
        means.append(keep * m)
        variances.append(later)
    bound = -0.5 * (np.log(2.0 * np.pi) + means[-1] ** 2 + variances[-1])
    for beta, spread, (_, _, left) in zip(betas, spreads, posteriors, strict=True):
        bound += 0.5 * (np.log(beta / spread) + 1.0 - left / spread)
    m, s = 0.0, 1.0
    for (gain, shift, _), spread in zip(posteriors[::-1], spreads[::-1], strict=True):
        m, s = gain * m + shift, gain**2 * s + spread
    return bound, -0.5 * (np.log(2.0 * np.pi * s) + ((mean - m) ** 2 + variance) / s)


def posterior(betas):
    products = np.concatenate([[1.0], np.cumprod(1.0 - betas)])
    spreads = betas * (1.0 - products[:-1]) / (1.0 - products[1:])
    spreads[0] = spreads[1]
    return spreads


def inside(found, name, value):
    error = float(found[f"{name}_error"])
    assert abs(float(found[name]) - value) <= error, f"{name}: {float(found[name])} against {value} +- {error}"
    assert error < 1e-8


@pytest.mark.parametrize("variance", ["beta", "posterior"])
@pytest.mark.parametrize(
    ("mean", "std", "betas"),
    [(0.7, 0.4, np.linspace(0.02, 0.4, 12)), (-1.5, 0.2, np.linspace(1e-3, 0.1, 100)), (0.0, 2.0, np.full(3, 0.5))],
)
def test_gaussian_data(mean, std, betas, variance):
    spreads = betas if variance == "beta" else posterior(betas)
    bound, likelihood = gaussian(mean, std**2, betas, spreads)
    found = elbo(fp.Gaussian(mean, std), DiscreteDiffusion(betas=tuple(betas)), variance=variance)
    inside(found, "evidence_bound", bound)
    inside(found, "log_likelihood", likelihood)
    inside(found, "gap", likelihood - bound)


@pytest.mark.parametrize(
    "data", [fp.GaussianMixture(means=(0.59, -0.59), stds=(0.3, 0.3)), fp.Uniform(-1.0, 1.0), fp.Gaussian(2.0, 0.1)]
)
def test_bound_and_gap(data):
    found = elbo(data, np.cumprod(1.0 - np.linspace(0.01, 0.3, 20)))
    assert float(found.evidence_bound) <= float(found.log_likelihood)
    assert float(found.gap) > 0.0
    assert float(found.log_likelihood - found.evidence_bound) == pytest.approx(float(found.gap), abs=1e-9)


def test_error_bars_of_rough_data():
    schedule = DiscreteDiffusion(betas=tuple(np.linspace(0.01, 0.3, 20)))
    coarse, fine = (elbo(fp.Uniform(-1.0, 0.8), schedule, resolution=r) for r in (1.7, 15.0))
    for name in ("evidence_bound", "log_likelihood", "gap"):
        assert abs(float(coarse[name] - fine[name])) <= float(coarse[f"{name}_error"] + fine[f"{name}_error"])


def test_nothing_to_learn():
    # the standard normal stays what it is: the chain is in equilibrium and reverses itself where v is the exact one
    found = elbo(fp.Gaussian(0.0, 1.0), [0.9, 0.5, 0.5, 0.1])
    assert float(found.evidence_bound) == pytest.approx(-0.5 * np.log(2.0 * np.pi * np.e), abs=1e-11)
    assert float(found.gap) == pytest.approx(0.0, abs=1e-11)
    assert found.attrs["steps"] == 3


@pytest.mark.parametrize(
    ("key", "data", "schedule", "options"),
    [
        ("alphas_cumprod", fp.Gaussian(0.0, 1.0), [0.5, 0.9], {}),
        ("alphas_cumprod[1]", fp.Gaussian(0.0, 1.0), [0.5, 0.0], {}),
        ("alphas_cumprod", fp.Gaussian(0.0, 1.0), [1.0, 1.0], {}),
        ("alphas_cumprod", fp.Gaussian(0.0, 1.0), "cosine", {}),
        ("betas", fp.Gaussian(0.0, 1.0), [1.0 - 1e-12, 0.5], {}),
        ("variance", fp.Gaussian(0.0, 1.0), [0.9, 0.5], {"variance": "learned"}),
        ("resolution", fp.Gaussian(0.0, 1.0), [0.9, 0.5], {"resolution": 0.1}),
        ("data", fp.PlaneGaussian((0.0, 0.0), std=1.0), [0.9, 0.5], {}),
    ],
)
def test_refuses(key, data, schedule, options):
    with pytest.raises(InputError) as caught:
        elbo(data, schedule, **options)
    assert caught.value.key == key
