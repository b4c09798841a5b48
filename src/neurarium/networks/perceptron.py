"""Perceptron: one layer; linear, logistic and softmax regression are the same network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from neurarium.core.recipe import recorded
from neurarium.data.specs import Spec
from neurarium.layers.table_embedding import Embedding, TableEmbedding
from neurarium.networks.sizing import Distribution, build_for_columns, head_outputs


@recorded
class Perceptron(nn.Module):
    """One layer of weights.

    Z = W x + b, A = g(Z)

    The network gives Z; the targets choose g: identity for quantities (linear regression), sigmoid for two classes or
    several labels (logistic regression), softmax for more classes (`Classes.probabilities` applies it).

    Args:
        features: how many numbers a row has.
        outputs: how many numbers are predicted.
        embedding, embedding_dim, one_hot, cardinalities, bins: as for `MLP`.
        distribution: `gaussian` for a mean and a raw variance per output.

    `forward`: `(batch, features)`, or a table's dict -> `(batch, outputs)`.

    Raises:
        ShapeError: inputs with another number of columns.

    >>> import torch
    >>> Perceptron(3, 2)(torch.zeros(5, 3)).shape
    torch.Size([5, 2])
    """

    def __init__(
        self,
        features: int,
        outputs: int,
        embedding: Embedding = "none",
        embedding_dim: int = 16,
        one_hot: int = 64,
        cardinalities: tuple[int, ...] = (),
        bins: tuple[int, ...] = (),
        distribution: Distribution = None,
    ):
        super().__init__()
        self.distribution = distribution
        self.embedding = TableEmbedding(features, cardinalities, embedding, embedding_dim, bins, one_hot)
        self.feature_dim = self.embedding.feature_dim
        self.head = nn.Linear(self.feature_dim, head_outputs(outputs, distribution))

    @classmethod
    def for_data(cls, inputs: Spec, targets: Spec, **options: Any) -> Perceptron:
        """Size the network to a dataset's specs (Table, Array or Image -> Classes or Quantity)."""
        return build_for_columns(cls, "perceptron", inputs, targets, options)

    def features(self, inputs: Tensor | Mapping[str, Tensor]) -> Tensor:
        """Return the row of numbers that the layer reads, `(batch, feature_dim)`."""
        return self.embedding(inputs)

    def forward(self, inputs: Tensor | Mapping[str, Tensor]) -> Tensor:
        return self.head(self.embedding(inputs))
