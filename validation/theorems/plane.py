"""The experiments in the plane: what schedules, rotation and stirring do to eta, c1 and the dissipation.

a: the Swiss roll under cosine, conditional optimal transport and optimal transport (Fig. 3);
b: the rotating force of the later version (its Fig. 7): the published parameters, and variants whose D0 is finite;
c: stirring that is no symmetry: vortices across the arms of the roll, and an anisotropic force that turns.

    python -m validation.theorems.plane a|b|c [--cells 256] [--workers 2] [--out DIR]
"""

from __future__ import annotations

import argparse
import concurrent.futures
import itertools
import json
import multiprocessing
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from fpsolve.cases import PlaneCase
from fpsolve.densities import PlaneGaussian
from fpsolve.estimates import Estimate, Relation
from fpsolve.experiments.plane import Groups, rotation_cases, stirring_cases, swiss_roll_cases
from fpsolve.experiments.published import PUBLISHED_ROTATION, PUBLISHED_ROTATION_WORDS
from fpsolve.planar.divergence import chi_squared
from fpsolve.plots import save_figure, strength_figure
from fpsolve.progress import Progress
from fpsolve.results import table
from fpsolve.schedules import LinearForceSchedule
from validation.command import experiment

EXPERIMENTS = {"a": swiss_roll_cases, "b": rotation_cases, "c": stirring_cases}
NAMES = ("eta", "c1", "c2", "dissipation")
#: window of the published parameters, where D0 diverges in the whole plane
WINDOW = ((-4.0, 4.0), (-4.0, 4.0))


def groups_of(which: str, cells: int) -> Groups:
    """The cases of an experiment; of b also a start turned against the force, without rotation."""
    groups = EXPERIMENTS[which]((cells, cells))
    if which == "b":
        apart = groups["start off centre"]
        turned = LinearForceSchedule(1.1, 3.0, 0.5, 3.0).turned(3.0)
        start = PlaneGaussian(0.5 * np.array([np.cos(turned), -np.sin(turned)]), std=0.9)
        apart["turned"] = PlaneCase(apart["g = 0"].data, apart["g = 0"].schedule, start, cells=(cells, cells))
    return groups


def measured(case: PlaneCase) -> dict[str, Any]:
    """Quantities and relations of one case, in a process of its own."""
    began = time.perf_counter()
    result = experiment(case)
    estimates = dict(result.estimates)
    if not np.isfinite(estimates["D0"].value):
        inside = chi_squared(case.process.final, case.start, WINDOW)
        change = estimates["W1_final"] - estimates["W1_initial"]
        estimates["D0 inside"] = inside
        estimates["eta inside"] = change.squared() / inside.scaled(case.tau)
    second = result.data["second_moment"].values
    return {
        "estimates": estimates,
        "relations": result.relations,
        "second_moment": (result.data["time"].values, second),
        "seconds": time.perf_counter() - began,
    }


