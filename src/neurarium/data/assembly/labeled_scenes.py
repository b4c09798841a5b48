"""Labeled scenes: new images with their masks or boxes, prepared as those of a training were."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy
import torch

from neurarium.core import batches
from neurarium.core.errors import DataError, OptionError
from neurarium.data.assembly.boxes import encoded_boxes, most_boxes
from neurarium.data.assembly.dense import image_folder
from neurarium.data.assembly.masks import encoded_masks
from neurarium.data.examples import Examples
from neurarium.data.preparation.dense import DensePreparation
from neurarium.data.preparation.dense_targets import BoxTarget, MaskTarget
from neurarium.data.readers.boxes import named_images, read_boxes
from neurarium.data.readers.encodings import missing_path
from neurarium.data.readers.folders import Folder, inspected
from neurarium.data.readers.masks import paired_masks
from neurarium.data.readers.pictures import files
from neurarium.data.readers.pixels import in_memory


def labeled_scenes(
    preparation: Any, source: Any, *, boxes: str | Path | None = None, masks: str | Path | None = None
) -> Examples:
    """Read new images and what is to be found in them, for a preparation of masks or of boxes.

    Args:
        preparation: a `DensePreparation`.
        source: a folder of images.
        boxes: a COCO file or a CSV, as for training.
        masks: a folder of masks, as for training.

    Raises:
        OptionError: boxes for a preparation of masks, or the like.
        DataError: no readable image, an unknown class, whatever the readers of trainings refuse.
    """
    target: Any = getattr(preparation, "target", None)
    wanted = {MaskTarget: ("masks", masks, boxes), BoxTarget: ("boxes", boxes, masks)}.get(type(target))
    if wanted is None or wanted[1] is None or wanted[2] is not None:
        raise OptionError(
            "these are not the targets of the run",
            expected=f"--{wanted[0]}" if wanted else "targets in the data itself",
            received=" and ".join(
                f"--{name}" for name, given in (("boxes", boxes), ("masks", masks)) if given is not None
            ),
            fix=f"give the {wanted[0]} of the images: --{wanted[0]} ..." if wanted else "leave them out",
        )
    root, beside = image_folder(source, wanted[0]), Path(wanted[1])
    if not beside.exists():
        raise missing_path(beside)
    folder = inspected(files(root), root)
    if not folder.paths:
        raise DataError(f"there is no image in {root}", expected="png, jpg or other images")
    targets = _boxes(target, folder, root, beside, preparation) if boxes else _masks(target, folder, root, beside, preparation)  # fmt: skip
    held = in_memory(folder.paths, preparation.spec, preparation.rules)
    usable = torch.from_numpy(numpy.setdiff1d(numpy.arange(len(folder.paths)), list(held.failed)))
    if not len(usable):
        raise DataError(f"no image in {root} can be decoded", received=list(held.failed.values())[:3])
    batch = {"inputs": torch.from_numpy(held.array)[usable], "targets": batches.take(targets, usable)}
    return Examples(batch, finish=preparation.finish())


def _masks(
    target: MaskTarget, folder: Folder, root: Path, beside: Path, preparation: DensePreparation
) -> torch.Tensor:
    return encoded_masks(paired_masks(folder, root, beside), target, preparation.rules.aspect)


def _boxes(
    target: BoxTarget, folder: Folder, root: Path, beside: Path, preparation: DensePreparation
) -> dict[str, torch.Tensor]:
    listed = read_boxes(beside)
    keys, _ = named_images({"evaluation": folder}, root, listed, beside)
    labels = {label for key in keys["evaluation"] for label in listed.labels[key]}
    if unknown := sorted(labels - set(target.classes)):
        raise DataError(
            f"{beside} names a class that the training did not have",
            expected=", ".join(target.classes[:20]),
            received=", ".join(unknown[:5]),
            fix="mend the names, or leave these boxes out",
        )
    room = dataclasses.replace(target, most=max(target.most, most_boxes(listed, keys["evaluation"])))
    return encoded_boxes(folder, keys["evaluation"], listed, room, preparation.rules.aspect)
