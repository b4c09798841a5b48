"""RealMLP: a multilayer perceptron with the parametrization and defaults that were tuned over many tables."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from neurarium.core.recipe import recorded
from neurarium.data.specs import Array, Classes, Spec, Table
from neurarium.layers.dropout import Dropout
from neurarium.layers.table_embedding import Embedding, TableEmbedding
from neurarium.networks.sizing import Distribution, build_for_columns, elementwise, head_outputs


@recorded
class RealMLP(nn.Module):
    """A perceptron whose layers are in neural tangent parametrization, with a learned scale per input.

    A_0 = s * e(x); A_l = (1 - a_l) * Z_l + a_l * g(Z_l), Z_l = W_l A_(l-1) / sqrt(width_(l-1)) + b_l; the last layer,
    of the same form without g, starts at zero.

    W and b start standard normal, s and a at one. e adds waves to each number (`periodic-biased`, PBLD).

    The recipe that the authors train it with, as options of the optimizer and the loss: Adam, betas (0.9, 0.95),
    learning rate 0.04 for classes and 0.2 for quantities, 6 times as much for s, a tenth for biases, for a and for the
    waves (`rate_factors()` gives these multiples by parameter); the schedule `cosine-logarithm`,
    lr(t) = (1 - cos(2 pi log2(1 + 15 t))) / 2 with t from 0 to 1; label smoothing 0.1; 256 epochs of batches of 256;
    dropout 0.15 and weight decay 0.02 that fall to zero; the weights of the best epoch on validation.

    Args:
        features: how many numbers a row has.
        outputs: how many numbers are predicted.
        widths: the hidden layers.
        activation: g; the authors take `selu` for classes and `mish` for quantities, and so does `for_data`.
        dropout: the probability that a hidden number is set to zero in training.
        embedding, embedding_dim, one_hot, cardinalities, bins: as for `MLP`.
        category_dim: numbers per category of a column that is not one-hot.
        deviation: standard deviation of the frequencies of the waves.
        distribution: `gaussian` for a mean and a raw variance per output.

    `forward`: `(batch, features)`, or a table's dict -> `(batch, outputs)`.

    Raises:
        OptionError: an unknown activation.
        ShapeError: inputs with another number of columns.

    Holzmueller et al. 2024, arXiv:2407.04491, section 3.

    >>> RealMLP(4, 2)(torch.zeros(5, 4))[0]
    tensor([0., 0.], grad_fn=<SelectBackward0>)
    """

    def __init__(
        self,
        features: int,
        outputs: int,
        widths: tuple[int, ...] = (256, 256, 256),
        activation: str = "selu",
        dropout: float = 0.15,
        embedding: Embedding = "periodic-biased",
        embedding_dim: int = 4,
        one_hot: int = 9,
        category_dim: int = 8,
        deviation: float = 0.1,
        cardinalities: tuple[int, ...] = (),
        bins: tuple[int, ...] = (),
        distribution: Distribution = None,
    ):
        super().__init__()
        self.distribution = distribution
        self.embedding = TableEmbedding(
            features, cardinalities, embedding, embedding_dim, bins, one_hot, deviation, category_dim
        )
        before = self.embedding.feature_dim
        self.scale = Scale(before)
        layers: list[nn.Module] = []
        for inputs, width in zip((before, *widths)[:-1], widths, strict=True):
            layers.extend([*_tangent(inputs, width), ParametricActivation(width, activation)])
            layers.extend([Dropout(dropout)] if dropout else [])
        self.body = nn.Sequential(*layers)
        self.feature_dim = widths[-1] if widths else before
        self.head = nn.Sequential(*_tangent(self.feature_dim, head_outputs(outputs, distribution)))
        for parameter in self.head.parameters():
            nn.init.zeros_(parameter)

    @classmethod
    def for_data(cls, inputs: Spec, targets: Spec, **options: Any) -> RealMLP:
        """Size the network to a dataset's specs (Table or Array -> Classes or Quantity)."""
        options = {"activation": "selu" if isinstance(targets, Classes) else "mish"} | options
        return build_for_columns(cls, "realmlp", inputs, targets, options, (Table, Array))

    def features(self, inputs: Tensor | Mapping[str, Tensor]) -> Tensor:
        """Return the last hidden layer, `(batch, feature_dim)`."""
        return self.body(self.scale(self.embedding(inputs)))

    def forward(self, inputs: Tensor | Mapping[str, Tensor]) -> Tensor:
        return self.head(self.features(inputs))

    def rate_factors(self) -> dict[str, float]:
        """Return by which factor the learning rate of each parameter differs from the common one."""
        factors = {}
        for name, _ in self.named_parameters():
            slow = name.startswith("embedding.numeric.") or name.endswith(("bias", "blend"))
            factors[name] = 6.0 if name == "scale.weight" else 0.1 if slow else 1.0
        return factors


class Scale(nn.Module):
    """One learned factor per number: y = s * x, s = 1 at the start. `(..., features)` -> the same."""

    def __init__(self, features: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(features))

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs * self.weight


class Multiply(nn.Module):
    """A fixed factor, y = c x, as a module of its own: the linear layer after it stays an ordinary one."""

    def __init__(self, factor: float):
        super().__init__()
        self.factor = factor

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs * self.factor

    def extra_repr(self) -> str:
        return f"factor={self.factor:.4g}"


class ParametricActivation(nn.Module):
    """A blend of line and activation, y = (1 - a) x + a g(x), a learned per number. `(..., features)` -> the same."""

    def __init__(self, features: int, activation: str):
        super().__init__()
        self.activate = elementwise(activation)
        self.blend = nn.Parameter(torch.ones(features))

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.lerp(inputs, self.activate(inputs), self.blend.to(inputs.dtype))


def _tangent(inputs: int, outputs: int) -> list[nn.Module]:
    """Return z = W x / sqrt(inputs) + b with W and b standard normal."""
    linear = nn.Linear(inputs, outputs)
    nn.init.normal_(linear.weight)
    nn.init.normal_(linear.bias)
    return [Multiply(1 / math.sqrt(inputs)), linear]
