"""Translation: the texts that a trained network writes for those it reads (summaries too), by beam search."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator
from typing import Any

import polars
import torch
from torch import Tensor, nn

from neurarium.core import batches
from neurarium.core.errors import ArtifactError, OptionError, RefusalError
from neurarium.core.steps import finish
from neurarium.data.preparation.text_pairs import TextPairPreparation
from neurarium.data.specs import NextToken, Text
from neurarium.studies.decoding.beam_search import searching
from neurarium.studies.prediction.learner import evaluating, learner_of
from neurarium.training.method import Method
from neurarium.training.run import Run

BEAM, PENALTY = 5, 1.0
AT_ONCE = 64  # texts in one search


@dataclasses.dataclass
class Written:
    """What a network wrote.

    Args:
        texts: one per source.
        scores: their log p / length^penalty.
        tokens: `(texts, length)`, without ends, then padding.
    """

    texts: list[str]
    scores: list[float]
    tokens: Tensor


def translate(
    run: Run, raw: Any, *, beam: int = BEAM, length_penalty: float = PENALTY, batch_size: int = AT_ONCE
) -> polars.DataFrame:
    """Translate (or summarize) raw texts.

    Args:
        run: trained on pairs of texts.
        raw: a text file with a text per line, a list of texts, or a table or dict with the column that the run reads.
        beam: how many beginnings are kept at each step; 1 is greedy.
        length_penalty: 0 prefers short texts, 1 compares the mean log p of their tokens.
        batch_size: texts at once.

    Returns:
        A row per text: `prediction`, and `score`: its log p / length^length_penalty. An empty text has an empty translation.

    Raises:
        OptionError: the run was not trained on pairs of texts, or there is no beam.
        DataError: no text, or no such column.

    >>> import neurarium as nr
    >>> rows = {"en": ["a cat", "a dog"] * 20, "de": ["eine Katze", "ein Hund"] * 20}
    >>> data = nr.data.text_pairs(rows, text="en", target="de", tokenizer="words")
    >>> options = {"width": 32, "dropout": 0.0}
    >>> run = nr.studies.train(data, "seq2seq-lstm", options=options, epochs=30, progress=False, evaluate=False)
    >>> nr.studies.translate(run, ["a dog", ""])["prediction"].to_list()
    ['ein Hund', '']
    """
    return translate_with_notes(run, raw, beam=beam, length_penalty=length_penalty, batch_size=batch_size)[0]


def translate_with_notes(
    run: Run, raw: Any, *, beam: int = BEAM, length_penalty: float = PENALTY, batch_size: int = AT_ONCE
) -> tuple[polars.DataFrame, dict[str, Any]]:
    """Translate raw texts, and say what the preparation noted: how many were `cut`."""
    with evaluating(learner_of(run)):
        return finish(translating(run, raw, beam=beam, length_penalty=length_penalty, batch_size=batch_size))


def translating(
    run: Run, raw: Any, *, beam: int = BEAM, length_penalty: float = PENALTY, batch_size: int = AT_ONCE
) -> Generator[None, None, tuple[polars.DataFrame, dict[str, Any]]]:
    """Translate as `translate_with_notes` does, and pause after each token.

    Several of one run may be written in turns: each search has its own state. The caller puts the network in eval mode,
    without gradients.
    """
    preparation = pair_preparation(run)
    batch, notes = preparation.apply(raw)
    found = yield from writing_texts(
        learner_of(run), preparation, batch["inputs"], beam, length_penalty, batch_size
    )
    return polars.DataFrame({"prediction": found.texts, "score": found.scores}), notes


def pair_preparation(run: Run) -> TextPairPreparation:
    """Return the preparation of a run that writes texts.

    Raises:
        OptionError: it does not.
        ArtifactError: the folder has no preparation.
    """
    if not isinstance(run.targets, Text):
        language = isinstance(run.targets, NextToken)
        raise OptionError(
            f"{run.folder or 'the run'} writes no texts",
            expected="a run that was trained on pairs of texts",
            received=f"{type(run.inputs).__name__} -> {type(run.targets).__name__}",
            fix=f"{'go on' if language else 'predict'} with: neurarium {'generate' if language else 'predict'}",
        )
    if not isinstance(run.preparation, TextPairPreparation):
        raise ArtifactError(
            f"{run.folder or 'the run'} has no preparation: it cannot read texts",
            fix="restore it from a copy",
        )
    return run.preparation


def write_texts(
    method: Method,
    preparation: TextPairPreparation,
    inputs: dict[str, Tensor],
    beam: int = BEAM,
    length_penalty: float = PENALTY,
    batch_size: int = AT_ONCE,
) -> Written:
    """Write a text for each of some prepared ones; texts of like lengths are written together.

    Raises:
        RefusalError: the network cannot write step by step.
    """
    with evaluating(method):
        return finish(writing_texts(method, preparation, inputs, beam, length_penalty, batch_size))


def writing_texts(
    method: Method, preparation: TextPairPreparation, inputs: dict[str, Tensor], beam: int, length_penalty: float,
    batch_size: int,
) -> Generator[None, None, Written]:  # fmt: skip
    """Write as `write_texts` does, and pause after each token; the caller puts the method in eval mode, without gradients."""
    targets = preparation.targets
    count = len(inputs["mask"])
    tokens = torch.full((count, targets.length), targets.padding, dtype=torch.int64)
    scores = torch.zeros(count)
    lengths = inputs["mask"].sum(dim=1).cpu()
    order = torch.argsort(lengths, stable=True)
    order = order[lengths[order] > 0]  # nothing is written for nothing
    device = next((each.device for each in method.parameters()), torch.device("cpu"))
    network = writer(method.deployed)
    for places in order.split(batch_size) if len(order) else ():
        longest = int(lengths[places].max())
        taken = {name: inputs[name][places, :longest].to(device) for name in ("tokens", "mask")}
        found = yield from searching(
            network.step, network.start(taken, targets.length, beam), len(places), begin=targets.begin,
            end=targets.end, padding=targets.padding, longest=targets.length, width=beam,
            length_penalty=length_penalty, device=device,
        )  # fmt: skip
        tokens[places], scores[places] = batches.to((found.tokens[:, 0], found.scores[:, 0]), "cpu")
    return Written(preparation.decode(tokens), scores.tolist(), tokens)


def writer(network: nn.Module) -> Any:
    """Return the network that writes step by step.

    Raises:
        RefusalError: it cannot.
    """
    inner = getattr(network, "network", None)
    if not hasattr(network, "step") and isinstance(inner, nn.Module):
        return writer(inner)
    if not (hasattr(network, "start") and hasattr(network, "step")):
        raise RefusalError(
            f"the network {type(network).__name__} cannot write texts step by step",
            expected="a network with start(inputs, longest, copies) and step(tokens, state)",
            received=type(network).__name__,
            fix="train --network encoder-decoder or seq2seq-lstm; an ensemble of them does not write",
        )
    return network
