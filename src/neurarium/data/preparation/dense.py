"""Images with masks or boxes: their preparation, and the last step of a batch that has them."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from neurarium.data.preparation.images import ImagePreparation
from neurarium.data.preparation.statistics import Standardize


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
