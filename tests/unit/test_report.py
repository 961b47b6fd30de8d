"""The report: complete, self-contained, and honest about what does not hold."""

from __future__ import annotations

import dataclasses
import html.parser

import numpy as np
import pytest
import xarray as xr

import fpsolve as fp
from fpsolve.estimates import Relation
from fpsolve.experiments import PURPOSES, STARTS, STATEMENTS, Verification, paper_cases, verify_cases, verify_problems
from fpsolve.experiments.learned import learned_cases
from fpsolve.experiments.summary import accuracies_of, short, solutions_of, symbol
from fpsolve.experiments.verification import equalities, run_cases
from fpsolve.report import data_name, figures_of, page, pretty, write_report
from fpsolve.solution import Setup


class Page(html.parser.HTMLParser):
    """Collects what a page refers to, and whether its tags close."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.images: list[dict[str, str | None]] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.ids.add(found.get("id", ""))
        if tag == "img":
            self.images.append(found)
        elif tag == "a":
            self.links.append(found["href"])
        if tag not in ("img", "meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def verification():
    cases = paper_cases(cells=60, steps=6)
    few = {"window": dataclasses.replace(verify_cases()["window"], cells=60, steps=6)}
    few["infinite"] = dataclasses.replace(verify_cases()["infinite"], cells=60, steps=6)
    mean = {name: case for name, case in cases.items() if name.startswith("mean/")}
    results = run_cases({**mean, **few, **verify_problems(), **learned_cases()})
    return Verification("quick", results, tuple(equalities(results)), 1.0)


@pytest.fixture(scope="module")
def written(verification, tmp_path_factory):
    out = tmp_path_factory.mktemp("report")
    told: list[str] = []
    write_report(verification, out, told.append)
    return out, told


def test_everything_it_names_is_there_and_nothing_else(verification, written):
    out, told = written
    parsed = Page((out / "report.html").read_text(encoding="utf-8"))
    assert parsed.open == []
    wanted = {image["src"] for image in parsed.images} | {link for link in parsed.links if not link.startswith("#")}
    found = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert found == wanted | {"report.html"} == set(told)
    assert all(image["alt"] for image in parsed.images)
    assert {link[1:] for link in parsed.links if link.startswith("#")} <= parsed.ids
    assert "http" not in " ".join(wanted)


def test_the_data_of_every_case_open_in_xarray_alone(verification, written):
    for name, result in accuracies_of(verification.cases).items():
        with xr.open_dataset(written[0] / data_name(name)) as saved:
            assert (saved["W1"].values == result.data["W1"].values).all()
            assert saved.attrs["recipe"] == result.data.attrs["recipe"]


def test_the_ledger_of_every_problem_opens_in_xarray_alone(verification, written):
    for name, result in solutions_of(verification.cases).items():
        with xr.open_dataset(written[0] / data_name(name)) as saved:
            assert (saved["entropy_production"].values == result.data["entropy_production"].values).all()


def test_problems_have_their_quantities_and_figures(verification):
    text = page(verification)
    parsed = Page(text)
    assert {f"figures/{name}.png" for name in verify_problems()} <= {image["src"] for image in parsed.images}
    for name, result in solutions_of(verification.cases).items():
        assert PURPOSES[name].replace("'", "&#39;") in text
        assert all(symbol(key) in text for key in result.estimates)
        assert short(result["entropy_production"]) in text
    assert "⟨e<sup>−W/T</sup>⟩ = e<sup>−ΔF/T</sup>" in text and "on a ring mass may go either way round" in text


def test_a_solution_without_a_ledger_has_no_figure(verification):
    """Absorbing ends: quantities and reasons stand there all the same."""
    refused = Setup(
        fp.FokkerPlanck(fp.LinearForce(-1.0), 0.5, domain=fp.Domain(-1.0, 1.0, "absorbing")), fp.Uniform(-0.5, 0.5),
        np.linspace(0.0, 0.2, 3), cells=64,
    )  # fmt: skip
    only = Verification("quick", run_cases({"leak": refused}), (), 1.0)
    text = page(only)
    assert "absorbing ends" in text and "figures/leak.png" not in text and Page(text).open == []
    assert [name for name, _ in figures_of(only)] == []
    assert "leak" in only.text()


def test_it_says_what_holds_and_why_not(verification):
    text = page(verification)
    for name in STATEMENTS:
        assert name in text
    assert "0.08981213868" in text and "0.09188" in text and "there is one" in text
    assert "P~²/P is not integrable" in text
    assert "whole line minus window" in text
    assert "nan" not in text.lower().replace("nanm", "")


def test_a_violation_stands_first(verification):
    wrong = Relation("speed-accuracy", "82", 1.0, 0.5, 1e-9, note="<here>")
    cases = {name: dataclasses.replace(result, relations=(wrong,)) for name, result in verification.cases.items()}
    text = page(dataclasses.replace(verification, cases=cases))
    assert f"{len(cases)} violated." in text
    assert "Every relation that applies holds" not in text
    assert "&lt;here&gt;" in text and "<here>" not in text


def test_a_verification_without_the_papers_cases(verification):
    text = page(dataclasses.replace(verification, cases={"infinite": verification.cases["infinite"]}, equalities=()))
    assert not any(f"densities-{start}" in text for start in STARTS)
    assert "Table I" not in text
    assert Page(text).open == []


def test_subscripts():
    assert pretty("W₂(q, P_τ)² ≤ v_loss² <") == "W₂(q, P<sub>τ</sub>)² ≤ v<sub>loss</sub>² &lt;"
    assert pretty("⟨e^{−s}⟩") == "⟨e<sup>−s</sup>⟩"
    assert pretty("Ṡ_sys + D_t") == "Ṡ<sub>sys</sub> + D<sub>t</sub>"
