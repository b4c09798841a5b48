"""TableEmbedding: a row of numbers and categories becomes one vector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from neurarium.core.errors import OptionError, ShapeError, unknown
from neurarium.core.recipe import recorded
from neurarium.layers.embeddings import (
    BiasedPeriodicEmbedding,
    CategoricalEmbedding,
    LinearEmbedding,
    OneHot,
    PeriodicEmbedding,
    PiecewiseLinearEmbedding,
)

Embedding = Literal["none", "linear", "periodic", "periodic-lite", "periodic-biased", "piecewise-linear"]

BINS = 48


def numeric_embedding(
    embedding: Embedding, features: int, dim: int, bins: Sequence[int] = (), *, deviation: float = 0.05
) -> nn.Module:
    """Return a numeric embedding by name: `(batch, features)` -> `(batch, features, dim)`.

    Args:
        bins: bins per column for `piecewise-linear`; empty for 48 each.
        deviation: standard deviation of the frequencies of the periodic ones.

    Raises:
        OptionError: no such embedding.
    """
    if embedding == "linear":
        return LinearEmbedding(features, dim)
    if embedding in ("periodic", "periodic-lite"):
        return PeriodicEmbedding(features, dim, deviation=deviation, shared=embedding == "periodic-lite")
    if embedding == "periodic-biased":
        return BiasedPeriodicEmbedding(features, dim, deviation=deviation)
    if embedding == "piecewise-linear":
        return PiecewiseLinearEmbedding(tuple(bins) or (BINS,) * features, dim)
    names = ("none", "linear", "periodic", "periodic-lite", "periodic-biased", "piecewise-linear")
    raise unknown("embedding", embedding, names)


@recorded
class TableEmbedding(nn.Module):
    """All columns of a row side by side in one vector: the first layer of every network that takes tables.

    Numbers pass as they are or through a numeric embedding; categories become one-hot when a column has few codes, and
    a learned vector when it has many.

    Args:
        features: number of numeric columns (of a flattened array, its numbers); may be 0.
        cardinalities: number of codes of each categorical column; may be empty.
        embedding: what becomes of numbers: `none`, `linear` (with ReLU), `periodic` (PLR), `periodic-lite`,
            `periodic-biased` (PBLD), `piecewise-linear` (PLE).
        dim: numbers per embedded column.
        bins: bins per numeric column, for `piecewise-linear`.
        one_hot: the most codes that a one-hot column may have.
        deviation: standard deviation of the frequencies of the periodic embeddings.
        category_dim: numbers per category of a column that is not one-hot; `dim` when left out.

    `forward`: a tensor `(batch, ...)` or a dict with `numeric` `(batch, features)` and `categorical` `(batch, columns)`
    -> `(batch, feature_dim)`. `chunks` says how many of the numbers each column has.

    Raises:
        OptionError: no column at all.
        ShapeError: inputs with another number of columns.

    >>> embed = TableEmbedding(2, (3, 100), embedding="linear", dim=4)
    >>> embed({"numeric": torch.zeros(5, 2), "categorical": torch.zeros(5, 2, dtype=torch.int64)}).shape
    torch.Size([5, 14])
    """

    few: Tensor
    many: Tensor

    def __init__(
        self,
        features: int,
        cardinalities: Sequence[int] = (),
        embedding: Embedding = "none",
        dim: int = 16,
        bins: Sequence[int] = (),
        one_hot: int = 64,
        deviation: float = 0.05,
        category_dim: int | None = None,
    ):
        super().__init__()
        if features == 0 and not cardinalities:
            raise OptionError("the inputs have no column", expected="at least one number or category per row")
        self.features, self.cardinalities = features, tuple(cardinalities)
        vector = category_dim or dim
        embedded = features > 0 and embedding != "none"
        self.numeric = (
            numeric_embedding(embedding, features, dim, bins, deviation=deviation) if embedded else None
        )
        few = [column for column, codes in enumerate(self.cardinalities) if codes <= one_hot]
        many = [column for column, codes in enumerate(self.cardinalities) if codes > one_hot]
        self.register_buffer("few", torch.tensor(few, dtype=torch.int64), persistent=False)
        self.register_buffer("many", torch.tensor(many, dtype=torch.int64), persistent=False)
        self.one_hot = OneHot([self.cardinalities[column] for column in few]) if few else None
        self.categorical = (
            CategoricalEmbedding([self.cardinalities[column] for column in many], vector) if many else None
        )
        # Rows that pass as they are do so at once: a small network's step is short.
        self.plain = self.numeric is None and not self.cardinalities
        self.chunks = (
            *((dim,) * features if embedded else (1,) * features),
            *(self.cardinalities[column] - 1 for column in few),
            *(vector for _ in many),
        )
        self.feature_dim = sum(self.chunks)

    def forward(self, inputs: Tensor | Mapping[str, Tensor]) -> Tensor:
        if (
            self.plain
            and isinstance(inputs, Tensor)
            and inputs.ndim == 2
            and inputs.shape[1] == self.features
        ):
            return inputs
        if isinstance(inputs, Tensor):
            numeric: Tensor | None = inputs if inputs.ndim == 2 else inputs.flatten(1)
            codes = None
        else:
            numeric, codes = inputs.get("numeric"), inputs.get("categorical")
        self._check(numeric, codes)
        parts = []
        if numeric is not None and self.features:
            parts.append(numeric if self.numeric is None else self.numeric(numeric).flatten(1))
        if codes is not None and self.cardinalities:
            parts.extend(self._categories(codes))
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)

    def _categories(self, codes: Tensor) -> list[Tensor]:
        parts = []
        if self.one_hot is not None:
            parts.append(self.one_hot(codes if self.categorical is None else codes.index_select(1, self.few)))
        if self.categorical is not None:
            chosen = codes if self.one_hot is None else codes.index_select(1, self.many)
            parts.append(self.categorical(chosen).flatten(1))
        return parts

    def _check(self, numeric: Tensor | None, codes: Tensor | None) -> None:
        found = (0 if numeric is None else numeric.shape[1], 0 if codes is None else codes.shape[1])
        if found != (self.features, len(self.cardinalities)):
            raise ShapeError(
                "the inputs have other columns than the network was built for",
                expected=f"{self.features} numbers and {len(self.cardinalities)} categories per row",
                received=f"{found[0]} numbers and {found[1]} categories",
            )
