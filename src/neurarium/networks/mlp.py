"""MLP: the multilayer perceptron, for arrays, images and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from torch import Tensor, nn

from neurarium.core.errors import OptionError, unknown
from neurarium.core.recipe import recorded
from neurarium.data.specs import Spec
from neurarium.layers import activations
from neurarium.layers.dropout import Dropout
from neurarium.layers.table_embedding import Embedding, TableEmbedding
from neurarium.networks.sizing import Distribution, build_for_columns, head_outputs

Normalization = Literal["none", "batch", "layer"]


@recorded
class MLP(nn.Module):
    """Layers of weights with an activation between them.

    A_0 = x; A_l = g_l(N_l(W_l A_(l-1) + b_l)), l = 1..L; Z = W A_L + b

    N is the normalization, dropout follows g, and with `residual` A_(l-1) is added where the widths agree.

    Args:
        features: how many numbers a row has.
        outputs: how many numbers are predicted.
        widths: the hidden layers; none for a perceptron.
        activation: one name for all layers, or one per layer (`relu,tanh`).
        normalization: `none`, `batch` or `layer`.
        dropout: the probability that a hidden number is set to zero in training.
        residual: add a layer's input to its output where their widths agree.
        embedding: what becomes of a row's numbers: `none`, `linear`, `periodic`, `periodic-lite`, `periodic-biased`,
            `piecewise-linear` (see `TableEmbedding`).
        embedding_dim: numbers per embedded column.
        one_hot: the most codes of a one-hot column; columns with more get a learned vector.
        cardinalities: how many codes each categorical column has.
        bins: bins per numeric column, for `piecewise-linear`.
        distribution: `gaussian` for a mean and a raw variance per output: `(batch, 2 outputs)`, side by side,
            variance = softplus(raw) + 1e-6, for the loss `gaussian-nll`.

    `forward`: `(batch, ...)` that flattens to `features`, or a table's dict -> `(batch, outputs)`.

    Raises:
        OptionError: an unknown activation or normalization, or another number of activations than of layers.
        ShapeError: inputs with another number of columns.

    >>> import torch
    >>> MLP(784, 10, widths=(256,))(torch.zeros(5, 1, 28, 28)).shape
    torch.Size([5, 10])
    """

    def __init__(
        self,
        features: int,
        outputs: int,
        widths: tuple[int, ...] = (256, 256),
        activation: str | tuple[str, ...] = "relu",
        normalization: Normalization = "none",
        dropout: float = 0.0,
        residual: bool = False,
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
        self.body = hidden_layers(
            self.embedding.feature_dim, widths, activation, normalization, dropout, residual
        )
        self.feature_dim = widths[-1] if widths else self.embedding.feature_dim
        self.head = nn.Linear(self.feature_dim, head_outputs(outputs, distribution))

    @classmethod
    def for_data(cls, inputs: Spec, targets: Spec, **options: Any) -> MLP:
        """Size the network to a dataset's specs (Table, Array or Image -> Classes or Quantity)."""
        return build_for_columns(cls, "mlp", inputs, targets, options)

    def features(self, inputs: Tensor | Mapping[str, Tensor]) -> Tensor:
        """Return the last hidden layer, `(batch, feature_dim)`."""
        return self.body(self.embedding(inputs))

    def forward(self, inputs: Tensor | Mapping[str, Tensor]) -> Tensor:
        return self.head(self.body(self.embedding(inputs)))


def hidden_layers(
    features: int,
    widths: Sequence[int],
    activation: str | Sequence[str] = "relu",
    normalization: Normalization = "none",
    dropout: float = 0.0,
    residual: bool = False,
) -> nn.Sequential:
    """Return the hidden layers of a multilayer perceptron: `(..., features)` -> `(..., widths[-1])`."""
    names = activation.split(",") if isinstance(activation, str) else list(activation)
    names = names * len(widths) if len(names) == 1 else names
    if len(names) != len(widths):
        raise OptionError(
            "there is not one activation per hidden layer",
            expected=f"one name, or {len(widths)} for the widths {tuple(widths)}",
            received=",".join(names),
        )
    layers: list[nn.Module] = []
    for inputs, width, name in zip((features, *widths)[:-1], widths, names, strict=True):
        activate = activations.activation(name.strip())
        wide = width * activate.widening
        parts = [nn.Linear(inputs, wide), *_normalization(normalization, wide), activate]
        if dropout:
            parts.append(Dropout(dropout))
        layers.extend([Residual(*parts)] if residual and inputs == width else parts)
    return nn.Sequential(*layers)


class Residual(nn.Sequential):
    """Add what the layers give to what they were given: y = x + F(x)."""

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs + super().forward(inputs)


def _normalization(name: str, width: int) -> list[nn.Module]:
    kinds: dict[str, list[type[nn.Module]]] = {"none": [], "batch": [nn.BatchNorm1d], "layer": [nn.LayerNorm]}
    if name not in kinds:
        raise unknown("normalization", name, kinds)
    return [kind(width) for kind in kinds[name]]  # type: ignore[call-arg]
