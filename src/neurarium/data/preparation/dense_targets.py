"""Dense targets: masks and boxes as a preparation keeps them."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

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
        ids: of the classes, in the user's COCO file; none: their codes.
    """

    classes: tuple[str, ...]
    most: int
    height: int
    width: int
    ids: tuple[int, ...] = ()
    columns: ClassVar[tuple[str, ...]] = ()

    @property
    def spec(self) -> Boxes:
        return Boxes(self.classes, self.height, self.width, self.most)

    def to_json(self) -> dict[str, Any]:
        return {"kind": "boxes", **dataclasses.asdict(self)}
