"""
Transport in the plane, with bars
=================================

How far is one density from another? Between two Gaussians the answer is a formula of Bures; on a grid it is computed,
for these as for any other densities, and carries an error bar that is a promise. The map of the squared distance is
linear for Gaussians, and half way along it lies the Gaussian with the interpolated covariance.

The distance W₁ has no formula here, but bounds: never less than the difference of the means, never more than W₂.
"""

import numpy as np

import fpsolve as fp
from fpsolve.transport.gaussian import gaussian_interpolation, gaussian_map


def main(plot: bool = False) -> None:
    first = fp.PlaneGaussian((-0.5, 0.2), covariance=((0.5, 0.2), (0.2, 0.3)))
    second = fp.PlaneGaussian((0.4, -0.3), covariance=((0.3, -0.1), (-0.1, 0.6)))
    ends = first.mean, first.covariance, second.mean, second.covariance

    # W2 against the closed form: the error lies inside the bar on every grid
    exact = fp.bures(*ends)
    for cells in (32, 64, 128):
        squared = fp.transport_w2(first, second, cells=cells)
        print(f"{cells:4} cells: W2 = {squared.distance}, off by {squared.distance.value - exact:.1e}")
        assert abs(squared.distance.value - exact) <= squared.distance.error

    # W1: an upper and a lower bound, from a flow and from a potential
    plain = fp.transport_w1(first, second, cells=128)
    print(f"           W1 = {plain.distance} between {plain.dual:.6f} and {plain.primal:.6f} on this grid")
    apart = float(np.linalg.norm(second.mean - first.mean))
    assert apart < plain.distance.value < exact

    # the map, weighted by what it carries
    matrix, offset = gaussian_map(*ends)
    axes = squared.grid.axes
    place = np.stack(np.meshgrid(axes[0].centres, axes[1].centres, indexing="ij"))
    off = np.stack(squared.map()) - np.einsum("ij,jab->iab", matrix, place) - offset[:, None, None]
    error = float(np.sqrt(np.sum(squared.first * np.sum(off**2, axis=0))))
    print(f"the map is off by {error:.1e} in the mean square")
    assert error < 5e-3

    # half way
    masses, along_x, along_y = squared.interpolate(0.5)
    mean, covariance = gaussian_interpolation(*ends, 0.5)
    found = np.einsum("ab,iab->i", masses, place)
    apart = place - found[:, None, None]
    spread = np.einsum("ab,iab,jab->ij", masses, apart, apart)
    assert np.allclose(found, mean, atol=1e-3) and np.allclose(spread, covariance, atol=5e-3)
    # the displacement is that of the whole way: its mean square is W2 squared
    assert abs(np.sum(masses * (along_x**2 + along_y**2)) - exact**2) < 5e-3
    if plot:
        draw(squared, masses)


def draw(plan: object, masses: np.ndarray) -> None:
    import matplotlib.pyplot as plt

    edges = [axis.edges for axis in plan.grid.axes]
    parts = ("first", plan.first), ("half way", masses), ("second", plan.second)
    figure, panels = plt.subplots(1, 3, figsize=(9, 3), layout="constrained", sharex=True, sharey=True)
    for panel, (title, values) in zip(panels, parts, strict=True):
        panel.pcolormesh(*edges, values.T, cmap="viridis")
        panel.set(title=title, aspect="equal", xlabel="x")
    figure.savefig("transport_in_the_plane.png")


if __name__ == "__main__":
    main(plot=True)
