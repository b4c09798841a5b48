"""Sentences of a report: words with their tags, and what was said where that is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from neurarium.report.parts import card, section

OUTSIDE = "O"


def sentences(found: Mapping[str, Any]) -> str:
    """Return the section: the sentences with the most wrong tags."""
    held = found.get("sentences")
    if not held:
        return ""
    spans = any(OUTSIDE in each["truth"] for each in held)
    lines = "".join(f"<li dir=auto>{_sentence(each, spans)}</li>" for each in held)
    note = "Above a word stands its tag; orange: the tag that was said, and under it the true one. Look for wrong labels too."
    return section(
        "sentences",
        "Worst sentences",
        card(f"The {len(held)} with the most wrong tags", f"<ol class=tagged>{lines}</ol>", note, wide=True),
        f"Sentences of the {escape(str(found.get('split', 'test')))} split.",
    )


def _sentence(held: Mapping[str, Any], spans: bool) -> str:
    shown = []
    for word, truth, said in zip(held["words"], held["truth"], held["said"], strict=True):
        if truth != said:
            shown.append(
                f"<span class='word wrong'><small>{escape(said)}</small><b>{escape(word)}</b>"
                f"<small><span class=quiet>, not </span>{escape(truth)}</small></span>"
            )
        elif spans and truth != OUTSIDE:
            shown.append(f"<span class=word><small>{escape(truth)}</small><b>{escape(word)}</b></span>")
        else:
            shown.append(f"<span class=word>{escape(word)}</span>")
    note = f" <span class=note>{escape(held['note'])}</span>" if held["note"] else ""
    return " ".join(shown) + note
