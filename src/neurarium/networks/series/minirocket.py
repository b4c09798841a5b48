"""MiniROCKET: fixed convolutions of a series, the share of places above a threshold, and a linear head."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy
import torch
from torch import Tensor, nn
from torch.nn import functional

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.core.seeds import generator
from neurarium.data.specs import Series, Spec
from neurarium.networks.sizing import Distribution, check, head_outputs

TAPS, HIGH = 9, 3  # values that a kernel weighs, and how many of them with 2 instead of -1
KERNELS = tuple(itertools.combinations(range(TAPS), HIGH))  # the 84 of them
GOLDEN = (math.sqrt(5) + 1) / 2
AT_ONCE = 2**24  # numbers of one tensor of answers
OBSERVED = 4096  # training series that the thresholds and scales are taken from
WHITE = math.sqrt(HIGH * 2**2 + TAPS - HIGH)  # deviation of a kernel's answers to white noise


@recorded
class MiniRocket(nn.Module):
    """Random-like convolutions that are not trained, and a head that is.

    C_(k,d) = w_k *_d x, f_(k,d,b) = mean over t of [C_(k,d)(t) > b], Z = W (f - mean) / scale + a

    The 84 kernels w_k have nine weights, three of them 2 and six -1; the dilations d grow to an eighth of the length; the
    thresholds b are quantiles of what the kernel answers to a training series. `adapt_to` takes them, and the mean and the
    scale of each feature, from training inputs; before, they are those of white noise. Of several channels each kernel and
    dilation sums a random few. Half of the kernels see zeros around a series, the others only what lies inside.

    Args:
        channels: of a series.
        outputs: how many numbers are predicted.
        length: of the training series: it bounds the dilations.
        size: how many features, rounded down to a multiple of 84.
        dilations: at most so many per kernel.
        seed: of the channels and of the series that thresholds are taken from.
        distribution: `gaussian` for a mean and a raw variance per output.

    `forward`: a dict of `series` `(batch, length, channels)` and `lengths` -> `(batch, outputs)`. Padding changes nothing.

    Raises:
        OptionError: fewer than 84 features, or no dilation.

    Dempster, Schmidt and Webb, arXiv:2012.08791, section 3.

    >>> network = MiniRocket(1, 2, length=50, size=840)
    >>> inputs = {"series": torch.randn(3, 50, 1), "lengths": torch.tensor([50, 20, 50])}
    >>> network.features(inputs).shape, network(inputs).shape
    (torch.Size([3, 840]), torch.Size([3, 2]))
    """

    kernels: Tensor
    mixed: Tensor
    thresholds: Tensor
    mean: Tensor
    scale: Tensor
    observed: Tensor

    def __init__(
        self,
        channels: int,
        outputs: int,
        length: int = 100,
        size: int = 9996,
        dilations: int = 32,
        seed: int = 0,
        distribution: Distribution = None,
    ):
        super().__init__()
        if size < len(KERNELS) or dilations < 1:
            raise OptionError(
                "there are too few features", expected=f"size >= {len(KERNELS)} and dilations >= 1",
                received=f"size={size}, dilations={dilations}",
            )  # fmt: skip
        self.channels, self.seed, self.distribution = channels, seed, distribution
        self.dilations, self.counts = _dilations(length, size // len(KERNELS), dilations)
        kernels = torch.full((len(KERNELS), 1, TAPS), -1.0)
        for row, places in enumerate(KERNELS):
            kernels[row, 0, list(places)] = 2.0
        self.feature_dim = len(KERNELS) * sum(self.counts)
        self.register_buffer("kernels", kernels, persistent=False)
        self.register_buffer("mixed", _mixed(channels, len(self.dilations), seed))
        self.register_buffer("thresholds", _white(sum(self.counts), self.mixed, self.counts))
        self.register_buffer("mean", torch.full((self.feature_dim,), 0.5))
        self.register_buffer("scale", torch.full((self.feature_dim,), 0.5))
        self.register_buffer("observed", torch.zeros((), dtype=torch.bool))
        self.head = nn.Linear(self.feature_dim, head_outputs(outputs, distribution))

    @classmethod
    def for_data(cls, inputs: Spec, targets: Spec, **options: Any) -> MiniRocket:
        """Size the network to a dataset's specs (Series -> Classes or Quantity)."""
        check("minirocket", inputs, targets, options, (Series,))
        sizes = {"channels": inputs.channels, "length": inputs.length}  # type: ignore[attr-defined]
        return cls(outputs=targets.outputs, **{**sizes, **options})  # type: ignore[attr-defined]

    @torch.no_grad()
    def adapt_to(self, inputs: Mapping[str, Tensor]) -> None:
        """Take thresholds from the answers to training series, then the mean and scale of each feature; once only."""
        if self.observed:
            return
        series, lengths = inputs["series"][:OBSERVED], inputs["lengths"][:OBSERVED]
        chance = generator(self.seed, "minirocket", "thresholds")
        quantiles = ((torch.arange(1, self.feature_dim + 1, dtype=torch.float64) * GOLDEN) % 1).to(series)
        start = 0
        for place, count in enumerate(self.counts):
            chosen = torch.randint(len(series), (len(KERNELS),), generator=chance).to(series.device)
            answers = self._answers(series[chosen], lengths[chosen], place).diagonal().T
            first = start
            for kernel, (row, length) in enumerate(zip(answers, lengths[chosen].tolist(), strict=True)):
                own = quantiles[len(KERNELS) * first + kernel * count :][:count]
                self.thresholds[kernel, start : start + count] = torch.quantile(row[: max(1, length)], own)
            start += count
        raw = self._shares({"series": series, "lengths": lengths})
        self.mean.copy_(raw.mean(dim=0))
        spread = raw.std(dim=0, unbiased=False)
        self.scale.copy_(torch.where(spread > 1e-6, spread, torch.ones_like(spread)))
        self.observed.fill_(True)

    def _answers(self, series: Tensor, lengths: Tensor, place: int) -> Tensor:
        """Return what the kernels of one dilation answer, `(batch, 84, length)`, zeros being around each series."""
        batch, length, channels = series.shape
        real = torch.arange(length, device=series.device) < lengths[:, None]
        flat = (series * real[:, :, None]).transpose(1, 2).reshape(batch * channels, 1, length)
        dilation = self.dilations[place]
        kernels = self.kernels.to(flat.dtype)
        found = functional.conv1d(flat, kernels, dilation=dilation, padding=TAPS // 2 * dilation)
        if channels == 1:
            return found
        return torch.einsum("bckt,kc->bkt", found.reshape(batch, channels, -1, length), self.mixed[place].to(flat.dtype))  # fmt: skip

    def _shares(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the shares of places above the thresholds, `(batch, feature_dim)`, in pieces that fit the memory."""
        series, lengths = inputs["series"], inputs["lengths"]
        step = max(1, AT_ONCE // (len(KERNELS) * max(1, series.shape[1]) * self.channels))
        pieces = [
            self._piece(series[start : start + step], lengths[start : start + step])
            for start in range(0, len(series), step)
        ]
        return torch.cat(pieces) if pieces else series.new_zeros(0, self.feature_dim)

    def _piece(self, series: Tensor, lengths: Tensor) -> Tensor:
        times = torch.arange(series.shape[1], device=series.device)
        parity = torch.arange(len(KERNELS), device=series.device) % 2
        start, found = 0, []
        for place, (dilation, count) in enumerate(zip(self.dilations, self.counts, strict=True)):
            answers = self._answers(series, lengths, place)
            margin = TAPS // 2 * dilation
            whole = times < lengths[:, None]
            inside = (times >= margin) & (times < lengths[:, None] - margin)
            counted = torch.where(((parity + place) % 2 == 0)[:, None], whole[:, None], inside[:, None])
            total = counted.sum(dim=2).clamp(min=1)
            for column in range(start, start + count):
                above = (answers > self.thresholds[:, column, None]) & counted
                found.append(above.sum(dim=2) / total)
            start += count
        return torch.stack(found, dim=2).flatten(1).to(series.dtype)

    def features(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the standardized shares, `(batch, feature_dim)`: those of a kernel side by side, dilation by dilation."""
        with torch.no_grad():
            return (self._shares(inputs) - self.mean) / self.scale

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        return self.head(self.features(inputs))


def _dilations(length: int, features: int, most: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the dilations, and how many features each has per kernel: as the authors' code spreads them.

    >>> _dilations(24, 119, 32)
    ((1, 2), (79, 40))
    """
    per_kernel = min(features, most)
    exponent = max(0.0, math.log2(max(length - 1, TAPS - 1) / (TAPS - 1)))
    grown = numpy.logspace(0, exponent, per_kernel, base=2).astype(numpy.int32)
    found, counts = numpy.unique(grown, return_counts=True)
    counts = (counts * (features / per_kernel)).astype(numpy.int32)
    for place in range(features - int(counts.sum())):
        counts[place % len(counts)] += 1
    return tuple(found.tolist()), tuple(counts.tolist())


def _mixed(channels: int, dilations: int, seed: int) -> Tensor:
    """Return which channels each kernel sums, `(dilations, 84, channels)` of zeros and ones."""
    chance = numpy.random.default_rng([seed, 20])
    found = torch.zeros(dilations, len(KERNELS), channels)
    most = math.log2(min(channels, TAPS) + 1)
    for place, kernel in itertools.product(range(dilations), range(len(KERNELS))):
        count = min(channels, int(2 ** chance.uniform(0, most)))
        found[place, kernel, chance.choice(channels, count, replace=False)] = 1.0
    return found


def _white(columns: int, mixed: Tensor, counts: tuple[int, ...]) -> Tensor:
    """Return thresholds for white noise, `(84, columns)`."""
    places = torch.arange(1, len(KERNELS) * columns + 1, dtype=torch.float64)
    normal = torch.special.ndtri((places * GOLDEN) % 1).reshape(len(KERNELS), columns).float()
    deviations = WHITE * mixed.sum(dim=2).sqrt().T  # (84, dilations)
    return normal * deviations.repeat_interleave(torch.tensor(counts), dim=1)
