"""Supervised learning: targets from inputs."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn

from neurarium.core import batches
from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.data.dataset import Decision
from neurarium.data.geometry import detected
from neurarium.data.specs import (
    Boxes,
    Classes,
    Frames,
    Horizon,
    Mask,
    NextToken,
    Quantity,
    Spec,
    Tags,
    Targets,
    Text,
    Transcript,
)
from neurarium.data.transcripts import best_path
from neurarium.losses import loss_for
from neurarium.metrics.error_rate import counted
from neurarium.training.context import Context
from neurarium.training.descent import Descent
from neurarium.training.method import Evaluation, Method


@recorded
class Supervised(Method):
    r"""Minimize the mean loss over examples.

    .. math:: \min_\theta \frac{\sum_i w_i \, L(f_\theta(x_i), y_i)}{\sum_i w_i}

    A network of several members (`members(inputs) -> (batch, members, outputs)`) learns by the mean of its members'
    losses, not by the loss of their mean.

    Args:
        network: what is trained.
        loss: a name, a loss module, or None for the usual one of the targets.
        loss_options: options of a named loss.
        class_weights: "balanced" weighs each class by the inverse of its share, or one weight per class.
        targets: their spec; `fit` gives the dataset's where None.
        **descent: options of `Descent` (`optimizer`, `learning_rate`, `schedule`, `clip_norm`, ...).

    Raises:
        OptionError: the loss does not fit the targets.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        loss: str | Any | None = None,
        loss_options: dict[str, Any] | None = None,
        class_weights: Literal["balanced"] | tuple[float, ...] | None = None,
        targets: Spec | None = None,
        **descent: Any,
    ):
        super().__init__()
        self.network = network
        self.loss_choice, self.loss_options, self.class_weights = (
            loss,
            dict(loss_options or {}),
            class_weights,
        )
        self.loss: Any = loss if isinstance(loss, nn.Module) else None
        self.targets = targets
        self.descent = Descent(network, **descent)

    def begin(self, context: Context) -> None:
        self.targets = self.targets or context.targets
        if self.loss is None:
            if self.targets is None:
                raise OptionError("the loss is not known", fix="give loss= a module, or targets= their spec")
            options = dict(self.loss_options)
            if self.class_weights is not None:
                options["class_weights"] = self._class_weights(context)
            self.loss = loss_for(self.targets, self.loss_choice, **options)
        self.loss.to(context.device)
        super().begin(context)

    def _class_weights(self, context: Context) -> tuple[float, ...]:
        if self.class_weights != "balanced":
            return tuple(self.class_weights)  # type: ignore[arg-type]
        if not isinstance(self.targets, Classes) or self.targets.several or context.train is None:
            raise OptionError("balanced class weights need a dataset with one class per example")
        counts = torch.bincount(context.train.targets, minlength=len(self.targets.names)).double()
        weights = counts.sum() / (len(counts) * counts.clamp(min=1))
        context.decisions.append(
            Decision(
                "class weights",
                [round(w, 4) for w in weights.tolist()],
                "inverse shares",
                "--set class_weights=",
            )
        )
        return tuple(weights.tolist())

    def step(self, batch: Any) -> dict[str, Tensor]:
        return self.descent(self.total_loss, batch)

    def total_loss(self, batch: Any) -> tuple[Tensor, Any]:
        """Return the (sum, weight) of the losses of a batch."""
        network: Any = self.network
        if not hasattr(network, "members"):
            outputs = self._compared(network(batch["inputs"]), batch["targets"])
            return self.loss(outputs, batch["targets"], batch.get("weights"))
        outputs = network.members(batch["inputs"])
        count = outputs.shape[1]
        repeated = batches.map_tensors(lambda each: each.repeat_interleave(count, dim=0), batch["targets"])
        weights = batch.get("weights")
        weights = None if weights is None else weights.repeat_interleave(count, dim=0)
        total, weight = self.loss(self._compared(outputs.flatten(0, 1), repeated), repeated, weights)
        return total / count, weight / count

    def _compared(self, outputs: Tensor, targets: Any) -> Tensor:
        return self.targets.compared(outputs, targets) if isinstance(self.targets, Tags) else outputs

    def evaluate(self, batch: Any) -> Evaluation:
        with torch.no_grad():
            outputs = self.network(batch["inputs"])
            weights, loss = batch.get("weights"), None
            if self.loss is not None:
                loss = self.loss(self._compared(outputs, batch["targets"]), batch["targets"], weights)
            if isinstance(self.targets, NextToken):
                predictions = self.targets.surprise(outputs, batch["targets"], batch.get("spans"))
                targets = torch.zeros(len(predictions), dtype=torch.int64)
            else:
                predictions, targets = said(self.targets, self.loss, outputs, batch["targets"])
            if isinstance(self.targets, Horizon) and weights is not None and weights.ndim == 2:
                weights = weights.unsqueeze(-1).expand_as(targets)  # of steps: all channels are known or not
        return Evaluation(predictions, targets, weights, loss)


def said(spec: Spec | None, loss: Any, outputs: Tensor, targets: Any) -> tuple[Any, Any]:
    """Return outputs and targets as metrics take them: probabilities of classes, quantities in their own units, forecasts
    standardized, tables of the pixels of masks, of the notes of frames, of the tokens of texts and
    of the errors of transcripts (their targets are in the
    tables), decided tags."""
    if isinstance(spec, Targets):
        losses = getattr(loss, "losses", None) or [None] * len(spec.parts)
        parts = [
            (name, said(part, each, piece, targets[name]))
            for (name, part, piece), each in zip(spec.pieces(outputs), losses, strict=True)
        ]
        return {name: each[0] for name, each in parts}, {name: each[1] for name, each in parts}
    if isinstance(spec, Classes):
        return spec.probabilities(outputs.float()), targets
    if isinstance(spec, Mask):
        return spec.tables(outputs, targets), targets.new_zeros(len(targets))
    if isinstance(spec, Frames):
        return spec.tables(outputs, targets), targets.new_zeros(len(targets))
    if isinstance(spec, Tags):
        return spec.decided(outputs), targets
    if isinstance(spec, Text):
        return spec.tokens_told(outputs, targets), targets.new_zeros(len(targets))
    if isinstance(spec, Transcript):
        texts = [[spec.text(row) for row in each.tolist()] for each in (best_path(outputs), targets)]
        return counted(*texts), targets.new_zeros(len(targets))
    if isinstance(spec, Boxes):
        return detected(outputs, spec), targets
    if isinstance(spec, Horizon):
        return (loss.point(outputs) if hasattr(loss, "point") else outputs).float(), targets
    if isinstance(spec, Quantity):
        point = loss.point(outputs) if hasattr(loss, "point") else outputs
        return spec.original(point.float()), spec.original(targets)
    return outputs, targets
