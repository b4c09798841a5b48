"""Dense data: images in folders whose targets lie beside them, as masks or boxes. What the two readers share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy
import polars
import torch

from neurarium.core import batches
from neurarium.core.errors import DataError, OptionError
from neurarium.data.assembly.partition import How, partition
from neurarium.data.assembly.quarantine import left_out
from neurarium.data.dataset import Dataset, Decision
from neurarium.data.examples import Examples
from neurarium.data.preparation.dense import DensePreparation
from neurarium.data.preparation.dense_targets import BoxTarget, MaskTarget
from neurarium.data.preparation.statistics import moments
from neurarium.data.readers.encodings import missing_path
from neurarium.data.readers.folders import FileNames, Folder, inspected, split_folders
from neurarium.data.readers.pictures import Rules, files
from neurarium.data.readers.pixels import choose_storage, in_memory
from neurarium.data.specs import Image


def image_folder(source: Any, what: str) -> Path:
    """Return the folder of images.

    Raises:
        DataError: there is none.
    """
    path = Path(source)
    if not path.exists():
        raise missing_path(path)
    if not path.is_dir():
        raise DataError(
            f"images with {what} are read from a folder", expected="a folder of images", received=path.name
        )
    return path


def found_images(root: Path) -> dict[str, Folder]:
    """Find the images of each part: those in folders named as the splits, else all below the folder as `train`.

    Raises:
        DataError: no image.
    """
    parts = split_folders(root) or {"train": root}
    found = {name: inspected(files(folder), root) for name, folder in parts.items()}
    for name, folder in found.items():
        if not folder.paths:
            raise DataError(
                f"there is no image for {name} in {parts[name]}",
                expected="png, jpg or other images",
                received="; ".join(f"{each['file']}: {each['reason']}" for each in folder.quarantined[:3])
                or "no file",
            )
    return found


def how_to_split(
    found: Mapping[str, Any], validation: Any, test: Any, test_fraction: float, split: Any, seed: int
) -> How:
    """Return how the training images are split; parts with folders of their own are not drawn.

    Raises:
        OptionError: a folder for a part, which would need targets of its own.
    """
    for name, given in (("test", test), ("validation", validation)):
        if isinstance(given, str | Path):
            raise OptionError(
                f"--{name} FOLDER would need masks or boxes of its own",
                expected=f"a share, or folders train, validation and test inside the images: here '{name}'",
                received=given,
                fix=f"move the folder to IMAGES/{name}, and its masks likewise",
            )
    return How(
        0.0 if "validation" in found else float(validation),
        0.0 if "test" in found else test_fraction,
        split,
        None,
        None,
        seed,
    )


def pixels_of(
    found: Mapping[str, Folder], spec: Image, rules: Rules, memory: int | None
) -> tuple[dict[str, Any], Decision]:
    """Decode all images into memory.

    Raises:
        DataError: they do not fit.
    """
    count = sum(len(folder.paths) for folder in found.values())
    need = count * (spec.channels + 1) * spec.height * spec.width
    where, called, reason = choose_storage(need, "auto", memory)
    if where != "memory":
        raise DataError(
            f"{count:,} images of {spec.height} x {spec.width} with their targets do not fit into memory",
            expected="images that fit: those with masks or boxes are not read on demand",
            received=reason,
            fix="make them smaller with --set size=, or give --set memory= bytes",
        )
    held = {key: in_memory(folder.paths, spec, rules) for key, folder in found.items()}
    return held, Decision("storage", called, reason, "--set memory=")


def collected(
    name: str,
    found: Mapping[str, Folder],
    held: Mapping[str, Any],
    targets: Mapping[str, Any],
    target: MaskTarget | BoxTarget,
    spec: Image,
    rules: Rules,
    how: How,
    counted: Callable[[Any], dict[str, int]],
    decisions: Sequence[Decision],
) -> Dataset:
    """Split, fit the preparation on the training images, and put the dataset together.

    Args:
        held: of each part, the decoded images.
        targets: of each part, a nest of tensors in the order of its files.
        counted: targets of the training part -> how much there is of each class.
    """
    for key, folder in found.items():
        folder.quarantined += [
            {"file": folder.name(folder.paths[place]), "reason": why}
            for place, why in held[key].failed.items()
        ]
    usable = {
        key: numpy.setdiff1d(numpy.arange(len(each.paths)), list(held[key].failed))
        for key, each in found.items()
    }
    count = len(found["train"].paths)
    rows, split = partition(polars.DataFrame(), numpy.zeros(count), usable["train"], None, how)  # type: ignore[arg-type]
    if not len(rows["train"]):
        raise DataError("no training image can be decoded", received=found["train"].quarantined[:3])
    pixels = {key: torch.from_numpy(each.array) for key, each in held.items()}
    mean, scale = moments(pixels["train"], rows["train"], (0, 2, 3))
    preparation = DensePreparation(spec, mean, scale, target, rules=rules)  # type: ignore[arg-type]

    def examples(key: str, part: numpy.ndarray) -> Examples:
        chosen = torch.from_numpy(part)
        batch = {"inputs": pixels[key].index_select(0, chosen), "targets": batches.take(targets[key], chosen)}
        return Examples(batch, finish=preparation.finish())

    splits = {key: examples("train", part) for key, part in rows.items()}
    splits |= {key: examples(key, usable[key]) for key in found if key != "train"}
    parts = {**rows, **{key: usable[key] for key in found if key != "train"}}
    quarantined = [each for folder in found.values() for each in folder.quarantined]
    summary: dict[str, Any] = {
        "examples": sum(len(part) for part in splits.values()),
        "splits": {key: len(part) for key, part in splits.items()},
        "classes": counted(splits["train"].targets),
        "quarantined": quarantined,
    }
    return Dataset(
        name,
        spec,
        target.spec,
        splits["train"],
        splits.get("validation"),
        splits.get("test"),
        preparation=preparation,
        decisions=[*decisions, *left_out(quarantined), *split],
        summary=summary,
        rows=dict(rows),
        files={key: FileNames(found[key if key in found else "train"], part) for key, part in parts.items()},
    )
