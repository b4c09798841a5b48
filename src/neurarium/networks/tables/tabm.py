"""TabM: many perceptrons in one that share nearly all weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from torch import Tensor, nn

from neurarium.core.errors import unknown
from neurarium.core.recipe import recorded
from neurarium.data.specs import Array, Spec, Table
from neurarium.layers import activations
from neurarium.layers.dropout import Dropout
from neurarium.layers.ensemble import BatchEnsembleLinear, Combination, EnsembleLinear, EnsembleScale, combine
from neurarium.layers.table_embedding import Embedding, TableEmbedding
from neurarium.networks.mlp import hidden_layers
from neurarium.networks.sizing import (
    Distribution,
    build_for_columns,
    combination_for,
    head_outputs,
)


@recorded
class TabM(nn.Module):
    """An ensemble of perceptrons that share their matrices, trained at once, averaged in prediction.

    mini: H_m = MLP(r_m * e(x)); Z_m = W_m H_m + b_m, m = 1..k: one scaling of the embedded row per member, one shared
    MLP, one head per member. full: every layer of the MLP has scalings and biases of each member's own
    (`BatchEnsembleLinear`).

    The members must be trained each by its own loss, not by the loss of their mean: a method takes `members(inputs)`
    `(batch, k, outputs)`, flattens it to `(batch k, outputs)` beside k-fold repeated targets, and averages.
    The authors train with AdamW, learning rate 0.002, weight decay 0.0003, clipping at norm 1, batches of 256. With a
    cosine schedule some 1,500 steps suffice for adult's 26,000 rows, 3,000 for california_housing's 13,000.

    Args:
        features: how many numbers a row has.
        outputs: how many numbers are predicted.
        widths: the hidden layers, at least one.
        ensemble_size: k, the number of members; the authors take 32. 16 predicted as well on adult, in half the time.
        variant: `mini` or `full`.
        activation: one name for all layers, or one per layer.
        dropout: the probability that a hidden number is set to zero in training; the authors take 0.1. On CPUs it
            doubles the time of a step.
        embedding, embedding_dim, one_hot, cardinalities, bins: as for `MLP`; TabM with piecewise-linear embeddings is
            the strongest on average.
        combination: how the members combine (see `layers.ensemble.combine`); follows from the targets.
        distribution: `gaussian` for a mean and a raw variance per output.

    `forward`: `(batch, features)`, or a table's dict -> `(batch, outputs)`, combined.
    `members` -> `(batch, ensemble_size, outputs)`. `features` -> `(batch, ensemble_size, feature_dim)`.

    Raises:
        OptionError: an unknown variant or activation.
        ShapeError: inputs with another number of columns.

    Gorishniy et al. 2025, arXiv:2410.24210, section 3.

    >>> import torch
    >>> network = TabM(5, 3, widths=(16, 16), ensemble_size=8)
    >>> network.members(torch.zeros(2, 5)).shape, network(torch.zeros(2, 5)).shape
    (torch.Size([2, 8, 3]), torch.Size([2, 3]))
    """

    def __init__(
        self,
        features: int,
        outputs: int,
        widths: tuple[int, ...] = (384, 384),
        ensemble_size: int = 16,
        variant: Literal["mini", "full"] = "mini",
        activation: str = "relu",
        dropout: float = 0.0,
        embedding: Embedding = "piecewise-linear",
        embedding_dim: int = 16,
        one_hot: int = 64,
        cardinalities: tuple[int, ...] = (),
        bins: tuple[int, ...] = (),
        combination: Combination = "mean",
        distribution: Distribution = None,
    ):
        super().__init__()
        self.ensemble_size, self.combination, self.distribution = ensemble_size, combination, distribution
        self.embedding = TableEmbedding(features, cardinalities, embedding, embedding_dim, bins, one_hot)
        # Members first inside, (members, batch, width); all numbers of an embedded column start with one scale: a member sees columns more or less, not scrambled.
        initial: Literal["normal", "random-signs"] = "random-signs" if embedding == "none" else "normal"
        width = self.embedding.feature_dim
        self.scale: nn.Module = EnsembleScale(ensemble_size, width, initial, self.embedding.chunks)
        if variant == "mini":
            self.body = hidden_layers(width, widths, activation, dropout=dropout)
        elif variant == "full":
            self.body = self._own_scalings(widths, activation, dropout)
            if widths:  # then the first layer's scaling of its inputs is this one
                self.body[0].scale_in, self.scale = self.scale, nn.Identity()
        else:
            raise unknown("variant of TabM", variant, ("mini", "full"))
        self.feature_dim = widths[-1] if widths else self.embedding.feature_dim
        self.head = EnsembleLinear(ensemble_size, self.feature_dim, head_outputs(outputs, distribution))

    def _own_scalings(self, widths: tuple[int, ...], activation: str, dropout: float) -> nn.Sequential:
        layers: list[nn.Module] = []
        names = activation.split(",") * (1 if "," in activation else len(widths))
        for inputs, width, name in zip(
            (self.embedding.feature_dim, *widths)[:-1], widths, names, strict=True
        ):
            activate = activations.activation(name.strip())
            layers.append(BatchEnsembleLinear(self.ensemble_size, inputs, width * activate.widening))
            layers.extend([activate, *([Dropout(dropout)] if dropout else [])])
        return nn.Sequential(*layers)

    @classmethod
    def for_data(cls, inputs: Spec, targets: Spec, **options: Any) -> TabM:
        """Size the network to a dataset's specs (Table or Array -> Classes or Quantity)."""
        how = combination_for(targets, options.get("distribution"))
        return build_for_columns(cls, "tabm", inputs, targets, options, (Table, Array), combination=how)

    def features(self, inputs: Tensor | Mapping[str, Tensor]) -> Tensor:
        """Return every member's last hidden layer, `(batch, ensemble_size, feature_dim)`."""
        return self.body(self.scale(self.embedding(inputs))).transpose(0, 1)

    def members(self, inputs: Tensor | Mapping[str, Tensor]) -> Tensor:
        """Return every member's prediction, `(batch, ensemble_size, outputs)`."""
        return self.head(self.features(inputs))

    def forward(self, inputs: Tensor | Mapping[str, Tensor]) -> Tensor:
        return combine(self.members(inputs), self.combination)
