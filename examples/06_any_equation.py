"""
Any Fokker-Planck equation, and what its solver promises
========================================================

A particle in a double well, pushed by noise. ``solve`` needs the potential, the temperature, a start and the times; it
finds a window, refines the grid until its error bar meets the accuracy asked for, and says how far off it may be.

The density of a smooth problem is best carried by the fourth-order flux, which may leave tiny negative values. Where a
density must stay one, whatever the step, the flux of Scharfetter and Gummel with a Patankar method keeps every cell
nonnegative and every bit of mass, even at a temperature where the cells are far too wide to resolve anything.
"""

import numpy as np

import fpsolve as fp


def main(plot: bool = False) -> None:
    def energy(x):
        return 2.0 * (x**2 - 1.0) ** 2

    well = fp.FokkerPlanck(force=fp.PotentialForce(energy), temperature=0.5)
    times = np.linspace(0.0, 4.0, 9)
    solution = fp.solve(well, fp.Gaussian(1.0, 0.1), times, observables={"energy": energy})
    print(f"{solution.sizes['x']} cells, {solution.attrs['flux']}, {solution.attrs['stepper']}")
    print("mean energy", solution["energy"].values.round(5))
    assert solution["density_error"].max() < 1e-4

    # an independent run: another flux, another stepper, a grid that is denser where the barrier is
    grid = fp.Grid.stretched(-2.4, 2.4, 800, centre=0.0)
    other = fp.solve(
        well, fp.Gaussian(1.0, 0.1), times, grid=grid, flux=fp.fluxes.ChangCooper(), stepper=fp.steppers.TRBDF2()
    )
    for name in ("mean", "variance"):
        gap = np.abs(solution[name] - other[name])
        assert np.all(gap <= solution[f"{name}_error"] + other[f"{name}_error"])
    print("mean position", solution["mean"].values.round(5), "+-", float(solution["mean_error"].max()))

    # cold and coarse: no cell goes negative, no mass is lost
    cold = fp.FokkerPlanck(force=fp.PotentialForce(energy), temperature=1e-6)
    robust = fp.solve(
        cold, fp.Uniform(-1.5, 1.5), times, grid=fp.Grid.line(-2.0, 2.0, 60), flux=fp.fluxes.ScharfetterGummel(),
        stepper=fp.steppers.PatankarRungeKutta(), steps=2,
    )  # fmt: skip
    assert robust["minimum_density"].min() >= 0.0
    assert abs(robust["mass"] - 1.0).max() < 1e-13
    print("cold: least density", float(robust["minimum_density"].min()), "mass - 1", float(robust["mass"][-1] - 1.0))
    if plot:
        fp.plot(solution).savefig("any_equation.png")


if __name__ == "__main__":
    main(plot=True)
