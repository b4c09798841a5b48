"""Pixels: images and arrays of a request, as encoded files or as numbers."""

from __future__ import annotations

import base64
import binascii
import io
import math
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy
import torch
from PIL import Image as Pillow

from neurarium.core.errors import DataError
from neurarium.data.preparation.arrays import ArrayPreparation
from neurarium.data.preparation.images import ImagePreparation
from neurarium.serving.example import Example
from neurarium.serving.schemas import file_of, made_of

MOST_PIXELS = 50_000_000


class Images:
    """Reads images: encoded ones (base64 in JSON, or the bytes of a file), or nested arrays of pixels.

    Args:
        preparation: the run's.
    """

    media, alone = "image", False

    def __init__(self, preparation: ImagePreparation):
        self.preparation = preparation
        spec = preparation.spec
        self.shape = (spec.channels, spec.height, spec.width)

    def parse(self, value: Any, place: str) -> Example:
        """Check one image: `{"image": base64 or pixels}`, pixels alone, or bytes.

        Raises:
            DataError: no image, or pixels of another shape.
        """
        if isinstance(value, Mapping):
            if "image" not in value:
                raise DataError(
                    f"{place} holds no image",
                    expected='{"image": base64 of a file, or rows of pixels}',
                    received=", ".join(map(str, value))[:200] or "an empty object",
                )
            value = value["image"]
        if isinstance(value, str):
            value = bytes_of(value, place)
        elif isinstance(value, bytes):
            _check_size(value, place)
        if isinstance(value, bytes):
            return Example(value)
        return Example(self._pixels(value, place))

    def collate(self, examples: Sequence[Example]) -> tuple[Any, dict[int, DataError]]:
        """Return the prepared inputs of the examples, and the errors of those that cannot be read."""
        parts: list[torch.Tensor] = []
        errors: dict[int, DataError] = {}
        plain = [number for number, each in enumerate(examples) if not isinstance(each.value, bytes)]
        order: list[int] = list(plain)
        if plain:
            stack = numpy.stack([examples[number].value for number in plain])
            parts.append(self.preparation.apply(stack)[0]["inputs"])
        encoded = [number for number in range(len(examples)) if number not in set(plain)]
        if encoded:
            inputs, kept, errors = self._files([examples[number].value for number in encoded], encoded)
            parts += inputs
            order += kept
        if not parts:
            return torch.zeros(0, *self.shape), errors
        together = torch.cat(parts)
        return together[torch.argsort(torch.tensor(order))], errors

    def schema(self) -> dict[str, Any]:
        """Return the schema of one example."""
        channels, height, width = self.shape
        said = f"base64 of an image file of any size, or {height} x {width} pixels of {channels} channels"
        return made_of({"image": {**file_of("image", said), "type": ["string", "array"]}})

    def blank(self) -> Example | None:
        """Return an image of zeros."""
        return Example(numpy.zeros(self.shape, dtype=numpy.float32))

    def _pixels(self, value: Any, place: str) -> numpy.ndarray:
        """Return pixels as float32 `(channels, height, width)`."""
        problem = f"{place} holds no pixels of this shape"
        expected = f"{self.shape[0]} channels of {self.shape[1]} x {self.shape[2]} pixels"
        try:
            array = numpy.asarray(value)
        except (ValueError, TypeError, OverflowError) as error:
            raise DataError(problem, expected=expected, received="an uneven array") from error
        if array.dtype.kind not in "iuf" or array.size != math.prod(self.shape):
            raise DataError(problem, expected=expected, received=f"type {array.dtype}, shape {array.shape}")
        if array.dtype.kind == "f":
            if not numpy.isfinite(array).all():
                raise DataError(f"{place} holds a number that is not finite", expected="finite numbers")
        elif self.preparation.bytes and not (array.min() >= 0 and array.max() <= 255):
            raise DataError(
                f"{place} holds pixels out of range",
                expected="0 to 255",
                received=f"{array.min()} to {array.max()}",
            )
        array = array.astype(numpy.float32)
        if array.shape == self.shape or (array.shape == self.shape[1:] and self.shape[0] == 1):
            return array.reshape(self.shape)
        if array.shape == (*self.shape[1:], self.shape[0]):
            return array.transpose(2, 0, 1)
        raise DataError(problem, expected=expected, received=f"shape {array.shape}")

    def _files(
        self, contents: Sequence[bytes], numbers: Sequence[int]
    ) -> tuple[list[torch.Tensor], list[int], dict[int, DataError]]:
        """Decode as `neurarium predict` does: from files, by the rules of the preparation."""
        with tempfile.TemporaryDirectory(prefix="neurarium-serve-") as folder:
            paths = [Path(folder) / f"{place}.image" for place in range(len(contents))]
            for path, content in zip(paths, contents, strict=True):
                path.write_bytes(content)
            try:
                batch, notes = self.preparation.apply(paths)
            except DataError:
                batch, notes = (
                    {},
                    {
                        "files": [],
                        "quarantined": [{"file": str(each), "reason": "not an image"} for each in paths],
                    },
                )
        errors = {
            numbers[int(Path(each["file"]).stem)]: DataError(
                "the image cannot be read", expected="png, jpg or other images", received=each["reason"]
            )
            for each in notes["quarantined"]
        }
        kept = [numbers[int(Path(each).stem)] for each in notes["files"]]
        return ([batch["inputs"]] if kept else []), kept, errors


