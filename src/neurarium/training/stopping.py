"""When to stop, and which weights were best."""

from __future__ import annotations

import math
from typing import Any

from torch import nn

from neurarium.core import batches
from neurarium.training import sharding


class Best:
    """Keeps the weights of the best evaluation; of equally good ones those of the lower validation loss.

    Args:
        monitor: the validation metric that decides.
        better: "min" or "max".
        patience: evaluations without improvement after which training stops; None for never.
    """

    def __init__(self, monitor: str, better: str, patience: int | None):
        self.monitor, self.better, self.patience = monitor, better, patience
        self.score: float | None = None
        self.loss: float | None = None  # beside the score
        self.step = self.epoch = self.waited = 0
        self.weights: dict[str, Any] | None = None

    def consider(self, row: dict[str, Any], network: nn.Module) -> None:
        """Look at one evaluation; a score that is not a number never wins."""
        score = row.get("validation", {}).get(self.monitor)
        if score is None or not math.isfinite(score):
            self.waited += 1
            return
        loss = row["validation"].get("loss")
        surer = loss is not None and self.loss is not None and loss < self.loss
        risen = self.score is None or (score < self.score if self.better == "min" else score > self.score)
        self.waited = 0 if risen else self.waited + 1
        if risen or (score == self.score and surer):
            self.score, self.loss, self.step, self.epoch = float(score), loss, row["step"], row["epoch"]
            state = sharding.whole(dict(network.state_dict()))
            self.weights = batches.map_tensors(lambda each: each.detach().cpu().clone(), state)

    @property
    def exhausted(self) -> bool:
        return self.patience is not None and self.waited >= self.patience

    def state_dict(self) -> dict[str, Any]:
        return {
            "score": self.score,
            "loss": self.loss,
            "step": self.step,
            "epoch": self.epoch,
            "waited": self.waited,
            "weights": self.weights,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)


class Convergence:
    """Says when the training loss stands still: its relative change stays below a tolerance three times in a row."""

    def __init__(self, tolerance: float | None):
        self.tolerance = tolerance
        self.last: float | None = None
        self.still = 0

    def consider(self, loss: float | None) -> bool:
        if self.tolerance is None or loss is None:
            return False
        if self.last is not None and abs(self.last - loss) <= self.tolerance * max(abs(self.last), 1e-12):
            self.still += 1
        else:
            self.still = 0
        self.last = loss
        return self.still >= 3

    def state_dict(self) -> dict[str, Any]:
        return {"last": self.last, "still": self.still}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.last, self.still = state["last"], state["still"]
