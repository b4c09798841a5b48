"""Exponential moving average of weights."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from neurarium.training import sharding


class Average:
    r"""Keep an exponential moving average of parameters.

    .. math:: \bar w_t = \beta_t \bar w_{t-1} + (1 - \beta_t) w_t, \qquad \beta_t = \min(\beta, \frac{1+t}{10+t})

    (the warm-up of :math:`\beta` lets early averages forget the start; Polyak and Juditsky, 1992, and the TensorFlow
    form of `num_updates`.)

    >>> weight = nn.Parameter(torch.zeros(1))
    >>> average = Average([weight], decay=0.5)
    >>> weight.data.fill_(1.0); average.update(); round(float(average.values[0]), 4)
    tensor([1.])
    0.8182
    """

    def __init__(self, parameters: Sequence[nn.Parameter], decay: float):
        self.parameters, self.decay, self.updates = list(parameters), decay, 0
        self.values: list[Tensor] = [each.detach().clone() for each in self.parameters]

    @torch.no_grad()
    def update(self) -> None:
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        torch._foreach_lerp_(self._parts(self.values), self._parts(self.parameters), 1 - decay)

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """Put the average into the parameters, and the parameters back at the end."""
        held = [sharding.local(each.detach()).clone() for each in self.parameters]
        self.copy_to_parameters()
        try:
            yield
        finally:
            with torch.no_grad():
                torch._foreach_copy_(self._parts(self.parameters), held)

    @torch.no_grad()
    def copy_to_parameters(self) -> None:
        torch._foreach_copy_(self._parts(self.parameters), self._parts(self.values))

    @staticmethod
    def _parts(tensors: Sequence[Tensor]) -> list[Tensor]:
        return [sharding.local(each.detach()) for each in tensors]
