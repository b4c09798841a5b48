"""Mixed rows: JSON objects whose columns are texts and images too. A run of one text alone takes the text as it is.

An image comes as base64: a path in a request would let whoever asks read the files of this machine.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars

from neurarium.core.errors import DataError
from neurarium.data.preparation.mixed import MixedPreparation
from neurarium.data.preparation.tables import TablePreparation
from neurarium.serving.example import Example
from neurarium.serving.pixels import bytes_of
from neurarium.serving.rows import Prose, Rows, no_value
from neurarium.serving.schemas import file_of


class MixedRows(Rows):
    """Reads rows of numbers, categories, texts and images.

    Args:
        preparation: the run's.
    """

    preparation: MixedPreparation

    def __init__(self, preparation: MixedPreparation):
        super().__init__(preparation)
        for _, column, _ in preparation.texts:
            self.readers[column] = Prose(column, self.missing)
        for _, each in preparation.images:
            self.readers[each.source] = Picture(each.source)
        self.needed = frozenset(self.readers)

    def parse(self, value: Any, place: str) -> Example:
        """Check one row; text alone stands for the row of a run that reads one text.

        Raises:
            DataError: as of `Rows`; an image that is no base64.
        """
        if isinstance(value, str) and self.preparation.alone:
            value = {self.preparation.texts[0][1]: value}
        return super().parse(value, place)

    def schema(self) -> dict[str, Any]:
        """Return the schema of one example."""
        alone = {"description": "or the text alone, as a JSON string"} if self.preparation.alone else {}
        return {**super().schema(), **alone}

    def collate(self, examples: Sequence[Example]) -> tuple[Any, dict[int, DataError]]:
        """Return the prepared inputs of checked rows, and the errors of those whose image cannot be read."""
        pictures = {each.source for _, each in self.preparation.images}
        names = [name for name in self.readers if name not in pictures]
        columns = [
            polars.Series(name, [each.value[name] for each in examples], dtype=self.readers[name].dtype)
            for name in names
        ]
        batch = TablePreparation.transform(self.preparation, polars.DataFrame(columns), "the request")[0]
        for key, column, preparation in self.preparation.texts:
            batch[key] = preparation.encode([each.value[column] for each in examples])
        errors: dict[int, DataError] = {}
        for key, each in self.preparation.images:
            contents = [example.value[each.source] for example in examples]
            batch[key], batch[f"{key}_there"], broken = _decoded(each, contents)
            errors |= broken
        inputs = self.preparation.finish()({"inputs": batch})["inputs"]
        return (_without(inputs, errors, len(examples)) if errors else inputs), errors


class Picture:
    """Reads an image of a column: the base64 of a file, or null where there is none."""

    dtype = polars.Object

    def __init__(self, name: str):
        self.name = name

    def __call__(self, value: Any, notes: dict[str, Any], place: str) -> bytes | None:
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise no_value(
                self.name, value, place, "the base64 of an image file, or null where there is none"
            )
        return bytes_of(value, f"column '{self.name}' of {place}")

    def schema(self, fill: float | None) -> dict[str, Any]:
        """Return the schema of a value."""
        return {**file_of("image", "base64 of an image file of any size"), "type": ["string", "null"]}


def _decoded(column: Any, contents: Sequence[bytes | None]) -> tuple[Any, Any, dict[int, DataError]]:
    """Decode as `neurarium predict` does: from files, by the rules of the preparation."""
    with tempfile.TemporaryDirectory(prefix="neurarium-serve-") as folder:
        paths: list[str | None] = []
        for number, content in enumerate(contents):
            path = Path(folder) / f"{number}.image"
            if content is not None:
                path.write_bytes(content)
            paths.append(None if content is None else str(path))
        pixels, there, broken = column.decode(polars.Series(paths, dtype=polars.String), None)
    errors = {
        int(Path(each["file"]).stem): DataError(
            f"the image of column '{column.source}' cannot be read",
            expected="png, jpg or other images",
            received=each["reason"],
        )
        for each in broken
    }
    return pixels, there, errors


def _without(inputs: dict[str, Any], errors: dict[int, DataError], count: int) -> dict[str, Any]:
    kept = [number for number in range(count) if number not in errors]
    return {name: each[kept] for name, each in inputs.items()}
