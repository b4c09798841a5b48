"""Texts of a report: what was written beside what was wanted, and where the network looked."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from neurarium.report.alignment_page import picture
from neurarium.report.parts import Html, card, grid, section, table
from neurarium.report.words import number, titled

if TYPE_CHECKING:
    from neurarium.studies.evaluation.report import EvaluationReport

KINDS = {
    "typical": ("Typical", "Those about the median."),
    "worst": (
        "Worst",
        "Those with the least in common with what was wanted; the network may still be right.",
    ),
}


def texts(reports: Mapping[str, EvaluationReport], found: Mapping[str, Any]) -> str:
    """Return the section: typical and worst texts of the split that was measured, and an alignment."""
    report = reports.get("test") or reports.get("validation")
    if report is None or not report.texts:
        return ""
    cards = []
    for kind, (title, note) in KINDS.items():
        rows = [each for each in report.texts if each["kind"] == kind]
        if rows:
            name = titled(rows[0]["metric"])
            cells = [
                [
                    Html(_block(each["source"])),
                    Html(_block(each["said"])),
                    Html(_block(each["wanted"])),
                    number(each["value"]),
                ]
                for each in rows
            ]
            heads = ["read", "written", "wanted", name]
            made = table(heads, cells, f"{title.lower()} texts", right=(3,))
            cards.append(card(title, made, note, wide=True))
    if held := found.get("alignment"):
        note = "Each row is a word that was written, each column one that was read; the darker, the more it was looked at."
        cards.append(card("Where it looked", picture(held), note, wide=True))
    lead = f"Texts of the {escape(report.split)} split, decoded by beam search."
    return section("texts", "What it writes", grid(*cards), lead)


def _block(words: str, most: int = 400) -> str:
    """Text in its own direction, cut where it is long."""
    shown = words if len(words) <= most else f"{words[:most]}…"
    return f"<span dir=auto>{escape(shown)}</span>"
