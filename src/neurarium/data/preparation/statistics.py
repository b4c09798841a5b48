"""Statistics of training examples in bounded memory, and the standardization made from them."""

from __future__ import annotations

from typing import Any

import numpy
import torch
from torch import Tensor

CHUNK = 1 << 19  # numbers looked at together
MANY = 1 << 18  # bytes from which a table of pairs pays for itself


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
    if values.dtype == torch.uint8 and axes == (0, 2, 3):
        histogram = numpy.zeros((values.shape[1], 256), dtype=numpy.int64)
        for start in range(0, len(rows), 512):
            histogram += byte_counts(values.numpy()[rows[start : start + 512]])
        return histogram_moments(histogram)
    step = max(1, CHUNK // max(1, values[0].numel()))
    chosen = torch.from_numpy(rows)
    chunks = [chosen[start : start + step] for start in range(0, len(chosen), step)]
    kept = [size for axis, size in enumerate(values.shape) if axis not in axes]
    count = len(rows) * values[0].numel() / max(1, numpy.prod(kept, dtype=numpy.float64))
    first = (
        values[chunks[0]].to(torch.float64).mean(dim=axes, keepdim=True)
    )  # shifting by it keeps every digit
    total = squares = torch.zeros(kept, dtype=torch.float64)
    for part in chunks:
        shifted = values.index_select(0, part).to(torch.float64).sub_(first)
        total = total + shifted.sum(dim=axes)
        squares = squares + shifted.square_().sum(dim=axes)
    shift = total / count
    variance = (squares / count - shift.square()).clamp(min=0)
    scale = variance.sqrt().numpy()
    return (first.reshape(kept) + shift).numpy(), numpy.where(scale > 0, scale, 1.0)


def byte_counts(pixels: numpy.ndarray) -> numpy.ndarray:
    """Count the values 0 to 255 per channel of bytes `(images, channels, height, width)`: `(channels, 256)`."""
    counted = [
        _counts(numpy.ascontiguousarray(pixels[:, channel]).ravel()) for channel in range(pixels.shape[1])
    ]
    return numpy.stack(counted)


def _counts(values: numpy.ndarray) -> numpy.ndarray:
    """Count bytes; many of them two at a time, which takes a third of the time."""
    if len(values) < MANY or len(values) % 2:
        return numpy.bincount(values, minlength=256)
    pairs = numpy.bincount(values.view(numpy.uint16), minlength=1 << 16).reshape(256, 256)
    return pairs.sum(axis=0) + pairs.sum(axis=1)


def histogram_moments(histogram: numpy.ndarray) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Return (mean, standard deviation) per channel of bytes counted `(channels, 256)`; a deviation of 0 becomes 1."""
    share, values = histogram / histogram.sum(axis=1, keepdims=True), numpy.arange(256.0)
    mean = share @ values
    scale = numpy.sqrt((share * (values - mean[:, None]) ** 2).sum(axis=1))
    return mean, numpy.where(scale > 0, scale, 1.0)


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
