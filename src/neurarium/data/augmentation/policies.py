"""Policies: several augmentations of one strength, drawn per example."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from neurarium.core.errors import OptionError
from neurarium.data.augmentation import affine_maps, colors
from neurarium.data.augmentation.augmentation import Augmentation, Drawn, signs
from neurarium.data.augmentation.chance import Chance

Strength = Callable[[Tensor, Tensor], Tensor]


class Operation(NamedTuple):
    """One operation of a policy.

    Args:
        name: as in the papers.
        change: `change(images, m, sign)` with m in [0, 1]; None for those that move pixels.
        move: `move(m, sign, height, width) -> (slope_x, slope_y, degrees, shift_x, shift_y)`; None for those of color.
    """

    name: str
    change: Callable[[Tensor, Tensor, Tensor], Tensor] | None = None
    move: Callable[[Tensor, Tensor, int, int], tuple[Tensor, ...]] | None = None


class Ranges(NamedTuple):
    """What the strength 1 means: shear as a slope, shift as a share of the side or in pixels, degrees, color, bits."""

    shear: float
    shift: float
    pixels: bool
    degrees: float
    color: float
    bits: int


RAND = Ranges(shear=0.3, shift=150 / 331, pixels=False, degrees=30.0, color=0.9, bits=4)
WIDE = Ranges(shear=0.99, shift=32.0, pixels=True, degrees=135.0, color=0.99, bits=6)


def operations(ranges: Ranges) -> list[Operation]:
    """Return the fourteen operations of AutoAugment without inversion, cutout and pairing (arXiv:1909.13719, table 1)."""

    def shift(m: Tensor, size: int) -> Tensor:
        return m * ranges.shift * (1 if ranges.pixels else size)

    def enhanced(change: Strength) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
        return lambda images, m, sign: change(images, 1 + sign * m * ranges.color)

    def none(m: Tensor) -> Tensor:
        return torch.zeros_like(m)

    return [
        Operation("identity", lambda images, m, sign: images),
        Operation(
            "shear-x", move=lambda m, s, h, w: (s * m * ranges.shear, none(m), none(m), none(m), none(m))
        ),
        Operation(
            "shear-y", move=lambda m, s, h, w: (none(m), s * m * ranges.shear, none(m), none(m), none(m))
        ),
        Operation(
            "translate-x", move=lambda m, s, h, w: (none(m), none(m), none(m), s * shift(m, w), none(m))
        ),
        Operation(
            "translate-y", move=lambda m, s, h, w: (none(m), none(m), none(m), none(m), s * shift(m, h))
        ),
        Operation(
            "rotate", move=lambda m, s, h, w: (none(m), none(m), s * m * ranges.degrees, none(m), none(m))
        ),
        Operation("brightness", enhanced(colors.brightness)),
        Operation("color", enhanced(colors.saturation)),
        Operation("contrast", enhanced(colors.contrast)),
        Operation("sharpness", enhanced(colors.sharpness)),
        Operation(
            "posterize", lambda images, m, sign: colors.posterize(images, 8 - (m * ranges.bits).round())
        ),
        Operation("solarize", lambda images, m, sign: colors.solarize(images, 1 - m)),
        Operation("autocontrast", lambda images, m, sign: colors.autocontrast(images)),
        Operation("equalize", lambda images, m, sign: colors.equalize(images)),
    ]


class Policy(Augmentation):
    """Layers of operations; each example draws its own. Masks and boxes follow those operations that move pixels."""

    reads_colors = True

    def __init__(self, layers: int, ranges: Ranges):
        self.layers, self.operations = layers, operations(ranges)
        self._moving = torch.tensor([each.move is not None for each in self.operations])

    def draw(self, chance: Chance, height: int, width: int, use: str = "") -> Drawn:
        which, sign, strength = (
            chance.uniform(f"{use or self.name}.{part}", self.layers)
            for part in ("which", "sign", "strength")
        )
        return {
            "which": (which * len(self.operations)).floor().to(torch.int64),
            "sign": signs(sign),
            "strength": self.strength(strength),
        }

    def strength(self, uniform: Tensor) -> Tensor:
        """Return the strengths from 0 to 1."""
        return uniform

    def images(self, images: Tensor, drawn: Drawn, fill: Tensor | float = 0.0) -> Tensor:
        images = images.clone()
        for layer in range(self.layers):
            which, sign, strength = (
                drawn[name][:, layer].to(images.device) for name in ("which", "sign", "strength")
            )
            moving = self._moving.to(images.device)[which].nonzero()[:, 0]
            if len(moving):
                maps = self.maps(drawn, layer, *images.shape[2:]).to(images.device)
                images[moving] = affine_maps.resample(images[moving], maps[moving], fill)
            for number, operation in enumerate(self.operations):
                rows = (which == number).nonzero()[:, 0]
                if operation.change is not None and len(rows) and number:
                    images[rows] = operation.change(images[rows], strength[rows], sign[rows])
        return images

    def maps(self, drawn: Drawn, layer: int, height: int, width: int) -> Tensor:
        """Return the maps of a layer, `(batch, 2, 3)`; the identity where the operation is one of color."""
        which, sign, strength = (drawn[name][:, layer] for name in ("which", "sign", "strength"))
        parts = torch.zeros(len(which), 5, device=which.device)
        for number, operation in enumerate(self.operations):
            if operation.move is not None:
                moved = torch.stack(operation.move(strength, sign, height, width), dim=1)
                parts = torch.where((which == number)[:, None], moved, parts)
        slope_x, slope_y, degrees, shift_x, shift_y = parts.unbind(1)
        angle = degrees * (torch.pi / 180)
        cos, sin = torch.cos(angle), torch.sin(angle)
        return affine_maps.about_centre(
            cos, -sin + slope_x, sin + slope_y, cos, shift_x, shift_y, height, width
        )

    def masks(self, masks: Tensor, drawn: Drawn, fill: int = 0) -> Tensor:
        for layer in range(self.layers):
            masks = affine_maps.resample_nearest(masks, self.maps(drawn, layer, *masks.shape[1:]), fill)
        return masks

    def boxes(self, boxes: Tensor, owners: Tensor, drawn: Drawn, height: int, width: int) -> Tensor:
        for layer in range(self.layers):
            maps = self.maps(drawn, layer, height, width)
            boxes = affine_maps.move_boxes(
                boxes, maps[owners.to(maps.device)].to(boxes.device), height, width
            )
        return boxes


class RandAugment(Policy):
    """Apply `layers` operations, drawn at random with return, all at one magnitude M of 30.

    m = M / 30: shear 0.3 m, shift 0.45 m of the side, rotation 30 m degrees, colors 1 ± 0.9 m, 8 - 4 m bits, solarize
    from 1 - m. Cubuk et al., arXiv:1909.13719, algorithm 1; the scale of 30 is that of today's libraries.

    Args:
        layers: operations per image, N.
        magnitude: M, from 0 to 30.

    Raises:
        OptionError: out of these bounds.

    >>> images = torch.rand(4, 3, 8, 8)
    >>> policy = RandAugment(layers=2, magnitude=9)
    >>> policy.images(images, policy.draw(Chance(0, 0, torch.arange(4), 0), 8, 8)).shape
    torch.Size([4, 3, 8, 8])
    """

    name = "randaugment"

    def __init__(self, layers: int = 2, magnitude: float = 9.0):
        if layers < 1 or not 0 <= magnitude <= 30:
            raise OptionError("randaugment takes layers and a magnitude", expected="layers 1 or more, magnitude 0 to 30",
                              received=f"layers {layers}, magnitude {magnitude:g}")  # fmt: skip
        super().__init__(layers, RAND)
        self.magnitude = magnitude

    def strength(self, uniform: Tensor) -> Tensor:
        return torch.full_like(uniform, self.magnitude / 30)


class TrivialAugment(Policy):
    """Apply one operation, drawn at random, at a strength drawn at random: m ~ U(0, 1), in wide ranges.

    Shear 0.99 m, shift 32 m pixels, rotation 135 m degrees, colors 1 ± 0.99 m, 8 - 6 m bits. Müller and Hutter,
    arXiv:2103.10158, algorithm 1 and table 6 ("wide").

    >>> images = torch.rand(4, 3, 8, 8)
    >>> policy = TrivialAugment()
    >>> policy.images(images, policy.draw(Chance(0, 0, torch.arange(4), 0), 8, 8)).shape
    torch.Size([4, 3, 8, 8])
    """

    name = "trivialaugment"

    def __init__(self) -> None:
        super().__init__(1, WIDE)
