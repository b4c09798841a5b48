"""What a method is told when training begins."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch

from neurarium.data.specs import Spec


@dataclasses.dataclass
class Context:
    """What `fit` knows and a method may need.

    Args:
        steps: how many steps training takes in all; None when only time ends it.
        inputs, targets: specs of the data; None for a bare source.
        device: where the networks are.
        shard: whether parameters are sharded over the ranks.
        train: the training split, for what is computed from all of it once (class weights); None for a bare source.
        decisions: rows for plan.json; a method appends its automatic decisions.
        training: False where a trained method only predicts: no optimizer is built (torch takes a second for the first one).
    """

    steps: int | None = None
    inputs: Spec | None = None
    targets: Spec | None = None
    device: torch.device = dataclasses.field(default_factory=lambda: torch.device("cpu"))
    shard: bool = False
    train: Any = None
    decisions: list[Any] = dataclasses.field(default_factory=list)
    training: bool = True
