"""Fitting: where the places of a picture go when it is brought to the size of a network, and where they come from."""

from __future__ import annotations

import dataclasses

import numpy
from PIL import Image as Pillow

NEAREST = Pillow.Resampling.NEAREST


@dataclasses.dataclass(frozen=True)
class Fit:
    """A part of a picture is cut out, resized, and stands somewhere in the result: what `pictures.decode` does to pixels.

    Args:
        width, height: of the picture.
        left, top, cut_width, cut_height: the part of it that is taken.
        across, down: where that part stands in the result.
        new_width, new_height: its size there.
        size: (height, width) of the result.

    >>> wide = fit_of(200, 100, (50, 50), "crop")
    >>> wide.boxes(numpy.array([[50.0, 0.0, 150.0, 100.0]])).tolist()
    [[0.0, 0.0, 50.0, 50.0]]
    >>> wide.back_boxes(numpy.array([[0.0, 0.0, 50.0, 50.0]])).tolist()
    [[50.0, 0.0, 150.0, 100.0]]
    """

    width: int
    height: int
    left: int
    top: int
    cut_width: int
    cut_height: int
    across: int
    down: int
    new_width: int
    new_height: int
    size: tuple[int, int]

    def mask(self, codes: numpy.ndarray, fill: int) -> numpy.ndarray:
        """Bring codes `(height, width)` uint8 to the size, by the nearest pixel; `fill` where there was no picture."""
        cut = codes[self.top : self.top + self.cut_height, self.left : self.left + self.cut_width]
        moved = _resized(cut, self.new_width, self.new_height)
        found = numpy.full(self.size, fill, codes.dtype)
        found[self.down : self.down + self.new_height, self.across : self.across + self.new_width] = moved
        return found

    def back_mask(self, codes: numpy.ndarray, fill: int) -> numpy.ndarray:
        """Bring codes of the result back to the picture, by the nearest pixel; `fill` where the picture was cut off."""
        part = codes[self.down : self.down + self.new_height, self.across : self.across + self.new_width]
        found = numpy.full((self.height, self.width), fill, codes.dtype)
        found[self.top : self.top + self.cut_height, self.left : self.left + self.cut_width] = _resized(
            part, self.cut_width, self.cut_height
        )
        return found

    def boxes(self, boxes: numpy.ndarray) -> numpy.ndarray:
        """Move boxes `(boxes, 4)` (left, top, right, bottom) into the result, and cut them at its border."""
        scale, shift = self._map()
        moved = boxes * numpy.tile(scale, 2) + numpy.tile(shift, 2)
        high, wide = self.size
        return moved.clip(0, numpy.array([wide, high, wide, high]))

    def back_boxes(self, boxes: numpy.ndarray) -> numpy.ndarray:
        """Move boxes of the result back to the picture, and cut them at its border."""
        scale, shift = self._map()
        moved = (boxes - numpy.tile(shift, 2)) / numpy.tile(scale, 2)
        return moved.clip(0, numpy.array([self.width, self.height, self.width, self.height]))

    @property
    def pixel_area(self) -> float:
        """How many pixels of the picture a pixel of the result stands for."""
        return self.cut_width * self.cut_height / (self.new_width * self.new_height)

    def _map(self) -> tuple[numpy.ndarray, numpy.ndarray]:
        scale = numpy.array([self.new_width / self.cut_width, self.new_height / self.cut_height])
        return scale, numpy.array([self.across, self.down]) - numpy.array([self.left, self.top]) * scale


def fit_of(width: int, height: int, size: tuple[int, int], aspect: str) -> Fit:
    """Return how a picture of that width and height becomes one of `size` (height, width); `aspect` as in `Rules`."""
    high, wide = size
    if aspect == "stretch" or (width, height) == (wide, high):
        return Fit(width, height, 0, 0, width, height, 0, 0, wide, high, size)
    if aspect == "letterbox":  # as Pillow's ImageOps.pad
        new_wide, new_high = wide, high
        if width * high > wide * height:
            new_high = max(1, round(height / width * wide))
        elif width * high < wide * height:
            new_wide = max(1, round(width / height * high))
        across, down = round((wide - new_wide) * 0.5), round((high - new_high) * 0.5)
        return Fit(width, height, 0, 0, width, height, across, down, new_wide, new_high, size)
    scale = min(width / wide, height / high)
    cut_wide, cut_high = max(1, round(wide * scale)), max(1, round(high * scale))
    left, top = (width - cut_wide) // 2, (height - cut_high) // 2
    return Fit(width, height, left, top, cut_wide, cut_high, 0, 0, wide, high, size)


def _resized(codes: numpy.ndarray, width: int, height: int) -> numpy.ndarray:
    if codes.shape == (height, width):
        return codes
    return numpy.asarray(Pillow.fromarray(numpy.ascontiguousarray(codes)).resize((width, height), NEAREST))
