"""Alignment: which words of a text a network looked at while it wrote each word of another."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from neurarium.core.errors import DataError, RefusalError
from neurarium.data.preparation.text_pairs import Finish, TextPairPreparation
from neurarium.studies.prediction.learner import evaluating, learner_of
from neurarium.studies.prediction.translation import BEAM, PENALTY, pair_preparation, write_texts, writer
from neurarium.training.method import Method
from neurarium.training.run import Run


@dataclasses.dataclass
class Alignment:
    """What a network looked at while it wrote.

    Args:
        text: what was read.
        written: what was written.
        source, goal: their words.
        weights: `(words written, words read)`; rows sum to one at most (the rest lies on nothing real).
        score: log p / length^penalty of what was written.
        cut: tokens behind the length that the network reads.
    """

    text: str
    written: str
    source: list[str]
    goal: list[str]
    weights: Tensor
    score: float = 0.0
    cut: int = 0

    def to_json(self) -> dict[str, Any]:
        held = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {**held, "weights": [[round(each, 4) for each in row] for row in self.weights.tolist()]}


def align(run: Run, text: str, *, beam: int = BEAM, length_penalty: float = PENALTY) -> Alignment:
    """Translate (or summarize) a text, and say where the network looked at each word.

    Args:
        run: trained on pairs of texts with a network that attends.
        text: a literal.
        beam, length_penalty: as of `translate`.

    Raises:
        DataError: the text is empty.
        RefusalError: the network does not attend.

    >>> import neurarium as nr
    >>> rows = {"en": ["a cat", "a dog"] * 20, "de": ["eine Katze", "ein Hund"] * 20}
    >>> data = nr.data.text_pairs(rows, text="en", target="de", tokenizer="words")
    >>> options = {"width": 32, "dropout": 0.0}
    >>> run = nr.studies.train(data, "seq2seq-lstm", options=options, epochs=30, progress=False, evaluate=False)
    >>> found = nr.studies.align(run, "a dog")
    >>> found.goal, found.source, found.weights.shape
    (['ein', 'Hund'], ['a', 'dog'], torch.Size([2, 2]))
    """
    if not text.strip():
        raise DataError("the text is empty", expected="at least one word", received=repr(text))
    preparation = pair_preparation(run)
    method = learner_of(run)
    batch = preparation.apply([text])[0]
    if not bool(batch["inputs"]["mask"].any()):
        raise DataError("the text holds no token", expected="at least one word", received=repr(text))
    found = write_texts(method, preparation, batch["inputs"], beam, length_penalty)
    made = alignments(method, preparation, [text], found.texts)[0]
    whole = preparation.read.tokenizer.encode([text])[0]
    return dataclasses.replace(made, score=found.scores[0], cut=max(0, len(whole) - preparation.read.length))


def alignments(
    method: Method, preparation: TextPairPreparation, sources: Sequence[str], goals: Sequence[str]
) -> list[Alignment]:
    """Return where the network looks while it writes given texts for given ones.

    Tokens are joined to words: a column's weights are added over the tokens of a word that is read, a row's averaged over the
    tokens of a word that is written.

    Raises:
        RefusalError: the network does not attend.
    """
    batch = Finish(preparation.begin)(preparation.batch(list(sources), list(goals)))
    with evaluating(method) as device:
        network = writer(method.deployed)
        if not hasattr(network, "alignment"):
            raise RefusalError(
                f"the network {type(network).__name__} does not say where it looks",
                expected="a network with alignment(inputs)",
                received=type(network).__name__,
                fix="train --network encoder-decoder or seq2seq-lstm",
            )
        inputs = {name: each.to(device) for name, each in batch["inputs"].items()}
        weights = network.alignment(inputs).float().cpu()
    found = []
    for row, (text, written) in enumerate(zip(sources, goals, strict=True)):
        read = batch["inputs"]["tokens"][row][batch["inputs"]["mask"][row]].tolist()
        said = preparation.rows(batch["targets"][row : row + 1])[0]
        columns, source = words_of(preparation.read.tokenizer, read)
        rows, goal = words_of(preparation.written.tokenizer, said)
        own = weights[row, : len(said), : len(read)]
        joined = torch.zeros(len(own), len(source)).index_add_(
            1, torch.tensor(columns, dtype=torch.int64), own
        )
        summed = torch.zeros(len(goal), len(source)).index_add_(
            0, torch.tensor(rows, dtype=torch.int64), joined
        )
        counts = torch.bincount(torch.tensor(rows, dtype=torch.int64), minlength=len(goal))
        found.append(Alignment(text, written, source, goal, summed / counts.clamp(min=1)[:, None]))
    return found


def words_of(tokenizer: Any, indices: Sequence[int]) -> tuple[list[int], list[str]]:
    """Return to which word each token belongs, and the words; a word begins where a blank does.

    >>> from neurarium.data.preparation.text import Words
    >>> words_of(Words(["a", "cat"]), [2, 3])
    ([0, 1], ['a', 'cat'])
    """
    places: list[int] = []
    groups: list[list[int]] = []
    for index in indices:
        if not groups or _begins(tokenizer, index):
            groups.append([])
        groups[-1].append(index)
        places.append(len(groups) - 1)
    return places, [tokenizer.decode(group).strip() or "·" for group in groups]


def _begins(tokenizer: Any, index: int) -> bool:
    inner = getattr(tokenizer, "tokenizer", None)  # of the package `tokenizers`
    if inner is None:
        return True
    spelled = inner.id_to_token(index) or ""
    return spelled.startswith(("Ġ", " ", "▁"))


def diagonal_mass(weights: Tensor, within: float = 3.0) -> float:
    """Return the share of attention within so many words of the diagonal.

    sum_tj w_tj [|j - t (S - 1) / (T - 1)| <= within] / sum_tj w_tj, for T words written and S read.

    Args:
        weights: `(T, S)`.
        within: words.

    >>> diagonal_mass(torch.eye(9), 0.0), round(diagonal_mass(torch.ones(9, 9), 1.0), 3)
    (1.0, 0.309)
    """
    rows, columns = weights.shape
    line = torch.arange(rows)[:, None] * (columns - 1) / max(rows - 1, 1)
    near = (torch.arange(columns) - line).abs() <= within
    return float((weights * near).sum() / weights.sum().clamp(min=torch.finfo(weights.dtype).tiny))
