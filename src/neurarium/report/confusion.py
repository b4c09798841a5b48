"""The confusion matrix: a table of counts in shades; of many classes a picture and the pairs confused most."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from neurarium.report.charts import heat
from neurarium.report.parts import table

MOST = 24


def confusion(matrix: Sequence[Sequence[float]], names: Sequence[str]) -> str:
    """Return the matrix; of many classes a picture, and the pairs that are confused most.

    Args:
        matrix: counts, rows are the truth.
        names: of the classes.
    """
    if len(names) > MOST:
        return f"<div class=sides><div>{heat(matrix, names)}</div><div>{_confused(matrix, names)}</div></div>"
    heads = "".join(f"<th scope=col title='{escape(name, quote=True)}'>{escape(name)}</th>" for name in names)
    rows = []
    for truth, row in enumerate(matrix):
        total = sum(row) or 1
        cells = "".join(
            _cell(value, value / total, names[truth], names[said]) for said, value in enumerate(row)
        )
        title = escape(names[truth], quote=True)
        rows.append(f"<tr><th scope=row title='{title}'>{escape(names[truth])}</th>{cells}</tr>")
    head = f"<thead><tr><td class=corner></td>{heads}</tr></thead>"
    small = " many" if len(names) > 12 else ""
    held = f"<table class='confusion{small}'><caption class=quiet>confusion matrix</caption>{head}<tbody>{''.join(rows)}</tbody></table>"
    return f"<div class=scroll tabindex=0 role=region aria-label='confusion matrix'>{held}</div>"


def _cell(value: float, share: float, truth: str, said: str) -> str:
    label = escape(f"{truth} taken for {said}: {value:,.0f}, {share:.1%}", quote=True)
    if value == 0:
        return f"<td class=none title='{label}'>·</td>"
    # Two ranges with a gap between them: on every shade its text has a contrast of 4.5 or more.
    full = " class=full" if share > 0.55 else ""
    shade = 0.84 + 0.16 * share if full else 0.08 + 0.6 * share
    return f"<td{full} style='--share:{shade:.2f}' title='{label}'>{value:,.0f}</td>"


def _confused(matrix: Sequence[Sequence[float]], names: Sequence[str], most: int = 15) -> str:
    pairs = [
        (value, truth, said)
        for truth, row in enumerate(matrix)
        for said, value in enumerate(row)
        if truth != said and value
    ]
    rows = [
        [names[truth], names[said], f"{value:,.0f}", f"{value / (sum(matrix[truth]) or 1):.1%}"]
        for value, truth, said in sorted(pairs, key=lambda each: (-each[0], each[1:]))[:most]
    ]
    if not rows:
        return "<p class=note>No pair is confused.</p>"
    return table(
        ["truth", "taken for", "times", "share"], rows, "the pairs that are confused most", right=(2, 3)
    )
