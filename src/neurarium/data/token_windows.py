"""Token windows: a long text as examples, each so many tokens and at every position the token that follows."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from neurarium.data.examples import Examples
from neurarium.data.specs import NOTHING


class TokenWindows(Examples):
    """Windows that follow one another without overlap: each token is predicted once, but for the first of the text.

    They are views of one copy of the text; the last window is filled with -1, where there is nothing to predict. Training
    takes others: `data.sources.TokenBatches` begins them anywhere, `TokenStreams` reads on where it stood.

    Args:
        tokens: of the whole text, `(count,)` int32, two at least.
        length: tokens of a window.
        characters, bytes: how many of the text each token stands for, `(count,)`; None where that is not known.

    >>> windows = TokenWindows(torch.arange(6, dtype=torch.int32), 4)
    >>> len(windows), windows[1]["inputs"]["tokens"].tolist(), windows[1]["targets"].tolist()
    (2, [[4, 5, 0, 0]], [[5, -1, -1, -1]])
    """

    def __init__(
        self, tokens: Tensor, length: int, characters: Tensor | None = None, bytes: Tensor | None = None
    ):
        self.tokens, self.length = tokens, length
        count = -(-(len(tokens) - 1) // length)
        filled = torch.full((count * length + 1,), NOTHING, dtype=torch.int32)
        filled[: len(tokens)] = tokens
        batch: dict[str, Any] = {
            "inputs": {"tokens": filled[:-1].view(count, length)},
            "targets": filled[1:].view(count, length),
        }
        if characters is not None and bytes is not None:
            batch["spans"] = torch.stack(
                [_summed(each, count, length) for each in (characters, bytes)], dim=1
            )
        super().__init__(batch, finish=finished)


def finished(batch: dict[str, Any]) -> dict[str, Any]:
    """Turn a taken batch into tokens and the next tokens; they need no mask: what stands behind changes nothing."""
    inputs = {"tokens": batch["inputs"]["tokens"].clamp(min=0).long()}
    return {**batch, "inputs": inputs, "targets": batch["targets"].long()}


def _summed(each: Tensor, count: int, length: int) -> Tensor:
    """Sum over the targets of each window."""
    filled = torch.zeros(count * length, dtype=torch.int64)
    filled[: len(each) - 1] = each[1:]
    return filled.view(count, length).sum(dim=1)
