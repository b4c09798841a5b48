"""Pooling: the states of a sequence as one vector, or each of them."""

from __future__ import annotations

from typing import Literal

import torch  # noqa: F401  # for the examples
from torch import Tensor, nn

from neurarium.core.errors import OptionError, RefusalError
from neurarium.layers.attention_pooling import AttentionPooling
from neurarium.layers.attention_scores import ScoreName

Pooling = Literal["last", "mean", "attention", "none"]  # "none": no pooling, an output for every step
POOLINGS = ("last", "mean", "attention")


class SequencePooling(nn.Module):
    """The last real state, the mean of the real ones, or their learned weighted mean.

    Args:
        width: numbers per state.
        how: "last", "mean" or "attention".
        score: of the attention (`layers.attention_scores`).

    `forward`: `(batch, length, width)` and a mask `(batch, length)` -> `(batch, width)`; zeros where nothing is real.

    Raises:
        OptionError: no such pooling, or a score without attention.

    >>> states = torch.tensor([[[1.0], [3.0], [9.0]]])
    >>> mask = torch.tensor([[True, True, False]])
    >>> SequencePooling(1, "last")(states, mask).item(), SequencePooling(1, "mean")(states, mask).item()
    (3.0, 2.0)
    """

    def __init__(self, width: int, how: Pooling = "last", score: ScoreName = "additive"):
        super().__init__()
        if how not in POOLINGS:
            raise OptionError("there is no such pooling", expected="last, mean or attention", received=how)
        require_attention(how, score)
        self.how = how
        self.attention = AttentionPooling(width, score=score) if how == "attention" else None

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        if self.attention is not None:
            return self.attention(states, mask)
        return last_of(states, mask) if self.how == "last" else mean_of(states, mask)


def require_attention(pooling: str, score: str) -> None:
    """Refuse a score where nothing attends.

    Raises:
        OptionError: a score beside another pooling.
    """
    if pooling != "attention" and score != "additive":
        raise OptionError(
            "a score is one of attention", expected="pooling=attention", received=f"pooling={pooling}, score={score}",
            fix="leave out score=",
        )  # fmt: skip


def without_attention(name: str, pooling: str) -> RefusalError:
    """Return the error of a network that pools otherwise, and whose weights of tokens are asked for."""
    how = "answers at every step" if pooling == "none" else f"pools by '{pooling}'"
    return RefusalError(
        f"this network '{name}' has no attention: it {how}",
        expected="pooling=attention",
        received=f"pooling={pooling}",
        fix=f"train it with --network {name} --set pooling=attention",
    )


def last_of(states: Tensor, mask: Tensor) -> Tensor:
    """Return the state of the last real position, `(batch, width)`; zeros where there is none."""
    count = mask.sum(dim=1)
    place = (count - 1).clamp(min=0)[:, None, None].expand(-1, 1, states.shape[-1])
    return states.gather(1, place)[:, 0] * (count > 0).unsqueeze(-1)


def mean_of(sequence: Tensor, mask: Tensor) -> Tensor:
    """Return the mean over real positions, `(batch, width)`; zeros where there is none."""
    real = mask.unsqueeze(-1).to(sequence.dtype)
    return (sequence * real).sum(dim=1) / real.sum(dim=1).clamp(min=1)
