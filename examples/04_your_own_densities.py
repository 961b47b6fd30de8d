"""
Your own densities
==================

Data and starts may be anything that is a density: a frozen distribution of ``scipy.stats``, a Python function, or an
``xarray.DataArray`` of cell averages (a histogram, say). Whatever it is, the results are those of *that* density.
"""

import numpy as np
import scipy.stats
import xarray as xr

import fpsolve as fp


def from_scipy() -> fp.Density:
    return fp.as_density(scipy.stats.beta(3, 2, loc=-2.0, scale=4.0))


def from_function() -> fp.Density:
    """A raised cosine; where a function jumps or has a corner is for its author to say (``breaks_at``)."""
    return fp.FunctionDensity(lambda x: (1.0 + np.cos(np.pi * x / 2.0)) / 4.0, lower=-2.0, upper=2.0)


def from_histogram() -> fp.Density:
    """Counts in cells, divided by total count and cell width: the density has exactly these averages."""
    counts = np.array([1, 2, 4, 7, 8, 6, 3, 1])
    edges = np.linspace(-2.0, 2.0, counts.size + 1)
    averages = counts / counts.sum() / np.diff(edges)
    return fp.as_density(xr.DataArray(averages, coords={"height": 0.5 * (edges[1:] + edges[:-1])}, dims="height"))


def main(plot: bool = False) -> None:
    edges = np.linspace(-2.0, 2.0, 9)
    for source in (from_scipy, from_function, from_histogram):
        density = source()
        # what every density can do: exact masses of cells, both tails, quantiles, moments
        masses = density.cell_masses(edges)
        assert abs(masses.sum() - 1.0) < 1e-12 and masses.min() >= 0.0
        median = float(density.quantile(np.array([0.5]))[0])
        assert abs(float(density.cdf(np.array([median]))[0]) - 0.5) < 1e-12
        print(f"{source.__name__:15} mean = {density.mean:+.6f}   median = {median:+.6f}")
    assert np.allclose(from_histogram().cell_masses(edges), np.array([1, 2, 4, 7, 8, 6, 3, 1]) / 32.0, atol=1e-14)

    # each of them may be the data or the start of an experiment
    data = fp.GaussianMixture(means=(-1.0, 0.8), stds=(0.2, 0.4), weights=(0.3, 0.7))
    forward = fp.diffuse(data, fp.Cosine(), cells=200, steps=12)
    for source in (from_scipy, from_histogram):
        # a histogram's density has corners, so its error bars are wider: say how wide a bar may be and still decide
        result = fp.speed_accuracy(forward, fp.generate(forward, start=source(), tolerance=1e-3))
        print(f"{source.__name__:15}", *(f"{name} = {result[name]}" for name in ("eta", "c1", "c2")), sep="   ")
        assert result.relation("speed-accuracy").verdict == "holds"
    if plot:
        fp.plot(result).savefig("own_densities.png")


if __name__ == "__main__":
    main(plot=True)
