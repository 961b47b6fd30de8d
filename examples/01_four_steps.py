"""
Four steps
==========

Take *data*, *diffuse* it, *generate* from a wrong start, and ask for the *speed-accuracy* relation.

The data are two bumps. A diffusion model turns them into noise, then runs backwards from noise to data. Here it starts
from noise whose mean is off by one. How much of that error is left in what it generates? The answer is one number, the
response η, and thermodynamics bounds it: η ≤ c₁ ≤ c₂, where c₂ is what the forward process costs.
"""

import fpsolve as fp


def main(plot: bool = False) -> None:
    # 1. data: a density, not a pile of samples
    data = fp.GaussianMixture(means=(0.5916, -0.5916), stds=(0.3, 0.3))

    # 2. diffuse: the forward process, an xarray.Dataset with density, velocity and current in time
    forward = fp.diffuse(data, fp.Cosine(tau=1.0))
    assert set(forward.data_vars) >= {"density", "velocity", "current"}

    # 3. generate: backwards along the same velocity, from a start that is wrong on purpose
    generated = fp.generate(forward, start=fp.Gaussian(mean=1.0, std=1.0))

    # 4. speed and accuracy: every number with an error bar, every relation with a verdict
    result = fp.speed_accuracy(forward, generated)
    print(result)

    eta, c1, c2 = (result[name] for name in ("eta", "c1", "c2"))
    assert eta.value + eta.error < c1.value - c1.error < c1.value + c1.error < c2.value - c2.error
    assert result.relation("speed-accuracy").verdict == "holds"
    assert result.verdicts["violated"] == result.verdicts["undecided"] == 0

    # the error shrinks on the way: the generated density is nearer to the data than the start was to the noise
    assert result["W1_final"].value < result["W1_initial"].value
    if plot:
        fp.plot(result).savefig("four_steps.png")


if __name__ == "__main__":
    main(plot=True)
