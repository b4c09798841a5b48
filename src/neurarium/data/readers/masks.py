"""Mask files: which file is the mask of an image, and the value of each of its pixels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy
from PIL import Image as Pillow

from neurarium.core.errors import DataError
from neurarium.data.readers.folders import Folder
from neurarium.data.readers.pictures import files, formats, header

ENDINGS = ("", "_mask", "-mask", "_seg", "_label", "_labels", "_gt")


def matched_masks(paths: Sequence[Path], root: Path, folder: Path) -> tuple[list[Path | None], list[Path]]:
    """Return the mask of each image, None where there is none, and the masks that no image has.

    Args:
        paths: the images.
        root: their folder; a mask lies below its own as its image lies below this.
        folder: that of the masks.
    """
    there = {each.relative_to(folder).with_suffix("").as_posix(): each for each in files(folder)}
    pairs = []
    for path in paths:
        stem = path.relative_to(root).with_suffix("").as_posix()
        pairs.append(next((there[stem + end] for end in ENDINGS if stem + end in there), None))
    taken = set(pairs)
    return pairs, [each for each in there.values() if each not in taken]


def paired_masks(part: Folder, root: Path, folder: Path) -> list[Path]:
    """Return the mask of each image.

    Raises:
        DataError: one without a mask, or with one of another size.
    """
    found, _ = matched_masks(part.paths, root, folder)
    lacking = [part.name(path) for path, mask in zip(part.paths, found, strict=True) if mask is None]
    pairs = [mask for mask in found if mask is not None]
    if lacking:
        more = f" and {len(lacking) - 3} more" if len(lacking) > 3 else ""
        raise DataError(
            f"{len(lacking):,} of {len(part.paths):,} images have no mask",
            expected=f"a mask of the same name in {folder}",
            received=", ".join(lacking[:3]) + more,
            fix="add their masks, or remove these images",
        )
    for path, mask in zip(part.paths, pairs, strict=True):
        image, own = header(path), header(mask)
        if isinstance(image, str) or isinstance(own, str):
            continue  # said where it is decoded
        if (image.width, image.height) != (own.width, own.height):
            raise DataError(
                f"the mask {mask.name} has another size than its image {part.name(path)}",
                expected=f"{image.width} x {image.height} pixels",
                received=f"{own.width} x {own.height}",
                fix="export the mask at the size of the image, or remove both",
            )
    return pairs


def raw_values(path: Path) -> numpy.ndarray:
    """Return the value of each pixel of a mask file, `(height, width)` integers; of colors 65536 red + 256 green + blue.

    Raises:
        DataError: it cannot be read.
    """
    try:
        with Pillow.open(path, formats=formats()) as image:
            if image.mode in ("RGB", "RGBA"):
                pixels = numpy.asarray(image.convert("RGB")).astype(numpy.int64)
                if (pixels == pixels[..., :1]).all():
                    return pixels[..., 0]
                return pixels @ numpy.array([65536, 256, 1])
            if image.mode in ("LA", "PA"):
                image = image.convert(image.mode[0])  # type: ignore[assignment]
            values = numpy.asarray(image)
            return values if values.dtype == numpy.uint8 else values.astype(numpy.int64)
    except Exception as error:  # Pillow's plugins raise anything on bytes that are none of their format
        raise DataError(
            f"the mask {path} cannot be read", received=str(error) or type(error).__name__,
            expected="a PNG of one value per pixel", fix="mend it, or remove it and its image",
        ) from error  # fmt: skip
