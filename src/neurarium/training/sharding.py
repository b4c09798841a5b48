"""Sharded parameters (FSDP2): every rank holds a part of each tensor and gathers it when it is needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from neurarium.core import batches
from neurarium.data.dataset import Decision
from neurarium.training import distributed
from neurarium.training.context import Context
from neurarium.training.synchronised_norm import synchronise


def prepare(network: nn.Module, context: Context) -> None:
    """Make the ranks agree on the weights, synchronise BatchNorm, and shard where it was asked for."""
    if is_sharded([network]):
        return
    distributed.broadcast_state(network)
    count = synchronise(network) if distributed.world() > 1 else 0
    if count:
        context.decisions.append(
            Decision("batch normalization", "synchronised", f"{count} layers see the batch of all ranks", "")
        )
    if context.shard:
        from torch.distributed.fsdp import fully_shard

        for child in network.children():  # one group per part: gathered when used, freed after
            if any(True for _ in child.parameters()) and not isinstance(child, nn.ModuleList | nn.ModuleDict):
                fully_shard(child)
        fully_shard(network)


def is_sharded(networks: Sequence[nn.Module]) -> bool:
    """Return whether any parameter is held in parts."""
    return any(hasattr(parameter, "full_tensor") for network in networks for parameter in network.parameters())


def whole(nest: Any) -> Any:
    """Gather every sharded tensor of a nest; all ranks must call it together."""
    return batches.map_tensors(lambda each: each.full_tensor() if hasattr(each, "full_tensor") else each, nest)


def fill(mine: Tensor, value: Tensor) -> None:
    """Write a whole tensor into a tensor that may be sharded."""
    with torch.no_grad():
        mine.copy_(_like(value, mine))


def _like(value: Tensor, mine: Tensor) -> Tensor:
    if not hasattr(mine, "full_tensor"):
        return value.to(mine.device)
    from torch.distributed.tensor import distribute_tensor

    return distribute_tensor(value.to(mine.device), mine.device_mesh, mine.placements)


def spread(state: dict[str, Any], optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """Cut a whole optimizer state to the shapes of the optimizer's own, possibly sharded, parameters."""
    parameters = [each for group in optimizer.param_groups for each in group["params"]]
    rows = {}
    for number, held in state["state"].items():
        parameter = parameters[number]
        rows[number] = {
            key: _like(value, parameter)
            if isinstance(value, Tensor) and value.shape == parameter.shape and hasattr(parameter, "full_tensor")
            else value
            for key, value in held.items()
        }
    return {**state, "state": rows}


def load(network: nn.Module, state: dict[str, Any], prefix: str = "") -> None:
    """Write a whole state dict into a network that may be sharded."""
    for name, mine in network.state_dict(keep_vars=True).items():
        if isinstance(mine, Tensor) and prefix + name in state:
            fill(mine.data if isinstance(mine, nn.Parameter) else mine, state[prefix + name])


def load_method(method: nn.Module, state: dict[str, Any]) -> None:
    """Load a whole state dict into a method whose networks may be sharded."""
    if not is_sharded([method]):
        method.load_state_dict(state)
        return
    load(method, state)
    for name, module in method.named_modules():  # what is no tensor: optimizers, fingerprints
        key = f"{name}.{nn.modules.module._EXTRA_STATE_KEY_SUFFIX}"
        if key in state:
            module.set_extra_state(state[key])
