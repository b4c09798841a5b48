"""Truncated backpropagation through time: a network remembers across batches, gradients reach back within one."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from neurarium.core.errors import RefusalError
from neurarium.core.recipe import recorded
from neurarium.data.sources.source import Source
from neurarium.data.sources.token_batches import token_batches
from neurarium.data.sources.token_streams import TokenStreams
from neurarium.data.token_windows import TokenWindows
from neurarium.methods.supervised import Supervised


@recorded
class TruncatedBackpropagation(Supervised):
    r"""Read a text on from batch to batch: the state goes on, its gradient does not.

    .. math:: h_t = f_\theta(x_t, h_{t-1}), \qquad \partial h_{kL} / \partial \theta = 0 \text{ between batches of L steps}

    It is measured on windows that each begin with an empty state.

    Args:
        network: reads on from a state: `read(inputs, state) -> (outputs, state)` and `new_state(batch) -> (batch, ...)`, as
            `rnn`, `lstm` and `gru` do.
        loss, loss_options, targets, **descent: as for `Supervised`.

    Raises:
        RefusalError: the network has no state, or the data is no text to read on.

    Williams and Peng 1990, "An efficient gradient-based algorithm for on-line training of recurrent network trajectories".
    """

    streams: Any
    _after: Any

    def __init__(
        self, network: nn.Module, *, loss: str | Any | None = None, loss_options: dict[str, Any] | None = None,
        targets: Any = None, **descent: Any,
    ):  # fmt: skip
        super().__init__(network, loss=loss, loss_options=loss_options, targets=targets, **descent)
        if not hasattr(network, "read"):
            raise RefusalError(
                f"{type(network).__name__} carries no state from batch to batch",
                expected="a recurrent network: rnn, lstm or gru",
                received=type(network).__name__,
                fix="--method supervised",
            )

    def source(self, examples: Any, *, batch_size: int, seed: int, **options: Any) -> Source:
        if not isinstance(examples, TokenWindows):
            raise RefusalError(
                "truncated backpropagation reads a text on from batch to batch, and these examples have no order",
                expected="a text (--task language-model)",
                received=type(examples).__name__,
                fix="--method supervised",
            )
        # hidden from nn.Module, which would not know it: the memory in it is part of the source's state
        self.__dict__["streams"] = token_batches(examples, batch_size, seed, options, TokenStreams)
        return self.streams

    def step(self, batch: Any) -> dict[str, Tensor]:
        network: Any = self.network
        rows = torch.arange(len(batch["targets"]), device=batch["targets"].device)
        held = self.streams.memory
        before = network.new_state(len(rows)) if held is None else held
        self.__dict__["_after"] = torch.empty_like(before)
        metrics = super().step({**batch, "state": before, "rows": rows})
        self.streams.memory = self._after
        return metrics

    def total_loss(self, batch: Any) -> tuple[Tensor, Any]:
        network: Any = self.network
        outputs, after = network.read(batch["inputs"], batch["state"])
        self._after[batch["rows"]] = after.detach().to(self._after.dtype)
        return self.loss(outputs, batch["targets"], batch.get("weights"))
