"""Erasing: a box of the image is lost."""

from __future__ import annotations

import torch
from torch import Tensor

from neurarium.core.errors import OptionError
from neurarium.data.augmentation.augmentation import (
    Augmentation,
    Drawn,
    between,
    happens,
    per_image,
    require_probability,
)
from neurarium.data.augmentation.chance import Chance


class Erasing(Augmentation):
    """Erase a box of random area and proportions with a probability.

    area = u A, u ~ U(scale); height / width = r, log r ~ U(log ratio); what is larger than the image is cut to it. Zhong et
    al., "Random Erasing Data Augmentation", arXiv:1708.04896, algorithm 1, which draws again what does not fit, draws the
    ratio itself evenly, and uses probability 0.5 and shares up to 0.4.

    Args:
        probability: of each image.
        scale: the least and the greatest share of the area.
        ratio: the least and the greatest height over width.
        values: "mean" erases with the mean color, "random" with a random one in each pixel.

    Raises:
        OptionError: bounds that are none.
    """

    name = "erasing"

    def __init__(
        self,
        probability: float = 0.25,
        scale: tuple[float, float] = (0.02, 0.33),
        ratio: tuple[float, float] = (0.3, 1 / 0.3),
        values: str = "mean",
    ):
        require_probability(self.name, probability)
        if values not in ("mean", "random"):
            raise OptionError("erasing puts other values there", expected="mean or random", received=values)
        for what, (low, high) in (("scale", scale), ("ratio", ratio)):
            if not 0 < low <= high or (what == "scale" and high > 1):
                raise OptionError(f"the {what} of erasing is no range", received=(low, high))
        self.probability, self.scale, self.ratio, self.values = probability, scale, ratio, values
        self.reads_colors = values == "random"

    def draw(self, chance: Chance, height: int, width: int, use: str = "") -> Drawn:
        use = use or self.name
        happening, share, proportion, down, across = chance.uniform(use, 5).unbind(1)
        area = between(share, *self.scale) * height * width
        low, high = (torch.log(torch.tensor(each)).item() for each in self.ratio)
        ratio = between(proportion, low, high).exp()
        tall = (area * ratio).sqrt().round().clamp(1, height).to(torch.int64)
        wide = (area / ratio).sqrt().round().clamp(1, width).to(torch.int64)
        drawn = {
            "erased": happens(happening, self.probability),
            "top": torch.minimum((down * (height - tall + 1)).floor().to(torch.int64), height - tall),
            "left": torch.minimum((across * (width - wide + 1)).floor().to(torch.int64), width - wide),
            "height": tall,
            "width": wide,
        }
        if self.values == "random":
            noise = chance.uniform(f"{use}.values", 3 * height * width)
            drawn["values"] = noise.reshape(-1, 3, height, width)
        return drawn

    def images(self, images: Tensor, drawn: Drawn, fill: Tensor | float = 0.0) -> Tensor:
        top, left, tall, wide = (
            drawn[name].to(images.device)[:, None] for name in ("top", "left", "height", "width")
        )
        y = torch.arange(images.shape[2], device=images.device)
        x = torch.arange(images.shape[3], device=images.device)
        rows, columns = (y >= top) & (y < top + tall), (x >= left) & (x < left + wide)
        erased = (rows[:, None, :, None] & columns[:, None, None, :]) & per_image(
            drawn["erased"].float(), images
        ).bool()
        ground = torch.as_tensor(fill, dtype=images.dtype, device=images.device).reshape(1, -1, 1, 1)
        if self.values == "random":
            ground = drawn["values"].to(images.device, images.dtype)[:, : images.shape[1]]
        return torch.where(erased, ground, images)
