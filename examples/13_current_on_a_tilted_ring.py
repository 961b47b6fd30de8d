"""
A current that never rests, and what it costs
=============================================

On a ring with a periodic potential a constant force drives a particle round and round. The density settles, the
current does not: it goes on for ever, and so does the production of entropy. Stratonovich found both in closed form;
per time the entropy is the work of the force over the temperature, tilt times current times length over T.

On the way there the ledger takes the entropy production apart. The excess is what relaxation costs, and it ends. The
housekeeping is what keeps the current going without moving any mass, and it stays. What driving and relaxation share is
the coupling; all three are positive at all times.
"""

import numpy as np

import fpsolve as fp

TILT, AMPLITUDE, LENGTH, T = 0.6, 1.0, 2.0 * np.pi, 0.3


def main(plot: bool = False) -> None:
    exact = fp.problems.tilted_ring(TILT, AMPLITUDE, LENGTH, T)
    cost = TILT * exact.current * LENGTH / T
    grid = fp.Grid.line(0.0, LENGTH, 512, "periodic")

    # the stationary state: all entropy production is housekeeping
    times = np.linspace(0.0, 4.0, 9)
    still = fp.solve(exact.problem, fp.Stationary(), times, grid=grid)
    books = fp.ledger(still)
    print(f"current {float(still['mean_current'][-1]):.10f}, Stratonovich {exact.current:.10f}")
    assert abs(still["mean_current"] - exact.current).max() < 1e-6
    for name in ("entropy_production_rate", "housekeeping_rate"):
        assert abs(books[name] - cost).max() < 1e-6
    assert abs(books["excess_rate"]).max() < 1e-9 and abs(books["coupling_rate"]).max() < 1e-6
    print(f"entropy production rate {float(books['entropy_production_rate'][-1]):.10f}, closed form {cost:.10f}")

    # towards it, from a narrow start
    times = np.linspace(0.0, 30.0, 121)
    books = fp.ledger(fp.solve(exact.problem, exact.start, times, grid=grid))
    rates = {
        name: books[f"{name}_rate"].values for name in ("entropy_production", "excess", "coupling", "housekeeping")
    }
    parts = rates["excess"] + rates["coupling"] + rates["housekeeping"]
    # the steep flanks of the narrow start ask most of the grid
    assert np.allclose(parts, rates["entropy_production"], rtol=1e-4, atol=1e-6)
    assert all(np.all(rate > -1e-9) for rate in rates.values())
    print("   t     total    excess   coupling  housekeeping")
    for i in (0, 4, 20, 60, 120):
        print(f"{times[i]:5.1f}  " + "  ".join(f"{rate[i]:8.5f}" for rate in rates.values()))
    # relaxation is over: what is left is the cost of the current
    assert rates["excess"][-1] < 1e-6 < 1.0 < rates["excess"][0]
    assert abs(rates["housekeeping"][-1] - cost) < 1e-4 and abs(rates["entropy_production"][-1] - cost) < 1e-4
    if plot:
        fp.plot(books).savefig("tilted_ring.png")


if __name__ == "__main__":
    main(plot=True)
