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
RIGHT, WRONG = COLORS[2], COLORS[5]  # of boxes


def color_of(code: int) -> tuple[int, int, int]:
    """Return the color of a class; the first class of a mask, mostly the background, is not drawn, and has the first.

    After seven classes the colors come again, half as dark, then half as bright.

    >>> color_of(1), color_of(8), color_of(15)
    ((230, 159, 0), (115, 79, 0), (242, 207, 127))
    """
    place = max(0, code - 1)
    round_, base = place // len(COLORS) % 3, COLORS[place % len(COLORS)]
    if not round_:
        return base
    red, green, blue = (each // 2 if round_ == 1 else (each + 255) // 2 for each in base)
    return red, green, blue


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
    thick = max(1, round(max(image.size) / 130))
    height = max(9, round(max(image.size) / 22))
    for (left, top, right, bottom), text in boxes:
        draw.rectangle((left, top, max(left, right - 1), max(top, bottom - 1)), outline=color, width=thick)
        if text:
            at = (left + thick, top - height - thick if top > height + thick else bottom + thick)
            draw.rectangle(draw.textbbox(at, text, font_size=height), fill=(0, 0, 0))
            draw.text(at, text, fill=color, font_size=height)
    return numpy.asarray(image)
