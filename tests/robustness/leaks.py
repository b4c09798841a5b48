"""Leaks: every path from data to a model, with labels that mean nothing and with labels that do."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import polars
from PIL import Image

Labels = numpy.ndarray
ROWS = 600


def examples(shuffled: bool, seed: int = 0) -> tuple[numpy.ndarray, Labels]:
    """Return `(rows, 8)` numbers of two classes that lie apart, and their labels: the true ones, or shuffled."""
    chance = numpy.random.default_rng(seed)
    labels = numpy.arange(ROWS) % 2
    values = chance.normal(size=(ROWS, 8)) + 1.5 * labels[:, None]
    order = chance.permutation(ROWS)
    values, labels = values[order], labels[order]
    return values, chance.permutation(labels) if shuffled else labels


def frame(shuffled: bool) -> polars.DataFrame:
    """Return the examples as a table with a group, a time and a category beside the numbers."""
    values, labels = examples(shuffled)
    columns: dict[str, Any] = {f"x{number}": values[:, number] for number in range(values.shape[1])}
    columns["group"] = [f"g{number % 60}" for number in range(ROWS)]
    columns["time"] = numpy.arange(ROWS) + 0.5
    columns["color"] = [("red", "blue", "green")[number % 3] for number in range(ROWS)]
    return polars.DataFrame({**columns, "kind": [("no", "yes")[label] for label in labels]})


def pixels(shuffled: bool) -> tuple[numpy.ndarray, Labels]:
    """Return the examples as images of 8 x 8 bytes."""
    values, labels = examples(shuffled)
    scaled = (40 * values + 100).clip(0, 255).astype(numpy.uint8)
    return numpy.repeat(scaled[:, None, :], 8, axis=1), labels.astype(numpy.uint8)


def csv(folder: Path, shuffled: bool) -> tuple[str, dict[str, Any]]:
    frame(shuffled).drop("group", "time").write_csv(folder / "data.csv")
    return str(folder / "data.csv"), {"target": "kind"}


def parquet(folder: Path, shuffled: bool) -> tuple[str, dict[str, Any]]:
    frame(shuffled).drop("group", "time").write_parquet(folder / "data.parquet")
    return str(folder / "data.parquet"), {"target": "kind"}


def grouped(folder: Path, shuffled: bool) -> tuple[str, dict[str, Any]]:
    frame(shuffled).drop("time").write_csv(folder / "data.csv")
    return str(folder / "data.csv"), {"target": "kind", "group": "group"}


def by_time(folder: Path, shuffled: bool) -> tuple[str, dict[str, Any]]:
    frame(shuffled).drop("group").write_csv(folder / "data.csv")
    return str(folder / "data.csv"), {"target": "kind", "time": "time"}


def own_test_file(folder: Path, shuffled: bool) -> tuple[str, dict[str, Any]]:
    table = frame(shuffled).drop("group", "time")
    table[:450].write_csv(folder / "data.csv")
    table[450:].write_csv(folder / "test.csv")
    return str(folder / "data.csv"), {"target": "kind", "test": str(folder / "test.csv")}


def npz(folder: Path, shuffled: bool) -> tuple[str, dict[str, Any]]:
    images, labels = pixels(shuffled)
    numpy.savez(folder / "data.npz", images=images, labels=labels)
    return str(folder / "data.npz"), {}


def idx(folder: Path, shuffled: bool) -> tuple[str, dict[str, Any]]:
    images, labels = pixels(shuffled)
    for part, rows in (("train", slice(0, 450)), ("t10k", slice(450, None))):
        for name, array in (("images-idx3", images[rows]), ("labels-idx1", labels[rows])):
            head = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
            (folder / f"{part}-{name}-ubyte.gz").write_bytes(gzip.compress(head + array.tobytes(), mtime=0))
    return str(folder), {}


def image_folder(folder: Path, shuffled: bool) -> tuple[str, dict[str, Any]]:
    images, labels = pixels(shuffled)
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        place = folder / ("no", "yes")[label]
        place.mkdir(exist_ok=True)
        Image.fromarray(image).save(place / f"{number:04d}.png")
    return str(folder), {}


def streamed(folder: Path, shuffled: bool) -> tuple[str, dict[str, Any]]:
    frame(shuffled).drop("group", "time").write_parquet(folder / "data.parquet", row_group_size=100)
    options = {"stream": True, "validation": 0.2, "test_fraction": 0.2}
    return str(folder / "data.parquet"), {"target": "kind", "options": options}


def texts(folder: Path, shuffled: bool) -> tuple[str, dict[str, Any]]:
    """Three words of each row say where its first numbers lie; a column of numbers stands beside the texts."""
    values, labels = examples(shuffled)
    words = [
        " ".join(f"w{number}{'high' if each > 0.75 else 'low'}" for number, each in enumerate(row))
        for row in values
    ]
    kinds = [("no", "yes")[label] for label in labels]
    polars.DataFrame({"said": words, "x0": values[:, 0], "kind": kinds}).write_csv(folder / "data.csv")
    return str(folder / "data.csv"), {"target": "kind", "text": "said"}


def paths_of_images(folder: Path, shuffled: bool) -> tuple[str, dict[str, Any]]:
    images, labels = pixels(shuffled)
    names = [f"{number:04d}.png" for number in range(ROWS)]
    for name, image in zip(names, images, strict=True):
        Image.fromarray(image).save(folder / name)
    polars.DataFrame({"path": names, "kind": [("no", "yes")[label] for label in labels]}).write_csv(
        folder / "data.csv"
    )
    return str(folder / "data.csv"), {"target": "kind", "image": "path"}


# Another way to read data has its line here: name -> (folder, shuffled) -> what `read_data` is given.
PATHS: dict[str, Callable[[Path, bool], tuple[str, dict[str, Any]]]] = {
    "csv": csv,
    "parquet": parquet,
    "grouped": grouped,
    "by time": by_time,
    "own test file": own_test_file,
    "npz": npz,
    "idx": idx,
    "image folder": image_folder,
    "streamed Parquet": streamed,
    "texts": texts,
    "paths of images": paths_of_images,
}
