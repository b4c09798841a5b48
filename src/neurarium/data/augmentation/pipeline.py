"""Pipelines: augmentations one after the other, between standardized inputs and the numbers that colors are read in."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from neurarium.core.errors import OptionError
from neurarium.data.augmentation.augmentation import Augmentation, Drawn, checked
from neurarium.data.augmentation.chance import Chance
from neurarium.data.augmentation.sound_augmentation import SoundAugmentation
from neurarium.data.dataset import Dataset
from neurarium.data.specs import IGNORED, Image, Mask, Waveform

Step = Augmentation | Callable[[dict[str, Any], Chance], dict[str, Any]]


class Pipeline:
    """Apply augmentations in the order in which they are written: what `fit(..., augment=...)` takes.

    Augmentations that read colors get images from 0 (black) to 1 (white); what is empty shows the mean color. Masks in
    `batch["masks"]`, and targets that are masks or boxes, move with their images.

    Args:
        steps: augmentations, and functions `step(batch, chance) -> batch` such as `Mixing` or one of your own.
        data: the dataset; it says how its images were standardized.

    Raises:
        OptionError: the data holds no images, or no sound, that a step varies.

    >>> import neurarium as nr
    >>> from neurarium.data.augmentation import AutoContrast, Crop
    >>> digits = nr.data.arrays(torch.randint(0, 256, (60, 8, 8), dtype=torch.uint8), torch.arange(60) % 2)
    >>> vary = Pipeline([Crop(padding=1), AutoContrast(probability=1.0)], digits)
    >>> batch = vary(digits.train.take([0, 1]), Chance(0, 0, torch.arange(2), 0))
    >>> batch["inputs"].shape
    torch.Size([2, 1, 8, 8])
    """

    def __init__(self, steps: Sequence[Step], data: Dataset):
        varying = [each for each in steps if isinstance(each, Augmentation)]
        if varying and not isinstance(data.inputs, Image):
            raise OptionError(
                f"{varying[0].name} varies images, and {data.name} holds none",
                expected="images",
                received=type(data.inputs).__name__,
                fix="leave it out; mixup blends anything made of numbers",
            )
        hearing = [each for each in steps if isinstance(each, SoundAugmentation)]
        if hearing and not isinstance(data.inputs, Waveform):
            raise OptionError(
                f"{hearing[0].name} varies sound, and {data.name} holds none",
                expected="recordings",
                received=type(data.inputs).__name__,
                fix="leave it out",
            )
        self.steps = list(steps)
        self.name = data.name
        self.fill = IGNORED if isinstance(data.targets, Mask) else 0  # what is beyond the border has no class
        self.units = _units(data) if any(each.reads_colors for each in varying) else None
        # Runs of augmentations are applied together, so that the units change once and not at every step.
        named = list(enumerate(self.steps))
        self._runs = [
            list(run) for _, run in itertools.groupby(named, lambda pair: isinstance(pair[1], Augmentation))
        ]

    def __call__(self, batch: dict[str, Any], chance: Chance) -> dict[str, Any]:
        """Return the batch varied; all chance is drawn from (seed, epoch, example), and of mixtures (seed, epoch, batch)."""
        for run in self._runs:
            if isinstance(run[0][1], Augmentation):
                batch = self._varied(batch, chance, run)
            else:
                for _, step in run:
                    batch = step(batch, chance)  # type: ignore[operator]
        return batch

    def drawn(self, chance: Chance, height: int, width: int) -> list[tuple[Augmentation, Drawn]]:
        """Return each augmentation with its draw: to apply the same to boxes, or to look at it."""
        return [
            (step, step.draw(chance, height, width, use=_use(place, step)))
            for place, step in enumerate(self.steps)
            if isinstance(step, Augmentation)
        ]

    def _varied(
        self, batch: dict[str, Any], chance: Chance, run: Sequence[tuple[int, Any]]
    ) -> dict[str, Any]:
        images = checked(batch["inputs"], run[0][1].name)
        masks = {key: value for key, value in batch.items() if _is_mask(key, value, images)}
        boxes = batch["targets"] if _is_boxes(batch.get("targets")) else None
        colored = any(step.reads_colors for _, step in run)
        fill: Tensor | float = 0.0  # the mean color of standardized images
        if colored:
            scale, shift = (each.to(images.device, images.dtype) for each in self.units or ())
            images, fill = images * scale + shift, shift.flatten()
        for place, step in run:
            height, width = images.shape[2:]
            drawn = step.draw(chance, height, width, use=_use(place, step))
            images = step.images(images, drawn, fill)
            masks = {key: step.masks(mask, drawn, self.fill) for key, mask in masks.items()}
            if boxes:
                boxes = _moved(boxes, step, drawn, height, width)
        images = (images - shift) / scale if colored else images
        return {**batch, "inputs": images, **masks, **({"targets": boxes} if boxes else {})}


def _use(place: int, step: Augmentation) -> str:
    return f"augment.{place}.{step.name}"


def _is_mask(key: str, value: Any, images: Tensor) -> bool:
    """Masks are whole numbers, one per pixel."""
    return (
        key in ("masks", "targets")
        and isinstance(value, Tensor)
        and not value.is_floating_point()
        and tuple(value.shape) == (len(images), *images.shape[2:])
    )


def _is_boxes(targets: Any) -> bool:
    return isinstance(targets, dict) and "boxes" in targets and "present" in targets


def _moved(
    targets: dict[str, Any], step: Augmentation, drawn: Drawn, height: int, width: int
) -> dict[str, Any]:
    """Move the boxes of a batch with their images; one of which hardly anything is left in the picture is not there."""
    boxes = targets["boxes"]
    owners = torch.arange(len(boxes), device=boxes.device).repeat_interleave(boxes.shape[1])
    moved = step.boxes(boxes.flatten(0, 1), owners, drawn, height, width).reshape(boxes.shape)
    seen = ((moved[..., 2:] - moved[..., :2]) > 1).all(-1)
    return {**targets, "boxes": moved, "present": targets["present"] & seen}


def _units(data: Dataset) -> tuple[Tensor, Tensor]:
    """Return scale and shift, `(1, channels, 1, 1)`, from standardized numbers to those from 0 (black) to 1 (white)."""
    preparation: Any = data.preparation
    mean, scale = getattr(preparation, "mean", None), getattr(preparation, "scale", None)
    if mean is None or scale is None:
        raise OptionError(
            f"augmentations of color have to know which number is black and which white, and {data.name} does not say",
            fix="make the dataset by nr.data.images or nr.data.arrays, or leave them out",
        )
    mean, scale = (torch.as_tensor(each, dtype=torch.float64).reshape(1, -1, 1, 1) for each in (mean, scale))
    low, high = 0.0, 255.0
    if not getattr(preparation, "bytes", True):  # floats as they came: the range of the training images
        raw = data.train.take(slice(0, 1024))["inputs"].double() * scale + mean
        low, high = float(raw.min()), max(float(raw.max()), float(raw.min()) + 1e-6)
    return (scale / (high - low)).float(), ((mean - low) / (high - low)).float()
