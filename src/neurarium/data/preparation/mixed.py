"""Preparation of mixed rows: a table's columns, texts and images, each fitted on training rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy
import polars
import torch
from torch import Tensor

from neurarium.data.preparation.statistics import byte_counts, histogram_moments
from neurarium.data.preparation.storage import save_preparation
from neurarium.data.preparation.tables import TablePreparation
from neurarium.data.preparation.text import TextPreparation
from neurarium.data.readers.pictures import decode_all
from neurarium.data.readers.values import text
from neurarium.data.specs import Image, Mixed, Tokens


@dataclasses.dataclass
class ImageColumn:
    """A column of paths of images.

    Args:
        source: its name.
        spec: channels, height, width.
        mean, scale: per channel, of training pixels.
        folder: where paths begin that are not found beside the table.
    """

    source: str
    spec: Image
    mean: numpy.ndarray
    scale: numpy.ndarray
    folder: str = ""

    def decode(
        self, column: polars.Series, beside: Path | None
    ) -> tuple[Tensor, Tensor, list[dict[str, str]]]:
        """Return bytes `(rows, channels, height, width)`, which rows have an image, and which files have none."""
        spec, paths = self.spec, located(column, [beside, Path(), Path(self.folder)])
        pixels = numpy.zeros((len(paths), spec.channels, spec.height, spec.width), dtype=numpy.uint8)
        there = numpy.zeros(len(paths), dtype=bool)
        given = column.to_list()
        broken = [
            {"file": str(given[row]), "reason": "there is no such file"}
            for row, path in enumerate(paths)
            if path is None and given[row]
        ]
        rows = [row for row, path in enumerate(paths) if path is not None]
        found = decode_all([paths[row] for row in rows], spec.channels, (spec.height, spec.width))  # type: ignore[misc]
        for row, decoded in zip(rows, found, strict=True):
            if isinstance(decoded, str):
                broken.append({"file": str(paths[row]), "reason": decoded})
            else:
                pixels[row], there[row] = decoded, True
        return torch.from_numpy(pixels), torch.from_numpy(there), broken

    def fit(self, pixels: Tensor, there: Tensor) -> None:
        """Take mean and scale of training images."""
        self.mean, self.scale = histogram_moments(byte_counts(pixels[there].numpy()))

    def finish(self, pixels: Tensor, there: Tensor) -> Tensor:
        """Return standardized images; one that is missing is zero."""
        mean, scale = (
            torch.tensor(each, dtype=torch.float32, device=pixels.device)[:, None, None]
            for each in (self.mean, self.scale)
        )
        return ((pixels.float() - mean) / scale) * there[:, None, None, None]

    def to_json(self) -> dict[str, Any]:
        return {"source": self.source, "spec": self.spec.to_json(), "folder": self.folder}


@dataclasses.dataclass
class MixedPreparation(TablePreparation):
    """The preparation of a table that holds texts or images too. A single text and nothing else becomes `Tokens`.

    Args:
        texts: (key, column, preparation) of each text column.
        images: (key, column) of each column of images.
    """

    texts: list[tuple[str, str, TextPreparation]] = dataclasses.field(default_factory=list)
    images: list[tuple[str, ImageColumn]] = dataclasses.field(default_factory=list)

    @property
    def alone(self) -> bool:
        """Whether the rows hold one text and nothing else."""
        return len(self.texts) == 1 and not (self.images or self.numeric or self.categorical)

    @property
    def inputs(self) -> Mixed | Tokens:  # type: ignore[override]
        """The spec of one prepared row."""
        if self.alone:
            return self.texts[0][2].inputs
        return Mixed(
            super().inputs,
            tuple((key, each.inputs) for key, _, each in self.texts),
            tuple((key, each.spec) for key, each in self.images),
        )

    @property
    def sources(self) -> list[str]:
        """The raw columns that the inputs are made of."""
        more = [*(column for _, column, _ in self.texts), *(each.source for _, each in self.images)]
        return [*super().sources, *more]

    def transform(self, frame: polars.DataFrame, origin: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Turn rows into small tensors (indices, bytes), which `finish` turns into inputs, and notes."""
        batch, notes = super().transform(frame, origin)
        beside = Path(origin).parent if Path(origin).is_file() else None
        quarantined = []
        for key, column, preparation in self.texts:
            values = text(frame.get_column(column), self.reading.missing).to_list()
            batch[key] = preparation.encode(values)
        for key, each in self.images:
            batch[key], batch[f"{key}_there"], broken = each.decode(frame.get_column(each.source), beside)
            quarantined += broken
        return batch, notes | ({"quarantined": quarantined} if quarantined else {})

    def finish(self) -> Finish:
        """Return what turns small tensors into inputs."""
        return Finish([(key, each) for key, _, each in self.texts], self.images, self.alone)

    def apply(self, raw: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """As of `TablePreparation`; the notes name the images that could not be read, as `quarantined`."""
        from neurarium.data.readers.text_folders import read_texts

        files = None
        if self.alone and isinstance(raw, str | Path) and _is_texts(Path(raw), self.columns):
            files, said = read_texts(Path(raw))
            raw = {self.texts[0][1]: said}
        batch, notes = super().apply(raw)
        return self.finish()(batch), notes | ({"files": files} if files else {})

    def save(self, folder: Path | str) -> None:
        """Write preparation.json, preparation.safetensors and the tokenizers into a folder."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        names = ["tokenizer.json", *(f"tokenizer-{number}.json" for number in range(2, len(self.texts) + 1))]
        texts = [
            {"key": key, "column": column, **each.save(folder / name)}
            for name, (key, column, each) in zip(names, self.texts, strict=False)
        ]
        arrays = self.arrays() | {f"{key}.mean": each.mean for key, each in self.images}
        arrays |= {f"{key}.scale": each.scale for key, each in self.images}
        images = [{"key": key, **each.to_json()} for key, each in self.images]
        save_preparation(folder, "mixed", {**self.content(), "texts": texts, "images": images}, arrays)

    @classmethod
    def from_folder(
        cls, folder: Path, content: Mapping[str, Any], arrays: Mapping[str, numpy.ndarray]
    ) -> MixedPreparation:
        """Rebuild a preparation from its folder."""
        texts = [
            (each["key"], each["column"], TextPreparation.load(folder, each)) for each in content["texts"]
        ]
        images = []
        for each in content["images"]:
            spec = Image(**{name: value for name, value in each["spec"].items() if name != "spec"})
            mean, scale = arrays[f"{each['key']}.mean"], arrays[f"{each['key']}.scale"]
            images.append((each["key"], ImageColumn(each["source"], spec, mean, scale, each["folder"])))
        table = TablePreparation.from_saved(content, arrays)
        return cls.around(table, texts, images)

    @classmethod
    def around(
        cls,
        table: TablePreparation,
        texts: list[tuple[str, str, TextPreparation]],
        images: list[tuple[str, ImageColumn]],
    ) -> MixedPreparation:
        """Add texts and images to the preparation of a table."""
        held = {field.name: getattr(table, field.name) for field in dataclasses.fields(TablePreparation)}
        return cls(**held, texts=texts, images=images)


def _is_texts(path: Path, columns: Sequence[str]) -> bool:
    """Whether a path is read as texts: a folder of them, or one for a run that learned from such a folder."""
    from neurarium.data.readers.text_folders import CLASS, SUFFIX, TEXT

    if path.is_dir():
        return any(path.rglob(f"*{SUFFIX}"))
    return path.suffix.lower() == SUFFIX and tuple(columns) == (TEXT, CLASS)


class Finish:
    """Turns the small tensors of mixed rows into inputs; picklable for workers."""

    def __init__(
        self,
        texts: Sequence[tuple[str, TextPreparation]],
        images: Sequence[tuple[str, ImageColumn]],
        alone: bool = False,
    ):
        self.texts, self.images, self.alone = list(texts), list(images), alone

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        inputs = dict(batch["inputs"])
        for key, text_ in self.texts:
            made = text_.batch(inputs.pop(key))
            if self.alone:
                return {**batch, "inputs": made}
            inputs |= {f"{key}_tokens": made["tokens"], f"{key}_mask": made["mask"]}
        for key, image in self.images:
            inputs[key] = image.finish(inputs[key], inputs.pop(f"{key}_there"))
        return {**batch, "inputs": inputs}


def located(column: polars.Series, folders: Sequence[Path | None]) -> list[Path | None]:
    """Return the file of each value of a column of paths, or None; the first folder that has it counts.

    >>> located(polars.Series(["no such file.png", None]), [Path()])
    [None, None]
    """
    known: dict[str, Path | None] = {}
    for value in column.drop_nulls().cast(polars.String).unique().to_list():
        found = (folder / Path(value).expanduser() for folder in folders if folder is not None)
        known[value] = next((each for each in found if value and each.is_file()), None)
    return [known.get(value) for value in column.cast(polars.String).to_list()]
