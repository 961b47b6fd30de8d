"""
Schedules for samplers
======================

A sampler wants its noise schedule as arrays: betas for DDPM, noise levels for EDM, alpha and beta for flow matching.
Here a schedule that was given as betas is retimed to constant speed for the data at hand, which makes generation
cheaper and leaves its robustness as it was, and is written out in all three ways. The best schedule of all lets the
signal grow above one: it is no product of alphas, until x is rescaled.
"""

import numpy as np

import fpsolve as fp


def main(plot: bool = False) -> None:
    data = fp.GaussianMixture(means=(0.35**0.5, -(0.35**0.5)), stds=(0.3, 0.3))
    given = fp.DiscreteDiffusion.linear(steps=1000, beta_start=1e-4, beta_end=0.02)
    costs = fp.schedule_costs(data, given)
    betas = fp.to_betas(costs.retimed, 1000)
    again = fp.schedule_costs(data, fp.DiscreteDiffusion(betas=tuple(betas)))
    print(f"cost of the linear betas {costs.c2.value:.5f}, retimed {costs.c2_retimed.value:.5f}")
    print(f"the retimed schedule, written as 1000 betas and read again: {again.c2.value:.5f}")
    assert abs(again.c2.value - costs.c2_retimed.value) < 1e-3

    t = np.linspace(0.0, 1.0, 6)
    print("noise levels for EDM:", np.array2string(fp.to_sigmas(costs.retimed, t, descending=True), precision=4))
    _, alpha, beta = fp.to_flow_matching(costs.retimed, t)
    print("alpha for flow matching:", np.array2string(alpha, precision=4))
    print("beta for flow matching: ", np.array2string(beta, precision=4))
    try:
        fp.to_alphas_cumprod(costs.best, 1000)
    except fp.InputError as error:
        print(error)
    products = fp.to_alphas_cumprod(costs.best, 1000, rescaled=True)
    assert np.all(np.diff(products) < 0.0)

    if plot:
        import matplotlib.pyplot as plt

        figure, axis = plt.subplots(figsize=(5, 3.5), layout="constrained")
        steps = np.arange(1, 1001)
        axis.semilogy(steps, given.betas, label="linear betas")
        axis.semilogy(steps, betas, label="retimed")
        axis.semilogy(steps, fp.to_betas(costs.best, 1000, rescaled=True), label="best, rescaled")
        axis.set(xlabel="step", ylabel="β")
        axis.legend(frameon=False)
        figure.savefig("betas.png")


if __name__ == "__main__":
    main(plot=True)
