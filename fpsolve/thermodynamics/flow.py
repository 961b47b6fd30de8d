"""What the flow of a density at an instant amounts to."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Flow:
    """Rates of entropy and speeds at an instant.

    Parameters
    ----------
    entropy_production : float
        S' = int nu . M^-1 nu P / T dx (36), 1/s, with M the mobility.
    dissipation : float
        T S', L²/s²; nan where T depends on the place.
    excess, coupling, housekeeping : float
        Its orthogonal parts, 1/s: Hatano-Sasa, common, Maes-Netocny; nan where they are not defined.
    speed : float
        v₂ (66), L/s: of the gradient velocity that moves the density alike.
    fisher_information : float
        int |grad ln P|² P dx, 1/L².
    why : str
        Why a part has no value.
    """

    entropy_production: float
    dissipation: float
    excess: float
    coupling: float
    housekeeping: float
    speed: float
    fisher_information: float
    why: str = ""
