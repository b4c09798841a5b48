"""Pictures of series: a line per channel, as a data address for a page."""

from __future__ import annotations

import base64

import numpy

WIDTH, HEIGHT, MARGIN = 220, 110, 4
COLORS = ("#3b82f6", "#ef8a17", "#16a34a", "#dc4a6b", "#8b5cf6", "#0891b2", "#a16207", "#64748b")
MOST = 400  # points of a line; more are thinned to the lowest and highest of each stretch


def series_picture(values: numpy.ndarray) -> str:
    """Return `(length, channels)` values as the data address of an SVG, all channels on one scale.

    >>> series_picture(numpy.zeros((3, 1)))[:26]
    'data:image/svg+xml;base64,'
    """
    low, high = float(values.min(initial=0.0)), float(values.max(initial=0.0))
    if len(values):
        low, high = float(values.min()), float(values.max())
    span = high - low or 1.0
    lines = []
    for channel, column in enumerate(values.T):
        places = thinned(column)
        x = MARGIN + (WIDTH - 2 * MARGIN) * places / max(1, len(column) - 1)
        y = HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * (column[places] - low) / span
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
        color = COLORS[channel % len(COLORS)]
        lines.append(f'<polyline fill="none" stroke="{color}" stroke-width="1.4" points="{points}"/>')
    content = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">'
        f"{''.join(lines)}</svg>"
    )
    return "data:image/svg+xml;base64," + base64.b64encode(content.encode()).decode("ascii")


def thinned(column: numpy.ndarray, most: int = MOST) -> numpy.ndarray:
    """Return the places to draw: all of a short line, else the lowest and highest of each stretch, so that peaks stay.

    >>> 5000 in thinned(numpy.eye(1, 20000, 5000)[0])
    True
    """
    if len(column) <= most:
        return numpy.arange(len(column))
    stretches = numpy.array_split(numpy.arange(len(column)), most // 2)
    found = {int(each[function(column[each])]) for each in stretches for function in (numpy.argmin, numpy.argmax)}  # fmt: skip
    return numpy.array(sorted(found | {0, len(column) - 1}))
