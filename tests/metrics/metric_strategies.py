"""Hypothesis strategies: predictions with ties, targets in which classes may be absent, weights."""

from __future__ import annotations

import numpy
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays


def _array(shape, elements):
    return arrays.arrays(numpy.float64, shape, elements=elements)


@st.composite
def classified(draw, kinds=None, count=None):
    """(probabilities (n, classes), targets (n,), weights (n,)) as NumPy arrays."""
    n = draw(st.integers(1, 24) if count is None else count)
    classes = draw(st.integers(2, 4) if kinds is None else kinds)
    raw = draw(_array((n, classes), st.integers(1, 5).map(float)))
    targets = draw(arrays.arrays(numpy.int64, (n,), elements=st.integers(0, classes - 1)))
    return raw / raw.sum(1, keepdims=True), targets, draw(_weights(n))


@st.composite
def labelled(draw):
    """(scores (n, labels), 0/1 targets (n, labels), weights (n,)) as NumPy arrays."""
    n, labels = draw(st.integers(1, 20)), draw(st.integers(1, 3))
    scores = draw(_array((n, labels), st.integers(0, 8).map(lambda each: each / 8)))
    return (
        scores,
        draw(arrays.arrays(numpy.int64, (n, labels), elements=st.integers(0, 1))),
        draw(_weights(n)),
    )


@st.composite
def scored(draw):
    """(scores (n,) with ties, 0/1 targets (n,), weights (n,)) as NumPy arrays."""
    n = draw(st.integers(1, 24))
    scores = draw(_array((n,), st.integers(-4, 4).map(lambda each: each / 4)))
    return scores, draw(arrays.arrays(numpy.int64, (n,), elements=st.integers(0, 1))), draw(_weights(n))


@st.composite
def regressed(draw, least=1):
    """(predictions (n, quantities), targets (n, quantities), weights (n,)) as NumPy arrays."""
    n, columns = draw(st.integers(least, 20)), draw(st.integers(1, 3))
    values = st.integers(-40, 40).map(lambda each: each / 8)
    return draw(_array((n, columns), values)), draw(_array((n, columns), values)), draw(_weights(n))


def _weights(n):
    return _array((n,), st.sampled_from([0.25, 0.5, 1.0, 1.0, 2.0, 3.0]))


def table(elements, rows=3, items=5):
    """Draw scores or relevances `(rows, items)`."""
    return arrays.arrays(numpy.float64, (rows, items), elements=elements)
