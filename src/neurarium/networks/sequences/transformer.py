"""Transformer: an encoder whose tokens look at one another, and a head on what they say together."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.data.specs import Spec
from neurarium.layers.attention_scores import ScoreName
from neurarium.layers.feed_forward import inner_width
from neurarium.layers.positions import LearnedPositions, SinusoidalPositions
from neurarium.layers.rms_norm import norm as norm_named
from neurarium.layers.transformer_block import Norm, TransformerBlock
from neurarium.networks.sequences.entry import SequenceEntry, build_for_sequences
from neurarium.networks.sequences.pooling import mean_of
from neurarium.networks.sizing import Distribution, head_outputs

Positions = Literal["sinusoidal", "learned", "rotary", "none"]
CHOICES = {
    "positions": ("sinusoidal", "learned", "rotary", "none"),
    "normalization": ("pre", "post"),
    "pooling": ("cls", "mean", "none"),
}


@recorded
class Transformer(nn.Module):
    """A transformer encoder for classification and regression of sequences.

    x = positions(sqrt(d) e); each block, pre-norm: x = x + Attention(LN(x)), x = x + W_2 g(W_1 LN(x) + b_1) + b_2; or
    post-norm: x = LN(x + Attention(x)), x = LN(x + W_2 g(W_1 x + b_1) + b_2); Z = W pool(LN(x)) + b

    Args:
        outputs: how many numbers are predicted.
        vocabulary, padding: of the tokens; or channels: of a series.
        longest: the longest sequence, for learned positions; the data says it.
        width: d, numbers per token.
        blocks, heads: how many; the heads divide the width.
        expansion: width of a block's inner layer, as a multiple of `width`.
        positions: "sinusoidal" or "learned" vectors that are added, "rotary" turns of queries and keys, or "none": then
            the network sees a bag of tokens.
        normalization: "pre" (trains without warm-up) or "post" (as published).
        pooling: "cls", a learned token in front, the "mean" of the tokens, or "none": an output for every token.
        dropout: on embedded tokens, attention weights, inner layers and branches.
        token_dropout: the probability that a whole token is zero in training.
        activation: g; or gated, see `layers.FeedForward`.
        norm: "layer" or "rms" (see `layers.RMSNorm`).
        key_heads: heads of keys and values, each shared by several of queries; as many as heads when left out.
        window: tokens nearer than this are looked at, |i - j| < window; all when left out. Without a class token, which
            would see its neighbours alone.
        score: how queries and keys are compared: scaled-dot, dot, cosine, general or additive (`layers.attention_scores`).
        distribution: `gaussian` for a mean and a raw variance per output.

    `forward`: a dict of tokens or of a series -> `(batch, outputs)`, or `(batch, length, outputs)`. Padding changes nothing.

    Raises:
        OptionError: an unknown choice, heads that do not divide the width, a window beside a class token.
        ShapeError: a sequence longer than the learned positions.

    Vaswani et al. 2017, arXiv:1706.03762; Xiong et al. 2020, arXiv:2002.04745 (pre-norm); Ainslie et al. 2023,
    arXiv:2305.13245 (key_heads); Beltagy et al. 2020, arXiv:2004.05150, section 3.1 (window).

    >>> tokens = torch.tensor([[5, 2, 0], [0, 0, 0]])
    >>> Transformer(3, vocabulary=10)({"tokens": tokens, "mask": tokens != 0}).shape
    torch.Size([2, 3])
    """

    any_length = True

    def __init__(
        self,
        outputs: int,
        vocabulary: int = 0,
        channels: int = 0,
        padding: int = 0,
        longest: int = 512,
        width: int = 128,
        blocks: int = 2,
        heads: int = 4,
        expansion: float = 2.0,
        positions: Positions = "sinusoidal",
        normalization: Literal["pre", "post"] = "pre",
        pooling: Literal["cls", "mean", "none"] = "cls",
        dropout: float = 0.2,
        token_dropout: float = 0.0,
        activation: str = "gelu",
        norm: Norm = "layer",
        key_heads: int | None = None,
        window: int | None = None,
        score: ScoreName = "scaled-dot",
        distribution: Distribution = None,
    ):
        super().__init__()
        chosen = {"positions": positions, "normalization": normalization, "pooling": pooling}
        for option, known in CHOICES.items():
            if chosen[option] not in known:
                raise OptionError(
                    f"there is no such {option}", expected=" or ".join(known), received=chosen[option]
                )
        if window is not None and pooling == "cls":
            raise OptionError(
                "a class token would see the first tokens of a window alone",
                expected="pooling=mean, or no window",
                received=f"window={window}, pooling=cls",
                fix="--set pooling=mean",
            )
        self.distribution, self.scale, self.pooling = distribution, math.sqrt(width), pooling
        self.entry = SequenceEntry(width, vocabulary, channels, padding, dropout, token_dropout)
        with torch.no_grad():  # tokens of the size of their positions, once they are scaled
            self.entry.embed.weight.mul_(4 / self.scale)
        self.start = nn.Parameter(0.02 * torch.randn(width)) if pooling == "cls" else None
        place = {"sinusoidal": SinusoidalPositions(width), "learned": LearnedPositions(width, longest + 1)}
        self.positions = place.get(positions, nn.Identity())
        self.blocks = nn.ModuleList(
            TransformerBlock(
                width, heads, inner_width(width, expansion, activation), activation, dropout, normalization,
                norm, rotary=positions == "rotary", key_heads=key_heads, window=window, score=score,
            )
            for _ in range(blocks)
        )  # fmt: skip
        self.normalize = norm_named(norm, width) if normalization == "pre" else nn.Identity()
        self.feature_dim = width
        self.head = nn.Linear(width, head_outputs(outputs, distribution))

    @classmethod
    def for_data(cls, inputs: Spec, targets: Spec, **options: Any) -> Transformer:
        """Size the network to a dataset's specs (Tokens or Series -> Classes, Quantity or Tags)."""
        longest = {"longest": getattr(inputs, "length", 512)} if "longest" not in options else {}
        return build_for_sequences(cls, "transformer", inputs, targets, options, **longest)

    def _enter(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        tokens, mask = self.entry(inputs)
        tokens = tokens * self.scale
        if self.start is not None:
            tokens = torch.cat([self.start.expand(len(tokens), 1, -1).to(tokens.dtype), tokens], dim=1)
            mask = functional.pad(mask, (1, 0), value=True)
        return self.positions(tokens), mask

    def states(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return the last block's tokens `(batch, length, feature_dim)`, a class token first, and the mask."""
        tokens, mask = self._enter(inputs)
        for block in self.blocks:
            tokens = block(tokens, padding=mask)
        return self.normalize(tokens), mask

    def features(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the pooled tokens, `(batch, feature_dim)`; with pooling "none" all of them."""
        tokens, mask = self.states(inputs)
        if self.pooling == "none":
            return tokens
        return tokens[:, 0] if self.start is not None else mean_of(tokens, mask)

    def attention(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the weights of every block, `(batch, blocks, heads, queries, keys)`; with "cls" the first is its token."""
        tokens, mask = self._enter(inputs)
        found = []
        for block in self.blocks:
            found.append(block.weights(tokens, padding=mask))  # type: ignore[operator]
            tokens = block(tokens, padding=mask)
        return torch.stack(found, dim=1)

    def token_weights(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return how much each position is looked at in the last block, `(batch, length)`, summing to one over real ones.

        The mean over heads, of what the "cls" token looks at beside itself, or of what all real tokens look at.
        """
        last = self.attention(inputs)[:, -1].mean(dim=1)
        mask = inputs.get("mask")
        if self.start is not None:
            seen = last[:, 0, 1:]
        else:
            if mask is None:
                mask = torch.arange(last.shape[1], device=last.device) < inputs["lengths"][:, None]
            seen = mean_of(last, mask)
        return seen / seen.sum(dim=1, keepdim=True).clamp(min=torch.finfo(seen.dtype).tiny)

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        return self.head(self.features(inputs))
