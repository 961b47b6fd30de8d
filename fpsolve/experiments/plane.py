"""The paper's experiments in the plane (Fig. 3, and Fig. 7 of the later version), and stirring that is no symmetry."""

from __future__ import annotations

from collections.abc import Callable

from fpsolve.cases import PlaneCase
from fpsolve.densities import PlaneDensity, PlaneGaussian, PlaneMixture, SwissRoll
from fpsolve.planar.processes import plane_process
from fpsolve.processes.plane.linear import LinearProcess
from fpsolve.schedules import (
    ConditionalOptimalTransport,
    Cosine,
    LinearForceSchedule,
    OptimalTransport,
    Schedule,
    Stirring,
    Vortices,
)

#: group -> label -> case
Groups = dict[str, dict[str, PlaneCase]]

#: the roll of the later version, its noise-free curve blurred: a density needs some width
ROLL, CENTRED = SwissRoll(blur=0.1), SwissRoll(blur=0.1, centred=True)
#: h and T_fin of the later version
STIFFNESS, FINAL_TEMPERATURE = 1.1, 0.5
#: strengths of rotation or stirring
ROTATIONS, STRENGTHS = (0.0, 1.0, 3.0, 5.0), (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)
#: distance between the arms of the roll, twice: two vortices of opposite sense across neighbouring arms
WAVELENGTH = 2.9


def swiss_roll_cases(cells: tuple[int, int] = (256, 256)) -> Groups:
    """Fig. 3: a Swiss roll under three schedules, from a start that is shifted and from one that is too narrow."""
    schedules: dict[str, Schedule | OptimalTransport] = {
        "cosine": Cosine(tau=1.0),
        "cond-ot": ConditionalOptimalTransport(tau=1.0),
        "optimal-transport": OptimalTransport(target=PlaneGaussian(std=1.0), tau=1.0),
    }
    starts = {"shifted": PlaneGaussian((1.0, 0.0), std=1.0), "narrow": PlaneGaussian(std=0.9)}
    return {
        group: {name: PlaneCase(ROLL, schedule, start, cells=cells) for name, schedule in schedules.items()}
        for group, start in starts.items()
    }


def rotation_cases(cells: tuple[int, int] = (256, 256)) -> Groups:
    """Fig. 7 of the later version: the published parameters, then variants whose D₀ is finite."""
    groups: Groups = {"published": _rotating(ROLL, PlaneGaussian(std=0.9), 1.0, cells, (0.0, 3.0, 5.0))}
    groups["published"]["optimal-transport"] = _to_same_end(ROLL, PlaneGaussian(std=0.9), cells)
    wide, narrow, apart = PlaneGaussian(std=0.9), PlaneGaussian(std=0.6), PlaneGaussian((0.5, 0.0), std=0.9)
    variants: dict[str, tuple[PlaneDensity, PlaneDensity, float]] = {
        "longer": (ROLL, wide, 3.0),
        "narrower start": (ROLL, narrow, 1.0),
        "centred roll": (CENTRED, wide, 3.0),
        "start off centre": (ROLL, apart, 3.0),
    }
    return groups | {name: _rotating(*variant, cells) for name, variant in variants.items()}


def stirring_cases(cells: tuple[int, int] = (256, 256)) -> Groups:
    """Currents that are no symmetry: vortices across the arms of the roll, and an anisotropic force that turns."""
    start, wide = PlaneGaussian((1.0, 0.0), std=1.0), PlaneGaussian(std=0.9)

    def stirred(strength: float) -> PlaneCase:
        return PlaneCase(ROLL, Stirring(Cosine(tau=1.0), Vortices(WAVELENGTH), strength), start, cells=cells)

    def turned(g: float) -> PlaneCase:
        force = LinearForceSchedule((STIFFNESS, 0.3), g, FINAL_TEMPERATURE, tau=3.0)
        return PlaneCase(ROLL, force, wide, cells=cells)

    return {"vortices": _each(stirred, STRENGTHS), "anisotropic force": _each(turned, STRENGTHS)}


def _each(case_of: Callable[[float], PlaneCase], strengths: tuple[float, ...]) -> dict[str, PlaneCase]:
    return {f"g = {g:g}": case_of(g) for g in strengths}


def _rotating(
    data: PlaneDensity,
    start: PlaneDensity,
    tau: float,
    cells: tuple[int, int],
    strengths: tuple[float, ...] = ROTATIONS,
) -> dict[str, PlaneCase]:
    def case_of(g: float) -> PlaneCase:
        return PlaneCase(data, LinearForceSchedule(STIFFNESS, g, FINAL_TEMPERATURE, tau), start, cells=cells)

    return _each(case_of, strengths)


def _to_same_end(data: PlaneDensity, start: PlaneDensity, cells: tuple[int, int]) -> PlaneCase:
    """Optimal transport to where the force without rotation ends."""
    process = plane_process(data, LinearForceSchedule(STIFFNESS, 0.0, FINAL_TEMPERATURE, 1.0))
    assert isinstance(process, LinearProcess)
    end = process.resolved(1.0)
    weights = tuple((end.weights / end.weights.sum()).tolist())
    stds = tuple((end.covariances[:, 0, 0] ** 0.5).tolist())
    target = PlaneMixture(tuple(map(tuple, end.means.tolist())), stds=stds, weights=weights)
    return PlaneCase(data, OptimalTransport(target=target, tau=1.0), start, cells=cells)
