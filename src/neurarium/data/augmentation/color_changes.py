"""Changes of color as augmentations: one idea each, with a probability; masks and boxes stay where they are."""

from __future__ import annotations

import torch
from torch import Tensor

from neurarium.core.errors import OptionError
from neurarium.data.augmentation import colors
from neurarium.data.augmentation.augmentation import (
    Augmentation,
    Drawn,
    between,
    happens,
    require_probability,
)
from neurarium.data.augmentation.chance import Chance


class ColorJitter(Augmentation):
    """Change brightness, contrast, saturation and hue, in this order, each by a random strength.

    strength ~ U(1 - bound, 1 + bound), turn of the hue ~ U(-hue, hue).

    Args:
        brightness, contrast, saturation: bounds, 0 for none.
        hue: of the circle of hues, at most 0.5.

    Raises:
        OptionError: bounds that are none.

    >>> drawn = {name: torch.ones(1) for name in ("brightness", "contrast", "saturation")} | {"hue": torch.zeros(1)}
    >>> image = torch.rand(1, 3, 2, 2)
    >>> torch.allclose(ColorJitter().images(image, drawn), image, atol=1e-6)
    True
    """

    name = "color-jitter"
    reads_colors = True

    def __init__(
        self, brightness: float = 0.2, contrast: float = 0.2, saturation: float = 0.2, hue: float = 0.02
    ):
        bounds = {"brightness": brightness, "contrast": contrast, "saturation": saturation, "hue": hue}
        if min(bounds.values()) < 0 or hue > 0.5:
            raise OptionError(
                "the bounds of color-jitter are none", expected="0 or more, hue at most 0.5", received=bounds
            )
        self.bounds = bounds

    def draw(self, chance: Chance, height: int, width: int, use: str = "") -> Drawn:
        numbers = chance.uniform(use or self.name, 4).unbind(1)
        return {
            name: between(number, (0 if name == "hue" else max(0.0, 1 - bound)) - (bound if name == "hue" else 0),
                          bound if name == "hue" else 1 + bound)
            for number, (name, bound) in zip(numbers, self.bounds.items(), strict=True)
        }  # fmt: skip

    def images(self, images: Tensor, drawn: Drawn, fill: Tensor | float = 0.0) -> Tensor:
        for name, change in (
            ("brightness", colors.brightness),
            ("contrast", colors.contrast),
            ("saturation", colors.saturation),
            ("hue", colors.hue),
        ):
            if self.bounds[name]:
                images = change(images, drawn[name])
        return images


class Sometimes(Augmentation):
    """A change that happens to each image with a probability, at a strength.

    Args:
        probability: of each image.
    """

    reads_colors = True

    def __init__(self, probability: float = 0.2):
        require_probability(self.name, probability)
        self.probability = probability

    def draw(self, chance: Chance, height: int, width: int, use: str = "") -> Drawn:
        happening, strength = chance.uniform(use or self.name, 2).unbind(1)
        return {"changed": happens(happening, self.probability), "strength": strength}

    def images(self, images: Tensor, drawn: Drawn, fill: Tensor | float = 0.0) -> Tensor:
        rows = drawn["changed"].to(images.device).nonzero()[:, 0]
        if not len(rows):
            return images
        strength = drawn["strength"].to(images.device)
        return images.index_copy(0, rows, self.changed(images[rows], strength[rows]))

    def changed(self, images: Tensor, strength: Tensor) -> Tensor:
        """Return the images that change, changed."""
        raise OptionError(f"{type(self).__name__} changes nothing")


class Greyscale(Sometimes):
    """Take the color away with a probability: y = 0.299 r + 0.587 g + 0.114 b in every channel.

    Args:
        probability: of each image.
    """

    name = "greyscale"

    def changed(self, images: Tensor, strength: Tensor) -> Tensor:
        return colors.grey(images).expand_as(images).clone()


class AutoContrast(Sometimes):
    """Stretch each channel to the whole range with a probability: y = (x - min) / (max - min).

    Args:
        probability: of each image.
    """

    name = "autocontrast"

    def changed(self, images: Tensor, strength: Tensor) -> Tensor:
        return colors.autocontrast(images)


class Equalize(Sometimes):
    """Make all levels of each channel equally frequent, with a probability: y = F(x), F the distribution of the levels.

    Args:
        probability: of each image.
    """

    name = "equalize"

    def changed(self, images: Tensor, strength: Tensor) -> Tensor:
        return colors.equalize(images)


class Solarize(Sometimes):
    """Turn what is brighter than a threshold into its negative, with a probability: y = x below t, 1 - x above.

    Args:
        probability: of each image.
        threshold: from 0 to 1.
    """

    name = "solarize"

    def __init__(self, probability: float = 0.2, threshold: float = 0.5):
        super().__init__(probability)
        self.threshold = threshold

    def changed(self, images: Tensor, strength: Tensor) -> Tensor:
        return colors.solarize(images, torch.full((len(images),), self.threshold))


class Posterize(Sometimes):
    """Keep the upper bits of each byte alone, with a probability: y = floor(x / 2^(8 - bits)) 2^(8 - bits).

    Args:
        probability: of each image.
        bits: 1 to 8.
    """

    name = "posterize"

    def __init__(self, probability: float = 0.2, bits: int = 4):
        super().__init__(probability)
        if not 1 <= bits <= 8:
            raise OptionError("a byte has other bits", expected="1 to 8", received=bits)
        self.bits = bits

    def changed(self, images: Tensor, strength: Tensor) -> Tensor:
        return colors.posterize(images, torch.full((len(images),), float(self.bits)))


class Sharpness(Sometimes):
    """Blur or sharpen with a probability: y = s + f (x - s), s the smoothed image, f ~ U(1 - bound, 1 + bound).

    Args:
        probability: of each image.
        bound: 0 for none.
    """

    name = "sharpness"

    def __init__(self, probability: float = 0.5, bound: float = 0.8):
        super().__init__(probability)
        self.bound = bound

    def changed(self, images: Tensor, strength: Tensor) -> Tensor:
        return colors.sharpness(images, between(strength, 1 - self.bound, 1 + self.bound))


class Blur(Sometimes):
    """Smooth by a Gaussian with a probability: w(d) = exp(-d^2 / 2 sigma^2), cut at 3 sigma.

    Args:
        probability: of each image.
        sigma: the least and the greatest deviation, in pixels; log sigma is uniform between them.

    Raises:
        OptionError: no range.
    """

    name = "blur"
    reads_colors = False

    def __init__(self, probability: float = 0.5, sigma: tuple[float, float] = (0.1, 2.0)):
        super().__init__(probability)
        if not 0 < sigma[0] <= sigma[1]:
            raise OptionError("sigma of the blur is no range", expected="0 < low <= high", received=sigma)
        self.sigma = sigma

    def changed(self, images: Tensor, strength: Tensor) -> Tensor:
        low, high = (torch.log(torch.tensor(each)).item() for each in self.sigma)
        return colors.blur(images, between(strength, low, high).exp(), max(1, round(3 * self.sigma[1])))
