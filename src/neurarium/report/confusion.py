"""The confusion matrix as an HTML table: shares of each true class as shades, counts as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

MOST = 24


def confusion(matrix: Sequence[Sequence[float]], names: Sequence[str]) -> str:
    """Return the matrix; of many classes the pairs that are confused most.

    Args:
        matrix: counts, rows are the truth.
        names: of the classes.
    """
    if len(names) > MOST:
        return _confused(matrix, names)
    heads = "".join(f"<th title='{escape(name, quote=True)}'>{escape(name)}</th>" for name in names)
    rows = []
    for truth, row in enumerate(matrix):
        total = sum(row) or 1
        cells = "".join(
            _cell(value, value / total, names[truth], names[said]) for said, value in enumerate(row)
        )
        rows.append(
            f"<tr><th title='{escape(names[truth], quote=True)}'>{escape(names[truth])}</th>{cells}</tr>"
        )
    head = f"<thead><tr><th class=corner></th>{heads}</tr></thead>"
    note = "<p class='muted eyebrow'>Rows are the truth, columns what was predicted; shades are shares of a row.</p>"
    return (
        f"{note}<div class=scroll><table class=confusion>{head}<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _cell(value: float, share: float, truth: str, said: str) -> str:
    label = escape(f"{truth} taken for {said}: {value:,.0f}, {share:.1%}", quote=True)
    if value == 0:
        return f"<td class=none title='{label}'>·</td>"
    full = " class=full" if share > 0.55 else ""
    return f"<td{full} style='--share:{max(0.1, 0.08 + 0.84 * share):.2f}' title='{label}'>{value:,.0f}</td>"


def _confused(matrix: Sequence[Sequence[float]], names: Sequence[str], most: int = 20) -> str:
    pairs = [
        (value, truth, said)
        for truth, row in enumerate(matrix)
        for said, value in enumerate(row)
        if truth != said and value
    ]
    rows = []
    for value, truth, said in sorted(pairs, reverse=True)[:most]:
        share = value / (sum(matrix[truth]) or 1)
        rows.append(
            f"<tr><td>{escape(names[truth])}</td><td>{escape(names[said])}</td>"
            f"<td class=number>{value:,.0f}</td><td class=number>{share:.1%}</td></tr>"
        )
    head = "<thead><tr><th>truth</th><th>taken for</th><th class=number>times</th><th class=number>share</th></tr></thead>"
    note = f"<p class='muted eyebrow'>Of {len(names)} classes: the pairs that are confused most.</p>"
    return f"{note}<table>{head}<tbody>{''.join(rows)}</tbody></table>"
