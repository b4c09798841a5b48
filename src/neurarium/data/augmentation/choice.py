"""The choice of augmentations by name, for the source that feeds training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from neurarium.core.errors import OptionError, unknown
from neurarium.core.members import find, table
from neurarium.core.options import coerce, parameters
from neurarium.data.augmentation.augmentation import Augmentation
from neurarium.data.augmentation.chance import Chance
from neurarium.data.augmentation.crop import Crop, ResizedCrop
from neurarium.data.augmentation.flip import Flip
from neurarium.data.augmentation.mixing import with_soft_targets
from neurarium.data.augmentation.noise import Noise
from neurarium.data.augmentation.pipeline import Pipeline, Step
from neurarium.data.augmentation.spec_augment import SpecAugment
from neurarium.data.augmentation.time_shift import TimeShift
from neurarium.data.dataset import Dataset, Decision
from neurarium.data.specs import Image, Spec, Unlabeled, Waveform

MIXING = ("mixup", "cutmix")
HIDDEN = {"inputs", "targets", "generator", "data"}
SMALL = 64  # images with a shorter side up to this are moved by pixels, larger ones are cut


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
        if getattr(targets, "kind", "") in ("segmentation", "detection"):
            raise OptionError(
                f"{name} blends classes, and the targets are {type(targets).__name__.lower()}",
                fix="leave it out; crop, flip and affine maps move masks and boxes with their images",
            )
        if name not in MIXING:
            raise unknown("mixing", name, MIXING)
        self.name, self.targets, self.mix = name, targets, find("augmentation", name)
        self.options = coerce(self.mix, options, what=f"augmentation '{name}'")

    def __call__(self, batch: dict[str, Any], chance: Chance) -> dict[str, Any]:
        """Return the batch mixed; all its chance is drawn from (seed, epoch, batch)."""
        mixed = self.mix(batch["inputs"], batch["targets"], chance.generator(self.name), **self.options)
        return with_soft_targets(batch, mixed, self.targets)


def standard(inputs: Image) -> list[Augmentation]:
    """Return augmentations that suit most images of that size.

    Color, up to 64 pixels: a crop after padding by an eighth, and a flip. Color, larger: a resized crop and a flip. Grey: a
    crop after padding by a fourteenth alone (2 of 28), since digits and letters mean something else in a mirror.

    >>> [each.name for each in standard(Image(3, 32, 32))], [each.name for each in standard(Image(1, 28, 28))]
    (['crop', 'flip'], ['crop'])
    """
    side = min(inputs.height, inputs.width)
    if inputs.channels == 1:
        return [Crop(max(1, side // 14))]
    return [Crop(max(1, side // 8)) if side <= SMALL else ResizedCrop(), Flip()]


class Choice:
    """Augmentations by name, and the options that they take.

    Args:
        names: names with commas, in their order; "standard" is chosen by the size of the images.

    Raises:
        OptionError: an unknown name.
    """

    def __init__(self, names: str):
        self.names = [each.strip() for each in names.split(",") if each.strip()]
        if not self.names:
            raise OptionError(
                "there is no augmentation to choose", expected="for example crop,flip", received=repr(names)
            )
        self.builders: dict[str, Callable[..., Any]] = {
            name: find("augmentation", name) for name in self.names
        }

    @property
    def option_names(self) -> set[str]:
        """The options by name (of every augmentation that has it), and by `augmentation.name` (of that one alone)."""
        found: set[str] = set()
        for name, builder in self.builders.items():
            own = set(parameters(builder)) - HIDDEN if name != "standard" else set()
            found |= own | {f"{name}.{each}" for each in own}
        return found

    def build(self, data: Dataset, options: Mapping[str, Any]) -> tuple[Pipeline, Decision]:
        """Return the pipeline for a dataset, and the decision that says what it does."""
        steps: list[Step] = []
        shown: list[str] = []
        for name, builder in self.builders.items():
            chosen = self._options(name, options)
            said = ", ".join(f"{key} {value}" for key, value in chosen.items())
            shown.append(f"{name} ({said})" if said else name)
            if name == "standard":
                usual: list[Any] = _standard(data)
                steps += usual
                shown[-1:] = [each.name for each in usual]
            elif name in MIXING:
                steps.append(Mixing(name, data.targets, **chosen))
            else:
                steps.append(builder(**coerce(builder, chosen, what=f"augmentation '{name}'")))
        reason = "asked for"
        if "standard" in self.names:
            size = f"{data.inputs.height} x {data.inputs.width}" if isinstance(data.inputs, Image) else ""
            reason = f"standard for images of {size} with {getattr(data.inputs, 'channels', 0)} channels"
            if isinstance(data.inputs, Waveform):
                reason = "standard for sound"
        return Pipeline(steps, data), Decision("augmentation", ", ".join(shown), reason, "--augment")

    def _options(self, name: str, options: Mapping[str, Any]) -> dict[str, Any]:
        known = set(parameters(self.builders[name])) - HIDDEN if name != "standard" else set()
        common = {key: value for key, value in options.items() if key in known}
        own = {key.partition(".")[2]: value for key, value in options.items() if key.startswith(f"{name}.")}
        return {**common, **own}


def _standard(data: Dataset) -> list[Any]:
    if isinstance(data.inputs, Waveform):
        return [TimeShift(), Noise(), SpecAugment()]
    if not isinstance(data.inputs, Image):
        raise OptionError(
            f"standard varies images and sound, and {data.name} holds none",
            received=type(data.inputs).__name__,
            fix=f"leave out --augment; {', '.join(sorted(set(table('augmentation')) & set(MIXING)))} may work",
        )
    return standard(data.inputs)
