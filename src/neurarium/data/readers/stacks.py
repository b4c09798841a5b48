"""Stacks: arrays of whatever layout people have, as images, volumes or series with their channels where they belong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy
import torch
from torch import Tensor

from neurarium.core.errors import DataError

Kind = Literal["array", "series", "image", "volume"]
FEW = 16  # channels at most, where a short side beside longer ones says that it holds them
LONGER = 4  # times as long as that of the channels are the other sides


def kind_of_stack(shape: Sequence[int]) -> tuple[Kind, str]:
    """Return what the examples of an array are, by its shape `(examples, ...)`, and why.

    Two axes are rows of numbers. Three are grey images, or series where one side has at most 16 places and the other
    four times as many. Four are images with 1, 3 or 4 channels (or few beside long sides) first or last, else
    volumes. Five are volumes with channels.

    Raises:
        DataError: one axis, or more than five.

    >>> [kind_of_stack(shape)[0] for shape in ((9, 40), (9, 2, 128), (9, 28, 28), (9, 3, 32, 32), (9, 28, 28, 28))]
    ['array', 'series', 'image', 'image', 'volume']
    """
    sides = tuple(shape)[1:]
    if not 1 <= len(sides) <= 4:
        raise DataError(
            "the array does not hold examples of a known kind",
            expected="(examples, numbers), (examples, channels, length), (examples, height, width), images with channels, "
            "volumes (examples, depth, height, width) or such with channels",
            received=f"shape {tuple(shape)}",
            fix="reshape it; a single example needs a first axis of its own: array[None]",
        )
    said = f"shape {tuple(shape)}: "
    if len(sides) == 1:
        return "array", said + "a row of numbers per example, whose order says nothing"
    if len(sides) == 2:
        if 1 <= min(sides) <= FEW and LONGER * min(sides) <= max(sides):
            return "series", said + "a short side of channels beside a long one of moments"
        return "image", said + "height and width"
    if len(sides) == 3:
        if channel_axis(sides) is None:
            return "volume", said + "three sides of like length, and none that could be channels"
        return "image", said + "height and width, and channels"
    return "volume", said + "three sides, and channels"


def channel_axis(sides: Sequence[int]) -> int | None:
    """Return which of three sides, 0 or -1, holds the channels of an image; None where none does.

    >>> channel_axis((3, 32, 32)), channel_axis((32, 32, 1)), channel_axis((64, 64, 12)), channel_axis((28, 28, 28))
    (0, -1, -1, None)
    """
    first, middle, last = sides
    if first in (1, 3):
        return 0
    if last in (1, 3, 4):
        return -1
    if first == 4 or (first <= FEW and LONGER * first <= min(middle, last)):
        return 0
    return -1 if last <= FEW and LONGER * last <= min(first, middle) else None


def as_tensor(values: Any) -> Tensor:
    """Return an array as a tensor of bytes (kept) or float32."""
    if isinstance(values, Tensor):
        tensor = values.detach().cpu()
    else:
        array = numpy.ascontiguousarray(values)
        if array.dtype.kind not in "biuf":
            raise DataError(
                "the inputs are no numbers", expected="an array of numbers", received=f"type {array.dtype}"
            )
        array = array.astype(array.dtype.newbyteorder("="), copy=False)
        array = array.astype(numpy.int64) if array.dtype.kind == "u" and array.dtype.itemsize > 1 else array
        tensor = torch.from_numpy(array.copy() if not array.flags.writeable else array)
    return tensor if tensor.dtype == torch.uint8 else tensor.to(torch.float32)


def as_stack(values: Any, *, channels: int | None = None) -> Tensor:
    """Return images as `(images, channels, height, width)`, bytes or float32.

    Two axes are one grey image, three are several grey ones (or one of 1, 3 or 4 channels, where `channels` says so),
    four have their channels first or last. A fourth channel (transparency) is left out.

    Raises:
        DataError: another number of axes.

    >>> as_stack(numpy.zeros((5, 8, 8, 3), dtype=numpy.uint8)).shape
    torch.Size([5, 3, 8, 8])
    """
    tensor = as_tensor(values)
    if tensor.ndim == 2:
        tensor = tensor[None, None]
    elif tensor.ndim == 3 and channels and channels in (tensor.shape[0], tensor.shape[-1]) and channels != 1:
        tensor = tensor[None]
    elif tensor.ndim == 3:
        tensor = tensor[:, None]
    if tensor.ndim != 4:
        raise DataError(
            "the array does not hold images",
            expected="(images, height, width), or four axes with 1, 3 or 4 channels first or last",
            received=f"shape {tuple(tensor.shape)}",
        )
    if channel_axis(tensor.shape[1:]) == -1:
        tensor = tensor.permute(0, 3, 1, 2)
    if tensor.shape[1] == 4:
        tensor = tensor[:, :3]
    return tensor.contiguous()


def as_volumes(values: Any) -> Any:
    """Return volumes as `(examples, channels, depth, height, width)`: without channels they get one.

    >>> as_volumes(numpy.zeros((5, 8, 9, 7, 3))).shape, as_volumes(numpy.zeros((5, 8, 9, 7))).shape
    ((5, 3, 8, 9, 7), (5, 1, 8, 9, 7))
    """
    if values.ndim == 4:
        return values[:, None]
    if values.ndim == 5 and values.shape[1] > 4 and values.shape[-1] <= 4:
        return values.permute(0, 4, 1, 2, 3) if isinstance(values, Tensor) else numpy.moveaxis(values, -1, 1)
    if values.ndim != 5:
        raise DataError(
            "the array does not hold volumes",
            expected="(examples, depth, height, width), or with channels first or last",
            received=f"shape {tuple(values.shape)}",
        )
    return values


def as_moments(values: numpy.ndarray, channels: int | None = None) -> numpy.ndarray:
    """Return series as `(examples, length, channels)`; the shorter side holds the channels unless their number is known.

    Args:
        values: `(examples, length)`, or three axes with the channels first or last.
        channels: how many there are, where that is known.

    Raises:
        DataError: another number of axes.

    >>> as_moments(numpy.zeros((5, 2, 128))).shape, as_moments(numpy.zeros((5, 8, 9)), channels=8).shape
    ((5, 128, 2), (5, 9, 8))
    """
    if values.ndim == 2 and channels not in (None, 1) and channels in values.shape:
        values = values[None]  # one series alone
    if values.ndim == 2:
        return values[..., None]
    if values.ndim != 3:
        raise DataError(
            "the array does not hold series",
            expected="(examples, length), (examples, channels, length) or (examples, length, channels)",
            received=f"shape {tuple(values.shape)}",
        )
    first, last = values.shape[1:]
    if channels is not None and (first == channels) != (last == channels):
        return numpy.swapaxes(values, 1, 2) if first == channels else values
    return numpy.swapaxes(values, 1, 2) if first < last else values
