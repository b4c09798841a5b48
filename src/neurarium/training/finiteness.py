"""The guard against NaN and infinity: name the first bad tensor and the batch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from neurarium.core import batches
from neurarium.core.errors import NotFiniteError, OptionError
from neurarium.training import distributed

WEIGHTLESS = "the weights of the batch, whose sum is 0"


def finite(tensor: Tensor) -> bool:
    return not tensor.is_floating_point() or bool(torch.isfinite(tensor).all())


def is_number(value: Tensor) -> bool:
    """Tell whether a scalar is neither NaN nor infinite; on an accelerator this waits for it."""
    return math.isfinite(value.item())


def finite_gradients(moved: Sequence[nn.Parameter]) -> bool:
    """Tell whether an update would leave the weights whole: a sum holds any NaN or infinity of its parts."""
    gradients = [each.grad for each in moved if each.grad is not None]
    if moved[0].device.type == "cuda":  # one kernel for all of them
        return is_number(torch.stack(torch._foreach_norm(gradients)).sum())
    return all(is_number(each.sum()) for each in gradients)


def first_bad(nest: Any) -> str | None:
    """Return the name and place of the first NaN or infinity of a nest."""
    for name, tensor in batches.tensors(nest):
        if isinstance(tensor, Tensor) and not finite(tensor):
            place = torch.nonzero(~torch.isfinite(tensor.detach()))[0].tolist()
            value = tensor.detach()[tuple(place)].item()
            return f"'{name or 'tensor'}' holds {value} at {place} (shape {tuple(tensor.shape)})"
    return None


def bad_statistic(module: nn.Module) -> str | None:
    """Return the first buffer that is spoiled: a NaN in any, an infinity in running statistics.

    Other buffers are constants, which may well be infinite: the mask of an attention, the ends of outer bins.

    >>> module = nn.Module()
    >>> module.register_buffer("mask", torch.tensor([0.0, -torch.inf]))
    >>> module.register_buffer("running_mean", torch.tensor([torch.inf]))
    >>> bad_statistic(module)
    "'running_mean' holds inf at [0] (shape (1,))"
    """
    for name, buffer in module.named_buffers():
        running = name.rpartition(".")[2].startswith("running")
        if not finite(buffer) and (running or bool(torch.isnan(buffer).any())):
            return first_bad({name: buffer})
    return None


def bad_memory(optimizers: Iterable[torch.optim.Optimizer], named: Mapping[str, nn.Parameter]) -> str:
    """Name what of the optimizers' memory is spoiled; "" where nothing is."""
    called = {id(each): name for name, each in named.items()}
    for optimizer in optimizers:
        for parameter, state in optimizer.state.items():
            source = first_bad({key: each for key, each in state.items() if isinstance(each, Tensor)})
            if source:
                return f"of the optimizer's memory of '{called.get(id(parameter), '?')}' {source}"
    return ""


def bad_row(batch: Any) -> int | None:
    """Return the first example of a batch that holds a NaN or infinity."""
    for _, tensor in batches.tensors(batch):
        if tensor.ndim and not finite(tensor):
            return int(torch.nonzero(~torch.isfinite(tensor.detach()))[0, 0])
    return None


def explain(
    networks: dict[str, nn.Module], evaluate: Any, batch: Any, *, step: int, what: str
) -> NotFiniteError:
    """Find the source of a value that is not finite, in the order batch, weights, layers, loss.

    Args:
        networks: by name; each is watched by hooks while `evaluate(batch)` runs once more.
        evaluate: the loss function; None where it cannot be run again by this process alone.
        batch: the batch at which it happened.
        step: the step's number.
        what: what was seen to be not finite (`loss`, `gradient`).
    """
    source = first_bad(batch)
    seen_elsewhere = bool(distributed.total(torch.tensor(int(source is not None))))  # all ranks fail together
    if source:
        error = _error(
            f"the batch: {source}", step, what, "clean the data; infinite and missing values are read by rule"
        )
        error.row = bad_row(batch)  # type: ignore[attr-defined]
        return error
    if seen_elsewhere:
        where = "the batch of another process, whose message says more"
        return _error(where, step, what, "clean the data; infinite and missing values are read by rule")
    for name, network in networks.items():
        source = first_bad(dict(network.named_parameters()))
        if source:
            fix = "lower --set learning_rate, or set clip_norm=1; the last good weights are in the checkpoint"
            return _error(f"the weights of the {name}: {source}", step, what, fix)
    seen = [] if evaluate is None else _watched(networks, evaluate, batch)
    gradient = _first_gradient(networks) if what == "gradient" else None
    if WEIGHTLESS in seen:
        return _error(WEIGHTLESS, step, what, "leave out what counts nothing, or take larger batches")
    if not seen and gradient:
        return _error(
            gradient + _grown(networks), step, what, "lower --set learning_rate, or use a smoother loss"
        )
    spoiled = [bad_statistic(network) for network in networks.values()]
    if not seen and any(spoiled):  # after the layers: a layer that gives NaN spoils the statistics behind it
        found = next(each for each in spoiled if each)
        return _error(f"the running statistics: {found}", step, what, "go on from the last checkpoint")
    if evaluate is None:
        where = "what cannot be watched: sharded parameters, or gradients that were given ready"
        return _error(where, step, what, "lower --set learning_rate, or run it in one process to see more")
    where = seen[0] if seen else "the loss itself, computed from finite outputs"
    if not seen and distributed.world() > 1:
        where = "what another process computed, whose message says more"
    fix = "lower --set learning_rate, set clip_norm=1, or use precision=float32"
    return _error(where + _grown(networks), step, what, fix)


