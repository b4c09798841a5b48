"""The sigmoid-weighted linear unit and its hard form."""

from __future__ import annotations

from torch import nn

from neurarium.core.recipe import recorded


@recorded
class SiLU(nn.SiLU):
    """The sigmoid-weighted linear unit, or swish: g(x) = x sigmoid(x). Elementwise, any shape.

    Elfwing et al., arXiv 1702.03118; Ramachandran et al., arXiv 1710.05941.

    >>> import torch
    >>> SiLU()(torch.tensor([-1.0, 1.0]))
    tensor([-0.2689,  0.7311])
    """

    widening = 1

    def __init__(self):
        super().__init__(inplace=False)


@recorded
class HardSwish(nn.Hardswish):
    """The hard swish: g(x) = x min(max(x / 6 + 1/2, 0), 1). Elementwise, any shape.

    Howard et al., "Searching for MobileNetV3", arXiv 1905.02244, section 5.2.

    >>> import torch
    >>> HardSwish()(torch.tensor([-4.0, 1.0, 4.0]))
    tensor([-0.0000, 0.6667, 4.0000])
    """

    widening = 1

    def __init__(self):
        super().__init__(inplace=False)
