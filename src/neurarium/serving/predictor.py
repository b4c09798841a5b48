"""Predictor: a trained run that answers many small questions at once, as `neurarium predict` answers files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy
import torch

from neurarium.core import batches
from neurarium.core.errors import ArtifactError, DataError, RefusalError
from neurarium.data.preparation.arrays import ArrayPreparation
from neurarium.data.preparation.images import ImagePreparation
from neurarium.data.preparation.mixed import MixedPreparation
from neurarium.data.preparation.tables import TablePreparation
from neurarium.data.specs import Classes, Quantity, Spec, Targets
from neurarium.serving.example import Example
from neurarium.serving.mixed_rows import MixedRows
from neurarium.serving.pixels import Arrays, Images
from neurarium.serving.rows import Rows
from neurarium.studies.learner import learner_of
from neurarium.studies.prediction import columns_of
from neurarium.training.run import Run

READERS: dict[type, Any] = {
    TablePreparation: Rows,
    MixedPreparation: MixedRows,
    ImagePreparation: Images,
    ArrayPreparation: Arrays,
}
QUANTITY = ("prediction", "low", "high", "std")  # what is said of one


class Predictor:
    """Answers questions by a trained run.

    Args:
        run: with its preparation.

    Raises:
        ArtifactError: the run has no preparation, or is not finished.
        RefusalError: inputs or targets that cannot be served.

    >>> import neurarium as nr
    >>> run = nr.studies.train(nr.data.load("iris"), "mlp", epochs=5, progress=False)
    >>> predictor = Predictor(run)
    >>> row = dict.fromkeys(run.preparation.sources, 5.0)
    >>> sorted(predictor.answer([predictor.parse(row, "row 1")])[0])
    ['prediction', 'probabilities']
    """

    def __init__(self, run: Run):
        if run.preparation is None:
            raise ArtifactError(
                f"{run.folder or 'the run'} has no preparation: it cannot read raw data",
                expected="a folder 'preparation' in the run",
                fix="restore it from a copy",
            )
        self.run, self.method = run, learner_of(run)
        self.method.eval()
        self.targets: Any = getattr(self.method, "targets", None) or run.targets
        reader = READERS.get(type(run.preparation))
        if reader is None or not isinstance(self.targets, Classes | Quantity | Targets):
            raise RefusalError(
                f"a run of {type(run.inputs).__name__} to {type(self.targets).__name__} cannot be served yet",
                expected="rows of tables, texts, images or arrays, to classes or quantities",
                fix="use `neurarium predict`",
            )
        self.reader = reader(run.preparation)
        self.device = next((each.device for each in self.method.parameters()), torch.device("cpu"))

    def parse(self, value: Any, place: str) -> Example:
        """Check one example of a request.

        Raises:
            DataError: it does not fit the data of the training.
        """
        return self.reader.parse(value, place)

    def answer(self, examples: Sequence[Example]) -> list[Any]:
        """Return for each example its answer, or the `DataError` that tells why there is none."""
        if not examples:
            return []
        try:
            inputs, errors = self.reader.collate(examples)
        except DataError as error:
            if len(examples) == 1:
                return [error]
            return [
                answer for each in examples for answer in self.answer([each])
            ]  # one must not spoil the others
        kept = [number for number in range(len(examples)) if number not in errors]
        found: list[Any] = [errors.get(number) for number in range(len(examples))]
        if kept:
            for number, row in zip(kept, self._rows(inputs), strict=True):
                notes = examples[number].notes
                found[number] = {**row, "notes": notes} if notes else row
        return found

    def _rows(self, inputs: Any) -> list[dict[str, Any]]:
        with torch.inference_mode():
            outputs = batches.to(self.method.predict(batches.to(inputs, self.device)), "cpu")
            columns = columns_of(self.run, self.method, outputs)
        return answers_of(self.targets, columns)

    def warm_up(self) -> None:
        """Answer one example of zeros or gaps, so that the first request does not wait for what is loaded late."""
        reader = self.reader
        try:
            if isinstance(reader, Rows):
                self.answer([reader.parse(dict.fromkeys(reader.needed), "row 1")])
            else:
                self.answer([Example(numpy.zeros(reader.shape, dtype=numpy.float32))])
        except DataError:
            return


def answers_of(targets: Spec, columns: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a row's answer from the columns of `studies.predict`; of several targets an answer by the name of each."""
    if isinstance(targets, Classes):
        return _classes(targets, columns)
    if not isinstance(targets, Targets):
        return _quantities(columns)
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


def _quantities(columns: dict[str, Any]) -> list[dict[str, Any]]:
    values = [column.tolist() for column in columns.values()]
    return [dict(zip(columns, row, strict=True)) for row in zip(*values, strict=True)]
