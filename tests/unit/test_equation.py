"""The problem: temperature, mobility, domain, and the forward process of a schedule."""

from __future__ import annotations

import numpy as np
import pytest

import fpsolve as fp
from fpsolve.settings import InputError

DOWN = fp.LinearForce(-1.0)
TURN = fp.LinearForce([[-1.0, 2.0], [-2.0, -1.0]])


def test_temperatures():
    assert fp.FokkerPlanck(DOWN, 0.5).temperature_at(3.0) == 0.5
    assert fp.FokkerPlanck(DOWN, lambda t: 1.0 + t).temperature_at(3.0) == 4.0
    local = fp.FokkerPlanck(DOWN, lambda x, t: x**2 + t)
    np.testing.assert_allclose(local.temperature_at(1.0, (np.array([0.0, 2.0]),)), [1.0, 5.0])
    assert not local.uniform_temperature and not local.steady
    assert fp.FokkerPlanck(DOWN, 0.5).steady


def test_mobilities():
    np.testing.assert_array_equal(fp.FokkerPlanck(DOWN, 1.0, 3.0).mobility_matrix, [[3.0]])
    np.testing.assert_array_equal(fp.FokkerPlanck(TURN, 1.0, 3.0).mobility_matrix, 3.0 * np.eye(2))
    stirred = [[1.0, 0.5], [-0.5, 1.0]]  # an antisymmetric part is allowed
    np.testing.assert_array_equal(fp.FokkerPlanck(TURN, 1.0, stirred).mobility_matrix, stirred)


def test_domains_make_grids():
    half = fp.Domain(0.0, 4.0, ("absorbing", "reflecting"))
    assert half.grid(10).axis.ends == ("absorbing", "reflecting")
    strip = fp.Domain((0.0, -1.0), (2.0, 1.0), ("periodic", ("reflecting", "absorbing")))
    assert [axis.boundary for axis in strip.grid((8, 9)).axes] == ["periodic", ("reflecting", "absorbing")]
    assert fp.Domain((0.0, 0.0), (1.0, 1.0)).grid(6).shape == (6, 6)


SCHEDULES = [fp.Cosine(2.0), fp.ConditionalOptimalTransport(0.5), fp.VariancePreserving(1.0, 0.1, 20.0)]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: schedule.kind)
def test_the_equation_of_a_schedule_is_finite_to_its_end(schedule):
    problem = fp.FokkerPlanck.of_schedule(schedule)
    for t in np.linspace(0.0, schedule.tau, 5):
        curve = schedule.curve(np.array([min(t, schedule.tau * (1 - 1e-9))]))
        (pull,) = problem.force.field((np.array([1.0]),), min(t, schedule.tau * (1 - 1e-9)))
        np.testing.assert_allclose(pull, curve.force_rate, rtol=1e-12)
        assert np.isfinite(problem.temperature_at(t)) and problem.temperature_at(t) >= 0.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: fp.FokkerPlanck(lambda x: -x, 1.0), "expected a force"),
        (lambda: fp.FokkerPlanck(DOWN, -1.0), "temperature: given -1"),
        (lambda: fp.FokkerPlanck(DOWN, np.nan), "finite"),
        (lambda: fp.FokkerPlanck(DOWN, "warm"), "expected a number"),
        (lambda: fp.FokkerPlanck(DOWN, lambda x, y, t: x), "expected t -> T"),
        (lambda: fp.FokkerPlanck(DOWN, lambda x, t=0.0: x), "alone"),
        (lambda: fp.FokkerPlanck(DOWN, lambda t: -t).temperature_at(1.0), "at least 0"),
        (lambda: fp.FokkerPlanck(DOWN, lambda t: np.inf).temperature_at(1.0), "finite"),
        (lambda: fp.FokkerPlanck(DOWN, lambda t: "hot").temperature_at(1.0), "not a number"),
        (lambda: fp.FokkerPlanck(DOWN, lambda x, t: -x).temperature_at(0.0, (np.ones(3),)), "at least 0"),
        (lambda: fp.FokkerPlanck(DOWN, 1.0, 0.0), "mobility"),
        (lambda: fp.FokkerPlanck(DOWN, 1.0, np.eye(2)), "mobility: given shape"),
        (lambda: fp.FokkerPlanck(TURN, 1.0, [[1.0, 3.0], [3.0, 1.0]]), "positive definite"),
        (lambda: fp.FokkerPlanck(TURN, 1.0, domain=fp.Domain(0.0, 1.0)), "axes"),
        (lambda: fp.Domain(1.0, 0.0), "below upper"),
        (lambda: fp.Domain(0.0, (1.0, 2.0)), "expected numbers, or pairs"),
        (lambda: fp.Domain(0.0, 1.0, "reflective"), "did you mean 'reflecting'"),
        (lambda: fp.Domain(0.0, 1.0, ("periodic", "reflecting")), "both ends"),
        (lambda: fp.Domain((0.0, 0.0), (1.0, 1.0), ("reflecting",) * 3), "one for x and one for y"),
    ],
)
def test_bad_problems(make, message):
    with pytest.raises(InputError, match=message):
        make()
