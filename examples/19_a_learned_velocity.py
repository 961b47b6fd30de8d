"""
A learned velocity and what its errors cost
===========================================

A network is replaced by splines, and training by one symmetric solve. The smaller the basis, the larger the loss, and
the farther the change of W1 on the way back departs from that of the exact velocity. Two bounds say how large the
change can be: the paper's, and a sharper one that looks at the error where the estimated process is.
"""

import numpy as np

import fpsolve as fp
from fpsolve.processes import Diffusion

CELLS = (6, 9, 16)


def main(plot: bool = False) -> None:
    data = fp.GaussianMixture(means=(0.35**0.5, -(0.35**0.5)), stds=(0.3, 0.3))
    process, start = Diffusion(data, fp.Cosine(tau=1.0)), fp.Gaussian(1.0, 1.0)
    exact = -((8.98121387e-2 * (np.e - 1.0)) ** 0.5)  # delta_W1 of the exact velocity
    learned, found = [], []
    for cells in CELLS:
        basis = fp.spline_basis(process, cells=(cells, max(cells // 2, 2)), degree=2, window=(-2.0, 2.0))
        learned.append(fp.flow_matching(process, basis))
        result = fp.incomplete_estimation(process, start, learned[-1], resolution=1e-4, most_panels=60)
        found.append(result)
    rows = [result.row() for result in found]
    print("parameters      loss   |change of W1|   departure   sharper bound   paper's bound")
    for row in rows:
        gap = abs(row["delta_W1"] - exact)
        numbers = row["loss"], abs(row["delta_W1"]), gap, row["sharp_bound"], row["bound"]
        print("{:10} {:9.2e} {:16.5f} {:11.1e} {:15.5f} {:15.5f}".format(row["parameters"], *numbers))
        assert abs(row["delta_W1"]) < row["sharp_bound"] < row["bound"]
    for name in ("loss", "sharp_bound", "bound"):
        assert rows[0][name] > rows[1][name] > rows[2][name]

    if plot:
        import matplotlib.pyplot as plt

        figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
        x, t = np.linspace(-2.0, 2.0, 200), 0.1
        left.plot(x, process.velocity(t, x), color="black", label="exact")
        for velocity in learned:
            left.plot(x, velocity.velocity(t, x), label=f"{velocity.basis.size} functions")
        left.set(xlabel="x", ylabel="velocity at t = 0.1")
        left.legend(frameon=False)
        sizes = [row["parameters"] for row in rows]
        for name, label in (("loss", "loss"), ("sharp_bound", "sharper bound"), ("bound", "the paper's bound")):
            right.loglog(sizes, [row[name] for row in rows], marker="o", label=label)
        right.loglog(sizes, [abs(row["delta_W1"] - exact) for row in rows], marker="s", label="departure")
        right.set(xlabel="parameters")
        right.legend(frameon=False)
        figure.savefig("learned.png")


if __name__ == "__main__":
    main(plot=True)
