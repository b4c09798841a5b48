"""FTTransformer: every column of a table is a token, and a transformer mixes the tokens."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from neurarium.core.errors import OptionError, ShapeError
from neurarium.core.recipe import recorded
from neurarium.data.specs import Array, Spec, Table
from neurarium.layers.attention import Attention
from neurarium.layers.dropout import Dropout
from neurarium.layers.embeddings import CategoricalEmbedding, LinearEmbedding
from neurarium.layers.table_embedding import Embedding, numeric_embedding
from neurarium.networks.sizing import Distribution, build_for_columns, elementwise, head_outputs


@recorded
class FTTransformer(nn.Module):
    """Feature tokenizer and transformer.

    T = [cls, b_j + x_j w_j (numbers), b_j + w_j[x_j] (categories)]; blocks T = T + Attention(LN(T)),
    T = T + W_2 ((W_a LN(T) + b_a) * g(W_b LN(T) + b_b)) + b_2; Z = W g(LN(T_cls)) + b

    The first block's attention has no LN, and the last block computes the cls token alone.

    Args:
        features: how many numbers a row has.
        outputs: how many numbers are predicted.
        width: numbers per token.
        blocks: how many.
        heads: of the attention; divides `width`.
        expansion: width of a block's inner layer, as a multiple of `width`.
        attention_dropout, dropout, residual_dropout: on attention weights, inside the inner layer, at a block's end.
        activation: g; `relu` makes the inner layer a ReGLU.
        embedding: how a number becomes a token: `none` for the paper's linear tokens, or as for `MLP`.
        cardinalities, bins: as for `MLP`.
        distribution: `gaussian` for a mean and a raw variance per output.

    `forward`: `(batch, features)`, or a table's dict -> `(batch, outputs)`.

    Raises:
        OptionError: no column at all, or heads that do not divide the width.
        ShapeError: inputs with another number of columns.

    Gorishniy et al. 2021, arXiv:2106.11959, section 3.3.

    >>> FTTransformer(3, 2, width=16, heads=4, cardinalities=(5,))(
    ...     {"numeric": torch.zeros(7, 3), "categorical": torch.zeros(7, 1, dtype=torch.int64)}
    ... ).shape
    torch.Size([7, 2])
    """

    def __init__(
        self,
        features: int,
        outputs: int,
        width: int = 192,
        blocks: int = 3,
        heads: int = 8,
        expansion: float = 4 / 3,
        attention_dropout: float = 0.2,
        dropout: float = 0.1,
        residual_dropout: float = 0.0,
        activation: str = "relu",
        embedding: Embedding = "none",
        cardinalities: tuple[int, ...] = (),
        bins: tuple[int, ...] = (),
        distribution: Distribution = None,
    ):
        super().__init__()
        if features == 0 and not cardinalities:
            raise OptionError("the inputs have no column", expected="at least one number or category per row")
        self.distribution, self.numbers, self.categories = distribution, features, len(cardinalities)
        self.start = nn.Parameter(_uniform(width))
        self.numeric = _numeric_tokens(embedding, features, width, bins) if features else None
        self.categorical = CategoricalEmbedding(cardinalities, width) if cardinalities else None
        self.categorical_bias = nn.Parameter(_uniform(len(cardinalities), width)) if cardinalities else None
        self.blocks = nn.ModuleList(
            Block(
                width,
                heads,
                round(width * expansion),
                attention_dropout,
                dropout,
                residual_dropout,
                activation,
                first=not position,
            )
            for position in range(blocks)
        )
        self.normalize = nn.LayerNorm(width)
        self.activate = elementwise(activation)
        self.feature_dim = width
        self.head = nn.Linear(width, head_outputs(outputs, distribution))

    @classmethod
    def for_data(cls, inputs: Spec, targets: Spec, **options: Any) -> FTTransformer:
        """Size the network to a dataset's specs (Table or Array -> Classes or Quantity)."""
        return build_for_columns(cls, "ft-transformer", inputs, targets, options, (Table, Array))

    def tokens(self, inputs: Tensor | Mapping[str, Tensor]) -> Tensor:
        """Return the tokens of rows, `(batch, 1 + features + columns, width)`, the cls token first."""
        if isinstance(inputs, Tensor):
            inputs = {"numeric": inputs.flatten(1)}
        numeric, codes = inputs.get("numeric"), inputs.get("categorical")
        found = (0 if numeric is None else numeric.shape[1], 0 if codes is None else codes.shape[1])
        if found != (self.numbers, self.categories):
            raise ShapeError(
                "the inputs have other columns than the network was built for",
                expected=f"{self.numbers} numbers and {self.categories} categories per row",
                received=f"{found[0]} numbers and {found[1]} categories",
            )
        rows = len(next(each for each in (numeric, codes) if each is not None))
        parts = [self.start.expand(rows, 1, -1)]
        if self.numeric is not None and numeric is not None:
            parts.append(self.numeric(numeric))
        if self.categorical is not None and codes is not None:
            parts.append(self.categorical(codes) + self.categorical_bias)
        return torch.cat(parts, dim=1)

    def features(self, inputs: Tensor | Mapping[str, Tensor]) -> Tensor:
        """Return the normalized, activated cls token, `(batch, feature_dim)`."""
        tokens = self.tokens(inputs)
        for block in self.blocks:
            tokens = block(tokens, only_first=block is self.blocks[-1])
        return self.activate(self.normalize(tokens[:, 0]))

    def forward(self, inputs: Tensor | Mapping[str, Tensor]) -> Tensor:
        return self.head(self.features(inputs))


class Block(nn.Module):
    """One block of a transformer with normalization first and a gated inner layer."""

    def __init__(
        self,
        width: int,
        heads: int,
        inner: int,
        attention_dropout: float,
        dropout: float,
        residual_dropout: float,
        activation: str,
        *,
        first: bool,
    ):
        super().__init__()
        self.normalize_attention = nn.Identity() if first else nn.LayerNorm(width)
        self.attention = Attention(width, heads, attention_dropout)
        self.normalize = nn.LayerNorm(width)
        self.rise = nn.Linear(width, 2 * inner)
        self.activate = elementwise(activation)
        self.dropout = Dropout(dropout)
        self.fall = nn.Linear(inner, width)
        self.residual_dropout = nn.ModuleList([Dropout(residual_dropout), Dropout(residual_dropout)])

    def forward(self, tokens: Tensor, *, only_first: bool = False) -> Tensor:
        normalized = self.normalize_attention(tokens)
        # Only the first token is read after the last block: the others need not ask.
        asking = normalized[:, :1] if only_first else normalized
        tokens = tokens[:, :1] if only_first else tokens
        tokens = tokens + self.residual_dropout[0](self.attention(asking, normalized))
        value, gate = self.rise(self.normalize(tokens)).chunk(2, dim=-1)
        return tokens + self.residual_dropout[1](self.fall(self.dropout(value * self.activate(gate))))


def _numeric_tokens(embedding: Embedding, features: int, width: int, bins: tuple[int, ...]) -> nn.Module:
    if embedding == "none":
        return LinearEmbedding(features, width, rectified=False)
    return numeric_embedding(embedding, features, width, bins)


def _uniform(*shape: int) -> Tensor:
    bound = 1 / math.sqrt(shape[-1])
    return torch.empty(shape).uniform_(-bound, bound)
