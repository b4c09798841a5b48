"""Samples of a report: what a language model writes."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from neurarium.report.parts import card, section


def samples(found: Mapping[str, Any]) -> str:
    """Texts that the model wrote at the end of training, each with how it was drawn."""
    held = found.get("samples")
    if not held:
        return ""
    cards = "".join(
        card(
            each["name"],
            f"<pre tabindex=0 class=written dir=auto><b>{escape(each['prompt'])}</b>{escape(each['text'])}</pre>",
            wide=True,
        )
        for each in held
    )
    lead = "Drawn at the end of training; what it goes on with is bold. neurarium generate RUN writes more."
    return section("samples", "What it writes", cards, lead)
