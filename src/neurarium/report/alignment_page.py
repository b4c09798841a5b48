"""The page of one translation: what was written, and where the network looked at each word."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurarium.core.files import write_text
from neurarium.report.document import document
from neurarium.report.heat_map import heat_map
from neurarium.report.parts import card, grid, section, table

if TYPE_CHECKING:
    from neurarium.studies.prediction.alignment import Alignment

SHOWN = 60  # words of each side in the picture


def write_alignment(found: Alignment, path: Path | str) -> None:
    """Write the page of one translation.

    Args:
        found: what `studies.align` found.
        path: of the page.
    """
    write_text(Path(path), render_alignment(found))


def render_alignment(found: Alignment) -> str:
    """Return the page as HTML."""
    head = (
        f"<header><p class=eyebrow>Neurarium translation</p><h1>{escape(found.written) or '(nothing)'}</h1>"
        f"<p class=muted>{escape(found.text)}</p></header>"
    )
    rows = [[goal, word, f"{weight:.4f}"] for goal, word, weight in strongest(found)]
    lead = "Each row is a word that was written, each column one that was read; the darker, the more it was looked at."
    if found.cut:
        lead += f" {found.cut} tokens behind the length that the network reads were cut."
    parts = [
        section("alignment", "Where the network looked", card("Alignment", picture(found.to_json())), lead),
        section("numbers", "In numbers", grid(
            card("Most looked at", table(["written", "read", "weight"], rows, "words most looked at", right=(2,))))),
    ]  # fmt: skip
    return document(f"Translation: {found.written}", head, parts)


def picture(found: Mapping[str, Any]) -> str:
    """Return the heat map of an alignment (`Alignment.to_json`), of its first 60 words on each side."""
    columns, rows = found["source"][:SHOWN], found["goal"][:SHOWN]
    values = [row[:SHOWN] for row in found["weights"][:SHOWN]]
    if not rows:
        return "<p class=muted>Nothing was written.</p>"
    return heat_map("how much each written word looks at each word read", values, rows, columns)


def strongest(found: Alignment) -> list[tuple[str, str, float]]:
    """Return for each written word the word that was looked at most, and its weight."""
    if not found.goal:
        return []
    weights, places = found.weights.max(dim=1)
    return [
        (goal, found.source[place], weight)
        for goal, place, weight in zip(found.goal, places.tolist(), weights.tolist(), strict=True)
    ]
