"""Drawing: masks laid over pictures, boxes around things."""

from __future__ import annotations

from collections.abc import Sequence

import numpy

from neurarium.data.specs import IGNORED

# Colors that people with any color vision tell apart (Okabe and Ito, 2008).
COLORS = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
)


def color_of(code: int) -> tuple[int, int, int]:
    """Return the color of a class; the first class of a mask, mostly the background, is not drawn, and has the first."""
    return COLORS[(code - 1) % len(COLORS)]


def overlaid(pixels: numpy.ndarray, codes: numpy.ndarray, strength: float = 0.55) -> numpy.ndarray:
    """Lay a mask over a picture; class 0 and ignored pixels let it be seen as it is.

    Args:
        pixels: `(height, width, 3)` bytes.
        codes: `(height, width)` class indices.
        strength: the share of the color.

    >>> overlaid(numpy.zeros((1, 2, 3), numpy.uint8), numpy.array([[0, 1]]), 1.0).tolist()
    [[[0, 0, 0], [230, 159, 0]]]
    """
    table = numpy.array([(0, 0, 0), *(color_of(code) for code in range(1, 256))], dtype=numpy.float64)
    seen = (codes != 0) & (codes != IGNORED)
    mixed = (1 - strength) * pixels + strength * table[codes]
    return numpy.where(seen[..., None], mixed, pixels).round().astype(numpy.uint8)


def framed(
    pixels: numpy.ndarray,
    boxes: Sequence[tuple[Sequence[float], str]],
    color: tuple[int, int, int] = COLORS[1],
) -> numpy.ndarray:
    """Draw boxes with their names on a picture.

    Args:
        pixels: `(height, width, 3)` bytes.
        boxes: ((left, top, right, bottom), what to write at it).

    >>> framed(numpy.zeros((9, 9, 3), numpy.uint8), [((2, 2, 6, 6), "")])[2, 4].tolist()
    [86, 180, 233]
    """
    import PIL.Image
    import PIL.ImageDraw

    image = PIL.Image.fromarray(numpy.ascontiguousarray(pixels))
    draw = PIL.ImageDraw.Draw(image)
    thick = max(1, round(max(image.size) / 400))
    for (left, top, right, bottom), text in boxes:
        draw.rectangle((left, top, max(left, right - 1), max(top, bottom - 1)), outline=color, width=thick)
        if text:
            height = max(9, image.height // 40)
            draw.text(
                (left + thick, top - height - 1 if top > height else bottom),
                text,
                fill=color,
                font_size=height,
            )
    return numpy.asarray(image)
