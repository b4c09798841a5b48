"""Columns: answers from one pass of the network: classes, quantities, several targets, transcripts."""

from __future__ import annotations

from typing import Any

import torch

from neurarium.core import batches
from neurarium.data.specs import Classes, Quantity, Spec, Targets, Transcript
from neurarium.serving.schemas import NUMBER, TEXT, made_of
from neurarium.studies.prediction.learner import intervals_of
from neurarium.studies.prediction.prediction_sets import sets_of
from neurarium.studies.prediction.study import columns_of

QUANTITY = ("prediction", "low", "high", "std")  # what is said of one


class Columns:
    """Answers by the columns that `neurarium predict` writes.

    Args:
        predictor: the run, its method, its targets, where it computes.
    """

    def __init__(self, predictor: Any):
        self.run, self.method, self.targets = predictor.run, predictor.method, predictor.targets
        self.device = predictor.device

    def __call__(self, inputs: Any) -> list[dict[str, Any]]:
        """Return an answer for each of some prepared inputs."""
        with torch.inference_mode():
            outputs = batches.to(self.method.predict(batches.to(inputs, self.device)), "cpu")
            columns = columns_of(self.run, self.method, outputs)
        return answers_of(self.targets, columns)

    def schema(self) -> dict[str, Any]:
        """Return the schema of one answer."""
        bounds = intervals_of(self.run) is not None
        if isinstance(self.targets, Targets):
            parts = zip(self.targets.names, self.targets.parts, strict=True)
            schema = made_of({name: _said(part, bounds) for name, part in parts})
        else:
            schema = _said(self.targets, bounds)
        if sets_of(self.run) is not None:
            schema["properties"]["prediction_set"] = {
                "type": "string",
                "description": "classes with commas",
            }
        return schema


def answers_of(targets: Spec, columns: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a row's answer from the columns of `studies.predict`; of several targets an answer by the name of each."""
    if isinstance(targets, Classes):
        return _classes(targets, columns)
    if not isinstance(targets, Targets):
        return _each(columns)
    parts = {}
    for name, part in zip(targets.names, targets.parts, strict=True):
        start = f"{name}_"
        own = {key.removeprefix(start): each for key, each in columns.items() if key.startswith(start)}
        kept = own if isinstance(part, Classes) else {key: own[key] for key in QUANTITY if key in own}
        parts[name] = answers_of(part, kept)
    return [dict(zip(parts, row, strict=True)) for row in zip(*parts.values(), strict=True)]


def _classes(targets: Classes, columns: dict[str, Any]) -> list[dict[str, Any]]:
    shares = zip(*(columns[f"probability_{name}"].tolist() for name in targets.names), strict=True)
    names = targets.names
    found: list[dict[str, Any]] = [
        {"prediction": label, "probabilities": dict(zip(names, row, strict=True))}
        for label, row in zip(columns["prediction"], shares, strict=True)
    ]
    for row, inside in zip(found, columns.get("prediction_set", ()), strict=False):
        row["prediction_set"] = inside
    return found


def _each(columns: dict[str, Any]) -> list[dict[str, Any]]:
    values = [column if isinstance(column, list) else column.tolist() for column in columns.values()]
    return [dict(zip(columns, row, strict=True)) for row in zip(*values, strict=True)]


def _said(targets: Classes | Quantity | Transcript, bounds: bool) -> dict[str, Any]:
    """The schema of what is said of one target."""
    if isinstance(targets, Transcript):
        return made_of({"prediction": TEXT, "probability": NUMBER})
    if isinstance(targets, Classes):
        label: dict[str, Any] = TEXT if targets.several else {"enum": list(targets.names)}
        shares = made_of({name: {"type": "number", "minimum": 0, "maximum": 1} for name in targets.names})
        return made_of({"prediction": label, "probabilities": shares})
    names = [""] if len(targets.names) == 1 else [f"{name}_" for name in targets.names]
    kinds = ["prediction", *(("low", "high") if bounds else ())]
    return made_of({f"{name}{kind}": NUMBER for name in names for kind in kinds})