class Arrays:
    """Reads nested arrays of numbers.

    Args:
        preparation: the run's.
    """

    media, alone = "", False

    def __init__(self, preparation: ArrayPreparation):
        self.preparation, self.shape = preparation, tuple(preparation.spec.shape)

    def parse(self, value: Any, place: str) -> Example:
        """Check one array: `{"array": numbers}` or the numbers alone.

        Raises:
            DataError: another shape, or a number that is not finite.
        """
        if isinstance(value, Mapping):
            value = value.get("array")
        expected = f"numbers of shape {self.shape}"
        try:
            array = numpy.asarray(value, dtype=numpy.float32)
        except (ValueError, TypeError, OverflowError) as error:
            raise DataError(f"{place} is no array", expected=expected, received="something else") from error
        if array.shape != self.shape:
            raise DataError(f"{place} has another shape", expected=expected, received=f"shape {array.shape}")
        if not numpy.isfinite(array).all():
            raise DataError(f"{place} holds a number that is not finite", expected="finite numbers")
        return Example(array)

    def collate(self, examples: Sequence[Example]) -> tuple[Any, dict[int, DataError]]:
        """Return the prepared inputs."""
        return self.preparation.transform(
            torch.from_numpy(numpy.stack([each.value for each in examples]))
        ), {}

    def schema(self) -> dict[str, Any]:
        """Return the schema of one example."""
        shape = " x ".join(map(str, self.shape))
        return made_of({"array": {"type": "array", "description": f"numbers of shape {shape}"}})

    def blank(self) -> Example:
        """Return an array of zeros."""
        return Example(numpy.zeros(self.shape, dtype=numpy.float32))


def bytes_of(text: str, place: str) -> bytes:
    """Return the bytes of an image file that is written in base64.

    Raises:
        DataError: no base64, or an image that would fill the memory.
    """
    content = decoded_base64(text, place, "an image file")
    _check_size(content, place)
    return content


def decoded_base64(text: str, place: str, holds: str) -> bytes:
    """Return the bytes of a file that is written in base64, a data URL or not.

    Raises:
        DataError: no base64.

    >>> decoded_base64("data:image/png;base64,YQ==", "it", "an image file")
    b'a'
    """
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise DataError(
            f"{place} holds text that is no base64", expected=f"the base64 of {holds}", received=str(error)
        ) from error


def _check_size(content: bytes, place: str) -> None:
    """Refuse an image that would fill the memory before its pixels are decoded."""
    try:
        with Pillow.open(io.BytesIO(content)) as image:
            width, height = image.size
    except Exception as error:
        if isinstance(error, Pillow.DecompressionBombError):
            width, height = MOST_PIXELS, MOST_PIXELS
        else:
            return  # what is wrong with it is said where it is decoded
    if width * height > MOST_PIXELS:
        raise DataError(
            f"{place} holds too large an image",
            expected=f"at most {MOST_PIXELS:,} pixels",
            received=f"{width} x {height}",
        )
