"""
A Swiss roll in four steps
==========================

The four steps, in the plane: take *data*, *diffuse* it, *generate* from a wrong start, and ask for the
*speed-accuracy* relation. The data are a spiral, blurred as any density must be. Between its arms the flow converges so
fast that samples would hardly ever show it; no samples are drawn here. Paths are followed on which P̃/P does not change,
so D₀ is the same at all times, and the bars tell what few cells cost: a verdict may be ``undecided``.
"""

import numpy as np

import fpsolve as fp


def main(plot: bool = False) -> None:
    # 1. data: a short, wide roll keeps this script fast; SwissRoll(blur=0.1) and 256 cells are the real thing
    data = fp.SwissRoll(turns=2.0, blur=0.5)

    # 2. diffuse: densities, velocities and currents at four instants
    forward = fp.diffuse(data, fp.Cosine(tau=1.0), cells=40)
    assert dict(forward.sizes)["snapshot"] == 4

    # 3. generate: backwards along the same velocity, from noise that is shifted by one
    generated = fp.generate(forward, start=fp.PlaneGaussian((1.0, 0.0), std=1.0))
    area = float(np.diff(generated["x_face"])[0] * np.diff(generated["y_face"])[0])
    masses = generated["density_estimated"].sum(("x", "y")) * area
    assert np.allclose(masses, 1.0, atol=1e-3)

    # 4. speed and accuracy
    result = fp.speed_accuracy(forward, generated)
    print(result)
    eta, c1, c2 = (result[name] for name in ("eta", "c1", "c2"))
    assert eta.value + eta.error < c1.value - c1.error < c1.value + c1.error < c2.value - c2.error
    assert result.verdicts["violated"] == 0

    # the noise is a unit Gaussian and the start the same one, shifted: both known in closed form
    assert abs(result["W1_initial"].value - 1.0) <= result["W1_initial"].error
    assert abs(result["D0"].value - np.expm1(1.0)) <= result["D0"].error
    drift = result.diagnostics["chi2_drift"]
    print(f"chi2 drifts by {drift:.1e} along the paths")
    assert drift < 1e-4
    if plot:
        fp.plot(result).savefig("swiss_roll.png")


if __name__ == "__main__":
    main(plot=True)
