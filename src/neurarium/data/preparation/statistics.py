"""Statistics of training examples in bounded memory, and the standardization made from them."""

from __future__ import annotations

from typing import Any

import numpy
import torch
from torch import Tensor

CHUNK = 1 << 24  # numbers looked at together


def moments(
    values: Tensor, rows: numpy.ndarray, axes: tuple[int, ...]
) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Return (mean, standard deviation) of some rows over the axes, in float64; a deviation of 0 becomes 1.

    Args:
        values: `(examples, ...)`, bytes or floats.
        rows: the training examples.
        axes: those that are averaged over, 0 among them: `(0, 2, 3)` gives one number per channel.

    >>> mean, scale = moments(torch.tensor([[1.0, 5.0], [3.0, 5.0]]), numpy.array([0, 1]), (0,))
    >>> mean.tolist(), scale.tolist()
    ([2.0, 5.0], [1.0, 1.0])
    """
    step = max(1, CHUNK // max(1, values[0].numel()))
    chosen = torch.from_numpy(rows)
    chunks = [chosen[start : start + step] for start in range(0, len(chosen), step)]
    kept = [size for axis, size in enumerate(values.shape) if axis not in axes]
    count = len(rows) * values[0].numel() / max(1, numpy.prod(kept, dtype=numpy.float64))
    mean = torch.stack([values[part].to(torch.float64).sum(dim=axes) for part in chunks]).sum(dim=0) / count
    centre = mean.reshape([1 if axis in axes else size for axis, size in enumerate(values.shape)])
    squares = [(values[part].to(torch.float64) - centre).square().sum(dim=axes) for part in chunks]
    scale = (torch.stack(squares).sum(dim=0) / count).sqrt().numpy()
    return mean.numpy(), numpy.where(scale > 0, scale, 1.0)


class Standardize:
    """The `finish` of examples: inputs become float32, (x - mean) / scale per channel.

    Args:
        mean, scale: `(channels,)`, in the units of the stored inputs.
    """

    def __init__(self, mean: numpy.ndarray, scale: numpy.ndarray):
        self.mean = torch.from_numpy(numpy.asarray(mean, dtype=numpy.float32)).reshape(1, -1, 1, 1)
        self.inverse = torch.from_numpy(numpy.asarray(1 / scale, dtype=numpy.float32)).reshape(1, -1, 1, 1)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        inputs = batch["inputs"]
        if self.mean.device != inputs.device:
            self.mean, self.inverse = self.mean.to(inputs.device), self.inverse.to(inputs.device)
        return {**batch, "inputs": torch.sub(inputs, self.mean).mul_(self.inverse)}
