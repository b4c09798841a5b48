"""Affine maps: images, masks and boxes moved by one 2x3 matrix per example.

A map says where each place of the result comes from: (x', y') = A (x, y) + b, in pixels; the corner of the first pixel is
(0, 0), its middle (1/2, 1/2). All arithmetic is elementwise, so that an example gets the same bits in any batch.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def identity(count: int) -> Tensor:
    """Return maps `(count, 2, 3)` that leave everything where it is."""
    return torch.eye(2, 3).expand(count, 2, 3).clone()


def about_centre(
    a: Tensor, b: Tensor, c: Tensor, d: Tensor, shift_x: Tensor, shift_y: Tensor, height: int, width: int
) -> Tensor:
    """Return the maps x' = [[a, b], [c, d]] (x - centre - shift) + centre, `(batch, 2, 3)`.

    Args:
        a, b, c, d: `(batch,)`, the inverse of the linear part by which the picture is changed.
        shift_x, shift_y: `(batch,)`, how far the picture is moved, in pixels.
        height, width: of the images.
    """
    middle_x, middle_y = width / 2, height / 2
    from_x, from_y = middle_x + shift_x, middle_y + shift_y
    rows = (
        torch.stack([a, b, middle_x - a * from_x - b * from_y], dim=1),
        torch.stack([c, d, middle_y - c * from_x - d * from_y], dim=1),
    )
    return torch.stack(rows, dim=1)


def resample(images: Tensor, maps: Tensor, fill: Tensor | float = 0.0) -> Tensor:
    """Return images moved by maps, bilinear between pixels; `fill` (a number, or `(channels,)`) beyond the border.

    >>> image = torch.arange(4.0).reshape(1, 1, 2, 2)
    >>> right = identity(1); right[0, 0, 2] = -1.0  # comes from one pixel to the left: the picture moves to the right
    >>> resample(image, right, 9.0).flatten().tolist()
    [9.0, 0.0, 9.0, 2.0]
    """
    ground = torch.as_tensor(fill, dtype=images.dtype, device=images.device).reshape(1, -1, 1, 1)
    grid = _grid(maps.to(images.device), *images.shape[2:]).to(images.dtype)
    moved = functional.grid_sample(
        images - ground, grid, mode="bilinear", padding_mode="zeros", align_corners=False
    )
    return moved + ground


def resample_nearest(masks: Tensor, maps: Tensor, fill: int = 0) -> Tensor:
    """Return masks `(batch, height, width)` of any type moved by maps, to the nearest pixel; `fill` beyond the border."""
    height, width = masks.shape[1:]
    x, y = _places(maps.to(masks.device), height, width)
    column, row = x.floor().to(torch.int64), y.floor().to(torch.int64)
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    places = row.clamp(0, height - 1) * width + column.clamp(0, width - 1)
    taken = masks.flatten(1).gather(1, places.flatten(1)).reshape(masks.shape)
    return torch.where(inside, taken, torch.as_tensor(fill, dtype=masks.dtype, device=masks.device))


def move_boxes(boxes: Tensor, maps: Tensor, height: int, width: int) -> Tensor:
    """Return boxes `(boxes, 4)` (left, top, right, bottom in pixels) moved with the picture, and cut at its border.

    A turned box becomes the upright one around its corners; one that left the picture has no area.

    Args:
        boxes: float.
        maps: `(boxes, 2, 3)`, of the image of each box.
    """
    a, b, c, d = maps[:, 0, 0], maps[:, 0, 1], maps[:, 1, 0], maps[:, 1, 1]
    determinant = a * d - b * c
    left, top, right, bottom = boxes.to(maps.dtype).unbind(1)
    x = torch.stack([left, right, right, left], dim=1) - maps[:, 0, 2:]
    y = torch.stack([top, top, bottom, bottom], dim=1) - maps[:, 1, 2:]
    moved_x = (d[:, None] * x - b[:, None] * y) / determinant[:, None]
    moved_y = (a[:, None] * y - c[:, None] * x) / determinant[:, None]
    moved_x, moved_y = moved_x.clamp(0, width), moved_y.clamp(0, height)
    corners = (moved_x.amin(1), moved_y.amin(1), moved_x.amax(1), moved_y.amax(1))
    return torch.stack(corners, dim=1).to(boxes.dtype)


def _places(maps: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Where the middle of each pixel of the result comes from: x and y, `(batch, height, width)`, in pixels."""
    x = (torch.arange(width, device=maps.device, dtype=maps.dtype) + 0.5).reshape(1, 1, -1)
    y = (torch.arange(height, device=maps.device, dtype=maps.dtype) + 0.5).reshape(1, -1, 1)
    m = maps[:, :, :, None, None]
    return m[:, 0, 0] * x + m[:, 0, 1] * y + m[:, 0, 2], m[:, 1, 0] * x + m[:, 1, 1] * y + m[:, 1, 2]


def _grid(maps: Tensor, height: int, width: int) -> Tensor:
    x, y = _places(maps, height, width)
    return torch.stack([2 * x / width - 1, 2 * y / height - 1], dim=-1)
