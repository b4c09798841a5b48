"""Fading: weight decay and dropout that change over training, each by a schedule of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from torch import nn

from neurarium.core.errors import OptionError, RefusalError
from neurarium.training.optimizers.building import Optimizer
from neurarium.training.schedules import schedule as make_schedule


class Fading:
    """Multiply weight decay and dropout rates by factors of the progress of training.

    At progress p the decay of each group is `weight_decay f(p)` and each dropout drops with the probability `rate g(p)`,
    f and g being schedules (`training.schedules`). The rates change while a step is taken, and stand as built between
    steps: what measures, saves or samples a network meets its own.

    Args:
        weight_decay, dropout: names of schedules; "constant" changes nothing.
        weight_decay_options, dropout_options: of these schedules.

    Raises:
        OptionError: an unknown schedule, or "plateau", which follows scores instead of progress.

    >>> fading = Fading("constant", "flat-then-cosine", dropout_options={"flat": 0.5})
    >>> network = nn.Sequential(nn.Linear(1, 1), nn.Dropout(0.4))
    >>> fading.begin([network], [])
    >>> with fading.at(0.75):
    ...     round(network[1].p, 6)
    0.2
    >>> network[1].p
    0.4
    """

    def __init__(
        self,
        weight_decay: str = "constant",
        dropout: str = "constant",
        weight_decay_options: Mapping[str, Any] | None = None,
        dropout_options: Mapping[str, Any] | None = None,
    ):
        for name in (weight_decay, dropout):
            if name == "plateau":
                raise OptionError(
                    "neither weight decay nor dropout follows a plateau", expected="a schedule of the progress",
                    received=name, fix="flat-then-cosine, cosine, linear, ...",
                )  # fmt: skip
        self.names = (weight_decay, dropout)
        self.decays, self.thins = weight_decay != "constant", dropout != "constant"
        self.decay_factor = make_schedule(weight_decay, options=dict(weight_decay_options or {}))
        self.dropout_factor = make_schedule(dropout, options=dict(dropout_options or {}))
        self._optimizers: Sequence[Optimizer] = ()
        self._decays: list[list[float]] = []
        self._dropouts: list[tuple[Any, float]] = []

    def begin(self, networks: Sequence[nn.Module], optimizers: Sequence[Optimizer]) -> None:
        """Remember what is built: the decay of each group, the rate of each dropout.

        Raises:
            RefusalError: a network that is compiled, for which a rate is a constant.
        """
        self._optimizers = optimizers if self.decays else ()
        self._decays = [
            [group.get("weight_decay", 0.0) for group in each.param_groups] for each in self._optimizers
        ]
        found: dict[int, Any] = {
            id(each): each for network in networks for each in network.modules() if _drops(each)
        }
        self._dropouts = [(each, each.p) for each in found.values()] if self.thins else []
        if self._dropouts and any(getattr(each, "_compiled_call_impl", None) for each in networks):
            raise RefusalError(
                "dropout that changes does not go with a compiled network: each rate would be compiled anew",
                fix="leave out --compile, or --set dropout_schedule=constant",
            )

    @contextlib.contextmanager
    def at(self, progress: float) -> Iterator[None]:
        """Take a step at this progress, from 0 to 1."""
        for optimizer, decays in zip(
            self._optimizers, self._decays, strict=True
        ):  # a resumed one has new groups
            for group, decay in zip(optimizer.param_groups, decays, strict=True):
                if decay:
                    group["weight_decay"] = decay * self.decay_factor(progress)
        share = self.dropout_factor(progress) if self._dropouts else 1.0
        for each, rate in self._dropouts:
            each.p = rate * share
        try:
            yield
        finally:
            for each, rate in self._dropouts:
                each.p = rate


def _drops(module: nn.Module) -> bool:
    return isinstance(module, nn.modules.dropout._DropoutNd)
