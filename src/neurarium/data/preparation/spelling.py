"""Spelling: which characters of a text a token stands for."""

from __future__ import annotations

from typing import Any

from neurarium.data.preparation.characters import Characters
from neurarium.data.preparation.special_tokens import UNKNOWN
from neurarium.data.preparation.text import Words

MARKS = ("Ġ", "▁")  # stand for the blank before a piece


def spelled_by(preparation: Any) -> list[str]:
    """Return what each token of a preparation of one text spells, by its index; nothing where there is no such text.

    >>> import neurarium as nr
    >>> rows = {"said": ["so far", "so good"] * 10, "target": ["no", "yes"] * 10}
    >>> data = nr.data.table(rows, "target", text=("said",), tokenizer="words")
    >>> sorted(spelled_by(data.preparation))
    ['', '', 'far ', 'good ', 'so ']
    """
    texts: Any = getattr(preparation, "texts", ())
    return spelling(texts[0][2].tokenizer) if len(texts) == 1 else []


def spelling(tokenizer: Any) -> list[str]:
    """Return what each token spells, in the order of the indices; words end with a blank, other pieces begin with theirs."""
    if isinstance(tokenizer, Characters):
        return [""] * (UNKNOWN + 1) + list(tokenizer.characters)
    if isinstance(tokenizer, Words):
        return [""] * (UNKNOWN + 1) + [f"{word} " for word in tokenizer.words]
    held = tokenizer.tokenizer
    pieces = [held.id_to_token(code) or "" for code in range(tokenizer.size)]
    special = {code for code, each in held.get_added_tokens_decoder().items() if each.special}
    cut = any(piece.startswith("##") for piece in pieces)  # WordPiece: what goes on within a word is marked
    return ["" if code in special else _unmarked(piece, cut) for code, piece in enumerate(pieces)]


def _unmarked(piece: str, cut: bool) -> str:
    if cut:
        return piece[2:] if piece.startswith("##") else f" {piece}"
    for mark in MARKS:
        piece = piece.replace(mark, " ")
    return piece
