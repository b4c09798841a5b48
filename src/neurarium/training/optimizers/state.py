"""State: what optimizers remember of each parameter, laid out as their fused kernels read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor


def load_state(optimizer: torch.optim.Optimizer, state: Mapping[str, Any]) -> None:
    """Take a saved state back.

    Fused kernels walk through parameter, gradient and moments in the order of memory. A file knows no memory formats: what
    it holds of a parameter that is laid out channels last is laid out again as that is, or each number would meet another's
    moments, without an error.

    Args:
        optimizer: of the same parameters, in the same groups.
        state: its `state_dict()`.
    """
    optimizer.load_state_dict(dict(state))
    for parameter, held in optimizer.state.items():
        for name, value in held.items():
            if _misplaced(value, parameter):
                held[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)


def begin_momentum(optimizers: Iterable[torch.optim.Optimizer]) -> None:
    """Give every parameter a momentum of zero where none has been kept yet: the same first step.

    The fused kernel of SGD takes a group whose parameters all have a momentum, or none: not one in which some were frozen
    until now.
    """
    for optimizer in optimizers:
        if not isinstance(optimizer, torch.optim.SGD):
            continue
        for group in optimizer.param_groups:
            if not group["momentum"] or group["dampening"]:
                continue
            for parameter in group["params"]:
                if optimizer.state[parameter].get("momentum_buffer") is None:
                    optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)


def _misplaced(value: Any, parameter: Tensor) -> bool:
    plain = type(parameter.data) is Tensor and isinstance(value, Tensor)
    return plain and value.shape == parameter.shape and value.stride() != parameter.stride()
