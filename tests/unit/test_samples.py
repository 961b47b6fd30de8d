from __future__ import annotations

import numpy as np
import pytest

import fpsolve as fp


@pytest.fixture
def samples():
    return np.random.default_rng(3).normal(0.5, 0.4, 150)


def test_a_gaussian_around_each(samples):
    density = fp.from_samples(samples, bandwidth=0.2)
    x = np.linspace(-1.0, 2.0, 7)
    expected = np.mean(np.exp(-0.5 * ((x[:, None] - samples) / 0.2) ** 2), axis=1) / (0.2 * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(density.pdf(x), expected, rtol=1e-12)


def test_many_samples_share_a_lattice():
    samples = np.random.default_rng(4).normal(0.5, 0.4, 20_000)
    density = fp.from_samples(samples, bandwidth=0.2)
    assert isinstance(density, fp.GaussianMixture)
    assert len(density.means) < 120
    assert density.mean == pytest.approx(samples.mean(), abs=1e-12)
    assert density.variance == pytest.approx(samples.var() + 0.04, rel=1e-3)
    x = np.linspace(-0.5, 1.5, 9)
    expected = np.mean(np.exp(-0.5 * ((x[:, None] - samples) / 0.2) ** 2), axis=1) / (0.2 * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(density.pdf(x), expected, rtol=2e-3)


def test_a_histogram_counts(samples):
    density = fp.from_samples(samples, cells=9)
    assert isinstance(density, fp.Tabulated)
    masses = density.cell_masses(density.edges) * samples.size
    np.testing.assert_allclose(masses, np.histogram(samples, 9)[0], atol=1e-9)


def test_the_cells_of_a_histogram_need_not_be_named(samples):
    assert 5 <= fp.from_samples(samples).averages.size <= 30


def test_an_interval_grows_by_whole_cells(samples):
    density = fp.from_samples(samples, cells=10, interval=(0.0, 1.0))
    assert density.edges[0] <= samples.min() and density.edges[-1] >= samples.max()
    np.testing.assert_allclose(density.edges * 10, np.round(density.edges * 10), atol=1e-12)
    assert np.sum(density.cell_masses(density.edges)) == pytest.approx(1.0, abs=1e-14)


@pytest.mark.parametrize(
    ("x", "options", "key"),
    [
        ([], {}, "samples"),
        ([0.0, np.inf], {}, "samples"),
        ([[0.0, 1.0]], {}, "samples"),
        ([1.0], {}, "samples"),
        ([1.0, 1.0], {}, "samples"),
        ([0.0, 1.0], {"bandwidth": -1.0}, "bandwidth"),
        ([0.0, 1.0], {"cells": 3}, "cells"),
        ([0.0, 1.0], {"interval": (1.0, 0.0)}, "upper"),
        ([0.0, 1e9], {"interval": (0.0, 1.0)}, "samples"),
    ],
)
def test_bad_samples(x, options, key):
    with pytest.raises(fp.InputError) as caught:
        fp.from_samples(x, **options)
    assert caught.value.key == key
