"""Decoder: a language model of transformer blocks; each token is predicted from those before it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from neurarium.core.errors import OptionError, RefusalError, ShapeError
from neurarium.core.recipe import recorded
from neurarium.data.specs import NextToken, Spec, Tokens
from neurarium.layers.attention_scores import ScoreName
from neurarium.layers.dropout import Dropout
from neurarium.layers.feed_forward import inner_width
from neurarium.layers.key_value_cache import KeyValueCache
from neurarium.layers.positions import LearnedPositions, SinusoidalPositions
from neurarium.layers.rms_norm import norm as norm_named
from neurarium.layers.transformer_block import Norm, Order, TransformerBlock
from neurarium.networks.sequences.transformer import CHOICES, Positions
from neurarium.networks.usual import such_as


@recorded
class Decoder(nn.Module):
    """A causal transformer: the logits of the next token at every position.

    x = positions(e_t); each block x = x + Attention(N(x)), x = x + F(N(x)), where position i sees positions up to i;
    z_i = W N(x_i), the logits of token i + 1; W is the table of embeddings where they are tied.

    The defaults are GPT-2's; `positions="rotary", norm="rms", feed_forward="swiglu", bias=False` are Llama's.

    Args:
        vocabulary: how many tokens there are.
        context: the longest sequence that it is trained on; learned positions end there.
        width: numbers per token.
        blocks, heads: how many; the heads divide the width.
        key_heads: heads of keys and values, each shared by several of queries; as many as heads when left out.
        positions: "learned" or "sinusoidal" vectors that are added, "rotary" turns of queries and keys, or "none".
        norm: "layer" or "rms".
        normalization: "pre" as above, or "post": x = N(x + Attention(x)), x = N(x + F(x)), and none at the end (GPT-1).
        feed_forward: the activation in a block, or "swiglu", "geglu", "reglu", "glu": see `layers.FeedForward`.
        expansion: of a block's inner layer, as a multiple of the width; 4 when left out, 8/3 of a gated one.
        window: how many positions attention looks back, its own included; all when left out.
        tie: whether the head shares the weights of the embedding.
        dropout: on embedded tokens, attention weights and branches.
        bias: whether projections and layer norms have biases.
        epsilon: of the norms; their own when left out.
        rotary_base, rotary_scaling: of the rotary frequencies, see `layers.Rotary`.
        head_dim: numbers per head; width / heads when left out.
        score: how queries and keys are compared, see `layers.attention_scores`.

    `forward`: `{"tokens": (batch, length) int64}`, with `"mask": (batch, length)` bool where some are padding ->
    `(batch, length, vocabulary)`. What stands after a position never changes it; so a mask is needed only where padding
    stands before real tokens.

    Raises:
        OptionError: an unknown choice, or heads that do not divide.
        ShapeError: a sequence longer than the learned positions.

    Radford et al. 2019 (GPT-2); Touvron et al. 2023, arXiv:2302.13971, section 2.2 (Llama).

    >>> network = Decoder(50, context=16, width=32, blocks=2)
    >>> tokens = torch.tensor([[4, 8, 15, 16, 23]])
    >>> logits = network({"tokens": tokens})
    >>> cache = network.new_cache(1, 16)
    >>> steps = [network.advance(tokens[:, :3], cache), network.advance(tokens[:, 3:], cache)]
    >>> logits.shape, bool((torch.cat(steps, dim=1) - logits).abs().max() < 1e-5)
    (torch.Size([1, 5, 50]), True)
    """

    def __init__(
        self,
        vocabulary: int,
        context: int = 256,
        width: int = 128,
        blocks: int = 4,
        heads: int = 4,
        key_heads: int | None = None,
        positions: Positions = "learned",
        norm: Norm = "layer",
        feed_forward: str = "gelu",
        expansion: float | None = None,
        window: int | None = None,
        tie: bool = True,
        dropout: float = 0.0,
        bias: bool = True,
        epsilon: float | None = None,
        rotary_base: float = 10_000.0,
        rotary_scaling: tuple[float, ...] | None = None,
        head_dim: int | None = None,
        score: ScoreName = "scaled-dot",
        normalization: Order = "pre",
    ):
        super().__init__()
        if positions not in CHOICES["positions"]:
            raise OptionError(
                "there is no such positions", expected=" or ".join(CHOICES["positions"]), received=positions
            )
        self.vocabulary, self.context = vocabulary, context
        self.embed = nn.Embedding(vocabulary, width)
        place = {"sinusoidal": SinusoidalPositions, "learned": lambda dim: LearnedPositions(dim, context)}
        self.positions = place[positions](width) if positions in place else None
        self.dropout = Dropout(dropout) if dropout else nn.Identity()
        self.blocks = nn.ModuleList(
            TransformerBlock(
                width, heads, inner_width(width, expansion, feed_forward), feed_forward, dropout, normalization, norm,
                epsilon, bias, positions == "rotary", rotary_base, rotary_scaling, key_heads, window, head_dim,
                causal=True, inner_dropout=0.0, score=score,
            )
            for _ in range(blocks)
        )  # fmt: skip
        self.normalize = norm_named(norm, width, epsilon, bias) if normalization == "pre" else nn.Identity()
        self.feature_dim = width
        self.head = nn.Linear(width, vocabulary, bias=False)
        self._start()
        if tie:
            self.head.weight = self.embed.weight

    def _start(self) -> None:
        """Start as GPT-2 does: N(0, 0.02^2), and the last weights of each branch smaller by 1 / sqrt(branches)."""
        for name, module in self.named_modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                last = name.endswith(("attention.out", "feed_forward.fall"))
                nn.init.normal_(module.weight, std=0.02 / math.sqrt(2 * len(self.blocks)) if last else 0.02)
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)

    @classmethod
    def for_data(cls, inputs: Spec, targets: Spec, **options: Any) -> Decoder:
        """Size the network to a dataset's specs (Tokens -> the next token)."""
        if not isinstance(inputs, Tokens):
            raise RefusalError(
                f"the network 'decoder' cannot take {type(inputs).__name__} inputs",
                expected="Tokens",
                received=type(inputs).__name__,
                fix=such_as(inputs, "choose a network for such inputs"),
            )
        if not isinstance(targets, NextToken):
            raise RefusalError(
                f"the network 'decoder' cannot predict {type(targets).__name__} targets: it says which token is next",
                expected="the next token (--task language-model)",
                received=type(targets).__name__,
                fix="--network transformer for classes and quantities",
            )
        if "vocabulary" in options:
            raise OptionError(
                "option 'vocabulary' of network 'decoder' follows from the data", fix="leave out vocabulary"
            )
        context = int(options.get("context") or inputs.length)
        if inputs.length > context and options.get("positions", "learned") == "learned":
            raise OptionError(
                "the windows of text are longer than the network has positions for",
                expected=f"{context} tokens at most",
                received=inputs.length,
                fix=f"--set context={context}, or positions=rotary, which read any length",
            )
        return cls(inputs.vocabulary, **{"context": inputs.length} | options)

    def new_cache(self, batch: int, length: int) -> list[KeyValueCache]:
        """Return an empty cache for `advance`, one part per block.

        Args:
            batch: how many texts.
            length: the most tokens of each, the prompt included.
        """
        return [KeyValueCache(batch, length) for _ in self.blocks]

    def advance(self, tokens: Tensor, cache: Sequence[KeyValueCache]) -> Tensor:
        """Read further tokens of texts whose earlier ones are in the cache.

        Args:
            tokens: `(batch, new)` int64.
            cache: from `new_cache`, and filled by earlier calls; these tokens are added to it.

        Returns:
            `(batch, new, vocabulary)`: the logits that `forward` gives for the whole texts.

        Raises:
            ShapeError: more tokens than the cache, or the learned positions, have place for.
        """
        x = self._embedded(tokens, cache[0].filled if cache else 0)
        for block, kept in zip(self.blocks, cache, strict=True):
            x = block(x, cache=kept)
        return self.head(self.normalize(x))

    def features(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return what the head reads, `(batch, length, width)`."""
        x, mask = self._embedded(inputs["tokens"]), inputs.get("mask")
        for block in self.blocks:
            x = block(x, padding=mask)
        return self.normalize(x)

    def attention(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the weights of every block, `(batch, blocks, heads, queries, keys)`."""
        x, mask = self._embedded(inputs["tokens"]), inputs.get("mask")
        found = []
        for block in self.blocks:
            found.append(block.weights(x, padding=mask))  # type: ignore[operator]
            x = block(x, padding=mask)
        return torch.stack(found, dim=1)

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        return self.head(self.features(inputs))

    def _embedded(self, tokens: Tensor, start: int = 0) -> Tensor:
        if tokens.ndim != 2:
            raise ShapeError(
                "tokens have a wrong shape", expected="(batch, length)", received=tuple(tokens.shape)
            )
        x = self.embed(tokens)
        return self.dropout(x if self.positions is None else self.positions(x, start))
