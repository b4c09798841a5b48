"""Embeddings of table columns: a number or a category becomes a vector.

Why: a multilayer perceptron is slow to learn a function that changes fast along one number. Bins or waves of that
number, given to it as inputs, make such functions easy (Gorishniy et al. 2022, arXiv:2203.05556).

Numeric embeddings map `(batch, features)` to `(batch, features, dim)`, categorical ones `(batch, columns)` of codes to
`(batch, columns, dim)`. None of them mixes columns.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from neurarium.core.errors import OptionError, ShapeError
from neurarium.core.recipe import recorded
from neurarium.layers.ensemble import EnsembleLinear


@recorded
class LinearEmbedding(nn.Module):
    """A vector per column, scaled by its number: e = x w + b, then max(e, 0) when `rectified`.

    `forward`: `(batch, features)` -> `(batch, features, dim)`. arXiv:2203.05556, section 3.4 (`L`, `LR`).

    >>> LinearEmbedding(3, 8)(torch.randn(5, 3)).shape
    torch.Size([5, 3, 8])
    """

    def __init__(self, features: int, dim: int, rectified: bool = True):
        super().__init__()
        bound = 1 / math.sqrt(dim)
        self.weight = nn.Parameter(torch.empty(features, dim).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(features, dim).uniform_(-bound, bound))
        self.rectify = nn.ReLU() if rectified else nn.Identity()

    def forward(self, numeric: Tensor) -> Tensor:
        return self.rectify(torch.addcmul(self.bias, numeric.unsqueeze(-1), self.weight))


@recorded
class PeriodicEmbedding(nn.Module):
    """Waves of each number: e = max(0, W [sin(2 pi c x), cos(2 pi c x)] + b).

    The frequencies c are learned, from a normal distribution of standard deviation `deviation`, cut at three of them.

    Args:
        features: number of columns.
        dim: numbers per column in the result.
        frequencies: how many c per column.
        deviation: how fast the waves are at the start; the option that matters most here.
        shared: one W for all columns (PLR(lite)) instead of one each (PLR).

    `forward`: `(batch, features)` -> `(batch, features, dim)`. arXiv:2203.05556, eq. 2 (`PLR`).

    >>> PeriodicEmbedding(3, 8)(torch.randn(5, 3)).shape
    torch.Size([5, 3, 8])
    """

    def __init__(
        self, features: int, dim: int, frequencies: int = 48, deviation: float = 0.05, shared: bool = False
    ):
        super().__init__()
        self.frequency = nn.Parameter(torch.empty(features, frequencies))
        nn.init.trunc_normal_(self.frequency, std=deviation, a=-3 * deviation, b=3 * deviation)
        linear: nn.Module = EnsembleLinear(features, 2 * frequencies, dim)
        self.linear = nn.Linear(2 * frequencies, dim) if shared else linear
        self.rectify = nn.ReLU()

    def forward(self, numeric: Tensor) -> Tensor:
        phase = 2 * math.pi * self.frequency * numeric.unsqueeze(-1)
        return self.rectify(self.linear(torch.cat([phase.sin(), phase.cos()], dim=-1)))


@recorded
class BiasedPeriodicEmbedding(nn.Module):
    """Waves with a phase, beside the number itself: e = [x, W cos(2 pi c x + a) + b].

    Args:
        features: number of columns.
        dim: numbers per column in the result, x among them; at least 2.
        frequencies: how many c and a per column.
        deviation: standard deviation of the c at the start; the a are uniform in +-pi.

    `forward`: `(batch, features)` -> `(batch, features, dim)`. RealMLP's PBLD (arXiv:2407.04491, section 3).

    >>> embedded = BiasedPeriodicEmbedding(3, 4)(torch.ones(5, 3))
    >>> embedded.shape, embedded[0, 0, 0].item()
    (torch.Size([5, 3, 4]), 1.0)
    """

    def __init__(self, features: int, dim: int = 4, frequencies: int = 16, deviation: float = 0.1):
        super().__init__()
        if dim < 2:
            raise OptionError(
                "a biased periodic embedding has too few numbers per column", expected=">= 2", received=dim
            )
        self.frequency = nn.Parameter(deviation * torch.randn(features, frequencies))
        self.phase = nn.Parameter(torch.empty(features, frequencies).uniform_(-math.pi, math.pi))
        self.linear = EnsembleLinear(features, frequencies, dim - 1)

    def forward(self, numeric: Tensor) -> Tensor:
        # (features, waves, batch) inside: what is done number by number then runs along contiguous memory.
        numbers = numeric.T.contiguous().unsqueeze(1)
        frequency = (2 * math.pi * self.frequency).unsqueeze(-1)
        phase = torch.addcmul(self.phase.unsqueeze(-1), frequency, numbers)
        waves = self.linear(phase.cos().permute(2, 0, 1)).permute(1, 2, 0)
        return torch.cat([numbers.to(waves.dtype), waves], dim=1).permute(2, 0, 1)


@recorded
class PiecewiseLinearEncoding(nn.Module):
    """How far a number has come through each of its column's bins.

    e_t = (x - edge_t) / (edge_(t+1) - edge_t), clipped to [0, 1]; below in the first bin and above in the last one it
    is not clipped, so that numbers outside the edges keep their order.

    The bins are equally likely under a standard normal until `set_edges` is called (`for_data` of the networks calls
    it with the quantiles of the training split); they are buffers, saved with the weights.

    Args:
        bins: number of bins of each column, at least 1.

    `forward`: `(batch, features)` -> `(batch, features, max(bins))`, zero past a column's last bin.
    arXiv:2203.05556, eq. 1 (`PLE`).

    >>> encoding = PiecewiseLinearEncoding((2, 1))
    >>> encoding.set_edges(((0.0, 1.0, 3.0), (0.0, 2.0)))
    >>> encoding(torch.tensor([[2.0, 1.0]]))
    tensor([[[1.0000, 0.5000],
             [0.5000, 0.0000]]])
    """

    slope: Tensor
    offset: Tensor
    lower: Tensor
    upper: Tensor

    def __init__(self, bins: Sequence[int]):
        super().__init__()
        if any(count < 1 for count in bins):
            raise OptionError("a column has no bin", expected="bins of at least 1", received=tuple(bins))
        self.bins = tuple(bins)
        shape = (len(self.bins), max(self.bins, default=1))
        lower, upper = torch.zeros(shape), torch.ones(shape)
        for column, count in enumerate(self.bins):
            lower[column, 0], upper[column, count - 1] = -math.inf, math.inf
        self.register_buffer("slope", torch.zeros(shape))
        self.register_buffer("offset", torch.zeros(shape))
        self.register_buffer("lower", lower, persistent=False)
        self.register_buffer("upper", upper, persistent=False)
        self.set_edges([normal_quantiles(count) for count in self.bins])

    def set_edges(self, edges: Sequence[Sequence[float]]) -> None:
        """Take the edges of each column's bins, increasing; `bins + 1` of them.

        Raises:
            ShapeError: another number of columns or edges, or edges that do not increase.
        """
        edges = [spread(each) for each in edges]
        if tuple(len(each) - 1 for each in edges) != self.bins:
            raise ShapeError(
                "the edges do not fit the bins",
                expected=f"bins + 1 edges per column, for bins {self.bins}",
                received=tuple(len(each) for each in edges),
            )
        self.slope.zero_()
        self.offset.zero_()
        for column, each in enumerate(edges):
            values = torch.tensor(each, dtype=torch.float64)
            width = values.diff()
            if not bool((width > 0).all()):
                raise ShapeError("the edges of a column do not increase", received=tuple(each))
            self.slope[column, : len(width)] = 1 / width
            self.offset[column, : len(width)] = -values[:-1] / width

    def forward(self, numeric: Tensor) -> Tensor:
        position = torch.addcmul(self.offset, numeric.unsqueeze(-1), self.slope)
        return position.clamp(self.lower, self.upper)

    def extra_repr(self) -> str:
        return f"bins={self.bins}"


@recorded
class PiecewiseLinearEmbedding(nn.Module):
    """A learned continuous function of each number with kinks at its bins' edges: e = x w + b + V PLE(x).

    V starts at zero, so that training starts from plain linear embeddings (TabM, arXiv:2410.24210, section 5.1;
    version B of the authors' code).

    Args:
        bins: number of bins of each column.
        dim: numbers per column in the result.

    `forward`: `(batch, features)` -> `(batch, features, dim)`.

    >>> PiecewiseLinearEmbedding((4, 8, 2), 16)(torch.randn(5, 3)).shape
    torch.Size([5, 3, 16])
    """

    def __init__(self, bins: Sequence[int], dim: int):
        super().__init__()
        self.encoding = PiecewiseLinearEncoding(bins)
        self.direct = LinearEmbedding(len(self.encoding.bins), dim, rectified=False)
        self.linear = EnsembleLinear(
            len(self.encoding.bins), max(self.encoding.bins, default=1), dim, bias=False
        )
        nn.init.zeros_(self.linear.weight)

    def forward(self, numeric: Tensor) -> Tensor:
        return self.direct(numeric) + self.linear(self.encoding(numeric))


@recorded
class CategoricalEmbedding(nn.Module):
    """A learned vector per category, one table for all columns.

    Code 0 of every column stands for a category that training never met: its vector is zero and stays so.

    Args:
        cardinalities: number of codes of each column.
        dim: numbers per column in the result.

    `forward`: codes `(batch, columns)` int64 -> `(batch, columns, dim)`.

    >>> CategoricalEmbedding((3, 5), 4)(torch.tensor([[0, 2]])).shape
    torch.Size([1, 2, 4])
    """

    offsets: Tensor

    def __init__(self, cardinalities: Sequence[int], dim: int):
        super().__init__()
        self.cardinalities = tuple(cardinalities)
        self.table = nn.Embedding(sum(self.cardinalities), dim)
        offsets = [sum(self.cardinalities[:column]) for column in range(len(self.cardinalities))]
        self.register_buffer("offsets", torch.tensor(offsets, dtype=torch.int64), persistent=False)
        bound = 1 / math.sqrt(dim)
        nn.init.uniform_(self.table.weight, -bound, bound)
        with torch.no_grad():
            self.table.weight[self.offsets] = 0

    def forward(self, codes: Tensor) -> Tensor:
        return self.table(codes + self.offsets)


@recorded
class OneHot(nn.Module):
    """One number per category, 1 for the one that is there; the code 0 (unseen in training) gives zeros.

    Args:
        cardinalities: number of codes of each column.

    `forward`: codes `(batch, columns)` int64 -> `(batch, sum(cardinalities - 1))`.

    >>> OneHot((3, 4))(torch.tensor([[2, 0], [1, 3]]))
    tensor([[0., 1., 0., 0., 0.],
            [1., 0., 0., 0., 1.]])
    """

    columns: Tensor
    codes: Tensor
    one: Tensor

    def __init__(self, cardinalities: Sequence[int]):
        super().__init__()
        self.cardinalities = tuple(cardinalities)
        places = [
            (column, code) for column, count in enumerate(self.cardinalities) for code in range(1, count)
        ]
        self.feature_dim = len(places)
        found = torch.tensor(places, dtype=torch.int64).reshape(-1, 2)
        self.register_buffer("columns", found[:, 0].clone(), persistent=False)
        self.register_buffer("codes", found[:, 1].clone(), persistent=False)
        # Follows the network to its device and precision, which the codes cannot tell.
        self.register_buffer("one", torch.ones(()), persistent=False)

    def forward(self, codes: Tensor) -> Tensor:
        # A comparison, not a scatter: it is differentiated per example (vmap) and exported as it stands.
        return (codes.index_select(1, self.columns) == self.codes).to(self.one.dtype)

    def extra_repr(self) -> str:
        return f"cardinalities={self.cardinalities}"


def spread(edges: Sequence[float]) -> tuple[float, ...]:
    """Return edges that bound at least one bin: a column of one value gets a bin of width 1 about it.

    >>> spread((2.0,)), spread((0.0, 1.0))
    ((1.5, 2.5), (0.0, 1.0))
    """
    if len(edges) >= 2:
        return tuple(edges)
    middle = edges[0] if edges else 0.0
    return (middle - 0.5, middle + 0.5)


def normal_quantiles(bins: int) -> tuple[float, ...]:
    """Return `bins + 1` edges of bins that are equally likely under a standard normal, the outer ones at +-3.

    >>> [round(edge, 2) for edge in normal_quantiles(4)]
    [-3.0, -0.67, 0.0, 0.67, 3.0]
    """
    inner = torch.special.ndtri(torch.arange(1, bins, dtype=torch.float64) / bins).tolist()
    return (-3.0, *inner, 3.0)
