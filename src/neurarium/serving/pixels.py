"""Pixels: images and arrays of a request, as encoded files or as numbers."""

from __future__ import annotations

import base64
import binascii
import io
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy
import torch
from PIL import Image as Pillow

from neurarium.core.errors import DataError
from neurarium.data.preparation.arrays import ArrayPreparation, require_finite
from neurarium.data.preparation.images import ImagePreparation
from neurarium.data.readers.stacks import as_stack
from neurarium.serving.example import Example

MOST_PIXELS = 50_000_000


class Images:
    """Reads images: encoded ones (base64 in JSON, or the bytes of a file), or nested arrays of pixels.

    Args:
        preparation: the run's.
    """

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
            value = _decoded(value, place)
        if isinstance(value, bytes):
            _check_size(value, place)
            return Example(value)
        return Example(self._pixels(value, place))

    def collate(self, examples: Sequence[Example]) -> tuple[Any, dict[int, DataError]]:
        """Return the prepared inputs of the examples, and the errors of those that cannot be read."""
        parts, errors = [], {}
        plain = [number for number, each in enumerate(examples) if not isinstance(each.value, bytes)]
        order: list[int] = list(plain)
        if plain:
            stack = torch.stack([examples[number].value for number in plain])
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

    def _pixels(self, value: Any, place: str) -> torch.Tensor:
        problem = f"{place} holds no pixels of this shape"
        expected = f"{self.shape[0]} channels of {self.shape[1]} x {self.shape[2]} pixels"
        try:
            array = numpy.asarray(value)
            if array.dtype.kind not in "iuf" or not 2 <= array.ndim <= 3:
                raise DataError(
                    problem, expected=expected, received=f"type {array.dtype}, shape {array.shape}"
                )
        except (ValueError, TypeError, OverflowError) as error:
            raise DataError(problem, expected=expected, received="an uneven array") from error
        if array.dtype.kind != "f" and self.preparation.bytes and array.size:
            if array.min() < 0 or array.max() > 255:
                raise DataError(
                    f"{place} holds pixels out of range", expected="0 to 255", received=str(array.max())
                )
            array = array.astype(numpy.uint8)
        stack = as_stack(
            array.astype(numpy.float32) if array.dtype != numpy.uint8 else array, channels=self.shape[0]
        )
        if stack.shape[0] != 1 or tuple(stack.shape[1:]) != self.shape:
            raise DataError(problem, expected=expected, received=f"shape {array.shape}")
        require_finite(stack)
        return stack[0].float()

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
        tensor = torch.from_numpy(array)
        require_finite(tensor[None])
        return Example(tensor)

    def collate(self, examples: Sequence[Example]) -> tuple[Any, dict[int, DataError]]:
        """Return the prepared inputs."""
        return self.preparation.transform(torch.stack([each.value for each in examples])), {}


def _decoded(text: str, place: str) -> bytes:
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise DataError(
            f"{place} holds text that is no base64",
            expected="the base64 of an image file",
            received=str(error),
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
