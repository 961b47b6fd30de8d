"""
Thermodynamics from snapshots
=============================

An experiment gives densities at a few times, and nothing else: no force, no currents. How much entropy must have been
produced? ``infer`` finds the velocity of least energy that realises the densities, the force behind it, and what any
process through these snapshots dissipates at least: in each interval W₂² / (T Δt), whatever happened in between.

On the line the densities tell everything: velocity and force are the true ones. In the plane a rotation can hide: it
leaves the densities as they are and dissipates all the same, so that bounds hold without being tight.
"""

import numpy as np
import xarray as xr

import fpsolve as fp


def main(plot: bool = False) -> None:
    # somebody's data: a particle in a trap of stiffness k, other names, uneven times, values at points
    k, temperature = 1.5, 0.4
    when = 2.0 * np.linspace(0.0, 1.0, 25) ** 1.5
    place = np.linspace(-5.0, 5.0, 200)
    mean = 1.2 * np.exp(-k * when)
    std = np.sqrt(0.64 * np.exp(-2 * k * when) - temperature / k * np.expm1(-2 * k * when))
    values = [fp.Gaussian(*pair).pdf(place) for pair in zip(mean, std, strict=True)]
    data = xr.DataArray(values, dims=("when", "place"), coords={"when": when, "place": place})

    found = fp.infer(data, temperature, time="when", values="points")
    force = -k * found["x_face"]
    bulk = abs(found["x_face"]) < 1.5
    print("largest error of the force for |x| < 1.5:", float(abs(found["force"] - force).where(bulk).max()))
    assert abs(found["force"] - force).where(bulk).max() < 2e-2

    # all that is dissipated is what the free energy loses, for the trap itself does not move
    def free_energy(m, s):
        return 0.5 * k * (m**2 + s**2) - temperature * np.log(s)

    spent = (free_energy(mean[0], std[0]) - free_energy(mean[-1], std[-1])) / temperature
    print(f"entropy production {spent:.5f}")
    before = 0.0
    for name in ("bound_distance", "bound_length", "bound_intervals", "estimate"):
        bound, bar = (float(found[f"entropy_production_{name}{end}"]) for end in ("", "_error"))
        print(f"  {name:16} {bound:.5f} +- {bar:.0e}")
        assert before <= bound <= spent + bar
        before = bound
    assert found["entropy_production_bound_intervals"] > 0.9 * spent

    # in the plane: a round cloud that turns; its snapshots are all alike, and tell of nothing
    grid = fp.Grid.plane((-4.0, -4.0), (4.0, 4.0), (48, 48))
    edges = [axis.edges for axis in grid.axes]
    still = np.array([fp.PlaneGaussian(std=0.6).cell_averages(*edges)] * 4)
    coords = {"time": np.arange(4.0), "x": grid.axes[0].centres, "y": grid.axes[1].centres}
    turned = fp.infer(xr.DataArray(still, dims=("time", "x", "y"), coords=coords), temperature)
    rotation = 2.0**2 * 2 * 0.6**2 / temperature  # Omega² E|x|² / T, with Omega = 2
    least = float(turned["entropy_production_bound_intervals"])
    print(f"a rotation produces {rotation:.2f} in a unit of time, the snapshots show {least:.2g}")
    assert least < 1e-9 < rotation
    if plot:
        found[["v2", "v1"]].to_array().plot.line(x="time")[0].figure.savefig("from_snapshots.png")


if __name__ == "__main__":
    main(plot=True)
