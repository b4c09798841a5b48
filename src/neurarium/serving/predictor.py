"""Predictor: a trained run that answers many small questions at once, as `neurarium predict` answers files."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import torch

from neurarium.core.errors import ArtifactError, DataError, RefusalError, UserError
from neurarium.serving.example import Example
from neurarium.serving.kinds import KINDS
from neurarium.studies.prediction.learner import learner_of
from neurarium.training.run import Run


class Predictor:
    """Answers questions by a trained run.

    Args:
        run: with its preparation.

    Raises:
        ArtifactError: the run has no preparation, or is not finished.
        RefusalError: a preparation of another package, which no row of `KINDS` reads.

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
        kind = KINDS.get(type(run.preparation))
        if kind is None:
            raise RefusalError(
                f"a run of {type(run.inputs).__name__} to {type(run.targets).__name__} cannot be served",
                expected=", ".join(each.__name__ for each in KINDS),
                received=type(run.preparation).__name__,
                fix="use `neurarium predict`",
            )
        self.run, self.method = run, learner_of(run)
        self.method.eval()
        self.targets: Any = getattr(self.method, "targets", None) or run.targets
        self.device = next((each.device for each in self.method.parameters()), torch.device("cpu"))
        self.reader = kind.reader(run.preparation)
        self.answers = kind.answers(self)

    def parse(self, value: Any, place: str) -> Example:
        """Check one example of a request.

        Raises:
            DataError: it does not fit the data of the training.
        """
        return self.reader.parse(value, place)

    def answer(self, examples: Sequence[Example]) -> list[Any]:
        """Return for each example its answer, or the `UserError` that tells why there is none."""
        if self.reader.alone and len(examples) > 1:
            return [answer for each in examples for answer in self.answer([each])]
        if not examples:
            return []
        try:
            raw, errors = self.reader.collate(examples)
            kept = [number for number in range(len(examples)) if number not in errors]
            said = self.answers(raw) if kept else []
        except UserError as error:
            if len(examples) == 1:
                return [error]
            return [
                answer for each in examples for answer in self.answer([each])
            ]  # one must not spoil the others
        found: list[Any] = [errors.get(number) for number in range(len(examples))]
        for number, row in zip(kept, said, strict=True):
            found[number] = _noted(row, examples[number])
        return found

    def begin(self, examples: Sequence[Example]) -> Generator[Any, None, list[Any]]:
        """Answer examples with pauses, in which others can be answered; the value is as `answer` returns."""
        if not hasattr(self.answers, "begin"):
            yield
            return self.answer(examples)
        try:
            found = yield from self.answers.begin([each.value for each in examples])
        except UserError as error:
            return [error] if len(examples) == 1 else self.answer(examples)
        return [_noted(answer, example) for answer, example in zip(found, examples, strict=True)]

    @property
    def together(self) -> int:
        """How many examples are begun at once."""
        return getattr(self.answers, "together", 1)

    def rows(self, example: Example) -> int:
        """Return how many places an example takes of those that are answered side by side."""
        return self.answers.rows(example.value) if hasattr(self.answers, "rows") else 1

    def warm_up(self) -> None:
        """Answer one example of zeros or gaps, so that the first request does not wait for what is loaded late."""
        try:
            blank = self.reader.blank()
        except DataError:
            return
        if blank is not None:
            self.answer([blank])


def _noted(answer: Any, example: Example) -> Any:
    """Return an answer with what was noted when its example was read."""
    return {**answer, "notes": example.notes} if example.notes and isinstance(answer, dict) else answer
