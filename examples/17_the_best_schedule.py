"""
The best schedule for your data
===============================

Noise can be added along many curves (m, sigma), and the cost of generation differs, though its robustness does not. For
given data the curves live in a flat plane whose polar coordinates are the size of x and an angle that the data choose:
the cheapest schedule is a straight line. Here three usual schedules are compared with it, and with optimal transport,
below which nothing can go.
"""

import fpsolve as fp


def main(plot: bool = False) -> None:
    data = fp.GaussianMixture(means=(0.35**0.5, -(0.35**0.5)), stds=(0.3, 0.3))
    schedules = {
        "cosine": fp.Cosine(),
        "cond-OT": fp.ConditionalOptimalTransport(),
        "linear beta": fp.VariancePreserving(beta_min=0.1, beta_max=20.0),
    }
    costs = {name: fp.schedule_costs(data, schedule) for name, schedule in schedules.items()}
    print("schedule        as it is   at constant speed   the best   optimal transport")
    for name, found in costs.items():
        numbers = [cost.value for cost in (found.c2, found.c2_retimed, found.c2_best, found.c2_geodesic)]
        print("{:14} {:9.5f} {:14.5f} {:15.5f} {:12.5f}".format(name, *numbers))
        assert sorted(numbers, reverse=True) == numbers
    assert abs(costs["cosine"].c2.value - 0.2025445) < 1e-6

    if plot:
        import matplotlib.pyplot as plt

        figure, axis = plt.subplots(figsize=(5, 4), layout="constrained")
        best = costs["cosine"].best
        axis.plot(best.m, best.sigma, color="black", label="best")
        for name, schedule in schedules.items():
            forward = [schedule.curve(schedule.tau * k / 100.0) for k in range(100)]
            axis.plot([float(c.signal) for c in forward], [float(c.variance) ** 0.5 for c in forward], label=name)
        axis.set(xlabel="m", ylabel="σ")
        axis.legend(frameon=False)
        figure.savefig("schedules.png")


if __name__ == "__main__":
    main(plot=True)
