"""Tagged: metrics of a tag per token: tokens that are right, sentences without a mistake, spans that are found."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Hashable, Sequence
from typing import Any

import torch
from torch import Tensor

from neurarium.core.errors import OptionError, ShapeError
from neurarium.core.recipe import recorded
from neurarium.data.specs import ABSENT
from neurarium.metrics.checks import tensor, weighting
from neurarium.metrics.metric import State, SumMetric

OUTSIDE, BEGIN, INSIDE, END, SINGLE = range(5)
PREFIXES = {
    "O": OUTSIDE,
    "B": BEGIN,
    "I": INSIDE,
    "E": END,
    "S": SINGLE,
    "L": END,
    "U": SINGLE,
}  # L, U: BILOU's names
MARKS = tuple(f"{each}-" for each in PREFIXES if each != "O")


@dataclasses.dataclass(frozen=True)
class Tagged:
    """Checked tags `(batch, length)` int64, targets -1 where there is no token, and a weight per sentence."""

    predictions: Tensor
    targets: Tensor
    weights: Tensor

    def reweighted(self, factors: Tensor) -> Tagged:
        return dataclasses.replace(self, weights=self.weights * factors)

    def __len__(self) -> int:
        return len(self.targets)


class TagMetric(SumMetric):
    """A metric of tags: predictions and targets `(batch, length)` indices, targets -1 where there is no token."""

    goal = "max"

    def check(self, predictions: Any, targets: Any, weights: Any = None) -> Tagged:
        said, truth = tensor(predictions, "predictions"), tensor(targets, "targets")
        if said.ndim != 2 or said.shape != truth.shape or said.is_floating_point():
            raise ShapeError(
                "metrics of tags read an index per token",
                expected="integers (batch, length), twice",
                received=f"{tuple(said.shape)} {said.dtype} and {tuple(truth.shape)}",
            )
        return Tagged(said.long(), truth.long(), weighting(weights, len(said), said.device))

    def shares_check(self) -> Hashable:
        return TagMetric

    def result(self, state: State) -> float:
        return float(state["above"] / state["below"])


@recorded
class TokenAccuracy(TagMetric):
    """The share of tokens whose tag is right.

    >>> TokenAccuracy().value(torch.tensor([[1, 2, 0]]), torch.tensor([[1, 1, -1]]))
    0.5
    """

    def terms(self, examples: Tagged) -> State:
        known = examples.targets != ABSENT
        right = (examples.predictions == examples.targets) & known
        counts = {"above": right, "below": known}
        return {key: each.double().sum(dim=1) * examples.weights for key, each in counts.items()}


@recorded
class SentenceAccuracy(TagMetric):
    """The share of sentences all of whose tags are right; a sentence without a token counts for nothing.

    >>> SentenceAccuracy().value(torch.tensor([[1, 2], [1, 0]]), torch.tensor([[1, 2], [1, 1]]))
    0.5
    """

    def terms(self, examples: Tagged) -> State:
        known = examples.targets != ABSENT
        right = ((examples.predictions == examples.targets) | ~known).all(dim=1)
        there = known.any(dim=1)
        return {"above": (right & there) * examples.weights, "below": there * examples.weights}


class SpanMetric(TagMetric):
    """A metric of spans in the schemes BIO, IOB, BIOES and BILOU.

    A span counts as found where its first token, its last one and its type are right. As in the script of CoNLL, `I-X`
    behind another type, or behind `O`, begins a span.

    Args:
        names: of the tags: `O`, `B-PER`, `I-PER`, ...; a tag without such a prefix is a span of one token.

    Raises:
        OptionError: no names.

    Tjong Kim Sang and De Meulder, "Introduction to the CoNLL-2003 shared task", section 3.
    """

    def __init__(self, names: Sequence[str] = ()):
        super().__init__()
        if not names:
            raise OptionError(
                "spans are read off the names of the tags", fix="give names=('O', 'B-PER', ...)"
            )
        self.names = tuple(names)

    def shares(self) -> Hashable:
        return (SpanMetric, self.names)

    def terms(self, examples: Tagged) -> State:
        known = examples.targets != ABSENT
        said = spans(examples.predictions, known, self.names)
        truth = spans(examples.targets, known, self.names)
        counts = {"hits": (said == truth) & (truth > 0), "said": said > 0, "truth": truth > 0}
        return {key: each.double().sum(dim=1) * examples.weights for key, each in counts.items()}


@recorded
class SpanF1(SpanMetric):
    """F1 of spans: 2 hits / (predicted + true), over all sentences; see `SpanMetric`.

    >>> names = ("O", "B-PER", "I-PER")
    >>> SpanF1(names).value(torch.tensor([[1, 2, 0, 1]]), torch.tensor([[1, 2, 0, 0]]))  # one of two is right
    0.6666666666666666
    """

    def result(self, state: State) -> float:
        return float(2 * state["hits"] / (state["said"] + state["truth"]))


@recorded
class SpanPrecision(SpanMetric):
    """The share of predicted spans that are right; see `SpanMetric`.

    >>> SpanPrecision(("O", "B-PER")).value(torch.tensor([[1, 0, 1]]), torch.tensor([[1, 0, 0]]))
    0.5
    """

    def result(self, state: State) -> float:
        return float(state["hits"] / state["said"])


@recorded
class SpanRecall(SpanMetric):
    """The share of true spans that are found; see `SpanMetric`.

    >>> SpanRecall(("O", "B-PER")).value(torch.tensor([[1, 0, 0]]), torch.tensor([[1, 0, 1]]))
    0.5
    """

    def result(self, state: State) -> float:
        return float(state["hits"] / state["truth"])


def is_span_scheme(names: Sequence[str]) -> bool:
    """Return whether tags mark spans: all are `O` or have a prefix, and one of them begins or goes on with a span.

    >>> is_span_scheme(("O", "B-PER", "I-PER")), is_span_scheme(("NOUN", "VERB"))
    (True, False)
    """
    marked = [name for name in names if name.startswith(MARKS)]
    return bool(marked) and all(name == "O" or name in marked for name in names)


def spans(tags: Tensor, known: Tensor, names: Sequence[str]) -> Tensor:
    """Return at each token that begins a span `1 + type + types * last token`, else 0; `(batch, length)` int64."""
    prefix, kind, types = _parsed(names)
    codes = tags.clamp(min=0).cpu()
    known = known.cpu()
    here = torch.where(known, prefix[codes], OUTSIDE)
    kinds = torch.where(known, kind[codes], -1)
    edge = torch.full_like(here[:, :1], OUTSIDE), torch.full_like(kinds[:, :1], -1)
    before, kind_before = torch.cat([edge[0], here[:, :-1]], 1), torch.cat([edge[1], kinds[:, :-1]], 1)
    after, kind_after = torch.cat([here[:, 1:], edge[0]], 1), torch.cat([kinds[:, 1:], edge[1]], 1)
    starts = _starts(before, here, kind_before, kinds)
    ends = (here != OUTSIDE) & ((after == OUTSIDE) | _starts(here, after, kinds, kind_after))
    place = torch.arange(tags.shape[1])
    last = torch.where(ends, place, tags.shape[1]).flip(1).cummin(dim=1).values.flip(1)
    return torch.where(starts, 1 + kinds + types * last, 0).to(tags.device)


def spans_by_type(said: Tensor, truth: Tensor, names: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return precision, recall and F1 of the spans of each type, and how many there are.

    Args:
        said, truth: `(batch, length)` indices; truth -1 where there is no token.
        names: of the tags.

    >>> found = spans_by_type(torch.tensor([[1, 0, 2]]), torch.tensor([[1, 0, 0]]), ("O", "B-PER", "B-LOC"))
    >>> found["PER"]["f1"], found["LOC"]["precision"], found["LOC"]["spans"]
    (1.0, 0.0, 0.0)
    """
    known = truth != ABSENT
    predicted, there = (spans(each, known, names) for each in (said, truth))
    types = sorted({name[2:] for name in _marked(names) if name != "O"})
    counts = [
        torch.bincount((each[each > 0] - 1) % len(types), minlength=len(types)).tolist()
        for each in (predicted, there, torch.where(predicted == there, there, 0))
    ]
    return {
        name: {
            "precision": hits / found if found else math.nan,
            "recall": hits / wanted if wanted else math.nan,
            "f1": 2 * hits / (found + wanted) if found + wanted else math.nan,
            "spans": float(wanted),
        }
        for name, found, wanted, hits in zip(types, *counts, strict=True)
    }


def _starts(before: Tensor, here: Tensor, kind_before: Tensor, kind: Tensor) -> Tensor:
    inside = (here == INSIDE) | (here == END)
    closed = (before == END) | (before == SINGLE) | (before == OUTSIDE)
    return (here == BEGIN) | (here == SINGLE) | (inside & (closed | (kind_before != kind)))


def _marked(names: Sequence[str]) -> list[str]:
    """Return the tags with their prefixes; a tag without one is a span of one token."""
    return [name if name.startswith(MARKS) or name == "O" else f"S-{name}" for name in names]


def _parsed(names: Sequence[str]) -> tuple[Tensor, Tensor, int]:
    """Return the code of each tag's prefix, that of its type, and how many types there are."""
    marked = _marked(names)
    types = sorted({name[2:] for name in marked if name != "O"})
    prefix = torch.tensor([PREFIXES[name[0]] for name in marked])
    return prefix, torch.tensor([-1 if n == "O" else types.index(n[2:]) for n in marked]), max(len(types), 1)