def _first_gradient(networks: dict[str, nn.Module]) -> str | None:
    """Name the bad gradient that backward reached first: that of the last of the layers that have one."""
    for name, network in networks.items():
        gradients = {key: each.grad for key, each in network.named_parameters() if each.grad is not None}
        source = first_bad(dict(reversed(gradients.items())))
        if source:
            return f"the gradient of the {name}: {source}"
    return None


def _grown(networks: dict[str, nn.Module]) -> str:
    """Say so when weights have grown beyond what learns: the rate was too high."""
    weights = [
        each.detach() for network in networks.values() for each in network.parameters() if each.numel()
    ]
    largest = max((float(each.abs().max()) for each in weights), default=0.0)
    return f", with weights as large as {largest:.1e}" if largest > 1e4 else ""


def _watched(networks: dict[str, nn.Module], evaluate: Any, batch: Any) -> list[str]:
    """Run once more, and list the layers whose outputs are not finite, in order."""
    seen: list[str] = []
    handles = []
    for name, network in networks.items():
        for place, module in network.named_modules():
            if any(module.children()):
                continue

            def hook(module: nn.Module, inputs: Any, output: Any, label: str = f"{name}.{place}") -> None:
                if first_bad(output):
                    seen.append(f"the output of layer '{label}' ({type(module).__name__})")

            handles.append(module.register_forward_hook(hook))
    try:
        with torch.no_grad(), distributed.alone():
            result = evaluate(batch)
        if not seen and isinstance(result, tuple) and float(result[1]) == 0:
            seen.append(WEIGHTLESS)
    except Exception as error:  # the search must not hide what it searches for
        seen.append(f"(the search ended at {type(error).__name__}: {error})")
    finally:
        for handle in handles:
            handle.remove()
    return seen


def _error(source: str, step: int, what: str, fix: str) -> NotFiniteError:
    return NotFiniteError(f"the {what} is not finite at step {step}; it comes from {source}", fix=fix)


def require_numbers(**options: Any) -> None:
    """Refuse options that are NaN or infinite before the first step, and decays and clips that are negative.

    Raises:
        OptionError: such a number.
    """
    for name, value in options.items():
        if isinstance(value, int | float) and not math.isfinite(value):
            raise OptionError(
                f"the option '{name}' is no finite number", expected="a number, or none", received=value,
                fix=f"leave out --set {name}=, or give a number",
            )  # fmt: skip
        if (
            isinstance(value, int | float)
            and value < 0
            and name in ("weight_decay", "clip_norm", "clip_value")
        ):
            raise OptionError(
                f"the option '{name}' is negative", expected="0 or more", received=value,
                fix=f"leave out --set {name}=, or give a number that is not negative",
            )  # fmt: skip


def require_rates(groups: Iterable[Mapping[str, Any]], *, step: int) -> None:
    """Refuse a rate that is not finite: it would spoil every weight in one step.

    Args:
        groups: the parameter groups of optimizers.
        step: the step's number.

    Raises:
        NotFiniteError: such a learning rate, weight decay, momentum or eps.
    """
    for group in groups:
        for name in ("lr", "weight_decay", "momentum", "eps"):
            value = group.get(name, 0.0)
            if isinstance(value, float) and not math.isfinite(value):
                raise NotFiniteError(
                    f"the {'learning rate' if name == 'lr' else name} is not finite at step {step}: {value}",
                    fix="look at --set learning_rate, --set schedule and whatever sets the optimizer's options",
                )
