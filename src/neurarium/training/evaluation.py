"""Evaluate a method on a split: metrics that update over batches and merge over ranks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from neurarium.core import batches
from neurarium.core.errors import NotFiniteError
from neurarium.data.sources.minibatches import Minibatches
from neurarium.training import distributed, memory
from neurarium.training.method import Evaluation, Method


def evaluate(
    method: Method, examples: Any, metrics: Any = None, *, batch_size: int = 1024, device: Any = None
) -> dict[str, float]:
    """Return the metrics of a method on a split, over all ranks.

    Args:
        method: its networks are put in eval mode and back.
        examples: the split, or any iterable of batches.
        metrics: a `MetricSet`; None for the loss alone.
        batch_size: examples per batch.
        device: where batches go.
    """
    source = examples
    if hasattr(examples, "take"):
        source = Minibatches(examples, batch_size, shuffle=False, device=device)
    modes = {module: module.training for module in method.modules()}
    method.eval()
    total, weight = torch.zeros((), dtype=torch.float64), torch.zeros((), dtype=torch.float64)
    predicted = torch.zeros((), dtype=torch.int64)
    if metrics is not None:
        metrics.reset()
    try:
        for batch in source:
            here = not batches.is_empty(batch)  # a rank without an example still takes part in communication
            for seen in evaluations(method, batch if here else batches.stand_in(batch)):
                if not here:
                    continue
                if metrics is not None and seen.predictions is not None:
                    predicted += 1
                    _update(metrics, seen)
                if seen.loss is not None:
                    total += torch.as_tensor(seen.loss[0]).detach().double().cpu()
                    weight += torch.as_tensor(seen.loss[1]).detach().double().cpu()
    finally:
        for module, training in modes.items():
            module.training = training
    any_rank_did = bool(distributed.total(predicted))
    return _computed(metrics if any_rank_did else None, total, weight)


def _update(metrics: Any, seen: Evaluation) -> None:
    """Hand predictions to the metrics; where these are not finite, say what that means in training."""
    try:
        metrics.update(_detached(seen.predictions), _detached(seen.targets), seen.weights)
    except NotFiniteError as error:
        raise NotFiniteError(
            "training has diverged: predictions of the split it is measured on are not finite",
            expected="finite predictions",
            received=error.received or error.problem,
            fix="lower --set learning_rate, or set clip_norm=1; the last good weights are in the checkpoint",
        ) from error


def evaluations(method: Method, batch: Any) -> Iterator[Evaluation]:
    """Yield what a method says of a batch, in halves where it does not fit into memory.

    Raises:
        UserError: a single example does not fit.
    """
    try:
        seen = method.evaluate(batch)
    except Exception as error:
        parts = batches.split(batch, memory.finer(error, 1, batch))
    else:
        parts = []
        if seen is not None:
            yield seen
    for part in parts:
        yield from evaluations(method, part)


def _computed(metrics: Any, total: Tensor, weight: Tensor) -> dict[str, float]:
    if metrics is not None and distributed.world() > 1:
        metrics = _merged(metrics)
    sums = distributed.total(torch.stack([total, weight]))
    values = {} if metrics is None else {name: value for name, value in metrics.compute().items()}
    if float(sums[1]) > 0:
        values["loss"] = float(sums[0] / sums[1])
    return values


def _merged(metrics: Any) -> Any:
    """Merge the metrics of all ranks: each rank's state travels as tensors."""
    states = distributed.everyones(metrics.state())
    metrics.reset()
    metrics.load(states[0])
    for state in states[1:]:
        other = metrics.fresh()
        other.load(state)
        metrics.merge(other)
    return metrics


def _detached(value: Any) -> Any:
    return value.detach() if isinstance(value, Tensor) else value
