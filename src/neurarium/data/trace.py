"""Traces: long series that are watched for what is odd, and the windows before each moment of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy
import torch
from torch import Tensor

from neurarium.data.examples import Examples

MEMORY = 8000  # moments that means, deviations and ranges look back over
CUT = 10.0  # deviations at which what a network sees, and learns from, ends


@dataclasses.dataclass(frozen=True)
class Trace:
    """One series of one value over time.

    Args:
        name: of its file.
        times: as they stand in the file, in their order.
        moments: the same as numbers.
        values: `(length,)` float64 without gaps.
        windows: first and last place of each labelled window.
        filled: how many values were missing, and hold the one before them.
        beyond: how many labelled windows begin before the first moment or end behind the last.
    """

    name: str
    times: Sequence[str]
    moments: numpy.ndarray
    values: numpy.ndarray
    windows: tuple[tuple[int, int], ...] = ()
    filled: int = 0
    beyond: int = 0

    def __len__(self) -> int:
        return len(self.values)


def running(values: numpy.ndarray, memory: int = MEMORY) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Return the mean and the deviation of the values before each moment, `(length,)` each.

    At most `memory` values are looked back over. Before the first value the mean is that value, and a deviation of nothing is
    1: no moment knows of itself or of what comes after.

    >>> running(numpy.array([1.0, 3.0, 9.0]))
    (array([1., 1., 2.]), array([1., 1., 1.]))
    """
    count = len(values)
    moved = values - values[:1]  # sums of squares of large values would lose the small differences
    sums = numpy.concatenate([[0.0], numpy.cumsum(moved)])
    squares = numpy.concatenate([[0.0], numpy.cumsum(moved * moved)])
    ends = numpy.arange(count)
    starts = numpy.maximum(0, ends - memory)
    seen = numpy.maximum(1, ends - starts)
    mean = (sums[ends] - sums[starts]) / seen
    square = (squares[ends] - squares[starts]) / seen
    variance = square - mean * mean
    steady = variance <= 1e-12 * numpy.maximum(square, 1e-300)
    deviation = numpy.sqrt(numpy.where(steady, 1.0, variance))
    return mean + values[:1], deviation


class Windows:
    """Turns places in traces into the windows before them: the last step of every batch.

    The values of all traces lie one behind the other. A window is scaled by the mean and the deviation of what its trace
    had before, and cut at ten deviations.

    Args:
        traces: one or more.
        length: of a window; at the start of a trace it is shorter.
        whole: the window ends at its moment and is its own target (reconstruction); else it ends before, and the moment's
            value is the target (forecast).
    """

    def __init__(self, traces: Sequence[Trace], length: int, *, whole: bool = False):
        self.length, self.whole = length, whole
        moments = [running(each.values) for each in traces]
        self.values = torch.from_numpy(numpy.concatenate([each.values for each in traces]))
        self.mean = torch.from_numpy(numpy.concatenate([mean for mean, _ in moments]))
        self.deviation = torch.from_numpy(numpy.concatenate([deviation for _, deviation in moments]))
        sizes = [len(each) for each in traces]
        self.starts = numpy.cumsum([0, *sizes])
        first = numpy.repeat(self.starts[:-1], sizes)
        self.first = torch.from_numpy(first)

    def places(self, trace: int, first: int, last: int) -> Tensor:
        """Return the places of a trace's moments from `first` up to `last`, those that have something before them."""
        start = int(self.starts[trace])
        first = max(1, first)
        return torch.arange(start + first, start + max(first, last))

    def examples(self, places: Tensor) -> Examples:
        """Return the windows at some places as examples; they are cut out when they are taken."""
        return Examples({"inputs": {"place": places}, "targets": self.targets(places)}, finish=self)

    def targets(self, places: Tensor) -> Tensor:
        """Return what is to be said of each window, in deviations, `(batch, 1)` or `(batch, length)` float32."""
        if self.whole:
            return self._cut(places)[0][..., 0]
        return self._scaled(self.values[places], places)[:, None]

    def _scaled(self, values: Tensor, places: Tensor) -> Tensor:
        shape = (-1, *[1] * (values.ndim - 1))
        scaled = (values - self.mean[places].reshape(shape)) / self.deviation[places].reshape(shape)
        return scaled.clamp(-CUT, CUT).float()

    def _cut(self, places: Tensor) -> tuple[Tensor, Tensor]:
        end = places + 1 if self.whole else places
        lengths = (end - self.first[places]).clamp(max=self.length)
        offsets = torch.arange(self.length)
        rows = (end - lengths)[:, None] + offsets
        real = offsets < lengths[:, None]
        taken = self._scaled(self.values[rows.clamp(max=len(self.values) - 1)], places)
        return torch.where(real, taken, 0.0)[..., None], lengths

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        places = batch["inputs"]["place"]
        device = places.device
        series, lengths = self._cut(places.cpu())
        return {**batch, "inputs": {"series": series.to(device), "lengths": lengths.to(device)}}
