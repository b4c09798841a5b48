"""Worst errors: the examples a trained method gets wrong most, with their inputs as a person knows them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy
import torch
from torch import Tensor

from neurarium.core.errors import RefusalError
from neurarium.data.dataset import Dataset, Told
from neurarium.data.specs import Classes, Quantity, Spec
from neurarium.studies.examination.slices import point
from neurarium.studies.pictures.series import series_picture
from neurarium.studies.pictures.thumbnails import picture
from neurarium.studies.prediction.learner import learner_of
from neurarium.studies.prediction.raw_columns import raw_columns
from neurarium.studies.prediction.seen import Seen, examples_for, predictions_of
from neurarium.training.method import Method
from neurarium.training.run import Run


@dataclasses.dataclass(frozen=True)
class WorstError:
    """One example.

    Args:
        place: its place in the split.
        truth, said: the true target, and what was predicted, as text.
        sure: the probability of what was said; NaN for quantities.
        size: how wrong it is: the log-loss in nats, or the absolute error (in deviations of the target where there are
            several).
        values: its inputs by column, as text ("–" for missing).
        picture: its image as a data address of a PNG, "" for none.
        measure: what `size` is: "loss", "error" or, of transcripts, "edits" per character.
        note: its file, or its row in the source, where that is known.
    """

    place: int
    truth: str
    said: str
    sure: float
    size: float
    values: dict[str, str] = dataclasses.field(default_factory=dict)
    picture: str = ""
    note: str = ""
    measure: str = "loss"

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return dataclasses.asdict(self)


def worst_errors(
    trained: Run | Method, data: Any = None, *, split: str = "test", count: int = 12
) -> list[WorstError]:
    """Return the examples of a split that are predicted worst: of classes the wrong ones of highest log-loss.

    Args:
        trained: a run, or a method.
        data: as `evaluate` takes it.
        split: "train", "validation" or "test".
        count: how many.

    Raises:
        RefusalError: targets other than classes and quantities.

    >>> import neurarium as nr
    >>> run = nr.studies.train(nr.data.load("diabetes"), "mlp", epochs=3, progress=False)
    >>> found = nr.studies.worst_errors(run, count=3)
    >>> len(found), found[0].size >= found[1].size
    (3, True)
    """
    method = learner_of(trained)
    _, split, examples = examples_for(trained, data, split)
    targets: Any = getattr(method, "targets", None) or getattr(trained, "targets", None)
    seen = predictions_of(method, examples)
    held = data if data is not None else getattr(trained, "data", None)
    told = held.told(split) if isinstance(held, Dataset) else None
    return errors_among(
        seen, targets, examples, getattr(trained, "preparation", None), count=count, told=told
    )


def errors_among(
    seen: Seen, targets: Spec, examples: Any, preparation: Any, *, count: int = 12, told: Told | None = None
) -> list[WorstError]:
    """Return the worst, given the predictions for all examples of a split; `told` says where one stands in the source."""
    sizes, wrong = _sizes(seen, targets)
    ranked = torch.argsort(sizes, descending=True, stable=True)
    chosen = ranked[wrong[ranked]][:count]
    if not len(chosen):
        return []
    inputs = examples.take(chosen)["inputs"]
    shown = shown_inputs(inputs, preparation, len(chosen))
    found, measure = [], "error" if isinstance(targets, Quantity) else "loss"
    for number, place in enumerate(chosen.tolist()):
        truth, said, sure = _told(seen, targets, place)
        note = told(place) if told else ""
        found.append(WorstError(place, truth, said, sure, float(sizes[place]), *shown[number], note, measure))
    return found


def _sizes(seen: Seen, targets: Spec) -> tuple[Tensor, Tensor]:
    """How wrong each example is, and which count as wrong."""
    if isinstance(targets, Classes):
        held = seen.predictions.double().clamp(1e-12, 1 - 1e-12)
        if targets.several:
            truth = seen.targets.double()
            sizes = -(truth * held.log() + (1 - truth) * (1 - held).log()).sum(dim=1)
            return sizes, ((seen.predictions > 0.5) != (seen.targets > 0.5)).any(dim=1)
        sizes = -held.gather(1, seen.targets[:, None].long())[:, 0].log()
        return sizes, seen.predictions.argmax(dim=1) != seen.targets
    if isinstance(targets, Quantity):
        gap = (point(seen.predictions) - seen.targets.reshape(len(seen.targets), -1)).abs().double()
        if gap.shape[1] > 1:
            gap = gap / torch.tensor(targets.scale or (1.0,) * gap.shape[1], dtype=torch.float64)
        sizes = gap.mean(dim=1)
        return sizes, sizes > 0
    raise RefusalError(
        f"{type(targets).__name__} targets have no error per example", expected="classes or quantities"
    )


def _told(seen: Seen, targets: Spec, place: int) -> tuple[str, str, float]:
    if isinstance(targets, Classes):
        row = seen.predictions[place]
        if targets.several:
            said, truth = (
                ", ".join(name for name, on in zip(targets.names, each, strict=True) if on) or "(none)"
                for each in ((row > 0.5).tolist(), (seen.targets[place] > 0.5).tolist())
            )
            return truth, said, math.nan
        best = int(row.argmax())
        return targets.names[int(seen.targets[place])], targets.names[best], float(row[best])
    values = point(seen.predictions)[place].tolist()
    true_values = seen.targets.reshape(len(seen.targets), -1)[place].tolist()
    names = getattr(targets, "names", ())
    if len(values) == 1:
        return _number(true_values[0]), _number(values[0]), math.nan
    named = [
        ", ".join(f"{name} {_number(each)}" for name, each in zip(names, each_side, strict=True))
        for each_side in (true_values, values)
    ]
    return named[0], named[1], math.nan


def shown_inputs(inputs: Any, preparation: Any, count: int) -> list[tuple[dict[str, str], str]]:
    """Return the inputs of each example as a person knows them: values by column, and a picture."""
    columns = [
        (each, each.texts(inputs) if each.parts else each.values(inputs))
        for each in raw_columns(preparation, inputs)
    ]
    pictures = _pictures(inputs, preparation)
    found = []
    for number in range(count):
        values = {each.name: _text(held[number], each.said) for each, held in columns if held is not None}
        if isinstance(inputs, dict) and "waveform" in inputs:
            values["length"] = f"{float(inputs['lengths'][number]) / preparation.spec.rate:.2f} s"
        found.append((values, pictures[number] if pictures else ""))
    return found


def _text(value: Any, said: Callable[[float], str | None] = lambda value: None) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    return said(value) or _number(value) if isinstance(value, float) else str(value)


def _number(value: float) -> str:
    if abs(value) >= 10_000 or value == round(value):
        return f"{value:,.0f}" if abs(value) < 1e15 else f"{value:.5g}"
    return f"{value:,.5g}"


def middles(volume: Tensor) -> numpy.ndarray:
    """Return the middle cut of a volume across each of its three sides, next to each other, as bytes `(1, height, width)`.

    >>> middles(torch.rand(1, 4, 5, 6)).shape  # 5 x 6, 4 x 6 and 4 x 5, with gaps of one
    (1, 5, 19)
    """
    places = volume.mean(dim=0)
    cuts = [places.select(side, places.shape[side] // 2) for side in range(3)]
    low, high = float(places.min()), float(places.max())
    canvas = numpy.full(
        (max(len(each) for each in cuts), sum(each.shape[1] for each in cuts) + 2), 255, numpy.uint8
    )
    left = 0
    for cut in cuts:
        grey = ((cut - low) / max(high - low, 1e-12) * 255).round().to(torch.uint8).numpy()
        canvas[: grey.shape[0], left : left + grey.shape[1]] = grey
        left += grey.shape[1] + 1
    return canvas[None]


def _pictures(inputs: Any, preparation: Any) -> list[str]:
    """Images, series and spectrograms of sounds as data addresses; none where there are none."""
    if isinstance(inputs, dict) and "series" in inputs:
        pairs = zip(inputs["series"], inputs["lengths"].tolist(), strict=True)
        return [series_picture(each[:length].float().cpu().numpy()) for each, length in pairs]
    if isinstance(inputs, dict) and "waveform" in inputs:
        from neurarium.studies.pictures.spectrograms import spectrograms

        return [picture(each) for each in spectrograms(inputs, preparation.spec.rate)]
    found = (
        [inputs] if isinstance(inputs, Tensor) else list(inputs.values()) if isinstance(inputs, dict) else []
    )
    images = [
        each for each in found if isinstance(each, Tensor) and each.ndim == 4 and each.shape[1] in (1, 3)
    ]
    if not images and isinstance(inputs, Tensor) and inputs.ndim == 5:
        return [picture(middles(each)) for each in inputs.float().cpu()]
    if not images:
        return []
    held = images[0].float().cpu()
    columns = getattr(preparation, "images", None)
    owner = columns[0][1] if columns else preparation
    mean, scale = getattr(owner, "mean", None), getattr(owner, "scale", None)
    if mean is not None and scale is not None and numpy.size(mean) == held.shape[1]:
        shape = (1, -1, 1, 1)
        held = held * torch.as_tensor(scale).float().reshape(shape) + torch.as_tensor(mean).float().reshape(
            shape
        )
    low, high = held.amin(dim=(1, 2, 3), keepdim=True), held.amax(dim=(1, 2, 3), keepdim=True)
    if (columns or getattr(preparation, "bytes", False)) and float(high.max()) > 16:
        low, high = torch.zeros_like(low), torch.full_like(high, 255.0)
    shares = ((held - low) / (high - low).clamp(min=1e-12)).clamp(0, 1)
    return [picture((each * 255).round().to(torch.uint8).numpy()) for each in shares]
