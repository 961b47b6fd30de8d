"""What the benchmark of transport in the plane measures: each way, on grids from cheap to what a minute allows."""

from __future__ import annotations

from validation.benchmarks.rivals.plane_measure import PlaneEntry

#: problems with a distance of this order to compare with
ORDERS = {1: ("shift", "ring", "swiss roll"), 2: ("gaussians", "shift", "ring", "product", "swiss roll")}
#: for each order: module, variant and cells a side
Plan = dict[int, tuple[tuple[str, str, tuple[int, ...]], ...]]
OURS: Plan = {
    2: (("plane_ours", "w2", (16, 32, 64, 128, 256, 512)),),
    1: (("plane_ours", "w1", (32, 64, 128, 256, 512)), ("plane_ours", "w1-fine", (128, 256))),
}
PEERS: Plan = {
    2: (
        ("with_pot", "simplex", (32, 64)),
        ("with_pot", "sinkhorn", (32,)),
        ("with_ott", "plain-0.001", (32, 64, 128, 256)),
        ("with_ott", "plain-0.00025", (64, 128)),
        ("with_ott", "debiased-0.004", (32, 64)),
        ("with_ott", "debiased-0.001", (32, 64, 128)),
        ("with_ott", "debiased-0.00025", (64, 128)),
        ("with_ott", "debiased-tight", (64,)),
    ),
    1: (("with_pot", "simplex", (32, 48, 64)), ("with_scipy_atoms", "programme", (16, 24))),
}


def entries(plan: Plan) -> list[PlaneEntry]:
    """Every line of a plan, for all problems of its orders."""
    return [
        PlaneEntry(problem, order, module, variant, cells)
        for order, lines in plan.items()
        for problem in ORDERS[order]
        for module, variant, sizes in lines
        for cells in sizes
    ]


SMALL = [
    PlaneEntry(problem, order, *line)
    for problem in ("shift", "ring")
    for order, lines in {
        1: (("plane_ours", "w1", 16), ("plane_ours", "w1", 32), ("with_scipy_atoms", "programme", 8)),
        2: (("plane_ours", "w2", 16), ("plane_ours", "w2", 32)),
    }.items()
    for line in lines
]
