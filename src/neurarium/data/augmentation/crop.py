"""Crops: a part of the image, or the image moved, at the size it had."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from neurarium.core.errors import OptionError
from neurarium.data.augmentation.augmentation import Drawn, Geometric, between
from neurarium.data.augmentation.chance import Chance


class Crop(Geometric):
    """Pad the image on all sides and cut a part of the old size out at random: it moves by whole pixels.

    Args:
        padding: pixels; by default an eighth of the shorter side (4 of 32, as He et al., arXiv:1512.03385, section 4.2).

    Raises:
        OptionError: a padding below 0.

    >>> image, drawn = torch.arange(3.0).reshape(1, 1, 1, 3), {"right": torch.tensor([1]), "down": torch.tensor([0])}
    >>> Crop(padding=1).images(image, drawn, fill=9.0).flatten().tolist()
    [9.0, 0.0, 1.0]
    """

    name = "crop"

    def __init__(self, padding: int | None = None):
        if padding is not None and padding < 0:
            raise OptionError("the padding of the crop is negative", expected="0 or more", received=padding)
        self.padding = padding

    def draw(self, chance: Chance, height: int, width: int, use: str = "") -> Drawn:
        padding = max(1, min(height, width) // 8) if self.padding is None else self.padding
        moves = (chance.uniform(use or self.name, 2) * (2 * padding + 1)).floor().clamp(max=2 * padding).to(
            torch.int64
        ) - padding
        return {"right": moves[:, 0], "down": moves[:, 1]}

    def maps(self, drawn: Drawn, height: int, width: int) -> Tensor:
        right, down = drawn["right"].float(), drawn["down"].float()
        zero, one = torch.zeros_like(right), torch.ones_like(right)
        return torch.stack([torch.stack([one, zero, -right], 1), torch.stack([zero, one, -down], 1)], 1)

    def images(self, images: Tensor, drawn: Drawn, fill: Tensor | float = 0.0) -> Tensor:
        """Return the images moved by whole pixels: exact, by indices."""
        ground = torch.as_tensor(fill, dtype=images.dtype, device=images.device).reshape(1, -1, 1, 1)
        places, inside = self._sources(images, drawn)
        places = places.flatten(1)[:, None].expand(-1, images.shape[1], -1)
        return torch.where(inside[:, None], images.flatten(2).gather(2, places).reshape(images.shape), ground)

    def masks(self, masks: Tensor, drawn: Drawn, fill: int = 0) -> Tensor:
        places, inside = self._sources(masks, drawn)
        taken = masks.flatten(1).gather(1, places.flatten(1)).reshape(masks.shape)
        return torch.where(inside, taken, torch.as_tensor(fill, dtype=masks.dtype, device=masks.device))

    def _sources(self, pixels: Tensor, drawn: Drawn) -> tuple[Tensor, Tensor]:
        height, width = pixels.shape[-2:]
        x = torch.arange(width, device=pixels.device) - drawn["right"].to(pixels.device)[:, None]
        y = torch.arange(height, device=pixels.device) - drawn["down"].to(pixels.device)[:, None]
        inside = ((y >= 0) & (y < height))[:, :, None] & ((x >= 0) & (x < width))[:, None]
        return y.clamp(0, height - 1)[:, :, None] * width + x.clamp(0, width - 1)[:, None], inside


class ResizedCrop(Geometric):
    """Cut out a part of random area and proportions, and resize it to the old size.

    area = u A, u ~ U(scale); width / height = r, log r ~ U(log ratio). What is wider or higher than the image is cut to
    it. Szegedy et al., arXiv:1409.4842, section 6.

    Args:
        scale: the least and the greatest share of the area.
        ratio: the least and the greatest proportion of width to height, relative to that of the image.

    Raises:
        OptionError: bounds that are none.

    >>> drawn = {"left": torch.tensor([0.0]), "top": torch.tensor([0.0]), "across": torch.tensor([0.5]),
    ...          "down": torch.tensor([0.5])}
    >>> ResizedCrop().maps(drawn, 8, 8)[0].tolist()
    [[0.5, 0.0, 0.0], [0.0, 0.5, 0.0]]
    """

    name = "resized-crop"

    def __init__(self, scale: tuple[float, float] = (0.35, 1.0), ratio: tuple[float, float] = (0.75, 4 / 3)):
        for what, (low, high), most in (("scale", scale, 1.0), ("ratio", ratio, 100.0)):
            if not 0 < low <= high <= most:
                raise OptionError(f"the {what} of the crop is no range", expected=f"0 < low <= high <= {most:g}",
                                  received=(low, high))  # fmt: skip
        self.scale, self.ratio = scale, ratio

    def draw(self, chance: Chance, height: int, width: int, use: str = "") -> Drawn:
        share, proportion, left, top = chance.uniform(use or self.name, 4).unbind(1)
        area = between(share, *self.scale)
        ratio = between(proportion, math.log(self.ratio[0]), math.log(self.ratio[1])).exp()
        across, down = (area * ratio).sqrt().clamp(max=1.0), (area / ratio).sqrt().clamp(max=1.0)
        return {"left": left * (1 - across), "top": top * (1 - down), "across": across, "down": down}

    def maps(self, drawn: Drawn, height: int, width: int) -> Tensor:
        zero = torch.zeros_like(drawn["across"])
        rows = (
            torch.stack([drawn["across"], zero, drawn["left"] * width], 1),
            torch.stack([zero, drawn["down"], drawn["top"] * height], 1),
        )
        return torch.stack(rows, 1)
