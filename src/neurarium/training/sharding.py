"""Sharded parameters (FSDP2): every rank holds a part of each tensor and gathers it when it is needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from neurarium.core import batches
from neurarium.core.errors import ArtifactError, RefusalError
from neurarium.core.frozen import Frozen
from neurarium.data.dataset import Decision
from neurarium.training import distributed
from neurarium.training.context import Context
from neurarium.training.synchronised_norm import synchronise

EXTRA = nn.modules.module._EXTRA_STATE_KEY_SUFFIX
ENTRANCES = ("features", "members", "act", "sample", "log_prob")  # beside forward


def prepare(network: nn.Module, context: Context) -> None:
    """Synchronise BatchNorm over the ranks, and shard where it was asked for.

    Raises:
        RefusalError: sharding was asked for, and there is one process alone.
    """
    if context.shard and not distributed.together():
        raise RefusalError(
            "there are no other processes to share the parameters with",
            fix="start with torchrun --nproc-per-node=2, or train without --shard",
        )
    if not distributed.together() or is_sharded([network]):
        return
    count = synchronise(network) if distributed.world() > 1 else 0
    if count:
        context.decisions.append(
            Decision("batch normalization", "synchronised", f"{count} layers see the batch of all ranks", "")
        )
    if context.shard:
        _shard(network, context.device)


def _shard(network: nn.Module, device: torch.device) -> None:
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method

    for name, parameter in network.named_parameters():
        if parameter.ndim == 0:
            raise RefusalError(
                f"the parameter '{name}' is a single number, which cannot be cut in parts",
                expected="parameters with one axis or more",
                fix="give it the shape (1,), or train without --shard",
            )
    mesh = init_device_mesh(device.type, (distributed.world(),))
    for part in _parts(network):  # one group per part: gathered when used, freed after
        fully_shard(part, mesh=mesh)
    fully_shard(network, mesh=mesh)
    for name in ENTRANCES:
        if hasattr(network, name):
            register_fsdp_forward_method(network, name)


def _parts(network: nn.Module) -> list[nn.Module]:
    """Return the children that can be gathered on their own: called as modules, sharing no parameter with others."""
    children = [child for child in network.children() if any(True for _ in child.parameters())]
    own = [id(each) for each in network.parameters(recurse=False)]
    holders = [own, *([id(each) for each in child.parameters()] for child in children)]
    counts: dict[int, int] = {}
    for held in holders:
        for key in held:
            counts[key] = counts.get(key, 0) + 1
    return [
        child
        for child in children
        if not isinstance(child, nn.ModuleList | nn.ModuleDict)
        and all(counts[id(each)] == 1 for each in child.parameters())
    ]


def is_sharded(networks: Sequence[nn.Module]) -> bool:
    """Return whether any parameter is held in parts."""
    return any(
        hasattr(parameter, "full_tensor") for network in networks for parameter in network.parameters()
    )


def whole(nest: Any) -> Any:
    """Gather every sharded tensor of a nest; all ranks must call it together."""
    return batches.map_tensors(
        lambda each: each.full_tensor() if hasattr(each, "full_tensor") else each, nest
    )


def local(tensor: Tensor) -> Tensor:
    """Return the part of a tensor that this rank holds (all of it where it is not sharded), sharing its memory."""
    return tensor.to_local() if hasattr(tensor, "to_local") else tensor


def fill(mine: Tensor, value: Tensor) -> None:
    """Write a whole tensor into a tensor that may be sharded."""
    with torch.no_grad():
        mine.copy_(_like(value, mine))


def _like(value: Tensor, mine: Tensor) -> Tensor:
    if not hasattr(mine, "full_tensor"):
        return value.to(mine.device)
    from torch.distributed.tensor import distribute_tensor

    return distribute_tensor(value.to(mine.device), mine.device_mesh, mine.placements)  # type: ignore[attr-defined]


def spread(state: dict[str, Any], optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """Cut a whole optimizer state to the shapes of the optimizer's own, possibly sharded, parameters."""
    parameters = [each for group in optimizer.param_groups for each in group["params"]]
    rows = {}
    for number, held in state["state"].items():
        parameter = parameters[number]
        rows[number] = {
            key: _like(value, parameter) if _belongs(value, parameter) else value
            for key, value in held.items()
        }
    return {**state, "state": rows}


def _belongs(value: Any, parameter: Tensor) -> bool:
    return isinstance(value, Tensor) and value.shape == parameter.shape and hasattr(parameter, "full_tensor")


def load(network: nn.Module, state: dict[str, Any]) -> None:
    """Write a whole state dict into a network that may be sharded.

    Raises:
        ArtifactError: the state lacks a tensor of the network.
    """
    for name, mine in network.state_dict(keep_vars=True).items():
        if not isinstance(mine, Tensor):
            continue
        if name not in state:
            raise ArtifactError(
                f"the saved state lacks '{name}'", fix="build the network as it was when saved"
            )
        fill(mine.data if isinstance(mine, nn.Parameter) else mine, state[name])


def load_method(method: nn.Module, state: dict[str, Any]) -> None:
    """Load a whole state dict into a method whose networks may be sharded."""
    if not is_sharded([method]):
        method.load_state_dict(state)
        return
    load(method, state)
    for name, module in method.named_modules():  # what is no tensor: optimizers, fingerprints
        prefix = f"{name}." if name else ""
        if isinstance(module, Frozen):
            module.compare(state.get(prefix + "fingerprint"))
        elif prefix + EXTRA in state:
            module.set_extra_state(state[prefix + EXTRA])
