"""Build optimizers for named parameters: by name, or by a partial such as `partial(torch.optim.AdamW, lr=1e-3)`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import nn

from neurarium.core.errors import OptionError, RefusalError, unknown
from neurarium.core.members import find, table
from neurarium.training.optimizers import TORCH

Optimizer = torch.optim.Optimizer
Named = Sequence[tuple[str, nn.Parameter]]

LEARNING_RATES = {
    "adadelta": 1.0,
    "adafactor": 0.01,
    "adagrad": 0.01,
    "asgd": 0.01,
    "lbfgs": 1.0,
    "muon": 0.02,
    "rprop": 0.01,
    "sam": 0.1,
    "sgd": 0.1,
}
DEFAULTS: dict[str, dict[str, Any]] = {
    "sgd": {"momentum": 0.9},
    "sam": {"momentum": 0.9},
    "lbfgs": {"line_search_fn": "strong_wolfe"},
    "muon": {"momentum": 0.95},
}
FUSED = ("adam", "adamw", "sgd", "adagrad")
SPARSE = ("adagrad", "sgd", "sparse-adam")
NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)


def names() -> list[str]:
    """Return the names of all optimizers."""
    return sorted([*TORCH, *table("optimizer")])


def usual_rate(optimizer: str) -> float:
    """Return the learning rate of an optimizer where none is given.

    >>> usual_rate("sgd"), usual_rate("adamw")
    (0.1, 0.001)
    """
    return LEARNING_RATES.get(optimizer, 1e-3)


def build_optimizers(
    optimizer: str | Callable[..., Optimizer],
    parameters: Named,
    *,
    learning_rate: float | None = None,
    weight_decay: float | None = None,
    options: Mapping[str, Any] | None = None,
    undecayed: frozenset[str] = frozenset(),
    sparse: frozenset[str] = frozenset(),
    filters: frozenset[str] = frozenset(),
    factors: Mapping[str, float] | None = None,
) -> list[Optimizer]:
    """Build the optimizers of one descent.

    Args:
        optimizer: a name, or a callable that takes parameters (a partial of a torch optimizer).
        parameters: (name, parameter) pairs.
        learning_rate: None for the optimizer's usual one.
        weight_decay: None for the optimizer's own default.
        options: further options of the optimizer.
        undecayed: names of parameters that weight decay leaves alone (biases, norms).
        sparse: names of parameters whose gradients are sparse.
        filters: names of convolutions' filters that Muon reads as matrices (see `filter_names`).
        factors: by which multiple the learning rate of some parameters, by name, differs from the common one.

    Returns:
        One optimizer, or two: Muon takes the hidden matrices and the filters (Jordan et al., 2024), SparseAdam the weights with
        sparse gradients, and AdamW what is left.

    Raises:
        OptionError: unknown name or option.
        RefusalError: SparseAdam without a sparse gradient, or another optimizer with one that it cannot follow.
    """
    if not isinstance(optimizer, str):
        own = optimizer([parameter for _, parameter in parameters])
        split_rates([own], parameters, factors or {})
        return [own]
    if optimizer not in names():
        raise unknown("optimizer", optimizer, names())
    given = {**DEFAULTS.get(optimizer, {}), **(options or {})}
    given["lr"] = learning_rate if learning_rate is not None else usual_rate(optimizer)
    if weight_decay is not None:
        given["weight_decay"] = weight_decay
    _check(optimizer, given)
    if sparse and optimizer not in SPARSE:
        raise RefusalError(
            f"'{optimizer}' cannot follow sparse gradients, which {', '.join(sorted(sparse)[:3])} has",
            expected=f"one of {', '.join(SPARSE)}",
            fix="--set optimizer=sparse-adam, or build the embedding with sparse=False",
        )
    made = _made(optimizer, parameters, given, undecayed, sparse, filters)
    split_rates(made, parameters, factors or {})
    return made


def _made(
    optimizer: str,
    parameters: Named,
    given: dict[str, Any],
    undecayed: frozenset[str],
    sparse: frozenset[str],
    filters: frozenset[str],
) -> list[Optimizer]:
    if optimizer == "muon":
        return _muon(parameters, given, undecayed, filters)
    if optimizer == "sparse-adam":
        return _sparse_adam(parameters, given, undecayed, sparse)
    factory = partial(find("optimizer", "sam"), base=torch.optim.SGD) if optimizer == "sam" else None
    factory = factory or getattr(torch.optim, TORCH[optimizer])
    fusible = "fused" not in given and "foreach" not in given and not sparse and _fusible(parameters)
    if optimizer in FUSED and fusible:
        given["fused"] = True
    single = optimizer == "lbfgs"  # it takes one group only
    return [factory(_plain(parameters) if single else _groups(parameters, given, undecayed), **given)]


def split_rates(optimizers: Sequence[Optimizer], parameters: Named, factors: Mapping[str, float]) -> None:
    """Split the groups of optimizers that have not stepped yet, so that each group has one learning rate.

    Args:
        optimizers: their groups are replaced by one per learning rate, all other options kept.
        parameters: (name, parameter) pairs.
        factors: name to the multiple of its group's learning rate; 1 for names that are left out.

    Raises:
        RefusalError: an optimizer that takes one group only.
    """
    if not factors:
        return
    by_identity = {id(parameter): factors.get(name, 1.0) for name, parameter in parameters}
    for optimizer in optimizers:
        groups: list[dict[str, Any]] = []
        for group in optimizer.param_groups:
            wanted: dict[float, list[nn.Parameter]] = {}
            for parameter in group["params"]:
                wanted.setdefault(by_identity.get(id(parameter), 1.0), []).append(parameter)
            groups += [
                {**group, "params": held, "lr": group["lr"] * factor, "rate_factor": factor}
                for factor, held in wanted.items()
            ]
        if len(groups) > 1 and isinstance(optimizer, torch.optim.LBFGS):
            raise RefusalError(
                "lbfgs has one learning rate for all parameters",
                expected="another optimizer",
                fix="leave rate_factors out, or --set optimizer=adamw",
            )
        optimizer.param_groups[:] = groups


def _plain(parameters: Named) -> list[nn.Parameter]:
    return [parameter for _, parameter in parameters]


def _groups(parameters: Named, given: Mapping[str, Any], undecayed: frozenset[str]) -> list[dict[str, Any]]:
    """Split the parameters in decayed and undecayed ones, where weights decay at all."""
    if not given.get("weight_decay"):
        return [{"params": _plain(parameters)}]
    decayed = [parameter for name, parameter in parameters if name not in undecayed]
    spared = [parameter for name, parameter in parameters if name in undecayed]
    groups: list[dict[str, Any]] = [{"params": decayed}, {"params": spared, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]


def _muon(
    parameters: Named, given: dict[str, Any], undecayed: frozenset[str], filters: frozenset[str]
) -> list[Optimizer]:
    """Give the hidden matrices and the filters to Muon; embeddings, heads, biases and norms to AdamW."""
    hidden = [(name, p) for name, p in parameters if (p.ndim == 2 or name in filters) and not _outer(name)]
    held = {name for name, _ in hidden}
    others = [(name, p) for name, p in parameters if name not in held]
    decay = given.get("weight_decay", 0.0)
    made: list[Optimizer] = []
    if hidden:
        made.append(find("optimizer", "muon")(_plain(hidden), **given))
    if others:
        options = {"lr": given["lr"] * 0.15, "weight_decay": decay}
        made.append(torch.optim.AdamW(_groups(others, options, undecayed), **options, fused=_fusible(others)))
    return made


def _sparse_adam(
    parameters: Named, given: dict[str, Any], undecayed: frozenset[str], sparse: frozenset[str]
) -> list[Optimizer]:
    """Give the weights with sparse gradients to SparseAdam, all else to AdamW at the same rate."""
    if not sparse:
        raise RefusalError(
            "'sparse-adam' follows sparse gradients only, and no parameter has such",
            expected="an embedding built with sparse=True",
            fix="--set optimizer=adamw",
        )
    made: list[Optimizer] = [torch.optim.SparseAdam([p for name, p in parameters if name in sparse], **given)]
    others = [(name, p) for name, p in parameters if name not in sparse]
    if others:
        options = {"lr": given["lr"], "weight_decay": 0.0}
        made.append(torch.optim.AdamW(_plain(others), **options, fused=_fusible(others)))
    return made


def spared(networks: Sequence[nn.Module], parameters: Named) -> frozenset[str]:
    """Return the names of parameters that weight decay leaves alone: vectors, biases of any shape, weights of norms.

    A network that has its own rule says it by `spared_parameters()`, names in the order of its parameters.
    """
    own, said = _own_rules(networks)
    norms = {id(p) for module in _modules(networks, NORMS) for p in module.parameters(recurse=False)}
    usual = {
        name
        for name, p in parameters
        if id(p) not in own and (p.ndim < 2 or name.rpartition(".")[2].endswith("bias") or id(p) in norms)
    }
    return frozenset(usual | {name for name, p in parameters if id(p) in said})


def _own_rules(networks: Sequence[nn.Module]) -> tuple[set[int], set[int]]:
    """Return the parameters of networks with a rule of their own, and those of them that it spares."""
    ruled: Any = [
        module for network in networks for module in network.modules() if hasattr(module, "spared_parameters")
    ]
    own = {id(parameter) for module in ruled for parameter in module.parameters()}
    return own, {id(module.get_parameter(name)) for module in ruled for name in module.spared_parameters()}


def sparse_names(networks: Sequence[nn.Module], parameters: Named) -> frozenset[str]:
    """Return the names of parameters whose gradients are sparse: of embeddings that ask for it."""
    tables = {id(each.weight) for each in _modules(networks, (nn.Embedding, nn.EmbeddingBag)) if each.sparse}
    return frozenset(name for name, p in parameters if id(p) in tables)


def filter_names(networks: Sequence[nn.Module], parameters: Named) -> frozenset[str]:
    """Return the names of convolutions' filters that are one matrix: those of grouped convolutions are several."""
    whole = {id(each.weight) for each in _modules(networks, (nn.modules.conv._ConvNd,)) if each.groups == 1}
    return frozenset(name for name, p in parameters if id(p) in whole)


