"""Pictures: one image file as bytes `(channels, height, width)`, decoded by Pillow under fixed rules."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import os
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy
from PIL import Image as Pillow
from PIL import ImageOps

GREY = ("1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "F")
IGNORED = {"thumbs.db", "desktop.ini", "__macosx"}
BROKEN = (OSError, ValueError, SyntaxError, EOFError, Pillow.DecompressionBombError)


@dataclasses.dataclass(frozen=True)
class Header:
    """What the head of an image file says."""

    width: int
    height: int
    grey: bool


def files(folder: Path) -> list[Path]:
    """Return the files below a folder, sorted by name; hidden ones and those of file managers are not there."""
    found = []
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(each for each in folders if _shown(each))
        found += [Path(root) / name for name in sorted(names) if _shown(name)]
    return found


def header(path: Path) -> Header | str:
    """Return what the head of an image says, or why the file is no image."""
    try:
        with Pillow.open(path) as image:
            turned = image.getexif().get(0x0112) in (5, 6, 7, 8)  # these orientations exchange the sides
            width, height = image.size[::-1] if turned else image.size
            return Header(width, height, image.mode in GREY)
    except BROKEN as error:
        return _reason(error, path)


def decode(path: Path, channels: int, size: tuple[int, int] | None) -> numpy.ndarray | str:
    """Decode an image, or say why that cannot be done.

    The orientation stored by cameras is applied; transparent pixels show white; 16-bit grey keeps its upper byte; of
    an animation the first picture is taken. Another size is reached by cutting the middle to the aspect wanted, then
    resizing with antialiasing.

    Args:
        path: the file.
        channels: 1 (grey) or 3 (red, green, blue).
        size: (height, width), or None to keep it.

    Returns:
        `(channels, height, width)` uint8, or the reason as text.
    """
    try:
        with Pillow.open(path) as opened:
            if size and opened.format == "JPEG":
                opened.draft("L" if channels == 1 else "RGB", (2 * size[1], 2 * size[0]))
            image = _plain(ImageOps.exif_transpose(opened), channels)
            pixels = numpy.asarray(_fitted(image, *size) if size else image, dtype=numpy.uint8)
    except BROKEN as error:
        return _reason(error, path)
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)


def decode_all(
    paths: Sequence[Path], channels: int, size: tuple[int, int] | None
) -> Iterable[numpy.ndarray | str]:
    """Decode many images in threads, in order."""
    workers = os.cpu_count() or 1
    with quietly(), concurrent.futures.ThreadPoolExecutor(workers) as pool:
        yield from pool.map(lambda path: decode(path, channels, size), paths, chunksize=16)


def _plain(image: Pillow.Image, channels: int) -> Pillow.Image:
    if image.mode.startswith("I") or image.mode == "F":
        values = numpy.asarray(image).astype(numpy.float64)
        values = values / 257 if values.max() > 255 else values
        image = Pillow.fromarray(values.clip(0, 255).round().astype(numpy.uint8))
    if image.mode in ("P", "PA", "LA", "La", "RGBA", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Pillow.alpha_composite(Pillow.new("RGBA", image.size, "white"), image)
    return image.convert("L" if channels == 1 else "RGB")


def _fitted(image: Pillow.Image, height: int, width: int) -> Pillow.Image:
    """Cut the middle to the aspect wanted first: resizing with a box would let pixels outside it shine in."""
    if image.size == (width, height):
        return image
    scale = min(image.width / width, image.height / height)
    cut_width, cut_height = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = (image.width - cut_width) // 2, (image.height - cut_height) // 2
    cut = image.crop((left, top, left + cut_width, top + cut_height))
    return cut.resize((width, height), Pillow.Resampling.BILINEAR)


def quietly() -> warnings.catch_warnings:
    """Silence what Pillow says about odd but readable files (not safe inside threads: around them)."""
    return warnings.catch_warnings(action="ignore")


def _reason(error: BaseException, path: Path) -> str:
    if path.exists() and not path.stat().st_size:
        return "the file is empty"
    if isinstance(error, Pillow.UnidentifiedImageError):
        return "not an image"
    return str(error).replace(str(path), path.name) or type(error).__name__


def _shown(name: str) -> bool:
    return not name.startswith(".") and name.lower() not in IGNORED
