"""
Your own data
=============

Data and starts may be anything that is a density: a frozen distribution of ``scipy.stats``, a Python function, or an
``xarray.DataArray`` of cell averages (a histogram, say). Whatever it is, the result is exact for *that* density.
"""

import numpy as np
import scipy.stats
import xarray as xr

import fpsolve as fp


def from_scipy() -> fp.Density:
    return fp.as_density(scipy.stats.skewnorm(4.0, loc=-0.8, scale=1.0))


def from_function() -> fp.Density:
    def bumps(x: np.ndarray) -> np.ndarray:
        return (1.0 + np.cos(2.0 * np.pi * x)) / 3.0 * (np.abs(x) <= 1.5)

    return fp.FunctionDensity(bumps, lower=-1.5, upper=1.5)


def from_histogram() -> fp.Density:
    """Heights of rain gauges, say: a histogram becomes a density with exactly these cell averages."""
    edges = np.linspace(-2.0, 2.0, 33)
    centres = 0.5 * (edges[1:] + edges[:-1])
    heights = np.exp(-((centres - 0.3) ** 2) / 0.3) + 0.5 * np.exp(-((centres + 0.9) ** 2) / 0.05)
    heights /= heights.sum() * (edges[1] - edges[0])
    return fp.as_density(xr.DataArray(heights, coords={"height": centres}, dims="height"))


def main(plot: bool = False) -> None:
    results = {}
    for source in (from_scipy, from_function, from_histogram):
        data = source()
        assert abs(data.moment(0) - 1.0) < 1e-10
        forward = fp.diffuse(data, fp.Cosine(), cells=200, steps=12)
        generated = fp.generate(forward, start=scipy.stats.norm(0.3, 0.9))
        result = fp.speed_accuracy(forward, generated)
        print(f"{source.__name__:15}", *(f"{name} = {result[name]}" for name in ("eta", "c1", "c2")), sep="   ")
        assert result.relation("speed-accuracy").verdict == "holds"
        # the stored densities are exact cell averages: no mass is lost
        widths = np.diff(generated["x_face"].values)
        assert np.allclose((generated["density_estimated"].values * widths).sum(axis=1), 1.0, atol=1e-8)
        results[source.__name__] = result
    if plot:
        from fpsolve.plots import densities_figure

        densities_figure(results).savefig("own_data.png")


if __name__ == "__main__":
    main(plot=True)
