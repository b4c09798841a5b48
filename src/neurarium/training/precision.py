"""Numeric precision: autocast, the loss scaler of float16, and the chance of one device."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from neurarium.core.errors import unknown

TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def autocast(precision: str, device: torch.device, *, twice: bool = False) -> Any:
    """Return the context in which losses are computed.

    Args:
        precision: the type of products.
        device: where they are computed.
        twice: whether they are differentiated twice, which the fused attention kernels cannot.

    Raises:
        OptionError: unknown precision.
    """
    if precision not in TYPES:
        raise unknown("precision", precision, TYPES)
    if precision == "float32":
        return sdpa_kernel(SDPBackend.MATH) if twice else contextlib.nullcontext()
    cast = torch.autocast(device.type, dtype=TYPES[precision])
    return _both(cast, sdpa_kernel(SDPBackend.MATH)) if twice else cast


@contextlib.contextmanager
def _both(first: Any, second: Any) -> Iterator[None]:
    with first, second:
        yield


def scaler(precision: str, device: torch.device) -> torch.amp.GradScaler | None:
    """Return a loss scaler for float16, whose small gradients would vanish; None for the others."""
    return torch.amp.GradScaler(device.type) if precision == "float16" else None


def unscaled(scaler: torch.amp.GradScaler, optimizers: Sequence[torch.optim.Optimizer]) -> bool:
    """Divide the gradients of all optimizers by the scale; return whether none overflowed.

    All or nothing: torch's own `scaler.step` decides for each optimizer by itself, and would move half of a network.
    """
    overflowed = 0.0
    for optimizer in optimizers:
        scaler.unscale_(optimizer)
        overflowed += sum(float(found) for found in scaler._found_inf_per_device(optimizer).values())
    return overflowed == 0


def random_state(device: torch.device) -> tuple[Tensor, Tensor | None]:
    """Return the state of the generators that a forward pass draws from."""
    on_gpu = torch.cuda.get_rng_state(device) if device.type == "cuda" else None
    return torch.get_rng_state(), on_gpu


def set_random_state(state: tuple[Tensor, Tensor | None], device: torch.device) -> None:
    torch.set_rng_state(state[0])
    if state[1] is not None:
        torch.cuda.set_rng_state(state[1], device)
