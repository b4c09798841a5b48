"""The Gaussian error linear unit, exact and in its tanh form."""

from __future__ import annotations

from torch import nn

from neurarium.core.recipe import recorded


@recorded
class GELU(nn.GELU):
    """The Gaussian error linear unit: g(x) = x Phi(x) = x/2 (1 + erf(x / sqrt 2)). Elementwise, any shape.

    Hendrycks and Gimpel, arXiv 1606.08415, section 2.

    >>> import torch
    >>> GELU()(torch.tensor([-1.0, 1.0]))
    tensor([-0.1587,  0.8413])
    """

    widening = 1

    def __init__(self):
        super().__init__(approximate="none")


@recorded
class TanhGELU(nn.GELU):
    """The tanh form of GELU: g(x) = x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))). Elementwise, any shape.

    It differs from the exact one by 0.0005 at most; GPT-2 and BERT were trained with it.

    Hendrycks and Gimpel, arXiv 1606.08415, section 2.

    >>> import torch
    >>> TanhGELU()(torch.tensor([-1.0, 1.0]))
    tensor([-0.1588,  0.8412])
    """

    widening = 1

    def __init__(self):
        super().__init__(approximate="tanh")
