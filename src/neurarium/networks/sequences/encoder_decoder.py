"""Encoder-decoder: a transformer that reads one text and writes another."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.data.specs import Spec
from neurarium.layers.attention import Attention
from neurarium.layers.attention_scores import ScoreName
from neurarium.layers.dropout import Dropout
from neurarium.layers.feed_forward import FeedForward, inner_width
from neurarium.layers.key_value_cache import KeyValueCache
from neurarium.layers.positions import LearnedPositions, SinusoidalPositions
from neurarium.layers.rms_norm import norm as norm_named
from neurarium.layers.transformer_block import Order, TransformerBlock
from neurarium.networks.sequences.writing import build_for_texts

Positions = Literal["sinusoidal", "learned", "rotary"]


@recorded
class EncoderDecoder(nn.Module):
    """The transformer of translation: an encoder reads, a decoder writes and looks at what was read.

    Encoder: x = x + Attention(N(x)), x = x + F(N(x)). Decoder: y = y + Attention(N(y), causal), y = y + Attention(N(y), memory),
    y = y + F(N(y)). Logits: E N(y), with E the embedding of written tokens where the output is tied. As published
    (normalization="post"): x = N(x + Attention(x)), and so on, without the last N.

    Args:
        vocabulary: how many tokens are read.
        outputs: how many tokens can be written.
        padding: the index of padding in both.
        longest: the longest text, for learned positions.
        shared: one embedding for both sides; the vocabularies are then the same.
        tied: the output layer's weights are the embedding of the written tokens.
        width, heads: numbers per token, and attention heads.
        blocks, decoder_blocks: of the encoder, and of the decoder; as many where None.
        expansion: inner width of a block over `width`; None: 4, or 8/3 of a gated layer.
        positions: "sinusoidal", "learned", or "rotary" in self-attention.
        norm: "layer" or "rms".
        normalization: "pre" (trains without a long warm-up) or "post" (as published).
        key_heads: heads of keys and values, each shared by several of queries; as many as heads when left out.
        dropout: on embedded tokens, inner layers and branches.
        attention_dropout: on attention weights; above zero it costs the fused kernel where that has none (processors).
        activation: of the feed-forward layers; "swiglu" and its like are gated.
        score: how queries and keys are compared (see `layers.attention_scores`).

    `forward`: `{"tokens", "mask": (batch, source), "decoder_tokens": (batch, length)}` -> logits `(batch, length, outputs)`,
    at each place those of the next token (teacher forcing). Padding changes nothing.

    Raises:
        OptionError: an unknown choice, a shared embedding of two vocabularies.

    Vaswani et al. 2017, arXiv:1706.03762; Press and Wolf 2016, arXiv:1608.05859 (tied); Xiong et al. 2020, arXiv:2002.04745
    (pre-norm).

    >>> tokens = torch.tensor([[5, 2, 0], [3, 0, 0]])
    >>> inputs = {"tokens": tokens, "mask": tokens != 0, "decoder_tokens": torch.tensor([[8, 4], [8, 0]])}
    >>> EncoderDecoder(10, 12, width=16)(inputs).shape
    torch.Size([2, 2, 12])
    """

    any_length = True  # shorter texts than the spec says are as good

    def __init__(
        self,
        vocabulary: int,
        outputs: int,
        padding: int = 0,
        longest: int = 256,
        shared: bool = False,
        tied: bool = True,
        width: int = 256,
        heads: int = 4,
        blocks: int = 3,
        decoder_blocks: int | None = None,
        expansion: float | None = None,
        positions: Positions = "sinusoidal",
        norm: Literal["layer", "rms"] = "layer",
        dropout: float = 0.1,
        attention_dropout: float = 0.0,
        activation: str = "relu",
        score: ScoreName = "scaled-dot",
        normalization: Order = "pre",
        key_heads: int | None = None,
    ):
        super().__init__()
        _require_one_vocabulary(shared, vocabulary, outputs)
        self.padding, self.scale = padding, math.sqrt(width)
        self.embed_target = embedding(outputs, width, padding)
        self.embed_source = self.embed_target if shared else embedding(vocabulary, width, padding)
        self.source_positions, self.target_positions = (
            _positions(positions, width, longest) for _ in range(2)
        )
        inner, rotary = inner_width(width, expansion, activation), positions == "rotary"
        common: dict[str, Any] = {
            "activation": activation,
            "dropout": dropout,
            "norm": norm,
            "rotary": rotary,
            "score": score,
            "normalization": normalization,
            "key_heads": key_heads,
        }
        self.dropout = Dropout(dropout) if dropout else nn.Identity()
        self.encoder = nn.ModuleList(TransformerBlock(width, heads, inner, **common) for _ in range(blocks))
        self.decoder = nn.ModuleList(
            DecoderBlock(width, heads, inner, **common)
            for _ in range(blocks if decoder_blocks is None else decoder_blocks)
        )
        for each in self.modules():
            if isinstance(each, Attention):
                each.dropout.p = attention_dropout
        self.normalize_memory, self.normalize = (
            norm_named(norm, width) if normalization == "pre" else nn.Identity() for _ in range(2)
        )
        self.feature_dim = width
        self.head = nn.Linear(width, outputs, bias=False)
        if tied:
            self.head.weight = self.embed_target.weight

    @classmethod
    def for_data(cls, inputs: Spec, targets: Spec, **options: Any) -> EncoderDecoder:
        """Size the network to a dataset's specs (Tokens -> Text)."""
        sizes = {"longest": max(getattr(each, "length", 1) for each in (inputs, targets))}
        sizes = {name: size for name, size in sizes.items() if name not in options}
        return build_for_texts(cls, "encoder-decoder", inputs, targets, options, **sizes)

    def encode(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return what was read, `(batch, source, width)`."""
        x = self._placed(self.embed_source(inputs["tokens"]), self.source_positions)
        for block in self.encoder:
            x = block(x, padding=inputs["mask"])
        return self.normalize_memory(x)

    def features(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the decoder's last layer, `(batch, length, feature_dim)`."""
        memory = self.encode(inputs)
        y = self._placed(self.embed_target(inputs["decoder_tokens"]), self.target_positions)
        block: Any
        for block in self.decoder:
            y = block(y, block.cross.keys_and_values(memory), inputs["mask"])
        return self.normalize(y)

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        return self.head(self.features(inputs))

    def attention(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return what each written token looks at in each block, `(batch, blocks, heads, length, source)`."""
        memory = self.encode(inputs)
        y = self._placed(self.embed_target(inputs["decoder_tokens"]), self.target_positions)
        found = []
        block: Any
        for block in self.decoder:
            asking = block.asking(y)
            found.append(block.cross.weights(asking, memory, padding=inputs["mask"]))
            y = block(y, block.cross.keys_and_values(memory), inputs["mask"])
        return torch.stack(found, dim=1)

    def alignment(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return how much each written token looks at each token read, `(batch, length, source)`.

        The mean over heads of the last decoder block but one, which aligns words best (Garg et al. 2019, arXiv:1909.02074,
        section 3); of a single block, its own.
        """
        return self.attention(inputs)[:, max(0, len(self.decoder) - 2)].mean(dim=1)

    def start(self, inputs: Mapping[str, Tensor], longest: int, copies: int = 1) -> Writing:
        """Read texts, to write step by step.

        Args:
            inputs: `tokens` and `mask`.
            longest: tokens that will be written at most.
            copies: rows per text, side by side (the beams of a search).
        """
        memory = self.encode(inputs)
        decoder: Any = self.decoder
        crosses = [block.cross.keys_and_values(memory) for block in decoder]
        repeated = [tuple(each.repeat_interleave(copies, dim=0) for each in pair) for pair in crosses]
        rows = len(memory) * copies
        caches = [KeyValueCache(rows, longest) for _ in self.decoder]
        return Writing(caches, repeated, inputs["mask"].repeat_interleave(copies, dim=0))

    def step(self, tokens: Tensor, state: Writing) -> Tensor:
        """Write one token more: the last tokens `(rows,)` -> logits of the next `(rows, outputs)`. The state goes on."""
        y = self._placed(self.embed_target(tokens[:, None]), self.target_positions, state.caches[0].filled)
        for block, cache, cross in zip(self.decoder, state.caches, state.crosses, strict=True):
            y = block(y, cross, state.mask, cache)
        return self.head(self.normalize(y))[:, 0]

    def _placed(self, tokens: Tensor, positions: nn.Module | None, start: int = 0) -> Tensor:
        tokens = tokens * self.scale
        return self.dropout(tokens if positions is None else positions(tokens, start))


def _require_one_vocabulary(shared: bool, vocabulary: int, outputs: int) -> None:
    if shared and vocabulary != outputs:
        raise OptionError(
            "two vocabularies cannot share one embedding", expected=f"{vocabulary} tokens on both sides",
            received=outputs, fix="shared=False",
        )  # fmt: skip


def _positions(name: str, width: int, longest: int) -> nn.Module | None:
    """Return what is added to tokens; None for rotary positions, which attention has."""
    if name not in ("sinusoidal", "learned", "rotary"):
        raise OptionError(
            "there are no such positions", expected="sinusoidal, learned or rotary", received=name
        )
    if name == "rotary":
        return None
    return SinusoidalPositions(width) if name == "sinusoidal" else LearnedPositions(width, longest + 1)


class DecoderBlock(nn.Module):
    """A causal look at what was written, a look at what was read, and a feed-forward layer, normalized before or after each."""

    def __init__(
        self,
        width: int,
        heads: int,
        inner: int,
        *,
        activation: str,
        dropout: float,
        norm: Any,
        rotary: bool,
        score: ScoreName,
        normalization: Order,
        key_heads: int | None,
    ):
        super().__init__()
        self.before = normalization == "pre"
        self.attention = Attention(width, heads, dropout, rotary=rotary, key_heads=key_heads, score=score)
        self.cross = Attention(width, heads, dropout, key_heads=key_heads, score=score)
        self.feed_forward = FeedForward(width, inner, activation, dropout=dropout)
        self.norms = nn.ModuleList(norm_named(norm, width) for _ in range(3))
        self.dropouts = nn.ModuleList(Dropout(dropout) if dropout else nn.Identity() for _ in range(3))

    def forward(
        self, y: Tensor, memory: tuple[Tensor, Tensor], padding: Tensor, cache: KeyValueCache | None = None
    ) -> Tensor:
        y = self._added(0, y, lambda each: self.attention(each, causal=True, cache=cache))
        y = self._added(1, y, lambda each: self.cross.look(each, memory, padding=padding))
        return self._added(2, y, self.feed_forward)

    def asking(self, y: Tensor) -> Tensor:
        """Return the queries to what was read."""
        y = self._added(0, y, lambda each: self.attention(each, causal=True))
        return self.norms[1](y) if self.before else y

    def _added(self, number: int, y: Tensor, branch: Callable[[Tensor], Tensor]) -> Tensor:
        """Return y + branch(N(y)), or N(y + branch(y))."""
        normalize, drop = self.norms[number], self.dropouts[number]
        return y + drop(branch(normalize(y))) if self.before else normalize(y + drop(branch(y)))


class Writing:
    """What a decoder keeps between steps: keys and values of what it wrote and of what it read."""

    def __init__(self, caches: list[KeyValueCache], crosses: list[Any], mask: Tensor):
        self.caches, self.crosses, self.mask = caches, crosses, mask

    def take(self, rows: Tensor) -> None:
        """Go on with these rows; each must be one of the same text, whose source stays as it is."""
        for cache in self.caches:
            cache.take(rows)


def embedding(size: int, width: int, padding: int) -> nn.Embedding:
    """Return an embedding whose vectors have length one in the mean; that of padding is zero."""
    made = nn.Embedding(size, width, padding_idx=padding)
    with torch.no_grad():
        made.weight.normal_(std=width**-0.5)[padding].zero_()
    return made
