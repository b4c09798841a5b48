"""Images that are not in memory: mapped from a file of decoded pixels, or decoded each time they are taken."""

from __future__ import annotations

import concurrent.futures
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy
import torch
from torch import Tensor

from neurarium.core import batches
from neurarium.core.errors import DataError
from neurarium.data.examples import FileExamples
from neurarium.data.preparation.statistics import byte_counts
from neurarium.data.readers.pictures import USUAL, Rules, decode, decode_all
from neurarium.data.readers.pixels import opened
from neurarium.data.specs import Image


class ReadPicture:
    """Decodes one image of a list when asked; picklable for workers."""

    def __init__(self, paths: Sequence[Path], targets: Any, spec: Image, rules: Rules = USUAL):
        self.paths, self.targets, self.spec, self.rules = list(paths), targets, spec, rules

    def __call__(self, index: int) -> dict[str, Any]:
        return {"inputs": self.pixels(index), "targets": _one(self.targets, index)}

    def pixels(self, index: int) -> Tensor:
        decoded = decode(
            self.paths[index], self.spec.channels, (self.spec.height, self.spec.width), self.rules
        )
        if isinstance(decoded, str):
            raise DataError(
                f"the image {self.paths[index]} became unreadable: {decoded}", fix="restore the file"
            )
        return torch.from_numpy(numpy.ascontiguousarray(decoded))


class PictureExamples(FileExamples):
    """Examples decoded from image files whenever they are taken: in threads, since Pillow lets others work meanwhile.

    Args:
        read: what decodes one.
        places: the examples' places in the list of `read`.
        finish: as for `Examples`.
    """

    read: ReadPicture

    def __init__(self, read: ReadPicture, places: Sequence[int], finish: Any):
        targets = batches.take(read.targets, places)
        super().__init__(read, len(places), targets=targets, finish=finish)
        self.places = [int(place) for place in places]

    def take(self, indices: Tensor | slice | Sequence[int]) -> dict[str, Any]:
        warnings.filterwarnings("ignore", module="PIL")  # odd but readable: said when the dataset was read
        chosen = range(*indices.indices(len(self))) if isinstance(indices, slice) else indices
        rows = [int(index) for index in chosen]
        places = [self.places[row] for row in rows]
        if (
            len(places) < 2 or torch.utils.data.get_worker_info() is not None
        ):  # its fellows keep all cores busy
            decoded = [self.read.pixels(place) for place in places]
        else:
            with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
                decoded = list(pool.map(self.read.pixels, places))
        batch = {"inputs": torch.stack(decoded), "targets": batches.take(self.targets, rows)}
        return self.finish(batch) if self.finish else batch

    def subset(self, indices: Tensor | Sequence[int]) -> PictureExamples:
        chosen = torch.as_tensor(indices).tolist()
        return PictureExamples(self.read, [self.places[index] for index in chosen], self.finish)


class MappedExamples(FileExamples):
    """Examples mapped from a file of decoded pixels; the system keeps in memory what there is room for.

    Args:
        path: a npy file `(images, channels, height, width)` of bytes.
        places: the examples' places in it.
        targets: theirs, in the same order.
        finish: as for `Examples`.
    """

    def __init__(self, path: Path, places: numpy.ndarray, targets: Any, finish: Any):
        super().__init__(self.one, len(places), targets=targets, finish=finish)
        self.path, self.places = path, torch.from_numpy(numpy.array(places, dtype=numpy.int64))
        self._pixels: Tensor | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_pixels": None, "read": None}  # a worker maps the file itself

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.read = self.one

    @property
    def pixels(self) -> Tensor:
        if self._pixels is None:
            self._pixels = torch.from_numpy(opened(self.path))
        return self._pixels

    def one(self, index: int) -> dict[str, Any]:
        """Return one example."""
        return {"inputs": self.pixels[self.places[index]], "targets": _one(self.targets, index)}

    def take(self, indices: Tensor | slice | Sequence[int]) -> dict[str, Any]:
        if isinstance(indices, slice):
            indices = torch.arange(*indices.indices(len(self)))
        rows = torch.as_tensor(indices, dtype=torch.int64)
        batch = {"inputs": self.pixels.index_select(0, self.places[rows])}
        batch["targets"] = batches.take(self.targets, rows)
        return self.finish(batch) if self.finish else batch

    def subset(self, indices: Tensor | Sequence[int]) -> MappedExamples:
        chosen = torch.as_tensor(indices, dtype=torch.int64)
        return MappedExamples(
            self.path, self.places[chosen].numpy(), batches.take(self.targets, chosen), self.finish
        )


def _one(targets: Any, index: int) -> Any:
    return batches.map_tensors(lambda each: each[0], batches.take(targets, [index]))


def counted(
    paths: Sequence[Path], spec: Image, rules: Rules, training: Sequence[int]
) -> tuple[dict[int, str], numpy.ndarray]:
    """Decode each file once; return those that fail, with the reason, and the histogram of the training images.

    Returns:
        The failures by place, and `(channels, 256)` counts of bytes.
    """
    wanted = {int(place) for place in training}
    failed, histogram = {}, numpy.zeros((spec.channels, 256), dtype=numpy.int64)
    for place, each in enumerate(decode_all(paths, spec.channels, (spec.height, spec.width), rules)):
        if isinstance(each, str):
            failed[place] = each
        elif place in wanted:
            histogram += byte_counts(each[None])
    return failed, histogram
