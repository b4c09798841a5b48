"""Numeric precision: autocast, the loss scaler of float16, and the chance of one device."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from neurarium.core.errors import unknown

TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def autocast(precision: str, device: torch.device) -> Any:
    """Return the context in which losses are computed.

    Raises:
        OptionError: unknown precision.
    """
    if precision not in TYPES:
        raise unknown("precision", precision, TYPES)
    if precision == "float32":
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=TYPES[precision])


def scaler(precision: str, device: torch.device) -> torch.amp.GradScaler | None:
    """Return a loss scaler for float16, whose small gradients would vanish; None for the others."""
    return torch.amp.GradScaler(device.type) if precision == "float16" else None


def scaled_step(scaler: torch.amp.GradScaler, optimizers: Sequence[torch.optim.Optimizer]) -> bool:
    """Step the optimizers unless gradients overflowed; return whether they were stepped."""
    before = scaler.get_scale()
    for optimizer in optimizers:
        scaler.step(optimizer)
    scaler.update()
    return scaler.get_scale() >= before


def random_state(device: torch.device) -> tuple[Tensor, Tensor | None]:
    """Return the state of the generators that a forward pass draws from."""
    on_gpu = torch.cuda.get_rng_state(device) if device.type == "cuda" else None
    return torch.get_rng_state(), on_gpu


def set_random_state(state: tuple[Tensor, Tensor | None], device: torch.device) -> None:
    torch.set_rng_state(state[0])
    if state[1] is not None:
        torch.cuda.set_rng_state(state[1], device)
