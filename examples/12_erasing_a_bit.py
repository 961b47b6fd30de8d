"""
Erasing a bit costs heat: Landauer's bound, and the bound of finite time
========================================================================

A particle in a double well is a bit: left or right. To erase it, whatever it was, the barrier is lowered, the particle
is pushed to the right, and the barrier comes back; at the end the potential is what it was. The entropy of the particle
falls by ln 2, so the bath must take T ln 2 of heat at least (Landauer).

That bound asks for infinite time. In a time tau no protocol produces less entropy than W2² / (tau T), where W2 is the
distance between the densities before and after. We erase at two speeds: heat and entropy production fall as the
protocol slows down, and both bounds hold each time.
"""

import numpy as np

import fpsolve as fp

T, BARRIER = 1.0, 6.0


def erasing(tau: float) -> fp.FokkerPlanck:
    """The barrier goes down and comes back, and a push to the right comes and goes after it."""

    def energy(x, t):
        s, square = t / tau, x * x
        lowered, pushed = np.sin(np.pi * (2.0 - s) * s) ** 2, np.sin(np.pi * s * s) ** 2
        return BARRIER * square * (square - 2.0 * (1.0 - lowered)) - 8.0 * pushed * x

    return fp.FokkerPlanck(fp.PotentialForce(energy), temperature=T)


def main(plot: bool = False) -> None:
    least = T * np.log(2.0)
    before = np.inf
    print("  tau   erased   work     heat to the bath   S_tot    W2²/(tau T)")
    for tau in (2.0, 16.0):
        problem = erasing(tau)
        grid = fp.Grid.line(-2.2, 2.2, 160)
        solution = fp.solve(problem, fp.Equilibrium(), np.linspace(0.0, tau, 41), grid=grid, rtol=1e-4)
        books = fp.ledger(solution)
        x, density, widths = solution["x"].values, solution["density"].values[-1], np.diff(solution["x_face"].values)
        right = float(np.sum(density[x > 0.0] * widths[x > 0.0]))
        last = books.isel(time=-1)
        work, heat, produced = (float(last[name]) for name in ("work", "heat", "entropy_production"))
        bound = float(books["W2"]) ** 2 / (tau * T)
        print(f"{tau:5.1f}   {right:.4f}   {work:.4f}   {-heat:.4f}             {produced:.4f}   {bound:.4f}")

        # first law, second law, and both bounds
        assert right > 0.95
        energy, entropy = (float(last[name] - books[name][0]) for name in ("energy", "system_entropy"))
        assert abs(energy - work - heat) <= 1e-9 and abs(produced - entropy + heat / T) <= 1e-9
        assert np.all(np.diff(books["entropy_production"]) > 0.0)
        assert -heat > -T * entropy and produced > bound

        # the potential is back: all work beyond the free energy of the new density was wasted
        gained = T * float(last["divergence"] - books["divergence"][0])
        assert abs(work - gained - T * produced) <= 1e-6
        assert -heat < before
        before = -heat
    # the few particles on the left keep a part of the bit, and of the bound
    kept = -right * np.log(right) - (1.0 - right) * np.log(1.0 - right)
    print(f"T ln 2 = {least:.4f}; less what is kept {least - T * kept:.4f}; entropy that left {-entropy:.4f}")
    assert abs(-T * entropy - (least - T * kept)) < 0.01 and -heat > least
    if plot:
        fp.plot(books).savefig("erasing_a_bit.png")


if __name__ == "__main__":
    main(plot=True)
