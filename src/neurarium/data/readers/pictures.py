"""Pictures: one image file as bytes `(channels, height, width)`, decoded by Pillow under fixed rules."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import functools
import itertools
import os
import threading
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy
from PIL import Image as Pillow
from PIL import ImageOps

DEEP = ("I", "I;16", "I;16B", "I;16L", "I;16N", "F")
GREY = ("1", "L", "LA", "La", *DEEP)
CLEAR = ("P", "PA", "LA", "La", "RGBA", "RGBa")
IGNORED = {"thumbs.db", "desktop.ini", "__macosx"}
# Formats that hold pixels. Not those that run another program or draw (EPS, WMF, PDF), nor those of telescopes.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF", "DIB", "TGA", "PCX", "ICO", "ICNS",
           "SGI", "QOI", "DDS")  # fmt: skip
SUFFIXES = frozenset((".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".gif", ".bmp", ".dib", ".tif",
                      ".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".j2k", ".jpx", ".avif", ".tga", ".pcx", ".ico",
                      ".icns", ".sgi", ".rgb", ".bw", ".qoi", ".dds"))  # fmt: skip
COLORS = {"white": 255, "grey": 128, "black": 0}
TURNED = (5, 6, 7, 8)  # these orientations exchange the sides
CHUNK = 16


@dataclasses.dataclass(frozen=True)
class Rules:
    """How odd images are read; the same at training and prediction.

    Args:
        aspect: another shape is reached by cutting the middle out ("crop"), by a border around the whole image
            ("letterbox"), or by changing its proportions ("stretch").
        background: what shows behind transparent pixels and as the border: "white", "grey" or "black".
        levels: the values of images of more than 8 bits that become 0 and 255; None decides for each image.
    """

    aspect: Literal["crop", "letterbox", "stretch"] = "crop"
    background: Literal["white", "grey", "black"] = "white"
    levels: tuple[float, float] | None = None

    def to_json(self) -> dict[str, Any]:
        return {**dataclasses.asdict(self), "levels": list(self.levels) if self.levels else None}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Rules:
        levels = value.get("levels")
        return cls(**{**value, "levels": (float(levels[0]), float(levels[1])) if levels else None})


USUAL = Rules()


@dataclasses.dataclass(frozen=True)
class Header:
    """What the head of an image file says: its size as seen upright, whether it is grey, and what is odd about it."""

    width: int
    height: int
    grey: bool
    mode: str = dataclasses.field(default="", compare=False)
    turned: bool = dataclasses.field(default=False, compare=False)
    clear: bool = dataclasses.field(default=False, compare=False)
    frames: bool = dataclasses.field(default=False, compare=False)


@functools.cache
def formats() -> tuple[str, ...]:
    """Return the formats that are read: those of `FORMATS` that this Pillow was built with."""
    Pillow.init()
    return tuple(each for each in FORMATS if each in Pillow.OPEN)


def files(folder: Path) -> list[Path]:
    """Return the files below a folder, sorted by name; hidden ones and those of file managers are not there.

    Links to folders are followed, each real folder once, but not those that lead back to a folder around them.
    """
    found, seen = [], {os.path.realpath(folder)}
    for root, folders, names in os.walk(folder, followlinks=True):
        folders[:] = sorted(
            each for each in folders if shown(each) and _is_new(os.path.join(root, each), seen)
        )
        found += [Path(root) / name for name in sorted(names) if shown(name)]
    return found


def header(path: Path) -> Header | str:
    """Return what the head of an image says, or why the file is no image."""
    try:
        with Pillow.open(path, formats=formats()) as image:
            orientation = image.getexif().get(0x0112, 1)
            width, height = image.size[::-1] if orientation in TURNED else image.size
            clear = image.mode in CLEAR[1:] or "transparency" in image.info
            several = image.format in ("GIF", "WEBP", "PNG", "TIFF") and getattr(image, "is_animated", False)
            return Header(width, height, image.mode in GREY, image.mode, orientation != 1, clear, several)
    except Exception as error:  # Pillow's plugins raise anything on bytes that are none of their format
        return _reason(error, path)


def decode(
    path: Path, channels: int, size: tuple[int, int] | None, rules: Rules = USUAL
) -> numpy.ndarray | str:
    """Decode an image, or say why that cannot be done.

    The orientation stored by cameras is applied; of an animation the first picture is taken; palettes, CMYK and other
    color spaces become grey or red, green, blue. A large JPEG is reduced while it is decoded, to no less than the
    size wanted: half the time, and nearer to a Lanczos filter than resizing afterwards (benchmarks/image_decoding.py).

    Args:
        path: the file.
        channels: 1 (grey) or 3 (red, green, blue).
        size: (height, width), or None to keep it.
        rules: transparency, deep values, the way to another shape.

    Returns:
        `(channels, height, width)` uint8, or the reason as text.
    """
    try:
        with Pillow.open(path, formats=formats()) as opened:
            if size and opened.format == "JPEG":
                opened.draft("L" if channels == 1 else "RGB", (max(size), max(size)))
            upright = opened if opened.getexif().get(0x0112, 1) == 1 else ImageOps.exif_transpose(opened)
            image = _plain(upright, channels, rules)
            pixels = numpy.asarray(_fitted(image, *size, rules) if size else image, dtype=numpy.uint8)
    except Exception as error:  # as above; nothing is lost, the reason is reported with the file's name
        return _reason(error, path)
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)


def decode_all(
    paths: Sequence[Path], channels: int, size: tuple[int, int] | None, rules: Rules = USUAL
) -> Iterator[numpy.ndarray | str]:
    """Decode many images in threads, in order; a bounded number of them is ahead."""
    workers = os.cpu_count() or 1
    parts = (paths[start : start + CHUNK] for start in range(0, len(paths), CHUNK))

    def work(part: Sequence[Path]) -> list[numpy.ndarray | str]:
        return [decode(path, channels, size, rules) for path in part]

    with quietly(), concurrent.futures.ThreadPoolExecutor(workers) as pool:
        ahead = [pool.submit(work, part) for part in itertools.islice(parts, 4 * workers)]
        while ahead:
            done = ahead.pop(0).result()
            ahead += [pool.submit(work, part) for part in itertools.islice(parts, 1)]
            yield from done


def fill(
    pixels: numpy.ndarray, paths: Sequence[Path], rules: Rules, places: Iterable[int] | None = None
) -> dict[int, str]:
    """Decode images into an array `(images, channels, height, width)` of bytes, in threads; return what failed and why."""
    workers, failed = os.cpu_count() or 1, {}
    channels, size = pixels.shape[1], (pixels.shape[2], pixels.shape[3])
    wanted = list(range(len(paths)) if places is None else places)
    parts = [wanted[start : start + CHUNK] for start in range(0, len(wanted), CHUNK)]
    stop = threading.Event()

    def work(part: Sequence[int]) -> None:
        for place in part:
            if stop.is_set():
                return
            decoded = decode(paths[place], channels, size, rules)
            if isinstance(decoded, str):
                failed[place] = decoded
            else:
                pixels[place] = decoded

    with quietly(), concurrent.futures.ThreadPoolExecutor(workers) as pool:
        try:
            list(pool.map(work, parts))
        finally:
            stop.set()  # after Ctrl-C the threads do not decode the rest
    return dict(sorted(failed.items()))


def deep_values(path: Path) -> numpy.ndarray | None:
    """Return the values of an image of more than 8 bits as they are stored; None where it has 8 or is broken."""
    try:
        with Pillow.open(path, formats=formats()) as image:
            return numpy.asarray(image).astype(numpy.float64) if image.mode in DEEP else None
    except Exception:  # its reason is given when it is decoded
        return None


def usual_levels(low: float, high: float, whole: bool) -> tuple[float, float]:
    """Return the range that values from `low` to `high` were most likely written for.

    >>> usual_levels(3, 4000, True), usual_levels(0.0, 0.9, False), usual_levels(-1000.0, 2000.0, True)
    ((0.0, 4095.0), (0.0, 1.0), (-1000.0, 2000.0))
    """
    ends = (255.0, 4095.0, 65535.0) if whole else (1.0, 255.0, 65535.0)
    top = next((end for end in ends if high <= end), None)
    return (0.0, top) if low >= 0 and top is not None else (low, max(high, low + 1))


def _plain(image: Pillow.Image, channels: int, rules: Rules) -> Pillow.Image:
    if image.mode in DEEP:
        image = Pillow.fromarray(_bytes(numpy.asarray(image), image.mode, rules))
    if image.mode in CLEAR or "transparency" in image.info:
        image = image.convert("RGBA")
        ground = (COLORS[rules.background],) * 3 + (255,)
        image = Pillow.alpha_composite(Pillow.new("RGBA", image.size, ground), image)
    wanted = "L" if channels == 1 else "RGB"
    return image if image.mode == wanted else image.convert(wanted)


def _bytes(values: numpy.ndarray, mode: str, rules: Rules) -> numpy.ndarray:
    values = values.astype(numpy.float64)
    finite = values[numpy.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if rules.levels is not None:
        low, high = rules.levels
    elif mode.startswith("I;16"):
        low, high = 0.0, 65535.0
    else:
        low, high = usual_levels(low, high, mode == "I")
    scaled = numpy.nan_to_num((values - low) * (255 / (high - low)), nan=0.0, posinf=255.0, neginf=0.0)
    return scaled.clip(0, 255).round().astype(numpy.uint8)


def _fitted(image: Pillow.Image, height: int, width: int, rules: Rules) -> Pillow.Image:
    """Cut the middle to the aspect wanted first: resizing with a box would let pixels outside it shine in."""
    if image.size == (width, height):
        return image
    bilinear = Pillow.Resampling.BILINEAR
    if rules.aspect == "stretch":
        return image.resize((width, height), bilinear)
    if rules.aspect == "letterbox":
        return ImageOps.pad(image, (width, height), bilinear, _color(image, rules))
    scale = min(image.width / width, image.height / height)
    cut_width, cut_height = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = (image.width - cut_width) // 2, (image.height - cut_height) // 2
    if (cut_width, cut_height) != image.size:
        image = image.crop((left, top, left + cut_width, top + cut_height))
    return image.resize((width, height), bilinear)


def _color(image: Pillow.Image, rules: Rules) -> Any:
    value = COLORS[rules.background]
    return value if image.mode == "L" else (value,) * 3


def quietly() -> warnings.catch_warnings:
    """Silence what Pillow says about odd but readable files (not safe inside threads: around them)."""
    return warnings.catch_warnings(action="ignore")


def _reason(error: BaseException, path: Path) -> str:
    if isinstance(error, FileNotFoundError):
        return "a link to a file that is not there" if path.is_symlink() else "there is no such file"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()  # a loop of links, no permission
    if path.exists() and not path.stat().st_size:
        return "the file is empty"
    if isinstance(error, Pillow.UnidentifiedImageError):
        return "not an image" if path.suffix.lower() not in SUFFIXES else "not an image, or a damaged one"
    if isinstance(error, Pillow.DecompressionBombError):
        return "more pixels than any photograph: it may be a decompression bomb"
    if isinstance(error, MemoryError):
        return "it does not fit into memory"
    return str(error).replace(str(path), path.name) or type(error).__name__


def shown(name: str) -> bool:
    """Return whether a file or folder counts: not hidden, not one of a file manager."""
    return not name.startswith(".") and name.lower() not in IGNORED


def _is_new(folder: str, seen: set[str]) -> bool:
    real = os.path.realpath(folder)
    around = os.path.realpath(os.path.dirname(folder))
    if real in seen or around == real or around.startswith(real.rstrip(os.sep) + os.sep):
        return False
    seen.add(real)
    return True
