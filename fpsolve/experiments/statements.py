"""What each relation says, in a line of mathematics and a sentence of English."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Statement:
    """A relation in words.

    Parameters
    ----------
    formula : str
        The statement.
    equation : str
        Its number in the paper.
    meaning : str
        What it says.
    """

    formula: str
    equation: str
    meaning: str


#: every relation that a speed-accuracy experiment checks, then those of solutions alone
STATEMENTS = {
    "second-law": Statement(
        "Ṡ = Ṡ_sys + Ṡ_bath ≥ 0",
        "(36)–(39)",
        "Entropy production is the entropy change of system and bath together, and never negative.",
    ),
    "benamou-brenier": Statement(
        "W₂(q, P_τ)² ≤ τ ∫ T Ṡ dt",
        "(63)",
        "No process between two densities dissipates less than their distance demands.",
    ),
    "minimum-dissipation": Statement(
        "W₂(q, P_τ)² / (τ T) ≤ S_tot",
        "(64)",
        "At a constant temperature, the least entropy production of any process between two densities.",
    ),
    "excess": Statement(
        "v₂² = T Ṡ (≤ in general)",
        "(67)",
        "Dissipation is at least the squared speed in the W₂ distance; on the line, without a net current, both are "
        "equal. The speed is measured from the motion of the quantiles alone.",
    ),
    "speed-limit-hierarchy": Statement(
        "W₂² ≤ L² ≤ τ ∫ v₂² dt ≤ τ ∫ T Ṡ dt",
        "(68)",
        "A path is at least as long as the distance between its ends, and cheapest at constant speed.",
    ),
    "uncertainty-x": Statement("(∂ₜE[x])² ≤ v₂²", "(73), (74)", "The mean does not move faster than the density."),
    "uncertainty-x2": Statement(
        "(∂ₜE[x²])² / 4E[x²] ≤ v₂²", "(73), (74)", "Nor does the second moment, in its own units."
    ),
    "uncertainty-optimal": Statement(
        "(∂ₜE[φ])² / E[φ′²] = v₂², φ′ = ν",
        "(75), (76)",
        "The potential of the velocity is the observable that moves as fast as the density.",
    ),
    "v1-below-v2": Statement("v₁ ≤ v₂", "slides", "The speed in the W₁ distance is at most the speed in W₂."),
    "chi2-invariance": Statement(
        "D_t = ∫ (P − P̃)² / P dx = D₀",
        "(78), App. E",
        "Forward and estimated process are carried by one velocity, so their χ² divergence does not change.",
    ),
    "instantaneous-speed-accuracy": Statement(
        "v_loss² = (∂ₜW₁)² / D₀ ≤ T Ṡ",
        "(80), (81)",
        "At every instant, the error's distance grows no faster than the dissipation allows.",
    ),
    "speed-accuracy": Statement(
        "η ≤ c₁ ≤ c₂ ≤ ∫ T Ṡ dt",
        "(77), (79), (82)",
        "A slow forward process makes generation robust: what an error at the start does to the generated density, "
        "η = (ΔW₁)² / (τ D₀), is bounded by c₁ = ∫ v_loss² dt and by what the forward process costs, c₂ = ∫ v₂² dt.",
    ),
    "optimal-protocol": Statement(
        "W₂² / τ ≤ L² / τ ≤ ∫ v₂² dt",
        "(91)",
        "The bound is least for the geodesic run at constant speed: optimal transport.",
    ),
    "conditional-energy": Statement(
        "∫ v₂² dt ≤ E_c = ∫ (E|y|² ṁ² + n σ̇²) dt",
        "(92)–(94)",
        "A schedule costs at most what it would if every x told its data and its noise; for few data in many "
        "dimensions it nearly does.",
    ),
    "fluctuation-theorem": Statement(
        "⟨e^{−s}⟩ = 1 − λ",
        "(50)",
        "The mean over all paths of the exponential of minus their entropy production; λ is the weight of the reversed "
        "paths that no forward path runs, zero where the start has mass everywhere.",
    ),
    "jarzynski": Statement(
        "⟨e^{−W/T}⟩ = e^{−ΔF/T}",
        "(47)–(50)",
        "From an equilibrium, however fast the protocol: the work of all paths tells the free energy.",
    ),
    "incomplete-estimation": Statement(
        "|ΔW₁| / √(τD) ≤ √(∫TṠ dt) + √(1 + 1/D) √(τL)",
        "(100)",
        "With a learned velocity whose mean square error is L the response exceeds the speed-accuracy bound by what L "
        "allows; D is the greatest χ² divergence on the way. Both sides stand over √(τD).",
    ),
    "incomplete-estimation-sharp": Statement(
        "|ΔW₁| ≤ ∫ (√(TṠ D_t) + E_P̃|ν̂ − ν|) dt",
        "(100), sharpened",
        "The same, instant by instant and with the error where the estimated process is: never above (100).",
    ),
    "mass-conservation": Statement(
        "∫ P_t dx + outflow = ∫ P₀ dx",
        "(1)",
        "No probability is made or lost: what is not there has left through the ends.",
    ),
}