def _modules(networks: Sequence[nn.Module], kinds: tuple[type, ...]) -> Iterator[Any]:
    return (module for network in networks for module in network.modules() if isinstance(module, kinds))


def _outer(name: str) -> bool:
    return any(part in ("head", "embedding", "embeddings") for part in name.split("."))


def _fusible(parameters: Named) -> bool:
    """Fused kernels take dense floating tensors of plain classes on CPU and CUDA."""
    return all(
        type(p.data) is torch.Tensor and p.is_floating_point() and p.device.type in ("cpu", "cuda")
        for _, p in parameters
    )


def _check(name: str, given: Mapping[str, Any]) -> None:
    """Refuse options that the optimizer does not have, naming the nearest."""
    builder: Any = getattr(torch.optim, TORCH[name]) if name in TORCH else find("optimizer", name)
    builder = torch.optim.SGD if name == "sam" else builder
    allowed = set(inspect.signature(builder.__init__).parameters) - {"self", "params", "parameters"}
    if name == "sam":
        allowed |= {"radius", "adaptive"}
    for option in given:
        if option not in allowed:
            raise unknown(f"option of optimizer '{name}'", option, allowed)
    if given["lr"] <= 0:
        raise OptionError("the learning rate is too small", expected="above 0", received=given["lr"])
