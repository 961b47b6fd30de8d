"""The resolutions at which each way of solving is measured: the cheapest that reach the error, found by ``tuning``.

A resolution counts as reaching the error only if it still does with four times the steps (a hundredth of the
tolerance): errors in space and time that happen to cancel are luck, for the peers and for us. Entries of methods that
do not get there within a minute or so go as far as that.
"""

from __future__ import annotations

from validation.benchmarks.rivals.measure import Entry

LINE, PLANE = "with_scipy_line", "with_scipy_plane"
FOURTH, FOURTH_PLANE = "with_scipy_fourth", "with_scipy_fourth_plane"

OURS = (
    Entry("a", "ours", "fourth", 242, 12),
    Entry("a", "ours", "fourth-kept", 242, 12),
    Entry("a", "ours", "fourth-bars", 242, 12),
    Entry("a", "ours", "second", 3640, 220),
    Entry("a", "ours", "default", 0, 0),
    Entry("b", "ours", "fourth", 232, 15),
    Entry("b", "ours", "fourth-kept", 232, 9),
    Entry("b", "ours", "fourth-bars", 232, 16),
    Entry("b", "ours", "second", 2188, 220),
    Entry("b", "ours", "default", 0, 0),
    Entry("c", "ours", "legendre", 92, 100),
    Entry("c", "ours", "legendre-kept", 92, 100),
    Entry("c", "ours", "legendre-bars", 92, 100),
    Entry("c", "ours", "strang", 720, 120),
    Entry("c", "ours", "default", 0, 0),
)

PEERS = (
    # f = -x
    Entry("a", LINE, "symmetric-central", 3080, 190),
    Entry("a", LINE, "factored-central", 3080, 190),
    Entry("a", LINE, "cn-central", 3080, 190),
    Entry("a", LINE, "vode-central", 3528, 5.6e-7),
    Entry("a", LINE, "odeint-central", 3200, 1e-6),
    Entry("a", LINE, "LSODA-central", 3890, 3.2e-6),
    Entry("a", LINE, "expm-central", 3100, 0),
    Entry("a", LINE, "contour-central", 3200, 12),
    Entry("a", FOURTH, "vode", 232, 1.8e-6),
    Entry("a", FOURTH, "sdirk4", 242, 10),
    Entry("a", FOURTH, "contour", 232, 12),
    Entry("a", "with_pypde", "lsoda", 3890, 3.2e-6),
    Entry("a", "with_fplanck", "expm", 3500, 0),
    Entry("a", "with_pyfvtool", "euler", 4400, 15000),
    Entry("a", "with_pyfvtool", "richardson", 4500, 1000),
    Entry("a", "with_fipy", "euler", 3640, 5000),
    Entry("a", "with_fipy", "richardson", 3800, 1000),
    # the cosine schedule
    Entry("b", LINE, "symmetric-sg", 2140, 105),
    Entry("b", LINE, "symmetric-sg", 1000, 62),
    Entry("b", LINE, "factored-sg", 2140, 105),
    Entry("b", LINE, "cn-sg", 2188, 219),
    Entry("b", LINE, "vode-clock-central", 1984, 1e-6),
    Entry("b", LINE, "odeint-central", 1984, 1e-5),
    Entry("b", LINE, "LSODA-clock-central", 2084, 5.6e-6),
    Entry("b", LINE, "expm-central", 1984, 0),
    Entry("b", LINE, "contour-central", 1984, 12),
    Entry("b", FOURTH, "vode", 220, 1e-6),
    Entry("b", FOURTH, "sdirk4", 232, 9),
    Entry("b", FOURTH, "contour", 192, 12),
    Entry("b", "with_pypde", "lsoda-clock", 2200, 3e-6),
    Entry("b", "with_pypde", "lsoda", 2200, 3e-6),
    Entry("b", "with_fplanck", "expm", 2200, 0),
    Entry("b", "with_pyfvtool", "euler", 3600, 15000),
    Entry("b", "with_pyfvtool", "richardson", 3700, 1000),
    Entry("b", "with_fipy", "euler", 2188, 5000),
    Entry("b", "with_fipy", "richardson", 2350, 900),
    # rotation in the plane
    Entry("c", PLANE, "adi-root", 596, 81),
    Entry("c", PLANE, "adi-lapack-root", 596, 81),
    Entry("c", PLANE, "splu-root", 596, 81),
    Entry("c", PLANE, "expm-root", 576, 0),
    Entry("c", PLANE, "rk23-root", 600, 5e-6),
    Entry("c", FOURTH_PLANE, "expm", 88, 0),
    Entry("c", FOURTH_PLANE, "rk4", 88, 101),
    Entry("c", FOURTH_PLANE, "chebyshev", 92, 101),
    Entry("c", "with_pypde", "rk45", 512, 3e-5),
    Entry("c", "with_fplanck", "expm", 576, 0),
    Entry("c", "with_pyfvtool", "euler", 256, 2000),
    Entry("c", "with_pyfvtool", "richardson", 740, 110),
    Entry("c", "with_fipy", "euler", 192, 400),
    Entry("c", "with_fipy", "richardson", 256, 100),
)

#: a few seconds, with no peer but SciPy
SMALL = (
    Entry("a", "ours", "fourth", 242, 12),
    Entry("b", "ours", "fourth", 232, 15),
    Entry("c", "ours", "legendre", 92, 100),
    Entry("a", LINE, "symmetric-central", 3080, 190),
    Entry("a", LINE, "odeint-central", 3200, 1e-6),
    Entry("a", FOURTH, "sdirk4", 242, 10),
    Entry("b", LINE, "symmetric-sg", 2140, 105),
    Entry("b", LINE, "symmetric-sg", 1000, 62),
    Entry("b", "with_fipy", "euler", 200, 10),
    Entry("c", PLANE, "adi-root", 596, 81),
    Entry("c", FOURTH_PLANE, "rk4", 88, 101),
)
