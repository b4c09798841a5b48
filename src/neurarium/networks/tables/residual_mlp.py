"""ResidualMLP: residual blocks of two layers, the ResNet of tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from torch import Tensor, nn

from neurarium.core.errors import unknown
from neurarium.core.recipe import recorded
from neurarium.data.specs import Array, Image, Spec, Table
from neurarium.layers.dropout import Dropout
from neurarium.layers.table_embedding import Embedding, TableEmbedding
from neurarium.networks.mlp import Residual
from neurarium.networks.sizing import Distribution, build_for_columns, elementwise, head_outputs


@recorded
class ResidualMLP(nn.Module):
    """A perceptron with skip connections.

    H_0 = W x + b; H_l = H_(l-1) + W_l2 g(W_l1 N(H_(l-1)) + b_l1) + b_l2; Z = W g(N(H_L)) + b

    Args:
        features: how many numbers a row has.
        outputs: how many numbers are predicted.
        width: of H.
        blocks: L.
        expansion: width inside a block, as a multiple of `width`.
        activation: its name.
        normalization: N, `batch` or `layer`.
        dropout: inside a block, after g.
        residual_dropout: at the end of a block.
        embedding, embedding_dim, one_hot, cardinalities, bins: as for `MLP`.
        distribution: `gaussian` for a mean and a raw variance per output.

    `forward`: `(batch, ...)` that flattens to `features`, or a table's dict -> `(batch, outputs)`.

    Raises:
        OptionError: an unknown activation or normalization.
        ShapeError: inputs with another number of columns.

    Gorishniy et al. 2021, arXiv:2106.11959, section 3.2.

    >>> import torch
    >>> ResidualMLP(4, 2, width=16)(torch.zeros(5, 4)).shape
    torch.Size([5, 2])
    """

    def __init__(
        self,
        features: int,
        outputs: int,
        width: int = 192,
        blocks: int = 2,
        expansion: float = 2.0,
        activation: str = "relu",
        normalization: Literal["batch", "layer"] = "batch",
        dropout: float = 0.15,
        residual_dropout: float = 0.0,
        embedding: Embedding = "none",
        embedding_dim: int = 16,
        one_hot: int = 64,
        cardinalities: tuple[int, ...] = (),
        bins: tuple[int, ...] = (),
        distribution: Distribution = None,
    ):
        super().__init__()
        kinds = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}
        if normalization not in kinds:
            raise unknown("normalization", normalization, kinds)
        normalize, inner = kinds[normalization], round(expansion * width)
        self.distribution = distribution
        self.embedding = TableEmbedding(features, cardinalities, embedding, embedding_dim, bins, one_hot)
        self.body = nn.Sequential(
            nn.Linear(self.embedding.feature_dim, width),
            *(
                Residual(
                    normalize(width),
                    nn.Linear(width, inner),
                    elementwise(activation),
                    Dropout(dropout),
                    nn.Linear(inner, width),
                    Dropout(residual_dropout),
                )
                for _ in range(blocks)
            ),
            normalize(width),
            elementwise(activation),
        )
        self.feature_dim = width
        self.head = nn.Linear(width, head_outputs(outputs, distribution))

    @classmethod
    def for_data(cls, inputs: Spec, targets: Spec, **options: Any) -> ResidualMLP:
        """Size the network to a dataset's specs (Table, Array or Image -> Classes or Quantity)."""
        return build_for_columns(cls, "residual-mlp", inputs, targets, options, (Table, Array, Image))

    def features(self, inputs: Tensor | Mapping[str, Tensor]) -> Tensor:
        """Return the normalized, activated end of the last block, `(batch, feature_dim)`."""
        return self.body(self.embedding(inputs))

    def forward(self, inputs: Tensor | Mapping[str, Tensor]) -> Tensor:
        return self.head(self.body(self.embedding(inputs)))
