"""Unfreezing: frozen parts of a network are freed one by one, from the head down."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from neurarium.core.errors import OptionError
from neurarium.training.callbacks.callback import Callback
from neurarium.training.freezing import groups, hold
from neurarium.training.optimizers.state import begin_momentum


class Unfreezing(Callback):
    """Free the highest of the parts that are still held, every so many epochs.

    The optimizer knows all of them from the start; a part that is held has no gradient, and so neither moves nor decays.

    Args:
        network: the network.
        names: of the parts that are held at the start, as `freezing.chosen` gives them.
        every: epochs.

    Raises:
        OptionError: fewer than one epoch.

    Howard and Ruder 2018, arXiv:1801.06146, section 3.3 (gradual unfreezing).
    """

    def __init__(self, network: nn.Module, names: Sequence[str], every: int):
        if every < 1:
            raise OptionError("parts are freed too often", expected="1 epoch or more", received=every)
        together = groups(network)
        order = {name: place for place, name in enumerate(together)}
        self.network, self.every = network, every
        self.held = [
            together.get(name, [name]) for name in sorted(names, key=lambda name: order.get(name, -1))
        ]
        self._count: int | None = None

    def start(self, loop: Any) -> None:
        self._count = None
        begin_momentum(each for descent in loop.method.descents() for each in descent.optimizers)
        self._see(loop.epoch)

    def step(self, loop: Any, metrics: dict[str, Any]) -> None:
        # The loop counts an epoch after its last step: this step's successor may be the first of the next epoch.
        self._see(loop.step // loop.length)

    def _see(self, epoch: int) -> None:
        count = max(0, len(self.held) - epoch // self.every)
        if count != self._count:
            for place, names in enumerate(self.held):
                hold(self.network, names, place < count)
            self._count = count
