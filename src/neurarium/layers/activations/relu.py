"""The rectifiers: ReLU, and those that leave a slope below zero."""

from __future__ import annotations

from torch import nn

from neurarium.core.recipe import recorded


@recorded
class ReLU(nn.ReLU):
    """The rectified linear unit: g(x) = max(0, x). Elementwise, any shape; g'(0) is taken as 0.

    Nair and Hinton, "Rectified linear units improve restricted Boltzmann machines" (2010).

    >>> import torch
    >>> ReLU()(torch.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """

    widening = 1

    def __init__(self):
        super().__init__(inplace=False)


@recorded
class LeakyReLU(nn.LeakyReLU):
    """The leaky ReLU: g(x) = x where x > 0, else alpha x. Elementwise, any shape.

    It is often written max(alpha x, x), which is the same for alpha <= 1 alone: for alpha > 1 that is the other branch.

    Args:
        slope: alpha, of any size.

    Maas et al., "Rectifier nonlinearities improve neural network acoustic models" (2013).

    >>> import torch
    >>> LeakyReLU(slope=2.0)(torch.tensor([-1.0, 1.0]))           # max(2x, x) would give -1 and 2
    tensor([-2.,  1.])
    """

    widening = 1

    def __init__(self, slope: float = 0.01):
        super().__init__(negative_slope=slope, inplace=False)


@recorded
class PReLU(nn.PReLU):
    """The parametric ReLU: g(x) = x where x > 0, else alpha x, with alpha learned.

    Args:
        channels: 1 for one alpha in all, or one per channel (axis 1 of `(batch, channels, ...)`).
        slope: alpha at the start.

    He et al., "Delving deep into rectifiers", arXiv 1502.01852, equation 1.

    >>> import torch
    >>> PReLU()(torch.tensor([-1.0, 2.0])).tolist()
    [-0.25, 2.0]
    """

    widening = 1

    def __init__(self, channels: int = 1, slope: float = 0.25):
        super().__init__(num_parameters=channels, init=slope)
