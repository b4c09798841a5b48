"""Pictures of traces: the values, what was expected, labelled windows, alarms, and the scores below."""

from __future__ import annotations

import base64
from typing import Any

import numpy

from neurarium.studies.pictures.series import thinned

WIDTH, TOP, BOTTOM, GAP, MARGIN = 760, 150, 46, 12, 6
POINTS = 1200


def trace_picture(
    values: numpy.ndarray,
    scores: numpy.ndarray,
    alarms: numpy.ndarray,
    windows: Any,
    first: int,
    threshold: float,
) -> str:
    """Return a trace as the data address of an SVG.

    Args:
        values, scores: `(length,)`.
        alarms: which moments are anomalies.
        windows: first and last places that are labelled.
        first: where the probation ends.
        threshold: drawn through the scores.

    >>> still = numpy.zeros(9)
    >>> trace_picture(still, still, still > 0, [(3, 5)], 1, 0.5)[:26]
    'data:image/svg+xml;base64,'
    """
    height = TOP + GAP + BOTTOM
    low, high = float(values.min()), float(values.max())
    count = max(1, len(values) - 1)

    def x(place: Any) -> Any:
        return MARGIN + (WIDTH - 2 * MARGIN) * numpy.asarray(place, dtype=float) / count

    def y(value: Any) -> Any:
        return TOP - MARGIN - (TOP - 2 * MARGIN) * (numpy.asarray(value) - low) / (high - low or 1.0)

    def under(score: Any) -> Any:
        return height - 2 - (BOTTOM - 4) * numpy.asarray(score)

    parts = [f'<rect x="{MARGIN}" y="0" width="{float(x(first)) - MARGIN:.1f}" height="{height}" fill="#94a3b8" fill-opacity="0.16"/>']  # fmt: skip
    for start, end in windows:
        wide = max(1.5, float(x(end) - x(start)))
        parts.append(f'<rect x="{float(x(start)):.1f}" y="0" width="{wide:.1f}" height="{height}" fill="#f59e0b" fill-opacity="0.28"/>')  # fmt: skip
    for column, place, color, wide in ((values, y, "#3b82f6", 1.0), (scores, under, "#64748b", 0.9)):
        chosen = thinned(column, POINTS)
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x(chosen), place(column[chosen]), strict=True))
        parts.append(f'<polyline fill="none" stroke="{color}" stroke-width="{wide}" points="{points}"/>')
    level = float(under(min(threshold, 1.0)))
    parts.append(f'<line x1="{MARGIN}" x2="{WIDTH - MARGIN}" y1="{level:.1f}" y2="{level:.1f}" stroke="#dc2626" stroke-dasharray="4 3" stroke-width="0.8"/>')  # fmt: skip
    for place in numpy.flatnonzero(alarms)[:200]:
        parts.append(f'<circle cx="{float(x(place)):.1f}" cy="{float(y(values[place])):.1f}" r="3.2" fill="#dc2626"/>')  # fmt: skip
    content = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">{"".join(parts)}</svg>'  # fmt: skip
    return "data:image/svg+xml;base64," + base64.b64encode(content.encode()).decode("ascii")


def loudest(watched: Any, threshold: float, most: int = 12) -> list[dict[str, Any]]:
    """Return the alarms of a trace of the highest scores, as they came: time, value, what was expected, score, and whether a
    labelled window holds it."""
    trace = watched.trace
    places = numpy.flatnonzero(watched.alarms(threshold))
    chosen = numpy.sort(places[numpy.argsort(-watched.scores[places], kind="stable")[:most]])
    return [
        {
            "time": str(trace.times[place]),
            "value": float(trace.values[place]),
            "expected": float(watched.expected[place]),
            "score": float(watched.scores[place]),
            "labelled": any(start <= place <= end for start, end in trace.windows),
        }
        for place in chosen
    ]


def trace_examples(watched: Any, threshold: float, most: int = 8) -> list[dict[str, Any]]:
    """Return pictures, notes and alarms of some traces: those with labels or alarms, at equal distances among them."""
    telling = [each for each in watched if each.trace.windows or each.alarms(threshold).any()] or list(
        watched
    )
    chosen = [telling[int(place)] for place in numpy.unique(numpy.linspace(0, len(telling) - 1, min(most, len(telling))).round())]  # fmt: skip
    found = []
    for each in chosen:
        alarms, trace = each.alarms(threshold), each.trace
        many = int(alarms.sum())
        note = (
            f"{trace.name}: {len(trace):,} moments from {trace.times[0]} to {trace.times[-1]}, values from "
        )
        note += (
            f"{trace.values.min():.5g} to {trace.values.max():.5g}, {many} alarm{'' if many == 1 else 's'}"
        )
        if trace.windows:
            hit = sum(bool(alarms[start : end + 1].any()) for start, end in trace.windows)
            note += f", {hit} of {len(trace.windows)} labelled windows found"
        picture = trace_picture(trace.values, each.scores, alarms, trace.windows, each.first, threshold)
        found.append({"picture": picture, "note": note, "alarms": loudest(each, threshold), "count": many})
    return found
