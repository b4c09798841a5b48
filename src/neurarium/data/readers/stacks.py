"""Stacks of images: arrays of whatever layout people have as `(images, channels, height, width)`."""

from __future__ import annotations

from typing import Any

import numpy
import torch
from torch import Tensor

from neurarium.core.errors import DataError


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
    if tensor.shape[1] not in (1, 3) and tensor.shape[-1] in (1, 3, 4):
        tensor = tensor.permute(0, 3, 1, 2)
    if tensor.shape[1] == 4:
        tensor = tensor[:, :3]
    return tensor.contiguous()


def as_volumes(values: numpy.ndarray) -> numpy.ndarray:
    """Return volumes, arrays of five axes, with their channels first; all others as they are.

    >>> as_volumes(numpy.zeros((5, 8, 9, 7, 3))).shape, as_volumes(numpy.zeros((5, 8, 9, 3))).shape
    ((5, 3, 8, 9, 7), (5, 8, 9, 3))
    """
    if values.ndim == 5 and values.shape[1] > 4 and values.shape[-1] <= 4:
        return numpy.moveaxis(values, -1, 1)
    return values
