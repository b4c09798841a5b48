"""Probing: running a network without leaving a trace."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import nn

from neurarium.core.seeds import derive, random_state, set_random_state


@contextlib.contextmanager
def undisturbed(network: nn.Module, *, seed: int = 0) -> Iterator[None]:
    """Run a network in training mode, with chance drawn from a seed, and put everything back afterwards.

    Put back bitwise: buffers (BatchNorm statistics), the modes of all modules, which parameters want gradients, and the
    state of the random generators. Parameters and their gradients are the caller's affair.
    """
    buffers = {name: buffer.detach().clone() for name, buffer in network.named_buffers()}
    modes = [(module, module.training) for module in network.modules()]
    wanted = [(parameter, parameter.requires_grad) for parameter in network.parameters()]
    state = random_state()
    try:
        torch.manual_seed(derive(seed, "probing"))
        network.train()
        yield
    finally:
        set_random_state(state)
        for module, mode in modes:
            module.training = mode
        for parameter, want in wanted:
            parameter.requires_grad_(want)
        with torch.no_grad():
            for name, buffer in network.named_buffers():
                if name in buffers:
                    buffer.copy_(buffers[name])
