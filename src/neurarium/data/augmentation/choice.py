"""The choice of an augmentation by name, for the source that feeds training."""

from __future__ import annotations

from typing import Any

from neurarium.core.errors import OptionError
from neurarium.core.members import find
from neurarium.core.options import coerce
from neurarium.data.augmentation.chance import Chance
from neurarium.data.augmentation.mixing import with_soft_targets
from neurarium.data.specs import Spec, Unlabeled


class Mixing:
    """Mix each training batch: what `fit(..., augment=Mixing("mixup", dataset.targets))` takes.

    Args:
        name: "mixup" or "cutmix".
        targets: the spec of the targets, which become soft.
        **options: of that augmentation (`alpha`).

    Raises:
        OptionError: an unknown name or option, or data without targets.

    >>> import torch
    >>> from neurarium.data.specs import Classes
    >>> batch = {"inputs": torch.eye(4), "targets": torch.arange(4) % 3}
    >>> mixed = Mixing("mixup", Classes(("a", "b", "c")), alpha=1.0)(batch, Chance(0, 0, torch.arange(4), 0))
    >>> mixed["targets"].sum(dim=1)
    tensor([1., 1., 1., 1.])
    """

    def __init__(self, name: str, targets: Spec, **options: Any):
        if isinstance(targets, Unlabeled):
            raise OptionError(f"{name} blends targets, and the data has none")
        self.name, self.targets, self.mix = name, targets, find("augmentation", name)
        self.options = coerce(self.mix, options, what=f"augmentation '{name}'")

    def __call__(self, batch: dict[str, Any], chance: Chance) -> dict[str, Any]:
        """Return the batch mixed; all its chance is drawn from (seed, epoch, batch)."""
        mixed = self.mix(batch["inputs"], batch["targets"], chance.generator(self.name), **self.options)
        return with_soft_targets(batch, mixed, self.targets)
