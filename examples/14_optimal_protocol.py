"""
The cheapest way to split a cloud in two
========================================

A colloid spread around one point shall be gathered at two points, in a given time, by a potential that we shape as we
like: a bit is written, as with optical tweezers. Thermodynamics asks for heat, and how little is enough is known: of
all protocols the geodesic of optimal transport dissipates least, W₂²/(τT) (Aurell et al., Phys. Rev. Lett. 106, 250601
(2011); Nakazato and Ito, Phys. Rev. Research 3, 043093 (2021)). The potential that drives it is

    U_t = −∫ν_t dx − T ln P_t,

and the Fokker-Planck equation, solved with it, gives that number back. The same states passed through at another pace
cost more: by 4/3 if they speed up evenly. A quench, which switches to the final potential at once, costs most; a
potential that is turned linearly in time does not even arrive.
"""

import numpy as np

from fpsolve import Gaussian, GaussianMixture
from fpsolve.design import compare_protocols, drive, minimum_dissipation_of, optimal_protocol


def main(plot: bool = False) -> None:
    start, end = Gaussian(0.0, 1.0), GaussianMixture(means=(-1.0, 1.0), stds=(0.3, 0.3))
    tau, temperature = 0.5, 1.0
    protocol = optimal_protocol(start, end, tau, temperature)
    driven = drive(protocol, cells=384, rtol=1e-4)
    print(f"W2^2 / (tau T)          {protocol.least}")
    print(f"S_tot of the solution   {driven['entropy_production']}")
    assert abs(driven["entropy_production"].value / protocol.least.value - 1.0) < 1e-4
    assert driven["L1"].value < 1e-3

    others = ("accelerated", "linear", "quench")
    table = compare_protocols(start, end, tau, temperature, protocols=others, cells=192, rtol=1e-3)
    print("protocol        S_tot   S_tot + D_KL(reached || target)   W2 to the target")
    for name in others:
        row = table.sel(protocol=name)
        numbers = (float(row[key]) for key in ("entropy_production", "total_to_target", "W2"))
        print("{:12} {:8.4f} {:20.4f} {:25.4f}".format(name, *numbers))
    least = protocol.least.value
    assert abs(float(table["entropy_production"].sel(protocol="accelerated")) / least - 4.0 / 3.0) < 0.01
    assert float(table["entropy_production"].sel(protocol="quench")) > 3.0 * least
    assert float(table["W2"].sel(protocol="linear")) > 0.02
    assert all(relation.verdict != "violated" for relation in minimum_dissipation_of(table))

    if plot:
        import matplotlib.pyplot as plt

        x = np.linspace(-2.2, 2.2, 400)
        figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
        for share in (0.0, 0.25, 0.5, 0.75, 1.0):
            t = share * tau
            axes[0].plot(x, protocol.process.density(t).pdf(x), label=f"t = {share:g} τ")
            axes[1].plot(x, protocol.force.potential((x,), t))
        axes[0].set(xlabel="x", ylabel="P")
        axes[0].legend()
        axes[1].set(xlabel="x", ylabel="U", ylim=(-4, 8))
        figure.savefig("optimal_protocol.png")


if __name__ == "__main__":
    main(plot=True)
