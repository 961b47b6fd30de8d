"""Panel edges keep the hard ones and are nowhere wider than the features allow."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fpsolve.mesh import GROWTH, STEP, marched


def allowed(x, centres, scales, step, growth):
    """The documented width, before the faster growth far out."""
    distance = np.abs(x[:, None] - centres)
    return np.min(step * scales + growth * distance, axis=1)


@given(
    st.lists(st.floats(-5.0, 5.0), min_size=1, max_size=4),
    st.floats(0.01, 1.0),
    st.lists(st.floats(-6.0, 6.0), min_size=0, max_size=4, unique=True),
)
def test_edges_hold_the_hard_ones_and_follow_the_features(centres, scale, inner):
    hard = np.unique(np.concatenate([[-8.0, 8.0], inner]))
    hard = hard[np.concatenate([[True], np.diff(hard) > 1e-6])]
    centres, scales = np.array(centres), np.full(len(centres), scale)
    edges = marched(hard, centres, scales)
    assert np.all(np.diff(edges) > 0.0)
    assert np.all(np.isin(hard, edges)) and edges[0] == hard[0] and edges[-1] == hard[-1]
    near = np.min(np.abs(edges[:-1, None] - centres) / scales, axis=1) < 13.0
    # the last panel before a hard edge may be stretched by a half, rather than leave a sliver
    width = 1.5 * allowed(edges[:-1], centres, scales, STEP, GROWTH)
    assert np.all(np.diff(edges)[near] <= width[near] * (1 + 1e-9))


@pytest.mark.parametrize("step", [0.25, 0.75, 2.0])
def test_a_finer_step_makes_more_panels(step):
    hard, centre, scale = np.array([-1.0, 1.0]), np.zeros(1), np.full(1, 0.1)
    edges = marched(hard, centre, scale, step=step, growth=0.0)
    assert np.max(np.diff(edges)) <= 1.5 * step * 0.1 + 1e-12
    assert edges.size - 1 >= 2.0 / (1.5 * step * 0.1)


def test_many_panels_do_not_overflow_the_first_guess():
    edges = marched(np.array([0.0, 1.0]), np.array([0.5]), np.array([1e-3]), growth=0.0)
    assert edges.size > 1000 and np.all(np.diff(edges) > 0.0)
    assert (edges[0], edges[-1]) == (0.0, 1.0)


def test_panels_grow_away_from_a_narrow_feature():
    edges = marched(np.array([-100.0, 100.0]), np.zeros(1), np.full(1, 1e-6))
    widths = np.diff(edges)
    middle = np.argmin(np.abs(edges))
    assert np.min(widths[middle - 2 : middle + 2]) < 3e-6 and np.max(widths) > 5.0 and edges.size < 400
