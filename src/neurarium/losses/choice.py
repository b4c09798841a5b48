"""The choice of a loss: by what the targets are, or by name."""

from __future__ import annotations

import importlib
import math
from typing import Any

from neurarium.core.errors import OptionError
from neurarium.core.members import find, own_table
from neurarium.core.options import coerce
from neurarium.data.specs import (
    ABSENT,
    IGNORED,
    NOTHING,
    Boxes,
    Classes,
    Expectation,
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
from neurarium.losses.base import Loss

DEFAULTS = {
    "binary": "binary-cross-entropy",
    "multilabel": "binary-cross-entropy",
    "multiclass": "cross-entropy",
    "regression": "mean-squared-error",
    "segmentation": "cross-entropy-dice",
    "detection": "centres",
    "language": "cross-entropy",
    "tagging": "cross-entropy",
    "frames": "binary-cross-entropy",
    "text": "cross-entropy",
    "transcript": "ctc",
}
SMOOTHING = 0.1  # of the tokens of a text: arXiv:1706.03762, section 5.4


# Of what comes next: a mean or a median, quantiles, or a Gaussian, which survive a change of level and scale.
OF_FORECASTS = ("mean-squared-error", "mean-absolute-error", "huber", "quantile", "gaussian-nll")


def loss_for(targets: Spec, name: str | None = None, **options: Any) -> Loss:
    """Return the loss for a kind of target.

    Two classes (one logit) and several labels get binary cross-entropy, several classes cross-entropy, quantities the
    mean squared error, what is expected of traces the Huber loss: what is odd in them shall not be learned. A named loss is adapted: `cross-entropy` of one logit is the binary one, several labels are
    counted one by one, class weights of several labels become weights of their positives, Poisson is told how the
    counts were standardized. Several targets get the sum of their losses (`SideBySide`). A network for the loss gives `targets.outputs * loss.outputs_per_target` numbers.

    Args:
        targets: spec of the targets.
        name: command-line name of a loss; None chooses.
        options: options of the loss; text is parsed.

    Raises:
        OptionError: a loss that does not fit the targets, an unknown name or option.

    >>> type(loss_for(Classes(("no", "yes")))).__name__
    'BinaryCrossEntropy'
    >>> loss_for(Quantity(("price",)), "huber", delta="0.5").delta
    0.5
    """
    if isinstance(targets, Targets):
        return _side_by_side(targets, name, options)
    task = task_of(targets)
    if isinstance(targets, Horizon) and targets.quantiles and name in (None, "quantile"):
        name, options = "quantile", {"levels": targets.quantiles, **options}
    name = name or ("huber" if isinstance(targets, Expectation) else DEFAULTS[task])
    if (task, name) == ("binary", "cross-entropy"):
        name = "binary-cross-entropy"
    builder = find("loss", name)
    if task not in builder.tasks:
        raise OptionError(
            f"the loss '{name}' does not fit these targets, which are {_described(targets)}",
            expected=f"one of {', '.join(losses_for(task))}",
            received=name,
            fix=f"use '{DEFAULTS[task]}'" if builder.tasks else f"'{name}' belongs to methods of its own",
        )
    if isinstance(targets, Horizon) and name not in OF_FORECASTS:
        raise OptionError(
            f"the loss '{name}' does not fit a forecast", expected=", ".join(OF_FORECASTS), received=name,
            fix="use 'mean-squared-error'; for intervals 'quantile' or 'gaussian-nll'",
        )  # fmt: skip
    values = _adapted(task, name, targets, coerce(builder, options, what=f"loss '{name}'"))
    return builder(**values)


def task_of(targets: Spec) -> str:
    """Return what the targets ask for: `binary`, `multiclass`, `multilabel`, `regression`, `segmentation`, `detection`, `text`.

    Raises:
        OptionError: targets that no loss of this kind is for.
    """
    if isinstance(targets, Classes):
        return "multilabel" if targets.several else "binary" if targets.outputs == 1 else "multiclass"
    if isinstance(targets, Quantity | Horizon):
        return "regression"
    if isinstance(targets, Mask):
        return "segmentation"
    if isinstance(targets, Boxes):
        return "detection"
    if isinstance(targets, NextToken):
        return "language"
    if isinstance(targets, Tags | Frames):
        return targets.kind
    if isinstance(targets, Text):
        return "text"
    if isinstance(targets, Transcript):
        return "transcript"
    raise OptionError(
        "there is no loss for these targets",
        expected="classes or quantities",
        received=type(targets).__name__,
        fix="use a method that brings its own loss",
    )


def _side_by_side(targets: Targets, name: str | None, options: dict[str, Any]) -> Loss:
    """Each part's usual loss; a named one where it fits, with its options."""
    from neurarium.losses.side_by_side import SideBySide

    builder = find("loss", name) if name else None
    losses, scales = [], []
    for part in targets.parts:
        task = task_of(part)
        fits = builder is not None and task in builder.tasks
        losses.append(loss_for(part, name if fits else None, **(options if fits else {})))
        blind = {"binary": 2, "multilabel": 2, "multiclass": len(part.names)}
        scales.append(math.log(blind[task]) if task in blind else 1.0)
    if (name or options) and all(type(each) is not builder for each in losses):
        raise OptionError(
            f"the loss '{name or 'of several targets'}' does not fit any of these targets with these options",
            expected="a loss for one of them, by name",
            received=", ".join([str(name), *options]),
            fix="leave it out: each target gets its usual loss",
        )
    if any(each.outputs_per_target != 1 for each in losses):
        raise OptionError(
            f"the loss '{name}' reads several numbers per quantity, and several targets have one each",
            fix="predict that quantity by itself, or leave out loss=",
        )
    return SideBySide(targets.names, losses, [part.outputs for part in targets.parts], scales)


def losses_for(task: str) -> list[str]:
    """Return the names of the losses that fit a task."""
    package = importlib.import_module("neurarium.losses")
    return [
        name
        for name, (attribute, _) in own_table("loss").items()
        if task in getattr(package, attribute).tasks
    ]


def _adapted(task: str, name: str, targets: Spec, values: dict[str, Any]) -> dict[str, Any]:
    """Fit the options to the targets."""
    if task == "segmentation":
        values = {"class_axis": 1, "ignore_index": IGNORED} | values
    if isinstance(targets, NextToken):
        values = {"ignore_index": NOTHING} | values
    if isinstance(targets, Tags | Frames):
        values = {"ignore_index": ABSENT} | values
    if isinstance(targets, Text):
        values = {"ignore_index": targets.padding, "label_smoothing": SMOOTHING} | values
    if isinstance(targets, Boxes):
        values = {**values, "height": targets.height, "width": targets.width}
    weights = values.get("class_weights")
    if (
        weights is not None
        and isinstance(targets, Classes | Mask | Tags)
        and len(weights) != len(targets.names)
    ):
        raise OptionError(
            "the class weights do not fit the classes",
            expected=f"{len(targets.names)} numbers, for {', '.join(map(str, targets.names[:10]))}",
            received=f"{len(weights)} numbers",
        )
    if task == "multilabel" and name == "binary-cross-entropy" and weights is not None:
        values["positive_weights"] = values.pop("class_weights")
    elif task == "multilabel" and name != "binary-cross-entropy":
        if weights is not None:
            raise OptionError(f"the loss '{name}' has no weight per label", fix="use 'binary-cross-entropy'")
        values["several"] = True
    if name == "poisson-nll" and isinstance(targets, Quantity) and targets.scale:
        values.setdefault("mean", targets.mean)
        values.setdefault("scale", targets.scale)
    return values


def _described(targets: Spec) -> str:
    if isinstance(targets, Quantity):
        return "quantities"
    if isinstance(targets, NextToken):
        return "the next token of a text"
    names = getattr(targets, "names", ())
    return f"{len(names)} labels at once" if getattr(targets, "several", False) else f"{len(names)} classes"
