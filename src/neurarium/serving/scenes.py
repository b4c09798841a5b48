"""Scenes: masks and boxes found in the images of a request, in the places of the original pixels."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from neurarium.core.errors import DataError
from neurarium.data.readers.pictures import header
from neurarium.data.specs import Mask
from neurarium.serving.example import Example
from neurarium.serving.pixels import Images
from neurarium.serving.records import plain
from neurarium.serving.schemas import NUMBER, TEXT, file_of, list_of, made_of
from neurarium.studies.prediction.scenes import predict_scenes

SIDES = ("x_min", "y_min", "x_max", "y_max")


class Files(Images):
    """Reads encoded images alone: what is found has its place in them."""

    def parse(self, value: Any, place: str) -> Example:
        """Check one image, as `Images`.

        Raises:
            DataError: no image, or pixels as numbers.
        """
        found = super().parse(value, place)
        if not isinstance(found.value, bytes):
            raise DataError(
                f"{place} holds pixels", expected="an image file, as base64 or as it is", received="numbers"
            )
        return found

    def collate(self, examples: Sequence[Example]) -> tuple[list[bytes], dict[int, DataError]]:
        """Return the files."""
        return [each.value for each in examples], {}

    def schema(self) -> dict[str, Any]:
        """Return the schema of one example."""
        return made_of({"image": file_of("image", "base64 of an image file of any size")})

    def blank(self) -> None:
        return None


class Scenes:
    """Answers with what `neurarium predict --out` finds in image files.

    Args:
        predictor: the run.
    """

    def __init__(self, predictor: Any):
        self.run = predictor.run
        self.masks = isinstance(self.run.targets, Mask)

    def __call__(self, contents: Sequence[bytes]) -> list[Any]:
        """Return for each image what was found in it, or the `DataError` that tells why nothing was looked for."""
        with tempfile.TemporaryDirectory(prefix="neurarium-serve-") as place:
            folder = Path(place) / "images"
            folder.mkdir()
            paths = [folder / f"{number:06}.png" for number in range(len(contents))]
            for path, content in zip(paths, contents, strict=True):
                path.write_bytes(content)
            reasons: dict[str, str] = {}
            for path in paths:
                if isinstance(said := header(path), str):
                    reasons[str(path)] = said
                    path.unlink()
            return self._found(folder, paths, reasons)

    def schema(self) -> dict[str, Any]:
        """Return the schema of one answer."""
        names = list(self.run.targets.names)
        if self.masks:
            mask = file_of(
                "image", "base64 of a PNG of the size of the image, with the values of the training masks"
            )
            return made_of({"shares": made_of(dict.fromkeys(names, NUMBER)), "mask": mask})
        box = {"label": {**TEXT, "enum": names}, "score": NUMBER, **dict.fromkeys(SIDES, NUMBER)}
        return made_of({"boxes": list_of(made_of(box), "in pixels of the image, the surest first")})

    def _found(self, folder: Path, paths: Sequence[Path], reasons: dict[str, str]) -> list[Any]:
        rows: dict[str, list[dict[str, Any]]] = {str(path): [] for path in paths}
        if len(reasons) < len(paths):
            out = folder.parent / "out" if self.masks else None
            frame, notes = predict_scenes(self.run, folder, out)
            for row in frame.to_dicts():
                rows[row.pop("file")].append({name: plain(value) for name, value in row.items()})
            reasons |= {each["file"]: each["reason"] for each in notes["quarantined"]}
        return [
            _unreadable(reasons[str(path)]) if str(path) in reasons else self._answer(rows[str(path)])
            for path in paths
        ]

    def _answer(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        if not self.masks:
            return {"boxes": sorted(rows, key=lambda row: -row["score"])}
        (row,) = rows
        mask = base64.b64encode(Path(row.pop("mask")).read_bytes()).decode()
        return {"shares": {name.removeprefix("share_"): share for name, share in row.items()}, "mask": mask}


def _unreadable(reason: str) -> DataError:
    return DataError("the image cannot be read", expected="png, jpg or other images", received=reason)
