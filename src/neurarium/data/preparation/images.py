"""Preparation of images: decoded to one size and number of channels, standardized per channel."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy
import torch
from torch import Tensor

from neurarium.core.errors import DataError
from neurarium.data.preparation.stacked_targets import with_targets
from neurarium.data.preparation.statistics import Standardize
from neurarium.data.preparation.storage import save_preparation
from neurarium.data.preparation.stored_targets import target_from_json
from neurarium.data.preparation.targets import Target, match
from neurarium.data.readers.idx import read_idx
from neurarium.data.readers.listing import TABLES, read_listing
from neurarium.data.readers.npz import pair_of
from neurarium.data.readers.paths import are_paths, files_at
from neurarium.data.readers.pictures import USUAL, Rules, decode_all, files
from neurarium.data.readers.stacks import as_stack
from neurarium.data.specs import Image


@dataclasses.dataclass
class ImagePreparation:
    """The preparation of images.

    Args:
        spec: channels, height, width.
        mean, scale: per channel, of the training images, in the units of the raw pixels.
        target: how targets are encoded.
        bytes: whether pixels are bytes (0 to 255), or floats as they come.
        rules: how image files are decoded.
        column: the column of a table that names the image files, where the images came by a table.
    """

    spec: Image
    mean: numpy.ndarray
    scale: numpy.ndarray
    target: Target
    bytes: bool = True
    rules: Rules = USUAL
    column: str | None = None
    kind: ClassVar[str] = "image"  # how a saved one is found again

    @property
    def inputs(self) -> Image:
        return self.spec

    def finish(self) -> Standardize:
        """Return what turns raw pixels into standardized float32."""
        return Standardize(self.mean, self.scale)

    def apply(self, raw: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Turn new images into (batch, notes).

        Args:
            raw: an image file, a folder of them, a list of paths, a table of paths where training had one, an idx,
                npz or npy file, or an array of one image or several.

        Returns:
            `{"inputs": float32, "targets": ...}`; targets where each image lies in a folder named as its class, or
            an npz file holds them. The
            notes are `rows`, `files`, `quarantined` (name and reason of what could not be read).

        Raises:
            DataError: no readable image.
        """
        if not isinstance(raw, str | os.PathLike) and not are_paths(raw):
            return self._stacked(raw)
        if not are_paths(raw) and Path(raw).suffix.lower() in (".npz", ".npy"):
            pixels, targets = pair_of(raw)
            return with_targets(self._stacked(pixels), targets, self.target)
        if not are_paths(raw) and _is_idx(Path(raw)):
            return self._stacked(read_idx(raw))
        if not are_paths(raw) and self.column and Path(raw).suffix.lower() in TABLES and Path(raw).is_file():
            return self._from_table(Path(raw))
        return self._decoded(files_at(raw, files), raw)

    def save(self, folder: Path | str) -> None:
        """Write preparation.json and preparation.safetensors into a folder."""
        content = {"spec": self.spec.to_json(), "target": self.target.to_json(), "bytes": self.bytes}
        content |= {"rules": self.rules.to_json(), "column": self.column}
        save_preparation(folder, self.kind, content, {"mean": self.mean, "scale": self.scale})

    @classmethod
    def from_saved(cls, content: Mapping[str, Any], arrays: Mapping[str, numpy.ndarray]) -> ImagePreparation:
        """Rebuild a preparation from its JSON and its arrays."""
        spec = {key: value for key, value in content["spec"].items() if key != "spec"}
        target = target_from_json(content["target"])
        rules = Rules.from_json(content["rules"]) if "rules" in content else USUAL
        shape = Image(**spec)
        return cls(
            shape, arrays["mean"], arrays["scale"], target, content["bytes"], rules, content.get("column")
        )

    def _stacked(self, raw: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        spec = self.spec
        stack = as_stack(raw, channels=spec.channels)
        if tuple(stack.shape[1:]) != (spec.channels, spec.height, spec.width):
            raise DataError(
                "the images have another shape than those the model was trained on",
                expected=f"{spec.channels} channels of {spec.height} x {spec.width} pixels",
                received=f"shape {tuple(stack.shape)}",
                fix="resize them first, or give image files, which are resized by rule",
            )
        return self._finished(stack, {"rows": len(stack)})

    def _decoded(self, paths: Sequence[Path], raw: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        size = (self.spec.height, self.spec.width)
        decoded = list(zip(paths, decode_all(paths, self.spec.channels, size, self.rules), strict=True))
        kept = [path for path, each in decoded if not isinstance(each, str)]
        quarantined = [{"file": str(path), "reason": each} for path, each in decoded if isinstance(each, str)]
        if not kept:
            raise DataError(
                f"there is no readable image in {raw}",
                expected="png, jpg or other images",
                received="; ".join(f"{each['file']}: {each['reason']}" for each in quarantined[:3])
                or "no files",
            )
        pixels = torch.from_numpy(numpy.stack([each for _, each in decoded if not isinstance(each, str)]))
        notes = {"rows": len(kept), "files": [str(path) for path in kept], "quarantined": quarantined}
        batch, notes = self._finished(pixels, notes)
        names = getattr(self.target, "names", ())
        classes = [match(path.parent.name, names) for path in kept]
        if names and all(classes):
            batch["targets"] = torch.tensor([names.index(name) for name in classes])
        return batch, notes

    def _from_table(self, path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
        """Read a table of paths as training did; the targets are in the batch where all of them are in the table."""
        columns = self.target.columns
        found = read_listing(path, str(self.column), columns, None, known=False)
        batch, notes = self._decoded(found.paths, path)
        notes["quarantined"] = [*found.quarantined, *notes["quarantined"]]
        if found.frame is not None and set(columns) <= set(found.frame.columns):
            places = {str(each): place for place, each in enumerate(found.paths)}
            kept = found.frame[[places[each] for each in notes["files"]]]
            encoded, _ = self.target.encode(kept)
            known = encoded >= 0 if encoded.ndim == 1 else numpy.isfinite(encoded).all(axis=1)
            if known.all():
                batch["targets"] = self.target.tensor(encoded)
        return batch, notes

    def _finished(self, pixels: Tensor, notes: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        return self.finish()({"inputs": pixels}), notes


def _is_idx(path: Path) -> bool:
    name = path.name.lower().removesuffix(".gz")
    return path.is_file() and ("-ubyte" in name or "idx" in name.rpartition(".")[2])
