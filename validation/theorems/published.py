"""Table I of the paper beside the exact values: three published numbers for each start, of which there is one.

The exact eta is computed for every start and schedule by fpsolve, and for the diffusions by the plain formulas of
``independent`` as well; the published values, drawn from samples and a trained network, must lie within a tenth of it.

    python -m validation.theorems.published [--level quick|full] [--out DIR]
"""

from __future__ import annotations

from typing import Any

from fpsolve.densities import GaussianMixture, MixtureDensity, Uniform
from fpsolve.estimates import Estimate
from fpsolve.experiments import PUBLISHED_ETA, PUBLISHED_SOURCE, paper_cases
from fpsolve.experiments.paper_1d import DATA, SCHEDULES, STARTS, TAU
from validation.command import Findings, experiment, run
from validation.theorems import independent
from validation.theorems.schedule_independence import differs

#: relative differences that are allowed: of computed values; of published ones
CLOSE, SAMPLED = 1e-9, 0.1
CURVES = {"cosine": independent.cosine(TAU), "cond-ot": independent.straight(TAU)}


def check(level: str = "quick") -> Findings:
    """The published response beside the exact one."""
    found = Findings(("start", "schedule", "published", "exact", "published / exact - 1", "plain formulas"))
    cases = paper_cases(cells=60, steps=16)
    for start in STARTS:
        first: Estimate | None = None
        for schedule in SCHEDULES:
            eta = experiment(cases[f"{start}/{schedule}"])["eta"]
            first = first or eta
            published = PUBLISHED_ETA[start][schedule]
            plain = _plain(start, schedule) if level == "full" or schedule == "cosine" else None
            complaints = [differs(first, eta, CLOSE), _compare(eta, published, plain)]
            found.numbers.setdefault(start, {})[schedule] = (published, eta.value)
            found.add(
                start, schedule, f"{published:.3e}", str(eta), f"{published / eta.value - 1.0:+.2%}",
                "" if plain is None else f"{plain:.10g}",
                complaint="; ".join(f"{start}/{schedule}: eta {text}" for text in complaints if text),
            )  # fmt: skip
    return found


def _plain(start: str, schedule: str) -> float | None:
    """The exact value by other means; none for optimal transport, which is no (m, sigma) schedule."""
    if schedule not in CURVES:
        return None
    density = STARTS[start]
    law: independent.Law | None = None
    if isinstance(density, Uniform):
        law = independent.Box(density.lower, density.upper)
    elif isinstance(density, MixtureDensity):
        law = independent.Mixture(density.components.mean, density.components.std, density.components.weight)
    assert law is not None and isinstance(DATA, GaussianMixture)
    data = independent.Mixture(DATA.means, DATA.stds)
    return independent.experiment(data, CURVES[schedule], TAU, law, panels=40, intervals=2).eta


def _compare(eta: Estimate, published: float, plain: float | None) -> str:
    if plain is not None and (text := differs(eta, Estimate(plain, 1e-10), CLOSE)):
        return text
    far = abs(published / eta.value - 1.0) > SAMPLED
    return f"is {eta.value:.4e}, published as {published:.3e}" if far else ""


def draw(found: Findings, axes: Any) -> None:
    """Published values as parts of the exact one."""
    for offset, schedule in enumerate(SCHEDULES):
        x = [index + 0.22 * (offset - 1) for index in range(len(found.numbers))]
        ratio = [row[schedule][0] / row[schedule][1] for row in found.numbers.values()]
        axes.bar(x, ratio, 0.2, label=f"published, {schedule}")
    axes.axhline(1.0, color="k", lw=1, label="exact, every schedule")
    axes.set_xticks(range(len(found.numbers)), list(found.numbers))
    axes.set(ylabel="$\\eta$ / exact $\\eta$", ylim=(0.9, 1.1))
    axes.legend(fontsize=8)


def main(arguments: list[str] | None = None) -> int:
    print(f"published: {PUBLISHED_SOURCE}")
    return run(check, draw, "published", arguments)


if __name__ == "__main__":
    raise SystemExit(main())
