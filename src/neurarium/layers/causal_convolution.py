"""Causal convolutions: an answer at a step sees that step and what came before it."""

from __future__ import annotations

import torch  # noqa: F401  # for the examples
from torch import Tensor, nn
from torch.nn import functional

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.layers.activations import activation as activation_named
from neurarium.layers.dropout import Dropout
from neurarium.layers.weight_norm import normalize_weight


@recorded
class CausalConvolution(nn.Module):
    """A dilated convolution over time that never sees the future.

    y_t = b + sum_(i=0)^(k-1) W_i x_(t - d (k - 1 - i)), with zeros before the start.

    Args:
        inputs, outputs: numbers per step.
        kernel: k, how many steps are seen.
        dilation: d, how far these lie apart.
        weight_norm: learn W as length and direction; see `normalize_weight`.

    `forward`: `(batch, inputs, length)` -> `(batch, outputs, length)`, any length.

    Raises:
        OptionError: a kernel or a dilation below 1.

    van den Oord et al. 2016, arXiv:1609.03499, section 2.1; Bai et al. 2018, arXiv:1803.01271, section 3.2.

    >>> CausalConvolution(3, 4, kernel=2, dilation=8)(torch.zeros(2, 3, 5)).shape
    torch.Size([2, 4, 5])
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 3, dilation: int = 1, weight_norm: bool = False
    ):
        super().__init__()
        if kernel < 1 or dilation < 1:
            raise OptionError(
                "a causal convolution is too small",
                expected="a kernel and a dilation of 1 or more",
                received=f"kernel={kernel}, dilation={dilation}",
            )
        self.before = (kernel - 1) * dilation
        self.convolution = nn.Conv1d(inputs, outputs, kernel, dilation=dilation)
        if weight_norm:
            normalize_weight(self.convolution)

    def forward(self, signal: Tensor) -> Tensor:
        return self.convolution(functional.pad(signal, (self.before, 0)))


@recorded
class CausalBlock(nn.Module):
    """Two causal convolutions with a skip connection: y = relu(x' + F(x)), F = drop relu C_2 drop relu C_1.

    x' is x, or a linear map of each step where the widths differ.

    Args:
        inputs, outputs, kernel, dilation, weight_norm: of the convolutions.
        dropout: the probability that a number is set to zero in training, after each convolution.
        activation: in place of relu.

    `forward`: `(batch, inputs, length)` -> `(batch, outputs, length)`.

    Bai et al. 2018, arXiv:1803.01271, figure 1 (b).

    >>> CausalBlock(3, 4, kernel=2)(torch.zeros(2, 3, 5)).shape
    torch.Size([2, 4, 5])
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 3,
        dilation: int = 1,
        dropout: float = 0.0,
        weight_norm: bool = True,
        activation: str = "relu",
    ):
        super().__init__()
        sizes = (inputs, outputs)
        self.convolutions = nn.ModuleList(
            CausalConvolution(size, outputs, kernel, dilation, weight_norm) for size in sizes
        )
        self.activations = nn.ModuleList(activation_named(activation) for _ in range(3))
        self.dropouts = nn.ModuleList(Dropout(dropout) if dropout else nn.Identity() for _ in sizes)
        self.skip = nn.Identity() if inputs == outputs else nn.Conv1d(inputs, outputs, 1)

    def forward(self, signal: Tensor) -> Tensor:
        inner = signal
        for number, convolution in enumerate(self.convolutions):
            inner = self.dropouts[number](self.activations[number](convolution(inner)))
        return self.activations[2](self.skip(signal) + inner)


def receptive_field(kernel: int, dilations: tuple[int, ...], convolutions: int = 2) -> int:
    """Return how many steps the last of stacked causal blocks sees: 1 + convolutions (kernel - 1) sum(dilations).

    >>> receptive_field(3, (1, 2, 4, 8))
    61
    """
    return 1 + convolutions * (kernel - 1) * sum(dilations)