def run_all(groups: Groups, workers: int) -> dict[str, dict[str, dict[str, Any]]]:
    """Every case, several at a time; without workers one after the other, here."""
    if workers < 1:
        return {group: {name: measured(case) for name, case in cases.items()} for group, cases in groups.items()}
    os.environ |= dict.fromkeys(("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(workers, mp_context=context) as pool:
        futures = {
            (group, name): pool.submit(measured, case)
            for group, cases in groups.items()
            for name, case in cases.items()
        }
        progress = Progress()
        for done, future in enumerate(concurrent.futures.as_completed(futures.values())):
            future.result()  # an error ends the experiment at once
            progress("cases in the plane", done + 1, len(futures))
        progress.close()
        found: dict[str, dict[str, dict[str, Any]]] = {group: {} for group in groups}
        for (group, name), future in futures.items():
            found[group][name] = future.result()
    return found


def order(estimates: dict[str, Estimate]) -> str:
    """The labels from small to large: ``<`` where the bars decide it, ``?`` where they do not."""
    known = {name: e for name, e in estimates.items() if np.isfinite(e.value)}
    names = sorted(known, key=lambda name: known[name].value)
    words = names[:1]
    for left, right in itertools.pairwise(names):
        apart = known[right].value - known[left].value > known[right].error + known[left].error
        words += ["<" if apart else "?", right]
    return " ".join(words) or "no values"


def equal(name: str, left: Estimate, right: Estimate) -> Relation:
    """An equality that the theory demands; decided by the bars alone."""
    return Relation(name, "", left.value, right.value, left.error + right.error, equality=True, tolerance=np.inf)


def equalities(which: str, found: dict[str, dict[str, dict[str, Any]]]) -> list[Relation]:
    """What must be equal, or ordered, within the bars."""
    checks: list[Relation] = []

    def same(group: str, one: str, other: str, names: tuple[str, ...]) -> None:
        left, right = (found[group][each]["estimates"] for each in (one, other))
        checks.extend(equal(f"{group}: {n}({one}) = {n}({other})", left[n], right[n]) for n in names)

    paths = ("eta", "W1_initial", "W1_final", "D0")
    if which == "a":
        for group, cases in found.items():
            same(group, "cosine", "cond-ot", paths)
            best = cases["optimal-transport"]["estimates"]["c2"]
            for other in ("cosine", "cond-ot"):
                c2 = cases[other]["estimates"]["c2"]
                name = f"{group}: c2(optimal-transport) <= c2({other})"
                checks.append(Relation(name, "91", best.value, c2.value, best.error + c2.error, tolerance=np.inf))
    if which == "b":
        for group in ("longer", "narrower start", "centred roll"):
            for g in ("g = 1", "g = 3", "g = 5"):
                same(group, "g = 0", g, paths)
        left, right = (found["start off centre"][n]["estimates"]["eta"] for n in ("g = 3", "turned"))
        checks.append(equal("start off centre: eta(g = 3) = eta(g = 0, start turned back)", left, right))
        checks.extend(rotation_costs(found))
    if which == "c":
        for g in list(found["vortices"])[1:]:
            same("vortices", "g = 0", g, ("c2",))
        checks.extend(stirring_costs(found["vortices"]))
    return checks


def stirring_costs(found: dict[str, dict[str, Any]]) -> list[Relation]:
    """What a current that moves no mass dissipates grows as g², since it is orthogonal to the rest."""
    spent = {name: each["estimates"]["dissipation"] for name, each in found.items()}
    one = spent["g = 1"] - spent["g = 0"]
    return [
        equal(f"vortices: cost of {name} is g² that of g = 1", each - spent["g = 0"], one.scaled(float(name[4:]) ** 2))
        for name, each in spent.items()
        if name not in ("g = 0", "g = 1")
    ]


def rotation_costs(found: dict[str, dict[str, dict[str, Any]]]) -> list[Relation]:
    """int T S' - int T S' at g = 0 against g² int (1 - t/tau)² E|x|² dt."""
    checks = []
    for group, cases in found.items():
        still = cases["g = 0"]["estimates"]["dissipation"]
        t, second = cases["g = 0"]["second_moment"]
        for name, each in cases.items():
            if not name.startswith("g = ") or name == "g = 0":
                continue
            g = float(name[4:])
            integrand = (1.0 - t / t[-1]) ** 2 * second
            fine, coarse = (np.trapezoid(v, s) for s, v in ((t, integrand), (t[::2], integrand[::2])))
            cost = Estimate(float(g**2 * (4.0 * fine - coarse) / 3.0), float(g**2 * abs(fine - coarse) / 15.0))
            checks.append(equal(f"{group}: cost of {name}", each["estimates"]["dissipation"] - still, cost))
    return checks


def report(which: str, found: dict[str, dict[str, dict[str, Any]]]) -> tuple[str, int]:
    """The tables as text, and how many relations or equalities are violated."""
    blocks, violated = [], 0
    for group, cases in found.items():
        header = ("", *NAMES, "D0", "seconds")
        rows = []
        for name, each in cases.items():
            numbers = [str(each["estimates"][n]) for n in (*NAMES, "D0")]
            rows.append((name, *numbers, f"{each['seconds']:.0f}"))
        lines = [group, *table(header, rows)]
        for name in NAMES:
            lines.append(f"  order of {name}: {order({k: v['estimates'][name] for k, v in cases.items()})}")
        for name, each in cases.items():
            if "D0 inside" in each["estimates"]:
                inside, eta = each["estimates"]["D0 inside"], each["estimates"]["eta inside"]
                lines.append(f"  {name}: D0 inside {WINDOW} is {inside}, and eta with it {eta}")
            for relation in each["relations"]:
                if relation.verdict == "violated":
                    violated += 1
                    lines.append(f"  VIOLATED {name}: {relation}")
        blocks.append("\n".join(lines))
    checks = equalities(which, found)
    violated += sum(check.verdict == "violated" for check in checks)
    rows = [(c.name, c.verdict, f"{c.lhs:.8g}", f"{c.rhs:.8g}", f"{c.error:.1e}") for c in checks]
    blocks.append("\n".join(table(("between cases", "verdict", "left", "right", "bar"), rows)))
    if which == "b":
        rows = [(name, *map(str, values)) for name, values in PUBLISHED_ROTATION.items()]
        blocks.append("\n".join([*table(("published", "eta", "int T S' dt"), rows), PUBLISHED_ROTATION_WORDS]))
    blocks.append(f"{violated} violated")
    return "\n\n".join(blocks), violated


def main(arguments: list[str] | None = None) -> int:
    """Run one experiment and print what it says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiment", choices=sorted(EXPERIMENTS))
    parser.add_argument("--cells", type=int, default=256, help="cells along each axis")
    parser.add_argument("--workers", type=int, default=2, help="cases at a time")
    parser.add_argument("--out", type=Path, help="folder for the report, its numbers and the figures")
    options = parser.parse_args(arguments)
    began = time.perf_counter()
    found = run_all(groups_of(options.experiment, options.cells), options.workers)
    text, violated = report(options.experiment, found)
    text += f"; {time.perf_counter() - began:.0f} s"
    print(text)
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / f"plane-{options.experiment}.txt").write_text(text + "\n", encoding="utf-8")
        numbers = {
            group: {name: {n: e.json() for n, e in each["estimates"].items()} for name, each in cases.items()}
            for group, cases in found.items()
        }
        (options.out / f"plane-{options.experiment}.json").write_text(json.dumps(numbers, indent=1), encoding="utf-8")
        bars = {
            group: {name.removeprefix("g = "): each["estimates"] for name, each in cases.items()}
            for group, cases in found.items()
        }
        strength = "" if options.experiment == "a" else "g"
        save_figure(strength_figure(bars, strength), options.out / f"plane-{options.experiment}.png")
    return 1 if violated else 0


if __name__ == "__main__":
    raise SystemExit(main())
