"""ROUGE: how much of a reference summary stands in a summary."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from neurarium.core.errors import OptionError, ShapeError
from neurarium.core.recipe import recorded
from neurarium.metrics.bleu import references
from neurarium.metrics.metric import State, SumMetric

WORD = re.compile(r"[^\W_]+")


class ROUGE(SumMetric):
    """The base of ROUGE: the mean over texts of F1 = 2 P R / (P + R), in [0, 1]; of several references the best counts.

    P is the share of the summary, R that of the reference, that stands in the other. Strings are split into words of
    letters and digits in lower case; words are not cut to their stems.

    Predictions: a sequence of texts, each a string or a sequence of tokens; or token indices `(batch, length)`. Targets: per
    summary a text, or a list of references; or token indices. Weights are refused.

    Lin 2004, "ROUGE: a package for automatic evaluation of summaries".

    Args:
        padding: token index that is left out.
    """

    goal = "max"

    def __init__(self, padding: int | None = None):
        super().__init__()
        self.padding = padding

    def overlap(self, summary: Sequence[Any], reference: Sequence[Any]) -> tuple[int, int, int]:
        """Return what both have in common, and how much there is in each."""
        raise OptionError("the base of ROUGE counts nothing", expected="ROUGE1, ROUGE2 or ROUGEL")

    def shares_check(self) -> int:
        return id(self)

    def check(self, predictions: Any, targets: Any, weights: Any = None) -> list[float]:
        if weights is not None:
            raise OptionError(
                "ROUGE takes no weights", expected="weights=None", fix="leave examples out instead"
            )
        if isinstance(predictions, str) or isinstance(targets, str):
            raise ShapeError(
                "ROUGE needs a sequence of texts", expected="a list of strings", received="one string"
            )
        said, wanted = (
            each.tolist() if isinstance(each, Tensor) else each for each in (predictions, targets)
        )
        if len(said) != len(wanted):
            raise ShapeError(
                "there are not as many targets as summaries", expected=len(said), received=len(wanted)
            )
        return [
            max(
                self._f1(self.words(each), self.words(reference))
                for reference in references(target, like=each)
            )
            for each, target in zip(said, wanted, strict=True)
        ]

    def words(self, text: Any) -> list[Any]:
        """Split a text into words; a sequence of tokens stays as it is, without padding."""
        if isinstance(text, str):
            return WORD.findall(text.lower())
        return [token for token in text if self.padding is None or token != self.padding]

    def _f1(self, summary: list[Any], reference: list[Any]) -> float:
        common, own, wanted = self.overlap(summary, reference)
        return 2 * common / (own + wanted) if common else 0.0

    def terms(self, examples: list[float]) -> State:
        values = torch.tensor(examples, dtype=torch.float64)
        return {"total": values, "count": torch.ones_like(values)}

    def result(self, state: State) -> float:
        return float(state["total"] / state["count"]) if state["count"] else math.nan


class _Grams(ROUGE):
    """ROUGE-N: what both have in common are n-grams, each as often as it stands in both."""

    order = 1

    def overlap(self, summary: Sequence[Any], reference: Sequence[Any]) -> tuple[int, int, int]:
        own, wanted = (
            Counter(tuple(text[at : at + self.order]) for at in range(len(text) - self.order + 1))
            for text in (summary, reference)
        )
        return sum((own & wanted).values()), sum(own.values()), sum(wanted.values())


@recorded
class ROUGE1(_Grams):
    """ROUGE-1: single words in common; see `ROUGE` (Lin 2004, section 2).

    >>> metric = ROUGE1()
    >>> metric.update(["the cat sat"], ["the cat was there"])
    >>> round(metric.compute(), 4)
    0.5714
    """


@recorded
class ROUGE2(_Grams):
    """ROUGE-2: pairs of words in common; see `ROUGE` (Lin 2004, section 2).

    >>> metric = ROUGE2()
    >>> metric.update(["the cat sat"], ["the cat was there"])
    >>> round(metric.compute(), 4)
    0.4
    """

    order = 2


@recorded
class ROUGEL(ROUGE):
    """ROUGE-L: the longest sequence of words in common, gaps allowed; see `ROUGE` (Lin 2004, section 3, equations 2 to 4).

    >>> metric = ROUGEL()
    >>> metric.update(["police killed the gunman"], ["police kill the gunman"])
    >>> metric.compute()
    0.75
    """

    def overlap(self, summary: Sequence[Any], reference: Sequence[Any]) -> tuple[int, int, int]:
        return longest_common(summary, reference), len(summary), len(reference)


def longest_common(first: Sequence[Any], second: Sequence[Any]) -> int:
    """Return the length of the longest common subsequence, by one row of the table as the bits of a number.

    Hyyro 2004, "Bit-parallel LCS-length computation revisited".

    >>> longest_common("abcd", "axcyd")
    3
    """
    places: dict[Any, int] = {}
    for place, each in enumerate(first):
        places[each] = places.get(each, 0) | 1 << place
    row = everything = (1 << len(first)) - 1
    for each in second:
        taken = row & places.get(each, 0)
        row = ((row + taken) | (row - taken)) & everything
    return len(first) - row.bit_count()
