"""Heat maps: a matrix as squares, with words at both edges."""

from __future__ import annotations

from collections.abc import Sequence

from neurarium.report.svg import drawing, element, text

CELL, MARGIN = 26, 96  # pixels per cell, for the labels


def heat_map(
    title: str, values: Sequence[Sequence[float]], rows: Sequence[str], columns: Sequence[str]
) -> str:
    """Return a matrix as a drawing; the darker a square, the larger its value.

    Args:
        title: for those who cannot see it.
        values: one row per row label, one value per column label.
        rows, columns: their labels.
    """
    top = max((max(row, default=0.0) for row in values), default=0.0) or 1.0
    body = []
    for across, label in enumerate(columns):
        x = MARGIN + CELL * (across + 0.5)
        shown = text(x, MARGIN - 8, short(label), anchor="start")
        body.append(element("g", shown, transform=f"rotate(-60 {x:.1f} {MARGIN - 8})"))
    for down, (label, row) in enumerate(zip(rows, values, strict=True)):
        y = MARGIN + CELL * down
        body.append(text(MARGIN - 6, y + CELL / 2 + 4, short(label), anchor="end"))
        for across, value in enumerate(row):
            body.append(element(
                "rect", x=MARGIN + CELL * across, y=y, width=CELL - 1, height=CELL - 1,
                fill="#2663eb", fill_opacity=f"{value / top:.3f}",
            ))  # fmt: skip
    width = MARGIN + CELL * len(columns) + 60  # room for the last slanted label beside the last column
    drawn = drawing("".join(body), width, MARGIN + CELL * len(rows), title)
    return f"<div style='max-width:{width}px;container-type:inline-size'>{drawn}</div>"  # a few words are no poster


def short(label: str) -> str:
    """Cut a label.

    >>> short("Rindfleischetikett")
    'Rindfleisc…'
    """
    return label if len(label) <= 11 else f"{label[:10]}…"
