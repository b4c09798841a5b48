"""The entry of a sequence network: tokens or vectors become one tensor of positions and a mask of the real ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from neurarium.core.errors import OptionError, RefusalError
from neurarium.core.options import parameters
from neurarium.data.specs import Classes, Frames, NextToken, Quantity, Series, Spec, Tags, Targets, Tokens
from neurarium.layers.dropout import Dropout
from neurarium.networks.sizing import check

Network = TypeVar("Network", bound=nn.Module)


class SequenceEntry(nn.Module):
    """Embed tokens, or project vectors, and say which positions are real.

    Args:
        width: numbers per position.
        vocabulary: how many tokens there are; 0 for series.
        channels: numbers per step of a series; 0 for tokens.
        padding: the index of the padding token, whose embedding is zero and stays so.
        dropout: the probability that a number is set to zero in training.
        token_dropout: the probability that a whole token is.
        plain: take the vectors of a series as they are; the width is their channels.

    `forward`: `{"tokens", "mask"}` (without a mask all are real) or `{"series", "lengths"}` -> `(batch, length, width)` and `(batch, length)` bool.
    Real positions come first in a sequence; what stands behind them is set to zero.

    Raises:
        OptionError: neither tokens nor channels, or both.
    """

    def __init__(
        self,
        width: int,
        vocabulary: int = 0,
        channels: int = 0,
        padding: int = 0,
        dropout: float = 0.0,
        token_dropout: float = 0.0,
        plain: bool = False,
    ):
        super().__init__()
        if (vocabulary < 1) == (channels < 1):
            raise OptionError(
                "a sequence is one of tokens or one of vectors",
                expected="a vocabulary, or channels",
                received=f"vocabulary={vocabulary}, channels={channels}",
            )
        self.embed: Any
        if vocabulary:
            self.embed = nn.Embedding(vocabulary, width, padding_idx=padding)
        else:
            self.embed = nn.Identity() if plain else nn.Linear(channels, width)
        if vocabulary:
            with torch.no_grad():
                self.embed.weight.uniform_(-0.25, 0.25)[padding].zero_()
        self.dropout = Dropout(dropout) if dropout else nn.Identity()
        self.token_dropout = Dropout(token_dropout) if token_dropout else None

    def forward(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        if "tokens" in inputs:
            tokens = inputs["tokens"]
            mask, found = inputs.get("mask"), self.embed(tokens)
            if mask is None:
                mask = torch.ones_like(tokens, dtype=torch.bool)
        else:
            series = inputs["series"]
            mask = torch.arange(series.shape[1], device=series.device) < inputs["lengths"][:, None]
            found = self.embed(series)
        real = mask.unsqueeze(-1).to(found.dtype)
        if self.token_dropout is not None:
            real = self.token_dropout(real)
        return self.dropout(found * real), mask


def build_for_sequences(
    cls: type[Network], name: str, inputs: Spec, targets: Spec, options: Mapping[str, Any], **sizes: Any
) -> Network:
    """Build a network of sequences for a dataset's specs (Tokens or Series -> targets).

    Args:
        sizes: further constructor arguments that the data decides.

    Raises:
        RefusalError: the answers must not see the future, and the network does.
    """
    check(
        name,
        inputs,
        targets,
        options,
        (Tokens, Series),
        (Classes, Quantity, Targets, Tags, Frames, NextToken),
    )
    if targets.causal and not looks_back_only(cls, options):
        raise RefusalError(
            f"the network '{name}' sees what stands behind a step, which is what {type(targets).__name__} targets are",
            expected="a network that looks back only: rnn, lstm, gru (bidirectional=false) or tcn",
            received=f"{name} {', '.join(f'{key}={value}' for key, value in options.items())}".strip(),
            fix="--network decoder" if isinstance(targets, NextToken) else "--network lstm",
        )
    if targets.causal and "bidirectional" in parameters(cls):
        options = {**options, "bidirectional": False}
    if targets.every_step != (options.get("pooling", "none" if targets.every_step else "") == "none"):
        raise OptionError(
            f"the network '{name}' cannot pool so: {type(targets).__name__} ask for "
            + ("an answer at every step" if targets.every_step else "one answer"),
            expected="pooling=none" if targets.every_step else "another pooling",
            received=f"pooling={options['pooling']}",
            fix="leave out pooling",
        )
    if targets.every_step:
        options = {**options, "pooling": "none"}
    if isinstance(inputs, Tokens):
        sizes |= {"vocabulary": inputs.vocabulary, "padding": inputs.padding}
    else:
        sizes |= {"channels": inputs.channels}  # type: ignore[attr-defined]
    return cls(outputs=targets.outputs, **sizes, **options)  # type: ignore[attr-defined]


def looks_back_only(cls: type[nn.Module], options: Mapping[str, Any]) -> bool:
    """Return whether a network's answer at a step depends on that step and those before it alone."""
    return bool(getattr(cls, "causal", False)) and not options.get("bidirectional", False)
