"""BLEU: how many word sequences of a translation stand in a reference translation."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from neurarium.core.errors import DataError, OptionError, ShapeError
from neurarium.core.recipe import recorded
from neurarium.metrics.metric import State, SumMetric

Text = str | Sequence[Hashable]


@recorded
class BLEU(SumMetric):
    """Corpus BLEU in [0, 100]: `100 min(1, exp(1 - r / c)) (p_1 ... p_N)^(1/N)` (Papineni et al. 2002).

    p_n: the clipped matches among the n-grams of all translations; c and r: their length and that of the references
    nearest in length. Counts are added over the corpus: it is no mean over sentences. Equal to sacrebleu's.

    Predictions: a sequence of texts, each a string or a sequence of tokens; or token indices `(batch, length)`. Targets:
    per translation a text, or a list of references; or token indices. Weights are refused: a corpus has none.

    Args:
        order: the longest n-gram counted, N.
        smoothing: `exponential`: the k-th n-gram order without a match counts `1 / 2^k` of one (sacrebleu's default);
            `none`: BLEU is 0 then.
        tokenize: `blanks`: strings are split at blanks; `13a`: as mteval-v13a does (sacrebleu's default).
        lowercase: whether case is ignored.
        padding: token index that is left out.

    >>> metric = BLEU()
    >>> metric.update(["the cat sat on the mat"], [["the cat sat on a mat"]])
    >>> round(metric.compute(), 2)
    53.73
    """

    goal = "max"

    def __init__(
        self,
        order: int = 4,
        smoothing: Literal["exponential", "none"] = "exponential",
        tokenize: Literal["blanks", "13a"] = "blanks",
        lowercase: bool = False,
        padding: int | None = None,
    ):
        super().__init__()
        if order < 1 or smoothing not in ("exponential", "none") or tokenize not in ("blanks", "13a"):
            raise OptionError(
                "these options of BLEU are not possible",
                expected="order >= 1, smoothing exponential or none, tokenize blanks or 13a",
                received=(order, smoothing, tokenize),
            )
        self.order, self.smoothing, self.tokenize = order, smoothing, tokenize
        self.lowercase, self.padding = lowercase, padding

    def shares_check(self) -> int:
        return id(self)

    def check(self, predictions: Any, targets: Any, weights: Any = None) -> list[tuple[list, list[list]]]:
        if weights is not None:
            raise OptionError(
                "BLEU takes no weights", expected="weights=None", fix="leave examples out instead"
            )
        predictions, targets = self._listed(predictions), self._listed(targets)
        if len(predictions) != len(targets):
            raise ShapeError(
                "there are not as many targets as translations",
                expected=len(predictions),
                received=len(targets),
            )
        return [
            (self.tokens(each), [self.tokens(reference) for reference in references(target, like=each)])
            for each, target in zip(predictions, targets, strict=True)
        ]

    def _listed(self, texts: Any) -> Sequence[Any]:
        if isinstance(texts, str):
            raise ShapeError(
                "BLEU needs a sequence of texts", expected="a list of strings", received="one string"
            )
        return texts.tolist() if isinstance(texts, Tensor) else texts

    def tokens(self, text: Text) -> list[Hashable]:
        """Split a text into tokens; a sequence of tokens stays as it is, without padding."""
        if not isinstance(text, str):
            return [token for token in text if self.padding is None or token != self.padding]
        text = text.lower() if self.lowercase else text
        return [*(split_13a(text) if self.tokenize == "13a" else text.split())]

    def terms(self, examples: list[tuple[list, list[list]]]) -> State:
        rows = [self._row(translation, references) for translation, references in examples]
        counted = torch.tensor(rows, dtype=torch.float64).reshape(len(rows), 2 * self.order + 2)
        return {"counts": counted}

    def _row(self, translation: list, references: list[list]) -> list[int]:
        """Count matches and n-grams of each order, the length, and the length of the nearest reference."""
        found, matched, total = ngrams(translation, self.order), [0] * self.order, [0] * self.order
        allowed: Counter = Counter()
        for reference in references:
            allowed |= ngrams(reference, self.order)
        for gram, count in found.items():
            total[len(gram) - 1] += count
            matched[len(gram) - 1] += min(count, allowed[gram])
        length = len(translation)
        nearest = min((abs(len(reference) - length), len(reference)) for reference in references)[1]
        return [*matched, *total, length, nearest]

    def result(self, state: State) -> float:
        counts = [float(each) for each in state["counts"]]
        matched, total = counts[: self.order], counts[self.order : 2 * self.order]
        length, wanted = counts[-2:]
        if wanted == 0 and length == 0:
            return math.nan
        logs, halvings = [], 0
        for right, all_ in zip(matched, total, strict=True):
            if right == 0:
                halvings += 1
                if self.smoothing == "none" or all_ == 0 or matched[0] == 0:
                    return 0.0
                right = 0.5**halvings
            logs.append(math.log(right / all_))
        brevity = 0.0 if length >= wanted else 1 - wanted / length
        return 100 * math.exp(min(brevity, 0.0) + sum(logs) / self.order)


def ngrams(tokens: Sequence[Hashable], order: int) -> Counter:
    """Count the n-grams of 1 to `order` tokens.

    >>> ngrams(["a", "b", "a"], 2)[("a",)]
    2
    """
    grams: Counter = Counter()
    for n in range(1, order + 1):
        grams.update(tuple(tokens[start : start + n]) for start in range(len(tokens) - n + 1))
    return grams


def references(target: Any, *, like: Text) -> list[Text]:
    """Return the references of one translation, which have the form of the translation.

    Of a string: one string, or a list of strings. Of a sequence of tokens: one such sequence, or a list of them.

    Raises:
        DataError: there is no reference.

    >>> references(["a cat"], like="the cat"), references(["a", "cat"], like=["the", "cat"])
    (['a cat'], [['a', 'cat']])
    """
    one = (
        isinstance(target, str)
        if isinstance(like, str)
        else not any(isinstance(e, list | tuple) for e in target)
    )
    found = [target] if one else list(target)
    if not found:
        raise DataError(
            "a translation has no reference", expected="a text, or a list of texts", received=target
        )
    return found


def split_13a(text: str) -> list[str]:
    """Tokenize as mteval-v13a does.

    >>> split_13a("It's 3.5, no?")
    ["It's", '3.5', ',', 'no', '?']
    """
    text = text.replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    for entity, sign in (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">")):
        text = text.replace(entity, sign)
    text = f" {text} "
    text = re.sub(r"([\{-\~\[-\` -\&\(-\+\:-\@\/])", r" \1 ", text)
    text = re.sub(r"([^0-9])([\.,])", r"\1 \2 ", text)
    text = re.sub(r"([\.,])([^0-9])", r" \1 \2", text)
    return re.sub(r"([0-9])(-)", r"\1 \2 ", text).split()
