"""The page of one text: what was predicted, and which tokens the network looked at."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurarium.core.files import write_text
from neurarium.report.document import document
from neurarium.report.heat_map import heat_map
from neurarium.report.parts import Html, card, grid, section, table

if TYPE_CHECKING:
    from neurarium.studies.prediction.text_attention import TextAttention

SHOWN = 32  # tokens of a square, at most


def write_attention(found: TextAttention, predicted: Mapping[str, Any], path: Path | str) -> None:
    """Write the page of one text.

    Args:
        found: what `studies.attend` found.
        predicted: the row of predictions, by column.
        path: of the page.
    """
    write_text(Path(path), render_attention(found, predicted))


def render_attention(found: TextAttention, predicted: Mapping[str, Any]) -> str:
    """Return the page as HTML."""
    said = str(predicted.get("prediction", ""))
    head = (
        f"<header><p class=eyebrow>Neurarium attention</p><h1>{escape(said)}</h1>"
        f"<p class=muted>{escape(found.text)}</p></header>"
    )
    rows = [
        [name, f"{each:.4f}" if isinstance(each, float) else str(each)] for name, each in predicted.items()
    ]
    tokens = [
        [token, Html(f"{weight:.4f}")] for token, weight in zip(found.tokens, found.weights, strict=True)
    ]
    parts = [
        section("text", "What the network looked at", _marked(found), _lead(found)),
        section("blocks", "Which token looks at which", _matrices(found),
                "A row looks at its columns; the mean over the heads of a block."),
        section("numbers", "In numbers", grid(
            card("Prediction", table(["column", "value"], rows, "the prediction", right=(1,))),
            card("Weights", table(["token", "weight"], tokens, "weights of the tokens", right=(1,))))),
    ]  # fmt: skip
    return document(f"Attention: {said}", head, parts)


def _lead(found: TextAttention) -> str:
    cut = f" The text is longer than what it reads: {found.cut} tokens were left out." if found.cut else ""
    of = f" It is that of {found.of}." if found.of else ""
    return (
        "The darker a token, the larger its weight. Attention says where a network looked, not why it decided."
        + of
        + cut
    )


def _marked(found: TextAttention) -> str:
    top = max(found.weights, default=1.0) or 1.0
    spans = []
    for token, weight in zip(found.tokens, found.weights, strict=True):
        tone = f"background:rgba(38,99,235,{0.65 * weight / top:.3f});padding:.15em .3em;border-radius:.3em"
        spans.append(f'<span style="{tone}" title="{weight:.4f}">{escape(token)}</span>')
    if found.cut:
        spans.insert(found.gap, f'<span class=muted title="{found.cut} tokens were left out">…</span>')
    return f"<p style='font-size:1.35rem;line-height:2.1'>{' '.join(spans)}</p>"


def _matrices(found: TextAttention) -> str:
    if found.matrices is None:
        return ""
    labels = found.labels[:SHOWN]
    means = found.matrices.mean(dim=1)[:, : len(labels), : len(labels)]
    note = f"the first {SHOWN} tokens" if len(found.labels) > SHOWN else ""
    named = [(f"Block {place}", each.tolist()) for place, each in enumerate(means, start=1)]
    cards = [
        card(
            name,
            heat_map(f"{name}: how much each token looks at each other one", values, labels, labels),
            note,
        )
        for name, values in named
    ]
    return grid(*cards)
