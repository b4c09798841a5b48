"""Language scores: how likely a language model finds texts."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import Any

import polars
import torch

from neurarium.core.steps import finish
from neurarium.data.examples import Examples
from neurarium.data.sources.minibatches import Minibatches
from neurarium.studies.prediction.learner import evaluating, learner_of
from neurarium.training.run import Run


def score_texts(run: Run, raw: Any) -> tuple[polars.DataFrame, dict[str, Any]]:
    """Return a row per text, and what the preparation noted.

    Columns: `tokens` that were predicted (all but the first; all where texts begin with a token of their own, as published
    Llama layouts have it), `log_likelihood` (their sum of log p, in nats), `perplexity`,
    `bits_per_character`. A text longer than the context is read in windows of it.

    Args:
        run: a trained language model.
        raw: a text file, a table with a column of texts, a list of texts.

    Raises:
        DataError: a text of fewer than two tokens.

    >>> import neurarium as nr
    >>> data = nr.data.language(["to be or not to be " * 40], context=16)
    >>> run = nr.studies.train(data, "decoder", options={"width": "16", "blocks": "1", "heads": "2"}, epochs=1, progress=False)
    >>> score_texts(run, ["to be", "not"])[0].columns
    ['tokens', 'log_likelihood', 'perplexity', 'bits_per_character']
    """
    with evaluating(learner_of(run)):
        return finish(scoring(run, raw))


def scoring(run: Run, raw: Any) -> Generator[None, None, tuple[polars.DataFrame, dict[str, Any]]]:
    """Score texts as `score_texts` does, and pause after each batch of windows; the caller puts the network in eval mode."""
    batch, notes = run.preparation.apply(raw)
    method: Any = learner_of(run)
    device = next((each.device for each in method.parameters()), torch.device("cpu"))
    source = Minibatches(
        Examples(batch), method.measured_at_once(), shuffle=False, device=device, rank=0, world=1
    )
    parts = []
    for each in source:
        parts.append(method.evaluate(each).predictions)
        yield
    rows = [part.sum(dim=0).tolist() for part in torch.cat(parts).split(notes["windows"])]
    frame = polars.DataFrame(
        {
            "tokens": [int(tokens) for _, tokens, _, _ in rows],
            "log_likelihood": [-nats for nats, *_ in rows],
            "perplexity": [math.exp(min(nats / tokens, 700.0)) for nats, tokens, _, _ in rows],
            "bits_per_character": [nats / math.log(2) / max(many, 1) for nats, _, many, _ in rows],
        }
    )
    return frame, {name: value for name, value in notes.items() if name != "windows"}
