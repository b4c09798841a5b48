"""What a method says of the examples of a split, and which examples a person means."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from neurarium.core import batches
from neurarium.core.errors import DataError, OptionError, unknown
from neurarium.data.dataset import Dataset
from neurarium.data.examples import Examples
from neurarium.data.preparation.text_pairs import TextExamples
from neurarium.data.sources.minibatches import Minibatches
from neurarium.data.specs import Boxes, Mask
from neurarium.studies.planning.reading import read_again
from neurarium.studies.prediction.learner import evaluating
from neurarium.training.method import Method
from neurarium.training.run import Run


@dataclasses.dataclass
class Seen:
    """What a method said of a split: predictions, targets and weights of all examples on the CPU, and the mean loss."""

    predictions: Any
    targets: Any
    weights: Tensor | None
    loss: float | None


def predictions_of(method: Method, examples: Any, *, batch_size: int = 1024) -> Seen:
    """Run a method's `evaluate` over a split.

    Raises:
        DataError: the method measures nothing on such data.
    """
    parts, totals = [], []
    with evaluating(method) as device:
        size = min(batch_size, method.measured_at_once())
        for batch in Minibatches(examples, size, shuffle=False, device=device, rank=0, world=1):
            found = method.evaluate(batch)
            if found is None:
                continue
            parts.append(batches.to((found.predictions, found.targets), "cpu"))
            parts[-1] += (None if found.weights is None else found.weights.cpu(),)
            if found.loss is not None:
                totals.append([float(found.loss[0]), float(found.loss[1])])
    if not parts:
        raise DataError(
            "there is nothing to measure", fix=f"{type(method).__name__} has no metrics on such data"
        )
    predictions = batches.concatenate([each[0] for each in parts])
    weights = None if parts[0][2] is None else torch.cat([each[2] for each in parts])
    loss = sum(total for total, _ in totals) / sum(weight for _, weight in totals) if totals else None
    return Seen(predictions, batches.concatenate([each[1] for each in parts]), weights, loss)


def examples_for(
    trained: Run | Method,
    data: Any,
    split: str,
    *,
    boxes: str | Path | None = None,
    masks: str | Path | None = None,
) -> tuple[str, str, Any]:
    """Find what to measure on: (name of the data, name of the split, examples)."""
    if boxes is not None or masks is not None:
        from neurarium.data.assembly.labeled_scenes import labeled_scenes

        scenes = labeled_scenes(getattr(trained, "preparation", None), data, boxes=boxes, masks=masks)
        return str(data), "new data", scenes
    if data is None:
        if not isinstance(trained, Run):
            raise OptionError("a method does not hold its data", fix="give evaluate(method, data)")
        data = trained.data if trained.data is not None else read_again(trained)
    if isinstance(data, Dataset):
        if split not in data.splits:
            held = next((each for each in ("test", "validation") if each in data.splits), None)
            fix = f"measure another one: --split {held}" if held else "train with --validation 0.15"
            raise unknown(f"split of {data.name}:", split, data.splits, error=DataError, fix=fix)
        return data.name, split, data.splits[split]
    if hasattr(data, "take"):
        return "data", split, data
    if isinstance(data, dict) and "inputs" in data:
        return "data", split, Examples(data)
    preparation: Any = getattr(trained, "preparation", None)
    if hasattr(preparation, "windows"):  # series: every window of the new ones
        return str(data) if not hasattr(data, "shape") else "data", "new data", preparation.windows(data)
    if preparation is None:
        raise OptionError(
            "raw data needs the preparation of a run", fix="give a run that was trained on a dataset"
        )
    batch, notes = preparation.apply(data)
    if "targets" not in batch:
        why = notes.get("targets", "images lie in no folder named as their class")
        beside = {Mask: "--masks FOLDER", Boxes: "--boxes FILE"}.get(type(getattr(trained, "targets", None)))
        needless = "`neurarium predict` needs no targets"
        raise DataError(
            "this data cannot be evaluated without its targets",
            expected=beside or "the target column",
            received=f"only {data}" if beside else why,
            fix=f"give {beside}; {needless}" if beside else needless,
        )
    name = str(data) if not hasattr(data, "shape") else "data"
    if "texts" in notes:
        return name, "new data", TextExamples(batch, *notes["texts"])
    return name, "new data", Examples(batch)
