"""Capsules: the margin loss of their lengths, and an image drawn from the capsule of the true class."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from neurarium.core import batches
from neurarium.core.errors import OptionError, RefusalError, ShapeError
from neurarium.core.recipe import recorded
from neurarium.data.specs import Classes
from neurarium.methods.supervised import Supervised, said
from neurarium.training.context import Context
from neurarium.training.method import Evaluation


@recorded
class Capsules(Supervised):
    """Learn classes by the lengths of capsules, and their poses by drawing the image again.

    loss = margin loss + reconstruction sum over pixels (r - x)^2, x and r from 0 (darkest) to 1 (brightest)

    In training r is drawn from the capsule of the true class, the others masked. Of several labels each draws by itself: its
    own part of the image where the batch has `parts` `(batch, labels, channels, height, width)`, bytes in the order of the
    labels, as many for each image; else together they make the image, and labels alone teach which part is whose. Quantities
    have their usual loss, and all capsules draw.

    Args:
        network: one of capsules (`capsules`, `each`, `scores`, `unit_reconstruction`).
        reconstruction: what the squared error of an image's pixels counts; 0 for none.
        loss: a name or a module; None for `margin` with classes, else the usual one.
        **options: of `Supervised` (`loss_options`, `class_weights`, `targets`) and of `Descent`.

    Raises:
        RefusalError: a network without capsules.
        OptionError: a negative `reconstruction`.

    Sabour, Frosst and Hinton, arXiv:1710.09829, sections 3 and 4.1.

    >>> from neurarium.networks import EfficientCapsNet
    >>> method = Capsules(EfficientCapsNet(1, 28, 28, 10))
    >>> method.reconstruction
    0.0005
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        reconstruction: float = 0.0005,
        loss: str | Any | None = None,
        loss_options: dict[str, Any] | None = None,
        class_weights: Any = None,
        targets: Any = None,
        **descent: Any,
    ):
        if not hasattr(network, "unit_reconstruction"):
            raise RefusalError(
                f"{type(network).__name__} has no capsules",
                expected="CapsNet or EfficientCapsNet",
                received=type(network).__name__,
                fix="--method supervised",
            )
        if not reconstruction >= 0:
            raise OptionError(
                "the reconstruction counts less than nothing", expected="0 or more", received=reconstruction
            )
        super().__init__(
            network,
            loss=loss,
            loss_options=loss_options,
            class_weights=class_weights,
            targets=targets,
            **descent,
        )
        self.reconstruction = reconstruction

    def begin(self, context: Context) -> None:
        spec = self.targets or context.targets
        if self.loss is None and self.loss_choice is None and isinstance(spec, Classes):
            self.loss_choice = "margin"
        if context.train is not None:
            some = batches.to(
                context.train.take(slice(0, min(len(context.train), 4096)))["inputs"], context.device
            )
            self.network.decoder.set_range(some)  # type: ignore[union-attr, operator]
        super().begin(context)

    def total_loss(self, batch: Any) -> tuple[Tensor, Any]:
        network: Any = self.network
        return self._losses(network.capsules(batch["inputs"]), batch)

    def _losses(self, capsules: Tensor, batch: Any) -> tuple[Tensor, Any]:
        network: Any = self.network
        targets, weights = batch["targets"], batch.get("weights")
        total, weight = self.loss(network.each(capsules), targets, weights)
        if not self.reconstruction:
            return total, weight
        parts = batch.get("parts")
        errors = (
            self.errors(capsules, batch["inputs"], targets)
            if parts is None
            else self.part_errors(capsules, parts, targets)
        )
        counted = errors.new_tensor(float(len(errors))) if weights is None else weights.sum()
        drawn = errors.sum() if weights is None else (errors * weights).sum()
        # The mean over examples, whatever the weights of classes are.
        return total + self.reconstruction * drawn * (weight / counted.clamp(min=1e-12)), weight

    def errors(self, capsules: Tensor, images: Tensor, targets: Tensor) -> Tensor:
        """Return the squared error of each drawn image, `(batch,)`, summed over its pixels from 0 to 1."""
        network: Any = self.network
        chosen = targets if isinstance(self.targets, Classes) else torch.ones_like(capsules[..., 0])
        decoder = network.decoder
        pixels = (images - decoder.low) / (decoder.high - decoder.low)
        return (network.unit_reconstruction(capsules, chosen).float() - pixels).square().flatten(1).sum(1)

    def part_errors(self, capsules: Tensor, parts: Tensor, targets: Tensor) -> Tensor:
        """Return the squared error of what the capsules of an image's labels draw, `(batch,)`, summed over parts and pixels."""
        network: Any = self.network
        rows, kinds = targets.nonzero(
            as_tuple=True
        )  # row by row, and in a row by label: the order of the parts
        if len(rows) != parts.shape[0] * parts.shape[1]:
            raise ShapeError(
                "the parts of the images do not fit their labels",
                expected=f"{parts.shape[1]} labels for each image",
                received=f"{len(rows)} labels for {len(parts)} images",
            )
        drawn = network.unit_reconstruction(capsules[rows], kinds).float()
        missed = (drawn - parts.flatten(0, 1).float() / 255).square().flatten(1).sum(1)
        return missed.unflatten(0, parts.shape[:2]).sum(1)

    def evaluate(self, batch: Any) -> Evaluation:
        network: Any = self.network
        with torch.no_grad():
            capsules = network.capsules(batch["inputs"])
            loss = None if self.loss is None else self._losses(capsules, batch)
            predictions, targets = said(self.targets, self.loss, network.scores(capsules), batch["targets"])
        return Evaluation(predictions, targets, batch.get("weights"), loss)
