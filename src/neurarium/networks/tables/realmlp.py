"""RealMLP: a multilayer perceptron with the parametrization and defaults that were tuned over many tables."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.data.dataset import Dataset
from neurarium.data.specs import Array, Classes, Spec, Table
from neurarium.layers.dropout import Dropout
from neurarium.layers.table_embedding import Embedding, TableEmbedding
from neurarium.networks.sizing import Distribution, build_for_columns, elementwise, head_outputs

ROWS, SIMPLEX = 8192, 5  # training rows that the start looks at, and of how many each bias is a mixture


@recorded
class RealMLP(nn.Module):
    """A perceptron whose layers are in neural tangent parametrization, with a learned scale per input.

    A_0 = s * e(x); A_l = (1 - a_l) * Z_l + a_l * g(Z_l), Z_l = W_l A_(l-1) / sqrt(width_(l-1)) + b_l; the last layer,
    of the same form, has no g.

    s and a start at one. W starts standard normal, then each row is divided by what makes its Z have deviation 1 on training
    rows; b_j = - sum_k c_k Z_kj of five rows k drawn for each j, c uniform on the simplex ("he+5"): bends lie where data is.
    Until `start_from` saw training rows (`studies.train` and the command line show it some; start="normal" does without), W and
    b are standard normal, and zero in the last layer. e adds waves to each number (`periodic-biased`, PBLD).

    The recipe that the authors train it with is the default of `studies.train` and the command line: AdamW, betas (0.9, 0.95),
    learning rate 0.04 for classes and 0.2 for quantities, 6 times as much for s, a tenth for biases, for a and for the
    waves (`rate_factors()` gives these multiples by parameter); the schedule `cosine-logarithm`,
    lr(t) = (1 - cos(2 pi log2(1 + 15 t))) / 2 with t from 0 to 1; label smoothing 0.1; 256 epochs of batches of 256;
    dropout 0.15 and weight decay 0.02, of all but biases (`spared_parameters()`), that keep half of training and then fall to
    zero by half a cosine; numbers scaled by their quartiles and cut smoothly (`scaling="robust"`); the weights of the best epoch.

    Args:
        features: how many numbers a row has.
        outputs: how many numbers are predicted.
        widths: the hidden layers.
        activation: g; the authors take `selu` for classes and `mish` for quantities, and so does `for_data`.
        dropout: the probability that a hidden number is set to zero in training.
        embedding, embedding_dim, one_hot, cardinalities, bins: as for `MLP`.
        category_dim: numbers per category of a column that is not one-hot.
        deviation: standard deviation of the frequencies of the waves.
        start: "data" or "normal", see above.
        distribution: `gaussian` for a mean and a raw variance per output.

    `forward`: `(batch, features)`, or a table's dict -> `(batch, outputs)`.

    Raises:
        OptionError: an unknown activation or start.
        ShapeError: inputs with another number of columns.

    Holzmueller et al. 2024, arXiv:2407.04491, section 3 and appendix A; "he+5" after Steinwart 2019, arXiv:1903.11482.

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
        start: Literal["data", "normal"] = "data",
    ):
        super().__init__()
        if start not in ("data", "normal"):
            raise OptionError("there is no such start", expected="data or normal", received=start)
        self.distribution, self.start = distribution, start
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

    start_said = (
        "as the authors of RealMLP start it: bends lie where data is (arXiv:2407.04491)",
        "--set start=normal",
    )

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

    @torch.no_grad()
    def start_from(self, data: Dataset) -> str | None:
        """Draw the weights of each layer anew, by what training rows say to it; return what was done.

        None, and nothing, where `start` is "normal" or an example is more than a row.
        """
        if self.start != "data" or not isinstance(data.inputs, Table | Array):
            return None
        rows: Any = data.train
        count = min(len(rows), ROWS)
        last = (
            count if data.summary.get("streamed") else len(rows)
        ) - 1  # no look at all groups of a streamed table
        places = torch.linspace(0, last, count, dtype=torch.float64).round().long()
        x = self.scale(self.embedding(rows.take(places)["inputs"]))
        for module in (*self.body, *self.head):
            if isinstance(module, nn.Linear):
                _start(module, x)
            x = x if isinstance(module, nn.Dropout) else module(x)
        return f"weights and biases of every layer from {len(x):,} training rows"

    def spared_parameters(self) -> list[str]:
        """Return the names of what weight decay leaves alone: the biases of the layers, and nothing else."""
        layers = [name for name, each in self.named_modules() if isinstance(each, nn.Linear)]
        return [f"{name}.bias" for name in layers if name.startswith(("body.", "head."))]

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


def _start(linear: nn.Linear, x: Tensor) -> None:
    """Start a layer from what comes in, `(rows, inputs)`: outputs of deviation 1, biases minus mixtures of five of them."""
    nn.init.normal_(linear.weight)
    said = x @ linear.weight.T
    deviation = said.std(dim=0, correction=0)
    deviation = torch.where(deviation > 0, deviation, torch.ones_like(deviation))
    linear.weight /= deviation.unsqueeze(1)
    said = said / deviation
    chosen = torch.randint(len(said), (SIMPLEX, linear.out_features))
    shares = torch.empty(SIMPLEX, linear.out_features).exponential_()  # normalized: uniform on the simplex
    linear.bias.copy_(-(said.gather(0, chosen) * shares / shares.sum(dim=0)).sum(dim=0))


def _tangent(inputs: int, outputs: int) -> list[nn.Module]:
    """Return z = W x / sqrt(inputs) + b with W and b standard normal."""
    linear = nn.Linear(inputs, outputs)
    nn.init.normal_(linear.weight)
    nn.init.normal_(linear.bias)
    return [Multiply(1 / math.sqrt(inputs)), linear]
