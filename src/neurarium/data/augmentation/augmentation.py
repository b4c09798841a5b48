"""Augmentation: the contract of what varies images, and the base of what moves their pixels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from neurarium.core.errors import OptionError, ShapeError
from neurarium.data.augmentation import affine_maps
from neurarium.data.augmentation.chance import Chance

Drawn = Mapping[str, Tensor]


class Augmentation:
    """One way to vary images: a draw of numbers per example, and what is done with them.

    The two are apart, so that one draw can be applied to an image, to its mask and to its boxes. All chance is drawn from
    (seed, epoch, example): an example is varied in the same way whatever batch it is in.
    """

    name = ""
    reads_colors = False  # needs pixels from 0 to 1; the others take any numbers

    def draw(self, chance: Chance, height: int, width: int, use: str = "") -> Drawn:
        """Return the numbers of this batch, `(batch, ...)` each.

        Args:
            chance: of the batch.
            height, width: of the images, in pixels.
            use: tells apart several augmentations of one name.
        """
        raise OptionError(
            f"{type(self).__name__} draws nothing", fix="give it a method draw(chance, height, width, use)"
        )

    def images(self, images: Tensor, drawn: Drawn, fill: Tensor | float = 0.0) -> Tensor:
        """Return the images `(batch, channels, height, width)` varied; `fill` is what shows where there was none.

        Args:
            images: float; from 0 to 1 where the augmentation reads colors.
            drawn: of `draw`.
            fill: a number, or `(channels,)`.
        """
        raise OptionError(f"{type(self).__name__} varies no images")

    def masks(self, masks: Tensor, drawn: Drawn, fill: int = 0) -> Tensor:
        """Return the masks `(batch, height, width)` moved as the images are; colors do not move them."""
        return masks

    def boxes(self, boxes: Tensor, owners: Tensor, drawn: Drawn, height: int, width: int) -> Tensor:
        """Return boxes `(boxes, 4)` (left, top, right, bottom in pixels) moved as the images are.

        Args:
            boxes: of all images of the batch.
            owners: `(boxes,)` int64, the image of each.
            drawn, height, width: as for `draw`.
        """
        return boxes

    def __call__(self, batch: dict[str, Any], chance: Chance) -> dict[str, Any]:
        """Vary a batch of standardized images: the mean color is 0, and fills what is empty.

        Raises:
            OptionError: it reads colors, and the units of the pixels are not known here.
        """
        if self.reads_colors:
            raise OptionError(
                f"{self.name or type(self).__name__} has to know which number is black and which is white",
                fix="give augment=Pipeline([...], dataset), which knows how the images were standardized",
            )
        images = checked(batch["inputs"], self.name)
        height, width = images.shape[2:]
        drawn = self.draw(chance, height, width, use=self.name)
        return {**batch, "inputs": self.images(images, drawn)}


class Geometric(Augmentation):
    """An augmentation that moves pixels by an affine map per example.

    `maps` gives the map from a place in the result to the place in the image where it comes from, (x, y, 1) in pixels,
    the corner of the first pixel being (0, 0). Masks are moved by it to the nearest pixel, boxes by its inverse.
    """

    def maps(self, drawn: Drawn, height: int, width: int) -> Tensor:
        """Return the maps `(batch, 2, 3)`, float32."""
        raise OptionError(f"{type(self).__name__} has no map")

    def images(self, images: Tensor, drawn: Drawn, fill: Tensor | float = 0.0) -> Tensor:
        return affine_maps.resample(images, self.maps(drawn, *images.shape[2:]), fill)

    def masks(self, masks: Tensor, drawn: Drawn, fill: int = 0) -> Tensor:
        return affine_maps.resample_nearest(masks, self.maps(drawn, *masks.shape[1:]), fill)

    def boxes(self, boxes: Tensor, owners: Tensor, drawn: Drawn, height: int, width: int) -> Tensor:
        maps = self.maps(drawn, height, width)
        return affine_maps.move_boxes(boxes, maps[owners.to(maps.device)].to(boxes.device), height, width)


def checked(images: Any, name: str) -> Tensor:
    """Return images as they are.

    Raises:
        ShapeError: no float tensor `(batch, channels, height, width)`.
    """
    if not isinstance(images, Tensor) or images.ndim != 4 or not images.is_floating_point():
        received = (
            f"{tuple(images.shape)} {images.dtype}" if isinstance(images, Tensor) else type(images).__name__
        )
        raise ShapeError(
            f"{name or 'the augmentation'} varies images",
            expected="floats (batch, channels, height, width)",
            received=received,
        )
    return images


def per_image(values: Tensor, images: Tensor) -> Tensor:
    """Return `(batch,)` numbers as `(batch, 1, 1, 1)`, where the images are."""
    return values.to(images.device, images.dtype).reshape(-1, 1, 1, 1)


def between(uniform: Tensor, low: float, high: float) -> Tensor:
    """Return numbers in [0, 1) as numbers in [low, high)."""
    return low + (high - low) * uniform


def happens(uniform: Tensor, probability: float) -> Tensor:
    """Return where something of that probability happens."""
    return uniform < probability


def require_probability(name: str, probability: float) -> None:
    """Raise an `OptionError` unless a number is a probability."""
    if not 0 <= probability <= 1:
        raise OptionError(
            f"the probability of {name} is none", expected="a number from 0 to 1", received=probability
        )


def signs(uniform: Tensor) -> Tensor:
    """Return -1 or 1, by halves."""
    return torch.where(uniform < 0.5, -1.0, 1.0)
