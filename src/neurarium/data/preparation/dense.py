"""Dense targets: masks and boxes as a preparation keeps them, and the last step of a batch that has them."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import torch

from neurarium.data.preparation.images import ImagePreparation
from neurarium.data.preparation.statistics import Standardize
from neurarium.data.specs import Boxes, Mask


@dataclasses.dataclass(frozen=True)
class MaskTarget:
    """How masks are encoded.

    Args:
        classes: their names, in the order of their codes.
        values: the value that each has in a mask file.
        ignored: values of pixels that count for nothing.
        height, width: of the prepared masks.
    """

    classes: tuple[str, ...]
    values: tuple[int, ...]
    ignored: tuple[int, ...]
    height: int
    width: int
    columns: ClassVar[tuple[str, ...]] = ()

    @property
    def spec(self) -> Mask:
        return Mask(self.classes, self.height, self.width)

    def to_json(self) -> dict[str, Any]:
        return {"kind": "masks", **dataclasses.asdict(self)}


@dataclasses.dataclass(frozen=True)
class BoxTarget:
    """How boxes are encoded.

    Args:
        classes: their names, in the order of their codes.
        most: how many boxes an image has room for.
        height, width: of the prepared images.
    """

    classes: tuple[str, ...]
    most: int
    height: int
    width: int
    columns: ClassVar[tuple[str, ...]] = ()

    @property
    def spec(self) -> Boxes:
        return Boxes(self.classes, self.height, self.width, self.most)

    def to_json(self) -> dict[str, Any]:
        return {"kind": "boxes", **dataclasses.asdict(self)}


class DensePreparation(ImagePreparation):
    """The preparation of images whose targets are masks or boxes: that of images; masks become indices last."""

    kind: ClassVar[str] = "dense"

    def finish(self) -> Standardize:
        return Finish(self.mean, self.scale)


class Finish(Standardize):
    """Standardize the images, and make int64 of masks, which are kept as bytes."""

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        found = super().__call__(batch)
        targets = found.get("targets")
        if isinstance(targets, torch.Tensor) and targets.dtype == torch.uint8:
            found["targets"] = targets.long()
        return found
