"""Scenes: masks and boxes that a run finds in new images, in the places of the original files, as tables and pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy
import polars
import torch

from neurarium.core.errors import DataError, OptionError
from neurarium.core.files import write_atomically, write_json, writing
from neurarium.data.geometry import detected
from neurarium.data.readers.boxes import read_boxes
from neurarium.data.readers.encodings import missing_path
from neurarium.data.readers.fitting import Fit, fit_of
from neurarium.data.readers.pictures import decode, files, header
from neurarium.data.specs import IGNORED, Boxes, Mask
from neurarium.studies.pictures.drawing import framed, overlaid
from neurarium.studies.prediction.learner import evaluating, learner_of
from neurarium.training.run import Run

AT_ONCE = 32  # files that are decoded and looked at together
SURE = 0.3  # boxes of a lower score are listed, but not drawn


def is_dense(run: Run) -> bool:
    """Return whether a run answers with masks or boxes."""
    return isinstance(run.targets, Mask | Boxes)


def predict_scenes(
    run: Run, raw: Any, out: str | Path | None = None, boxes: str | Path | None = None
) -> tuple[polars.DataFrame, dict[str, Any]]:
    """Find masks or boxes in image files.

    Args:
        run: a trained run of masks or boxes.
        raw: an image file, or a folder of them.
        out: a folder for what was found. Masks: `masks/NAME.png`, of the size of the image and with the values of the
            training masks, and `overlays/NAME.png`. Boxes: `boxes.json` (COCO, with the category ids of the training's COCO
            file), `detections.json` (the list of results that pycocotools' `loadRes` reads) and `pictures/NAME.png`.
        boxes: a COCO file of these images, whose image ids are taken; else they are numbered from 1.

    Returns:
        The table and the notes (`quarantined`). Masks: a row per file with the `share` of each class. Boxes: a row per box
        with `file`, `label`, `score`, `x_min`, `y_min`, `x_max`, `y_max` in pixels of the file.

    Raises:
        DataError: no such file, or no readable image.
        OptionError: arrays; `boxes` for a run of masks.
    """
    path = require_files(raw)
    if not path.exists():
        raise missing_path(path)
    listed = files(path) if path.is_dir() else [path]
    heads = {each: header(each) for each in listed}
    good = [each for each in listed if not isinstance(heads[each], str)]
    quarantined = [
        {"file": str(each), "reason": str(heads[each])} for each in listed if isinstance(heads[each], str)
    ]
    if not good:
        raise DataError(
            f"there is no readable image in {path}",
            expected="png, jpg or other images",
            received="; ".join(f"{each['file']}: {each['reason']}" for each in quarantined[:3]) or "no files",
        )
    base = path if path.is_dir() else path.parent
    if boxes is not None and isinstance(run.targets, Mask):
        raise OptionError(
            "the run finds masks, whose files have the names of the images", received=f"--boxes {boxes}",
            fix="leave it out",
        )  # fmt: skip
    if boxes is not None and not Path(boxes).exists():
        raise missing_path(Path(boxes))
    ids = {} if boxes is None else read_boxes(Path(boxes), faults=[]).images
    write = _Masks(run, base, out) if isinstance(run.targets, Mask) else _Boxes(run, base, out, ids)
    for file, found, fit in _found(run, good, quarantined):
        write.add(file, found, fit)
    return write.finish(), {"quarantined": quarantined, "files": [str(each) for each in good]}


def _found(
    run: Run, paths: Sequence[Path], quarantined: list[dict[str, str]]
) -> Iterator[tuple[Path, dict[str, numpy.ndarray], Fit]]:
    """Yield (file, what was found in the prepared image, how the file became that)."""
    method, targets, preparation = learner_of(run), run.targets, run.preparation
    size = (preparation.spec.height, preparation.spec.width)
    for start in range(0, len(paths), AT_ONCE):
        batch, notes = preparation.apply(list(map(str, paths[start : start + AT_ONCE])))
        quarantined += notes["quarantined"]
        with evaluating(method) as device:
            outputs = method.predict(batch["inputs"].to(device)).cpu()
        if isinstance(targets, Mask):
            held: dict[str, torch.Tensor] = {"codes": targets.decided(outputs).to(torch.uint8)}
        else:
            held = detected(outputs, targets)  # type: ignore[arg-type]
        for place, name in enumerate(notes["files"]):
            head: Any = header(Path(name))
            fit = fit_of(head.width, head.height, size, preparation.rules.aspect)
            yield Path(name), {key: value[place].numpy() for key, value in held.items()}, fit


class _Masks:
    """Collects masks: a row per file, and the pictures."""

    def __init__(self, run: Run, base: Path, out: str | Path | None):
        self.run, self.base, self.out = run, base, None if out is None else Path(out)
        self.rows: list[dict[str, Any]] = []
        target = run.preparation.target
        # The values of the training masks; where the image was cut off, the ignored one, or the first class.
        values = numpy.zeros(256, numpy.int64)
        values[: len(target.values)] = target.values
        values[IGNORED] = target.ignored[0] if target.ignored else target.values[0]
        self.values = values

    def add(self, file: Path, found: dict[str, numpy.ndarray], fit: Fit) -> None:
        codes, names = fit.back_mask(found["codes"], IGNORED), self.run.targets.names  # type: ignore[union-attr]
        row: dict[str, Any] = {"file": str(file)}
        if self.out is not None:
            name = file.relative_to(self.base).with_suffix(".png")
            row["mask"] = str(self.out / "masks" / name)
            save(_as_picture(self.values[codes]), self.out / "masks" / name)
            pixels: Any = decode(file, 3, None, self.run.preparation.rules)
            save(overlaid(pixels.transpose(1, 2, 0), codes), self.out / "overlays" / name)
        shares = numpy.bincount(codes.ravel(), minlength=256) / codes.size
        self.rows.append(row | {f"share_{name}": float(shares[code]) for code, name in enumerate(names)})

    def finish(self) -> polars.DataFrame:
        return polars.DataFrame(self.rows)


class _Boxes:
    """Collects boxes: a row each, a COCO file, and the pictures."""

    def __init__(self, run: Run, base: Path, out: str | Path | None, ids: Mapping[str, Any]):
        self.run, self.base, self.out = run, base, None if out is None else Path(out)
        self.rows: list[dict[str, Any]] = []
        self.images: list[dict[str, Any]] = []
        alone = Counter(Path(name).name for name in ids)
        self.ids = {Path(name).name: key for name, key in ids.items() if alone[Path(name).name] == 1} | dict(
            ids
        )
        self.next = max((each for each in ids.values() if isinstance(each, int)), default=0) + 1

    def _id(self, name: Path) -> Any:
        """The id of an image in the user's list, by its place or by its name alone; else the next free number."""
        found = self.ids.get(name.as_posix(), self.ids.get(name.name))
        if found is None:
            found, self.next = self.next, self.next + 1
        return found

    def add(self, file: Path, found: dict[str, numpy.ndarray], fit: Fit) -> None:
        names = self.run.targets.names  # type: ignore[union-attr]
        there = numpy.flatnonzero(found["scores"] > 0)
        sides = fit.back_boxes(found["boxes"][there].astype(float))
        labels = [names[code] for code in found["labels"][there]]
        scores = found["scores"][there].astype(float).tolist()
        name = file.relative_to(self.base)
        self.images.append(
            {"id": self._id(name), "file_name": name.as_posix(), "width": fit.width, "height": fit.height}
        )
        for box, label, score in zip(sides.tolist(), labels, scores, strict=True):
            corners = dict(zip(("x_min", "y_min", "x_max", "y_max"), box, strict=True))
            self.rows.append({"file": str(file), "label": label, "score": score, **corners})
        if self.out is not None:
            pixels: Any = decode(file, 3, None, self.run.preparation.rules)
            drawn = [(box, f"{label} {score:.2f}") for box, label, score in zip(sides.tolist(), labels, scores, strict=True) if score >= SURE]  # fmt: skip
            save(framed(pixels.transpose(1, 2, 0), drawn), self.out / "pictures" / name.with_suffix(".png"))

    def finish(self) -> polars.DataFrame:
        kinds = {"file": polars.String, "label": polars.String, "score": polars.Float64}
        schema = {**kinds, **dict.fromkeys(("x_min", "y_min", "x_max", "y_max"), polars.Float64)}
        frame = polars.DataFrame(self.rows, schema=schema)
        if self.out is not None:
            held = self._coco()
            write_json(self.out / "boxes.json", held)
            told = ("image_id", "category_id", "bbox", "score")
            write_json(
                self.out / "detections.json",
                [{key: each[key] for key in told} for each in held["annotations"]],
            )
        return frame

    def _coco(self) -> dict[str, Any]:
        names = list(self.run.targets.names)  # type: ignore[union-attr]
        ids = {str(self.base / each["file_name"]): each["id"] for each in self.images}
        kinds = dict(zip(names, self.run.preparation.target.ids or range(len(names)), strict=True))
        notes = []
        for number, row in enumerate(self.rows, start=1):  # pycocotools takes an id of 0 for nothing
            wide, high = row["x_max"] - row["x_min"], row["y_max"] - row["y_min"]
            notes.append(
                {
                    "id": number,
                    "image_id": ids[row["file"]],
                    "category_id": kinds[row["label"]],
                    "bbox": [row["x_min"], row["y_min"], wide, high],
                    "area": wide * high,
                    "iscrowd": 0,
                    "score": row["score"],
                }
            )
        told = [{"id": key, "name": name} for name, key in kinds.items()]
        return {"images": self.images, "annotations": notes, "categories": told}


def save(pixels: numpy.ndarray, path: Path) -> None:
    """Write a PNG, whole or not at all; its folder is made."""
    import PIL.Image

    def write(temporary: Path) -> None:
        with writing(path):
            PIL.Image.fromarray(pixels).save(temporary, "PNG")

    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, write)


def _as_picture(values: numpy.ndarray) -> numpy.ndarray:
    """Values of masks as grey bytes; colors where some value is one."""
    if values.max() < 256:
        return values.astype(numpy.uint8)
    if values.max() < 65536:
        return values.astype(numpy.uint16)
    return numpy.stack([values >> 16, values >> 8 & 255, values & 255], axis=-1).astype(numpy.uint8)


def require_files(raw: Any) -> Path:
    """Return the path of new images.

    Raises:
        OptionError: arrays, which have no place for masks and boxes to go back to.
    """
    if not isinstance(raw, str | Path):
        raise OptionError(
            "masks and boxes are predicted for image files",
            expected="a file or a folder",
            received=type(raw).__name__,
            fix="for tensors use run.network, and data.geometry.detected or Mask.decided on its outputs",
        )
    return Path(raw)
