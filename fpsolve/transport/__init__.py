"""Optimal transport between densities: exact on the line, cell densities as they are."""

from fpsolve.transport.line import (
    Coupling,
    displacement,
    kantorovich_potential,
    monotone_coupling,
    monotone_map,
    wasserstein_cells,
)

__all__ = [
    "Coupling",
    "displacement",
    "kantorovich_potential",
    "monotone_coupling",
    "monotone_map",
    "wasserstein_cells",
]
