"""Images that do not fit into memory: decoded when they are taken, statistics from a histogram."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy
import torch

from neurarium.core.errors import DataError
from neurarium.data.dataset import Dataset
from neurarium.data.examples import FileExamples
from neurarium.data.preparation.images import ImagePreparation
from neurarium.data.preparation.statistics import byte_counts, histogram_moments
from neurarium.data.preparation.targets import Labels
from neurarium.data.readers.arrays import collected
from neurarium.data.readers.folders import Folder
from neurarium.data.readers.pictures import decode, decode_all
from neurarium.data.specs import Image
from neurarium.data.splits import Rows


class ReadPicture:
    """Decodes one image of a list when asked; picklable for workers."""

    def __init__(self, paths: Sequence[Path], targets: numpy.ndarray, spec: Image):
        self.paths, self.targets, self.spec = list(paths), targets, spec

    def __call__(self, index: int) -> dict[str, Any]:
        decoded = decode(self.paths[index], self.spec.channels, (self.spec.height, self.spec.width))
        if isinstance(decoded, str):
            raise DataError(
                f"the image {self.paths[index]} became unreadable: {decoded}", fix="restore the file"
            )
        pixels = torch.from_numpy(numpy.ascontiguousarray(decoded))
        return {"inputs": pixels, "targets": torch.tensor(int(self.targets[index]))}


def on_demand(
    name: str,
    found: Mapping[str, Folder],
    encoded: Mapping[str, numpy.ndarray],
    rows: Rows,
    plan: Labels,
    spec: Image,
) -> Dataset:
    """Make a dataset of image files.

    Args:
        found: the folder of each part; "train" among them, of which `rows` are the splits.
        encoded: the class codes of each part.
    """
    mean, scale = streamed_moments([found["train"].paths[row] for row in rows["train"]], spec)
    preparation = ImagePreparation(spec, mean, scale, plan)

    def examples(key: str) -> FileExamples:
        targets = torch.from_numpy(encoded[key])
        read = ReadPicture(found[key].paths, encoded[key], spec)
        return FileExamples(read, len(targets), targets=targets, finish=preparation.finish())

    train = examples("train")
    parts = {split: train.subset(torch.from_numpy(part)) for split, part in rows.items()}
    parts |= {key: examples(key) for key in found if key != "train"}
    return collected(name, preparation, parts, encoded["train"], rows)


def streamed_moments(paths: Sequence[Path], spec: Image) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Return mean and deviation per channel over image files, one file in memory at a time."""
    histogram = numpy.zeros((spec.channels, 256), dtype=numpy.int64)
    for each in decode_all(paths, spec.channels, (spec.height, spec.width)):
        if not isinstance(each, str):
            histogram += byte_counts(each[None])
    return histogram_moments(histogram)
