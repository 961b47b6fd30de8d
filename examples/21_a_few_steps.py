"""
A few steps: what a sampler adds to the error of the start
==========================================================

In practice the probability flow is followed in a few steps. Here the velocity is exact and no point is drawn, so that
what is left is the error of the sampler itself: against the exact flow it falls as 1/N (Euler, DDIM) or 1/N² (Heun, and
DDIM with a midpoint), and the KL divergence twice as fast.

The distance to the data does not follow: generation began from N(1, 1) instead of N(0, 1), and the exact flow keeps
that error. The speed-accuracy relation bounds it by W₁(start) + √(τ D₀ c₂), and a sampler adds at most its own error:
once that is small, more steps are spent in vain.
"""

import numpy as np

import fpsolve as fp
from fpsolve.processes import Diffusion


def main(plot: bool = False) -> None:
    data = fp.GaussianMixture(means=(0.35**0.5, -(0.35**0.5)), stds=(0.3, 0.3))
    process, start = Diffusion(data, fp.Cosine()), fp.Gaussian(mean=1.0, std=1.0)
    found = fp.sampler_errors(process, start)

    print("sampler          W1 to the exact flow at N = 8 and 128    order in W1, KL    W1 to the data at 128")
    for name, order in {"euler": 1, "heun": 2, "ddim": 1, "ddim-midpoint": 2}.items():
        row = found.sel(sampler=name)
        first, last = float(row["W1_exact"][0]), float(row["W1_exact"][-1])
        orders = float(row["W1_exact_order"][-1]), float(row["KL_exact_order"][-1])
        print(f"{name:14} {first:15.6f} {last:15.6f} {orders[0]:22.2f} {orders[1]:6.2f} {float(row['W1'][-1]):16.5f}")
        assert abs(orders[0] - order) < 0.1 and abs(orders[1] - 2 * order) < 0.2

    flow, bound = float(found["W1_flow"]), float(found["W1_flow_bound"])
    print(f"the exact flow: {flow:.5f}, bounded by {bound:.5f}")
    assert abs(flow - 0.60716) < 1e-5 and flow < bound
    assert np.all(found["W1"] <= found["bound"])
    assert np.all(np.abs(found["W1"] - flow) <= found["W1_exact"] + found["W1_exact_error"])

    # from the right start nothing but the sampler is wrong, and W1 to the data falls as well
    right = fp.sampler_errors(process, fp.Gaussian(0.0, 1.0), methods=("heun",))
    assert np.all(np.diff(right["W1"].values) < 0.0) and float(right["W1"][0, -1]) < 1e-4

    if plot:
        import matplotlib.pyplot as plt

        figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
        for axis, key, label in zip(axes, ("W1_exact", "W1"), ("W₁ to the exact flow", "W₁ to the data"), strict=True):
            for name in found["sampler"].values:
                axis.loglog(found["steps"], found[key].sel(sampler=name), marker="o", label=str(name))
            axis.set(xlabel="steps N", ylabel=label)
        steps = found["steps"].values
        for slope in (1, 2):
            axes[0].loglog(steps, 0.1 * (steps / 8.0) ** -slope, color="grey", linestyle=":", label=f"slope {-slope}")
        axes[0].legend(frameon=False, fontsize="small")
        axes[1].set_yscale("linear")
        axes[1].axhline(flow, color="black", linestyle="--", label="the exact flow")
        axes[1].axhline(bound, color="black", label="its bound")
        axes[1].legend(frameon=False, fontsize="small")
        figure.savefig("steps.png")


if __name__ == "__main__":
    main(plot=True)
