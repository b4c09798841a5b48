"""Error rates of transcripts: how many characters or words have to be changed, per character or word that was said."""

from __future__ import annotations

import abc
from collections.abc import Hashable, Sequence
from typing import Any

import torch
from torch import Tensor

from neurarium.core.errors import ShapeError
from neurarium.core.recipe import recorded
from neurarium.data.transcripts import edits
from neurarium.metrics.checks import finite, tensor, weighting
from neurarium.metrics.metric import State, SumMetric

CHARACTERS, WORDS, WRONG = slice(0, 2), slice(2, 4), slice(4, 6)


def counted(said: Sequence[str], truth: Sequence[str]) -> Tensor:
    """Return what error rates read of each transcript, `(batch, 6)` float64.

    Edits and length in characters, edits and length in words, whether it is wrong, and 1.

    >>> counted(["a cat"], ["the cat"]).tolist()
    [[3.0, 7.0, 1.0, 2.0, 1.0, 1.0]]
    """
    rows = []
    for one, other in zip(said, truth, strict=True):
        words = one.split(), other.split()
        rows.append(
            [edits(one, other), len(other), edits(*words), len(words[1]), float(one != other), 1]  # type: ignore[arg-type]
        )
    return torch.tensor(rows, dtype=torch.float64).reshape(len(rows), 6)


class TranscriptMetric(SumMetric):
    """What the rates share: they read `counted`, or texts.

    Predictions and targets: sequences of texts; or predictions `(batch, 6)` of `counted`, the targets being in them.
    """

    goal = "min"

    def shares(self) -> Hashable:
        return TranscriptMetric

    def shares_check(self) -> Hashable:
        return TranscriptMetric

    def check(self, predictions: Any, targets: Any, weights: Any = None) -> Tensor:
        if isinstance(predictions, str) or isinstance(targets, str):
            raise ShapeError(
                "error rates need sequences of texts", expected="a list of strings", received="one string"
            )
        if not isinstance(predictions, Tensor):
            if len(predictions) != len(targets):
                raise ShapeError("there are not as many targets as transcripts", expected=len(predictions), received=len(targets))  # fmt: skip
            predictions = counted(predictions, targets)
        rows = tensor(predictions, "predictions").double()
        if rows.ndim != 2 or rows.shape[1] != 6:
            raise ShapeError(
                "error rates read texts, or their counts", expected="(batch, 6)", received=tuple(rows.shape)
            )
        finite(predictions=rows)
        return rows * weighting(weights, len(rows), rows.device)[:, None]

    def terms(self, examples: Tensor) -> State:
        return {"counts": examples}

    @property
    @abc.abstractmethod
    def columns(self) -> slice:
        """Which of the counts it reads: what is counted, and of how many."""

    def result(self, state: State) -> float:
        mistakes, count = state["counts"][self.columns]
        return float(mistakes / count)


@recorded
class CharacterErrorRate(TranscriptMetric):
    """Insertions, deletions and replacements of characters, per character of the truth; 0 is best, above 1 is possible.

    CER = sum_i edits(said_i, truth_i) / sum_i |truth_i|: it is no mean over transcripts.

    Levenshtein 1966, "Binary codes capable of correcting deletions, insertions and reversals".

    >>> CharacterErrorRate().value(["a cat"], ["the cat"])
    0.42857142857142855
    """

    columns = CHARACTERS


@recorded
class WordErrorRate(TranscriptMetric):
    """Insertions, deletions and replacements of words, per word of the truth; words stand between blanks.

    WER = sum_i edits(words(said_i), words(truth_i)) / sum_i |words(truth_i)|.

    >>> WordErrorRate().value(["a cat"], ["the cat"])
    0.5
    """

    columns = WORDS


@recorded
class TranscriptErrorRate(TranscriptMetric):
    """Share of transcripts that are not right in every character.

    >>> TranscriptErrorRate().value(["a cat", "dog"], ["the cat", "dog"])
    0.5
    """

    columns = WRONG
