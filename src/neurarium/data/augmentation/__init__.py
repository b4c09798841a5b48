"""Augmentation: training batches that are varied on purpose, by chance that depends on the example and not on the order."""

from neurarium.core.members import Member, lazy

MEMBERS: dict[str, Member] = {
    "mixup": Member("mixing", "mixup", "blends of two examples, with blended targets", "09"),
    "cutmix": Member("mixing", "cutmix", "a box of another image, with targets by area", "09"),
    "Mixing": Member("choice"),
    "Mixed": Member("mixing"),
    "with_soft_targets": Member("mixing"),
}

__getattr__, __dir__, __all__ = lazy(__name__, MEMBERS)
