"""Rotations and affine changes: turned, moved, sheared, scaled."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from neurarium.core.errors import OptionError
from neurarium.data.augmentation.affine_maps import about_centre
from neurarium.data.augmentation.augmentation import Drawn, Geometric, between
from neurarium.data.augmentation.chance import Chance


class Affine(Geometric):
    """Turn, move, shear and scale the image about its middle.

    p' = s R(angle) H(shear) (p - centre) + centre + shift, where R turns counter-clockwise as seen, and
    H = [[1, tan shear], [0, 1]].

    Args:
        degrees: turns by as much to either side.
        shift: moves by this share of the width and of the height, at most.
        scale: the least and the greatest magnification.
        shear: degrees, at most.

    Raises:
        OptionError: negative bounds.

    >>> still = Affine(degrees=0, shift=0, scale=(1, 1), shear=0)
    >>> drawn = still.draw(Chance(0, 0, torch.arange(1), 0), 8, 8)
    >>> (still.maps(drawn, 8, 8)[0] + 0.0).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """

    name = "affine"

    def __init__(
        self,
        degrees: float = 10.0,
        shift: float = 0.1,
        scale: tuple[float, float] = (0.9, 1.1),
        shear: float = 5.0,
    ):
        if min(degrees, shift, shear) < 0 or shear >= 90 or not 0 < scale[0] <= scale[1]:
            raise OptionError(f"the bounds of {self.name} are none", expected="0 or more, shear below 90, 0 < low <= high",
                              received=f"degrees {degrees}, shift {shift}, scale {scale}, shear {shear}")  # fmt: skip
        self.degrees, self.shift, self.scale, self.shear = degrees, shift, scale, shear

    def draw(self, chance: Chance, height: int, width: int, use: str = "") -> Drawn:
        turn, x, y, size, slant = chance.uniform(use or self.name, 5).unbind(1)
        return {
            "degrees": between(turn, -self.degrees, self.degrees),
            "shift_x": between(x, -self.shift, self.shift) * width,
            "shift_y": between(y, -self.shift, self.shift) * height,
            "scale": between(size, *self.scale),
            "shear": between(slant, -self.shear, self.shear),
        }

    def maps(self, drawn: Drawn, height: int, width: int) -> Tensor:
        angle, slope = drawn["degrees"] * (math.pi / 180), torch.tan(drawn["shear"] * (math.pi / 180))
        cos, sin, size = torch.cos(angle), torch.sin(angle), drawn["scale"]
        # y points down: R = [[cos, sin], [-sin, cos]]. The inverse of s R H is H^-1 R^T / s.
        a, b, c, d = (cos - slope * sin) / size, (-sin - slope * cos) / size, sin / size, cos / size
        return about_centre(a, b, c, d, drawn["shift_x"], drawn["shift_y"], height, width)


class Rotation(Affine):
    """Turn the image about its middle; the mean color fills the corners.

    Args:
        degrees: by as much to either side.

    >>> drawn = {**Rotation(degrees=0).draw(Chance(0, 0, torch.arange(1), 0), 2, 2), "degrees": torch.tensor([90.0])}
    >>> image = torch.arange(4.0).reshape(1, 1, 2, 2)  # 0 1 above 2 3
    >>> Rotation().images(image, drawn).round().flatten().tolist()  # counter-clockwise: 1 3 above 0 2
    [1.0, 3.0, 0.0, 2.0]
    """

    name = "rotation"

    def __init__(self, degrees: float = 15.0):
        super().__init__(degrees=degrees, shift=0.0, scale=(1.0, 1.0), shear=0.0)
