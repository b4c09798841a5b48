"""Thumbnails: small pictures that stand inside a page."""

from __future__ import annotations

import base64
import io
from typing import Literal

import numpy

SIDE = 160  # pixels of a thumbnail at most


def picture(pixels: numpy.ndarray, side: int = SIDE, kind: Literal["png", "jpeg"] = "png") -> str:
    """Return bytes `(channels, height, width)` as a data address of a picture of at most `side` pixels.

    >>> picture(numpy.zeros((1, 2, 2), dtype=numpy.uint8))[:22]
    'data:image/png;base64,'
    """
    import PIL.Image

    image = PIL.Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0))
    image.thumbnail((side, side))
    held = io.BytesIO()
    image.save(held, kind.upper(), optimize=True)
    return f"data:image/{kind};base64," + base64.b64encode(held.getvalue()).decode("ascii")
