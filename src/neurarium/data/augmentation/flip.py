"""Flips: the image seen in a mirror."""

from __future__ import annotations

import torch
from torch import Tensor

from neurarium.data.augmentation.augmentation import Drawn, Geometric, happens, require_probability
from neurarium.data.augmentation.chance import Chance


class Flip(Geometric):
    """Exchange left and right with a probability.

    Args:
        probability: of each image.

    Raises:
        OptionError: no probability.

    >>> image, drawn = torch.arange(3.0).reshape(1, 1, 1, 3), {"flipped": torch.tensor([True])}
    >>> Flip().images(image, drawn).flatten().tolist()
    [2.0, 1.0, 0.0]
    """

    name = "flip"
    axis = -1

    def __init__(self, probability: float = 0.5):
        require_probability(self.name, probability)
        self.probability = probability

    def draw(self, chance: Chance, height: int, width: int, use: str = "") -> Drawn:
        return {"flipped": happens(chance.uniform(use or self.name)[:, 0], self.probability)}

    def maps(self, drawn: Drawn, height: int, width: int) -> Tensor:
        size, sign = (width if self.axis == -1 else height), torch.where(drawn["flipped"], -1.0, 1.0)
        moved, zero, one = (
            torch.where(drawn["flipped"], float(size), 0.0),
            torch.zeros_like(sign),
            torch.ones_like(sign),
        )
        across = torch.stack([torch.stack([sign, zero, moved], 1), torch.stack([zero, one, zero], 1)], 1)
        down = torch.stack([torch.stack([one, zero, zero], 1), torch.stack([zero, sign, moved], 1)], 1)
        return across if self.axis == -1 else down

    def images(self, images: Tensor, drawn: Drawn, fill: Tensor | float = 0.0) -> Tensor:
        return self._mirrored(images, drawn)  # exact, and faster than by the maps

    def masks(self, masks: Tensor, drawn: Drawn, fill: int = 0) -> Tensor:
        return self._mirrored(masks, drawn)

    def _mirrored(self, pixels: Tensor, drawn: Drawn) -> Tensor:
        chosen = drawn["flipped"].to(pixels.device).reshape(-1, *[1] * (pixels.ndim - 1))
        return torch.where(chosen, pixels.flip(self.axis), pixels)


class VerticalFlip(Flip):
    """Exchange top and bottom with a probability.

    Args:
        probability: of each image.

    >>> VerticalFlip().images(torch.arange(2.0).reshape(1, 1, 2, 1), {"flipped": torch.tensor([True])}).flatten().tolist()
    [1.0, 0.0]
    """

    name = "vertical-flip"
    axis = -2
