"""The exponential linear units."""

from __future__ import annotations

from torch import nn

from neurarium.core.recipe import recorded


@recorded
class ELU(nn.ELU):
    """The exponential linear unit: g(x) = x where x > 0, else alpha (exp(x) - 1). Elementwise, any shape.

    Args:
        alpha: minus the limit to the left; 1 makes the derivative continuous.

    Clevert et al., arXiv 1511.07289, equation 15.

    >>> import torch
    >>> ELU()(torch.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.0000])
    """

    widening = 1

    def __init__(self, alpha: float = 1.0):
        super().__init__(alpha=alpha, inplace=False)


@recorded
class SELU(nn.SELU):
    """The self-normalizing unit: g(x) = lambda x where x > 0, else lambda alpha (exp(x) - 1). Elementwise, any shape.

    alpha = 1.67326..., lambda = 1.05070...: with weights of variance 1/n_in (`lecun-normal`), mean 0 and variance 1 are
    an attracting fixed point from layer to layer. Drop units with `AlphaDropout`, which keeps both.

    Klambauer et al., "Self-normalizing neural networks", arXiv 1706.02515, equation 2.

    >>> import torch
    >>> SELU()(torch.tensor([-1.0, 2.0]))
    tensor([-1.1113,  2.1014])
    """

    widening = 1

    def __init__(self):
        super().__init__(inplace=False)
