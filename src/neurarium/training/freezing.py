"""Freezing: parts of a network that do not move, their running statistics included."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from torch import nn

from neurarium.core.errors import OptionError, unknown

NORMS = (nn.modules.batchnorm._NormBase,)
CONTAINERS = ("body", "blocks", "layers", "features")


def groups(network: nn.Module) -> dict[str, list[str]]:
    """Return the parts of a network from its inputs to its outputs, each with the names of the modules that belong to it.

    They are its children that have parameters; those of a container (`body`, `blocks`, `layers`, `features`) stand for it.
    A normalization belongs to what stands before it.

    >>> from neurarium.networks import SmallCNN
    >>> groups(SmallCNN(1, 2, widths=(8, 8)))
    {'body.0': ['body.0', 'body.1'], 'body.4': ['body.4', 'body.5'], 'head': ['head']}
    """
    found: dict[str, list[str]] = {}
    for name, child in network.named_children():
        inner = isinstance(child, nn.Sequential | nn.ModuleList) and name in CONTAINERS
        for path, module in (
            [(f"{name}.{each}", m) for each, m in child.named_children()] if inner else [(name, child)]
        ):
            if not any(True for _ in module.parameters()):
                continue
            if isinstance(module, NORMS) and found:
                found[next(reversed(found))].append(path)
            else:
                found[path] = [path]
    return found


def parts(network: nn.Module) -> list[str]:
    """Return the names of the parts of a network, from its inputs to its outputs; see `groups`.

    >>> from neurarium.networks import MLP
    >>> parts(MLP(4, 2, widths=(8, 8)))
    ['body.0', 'body.2', 'head']
    """
    return list(groups(network))


def chosen(network: nn.Module, what: int | float | str | Sequence[str]) -> list[str]:
    """Return the names of the modules that freezing would hold.

    Args:
        network: the network.
        what: a whole number: so many parts from the inputs on (see `parts`); a share between 0 and 1: of the parts but the
            last, rounded up; "all": all but the last part, the head; names of modules, or their beginnings up to a dot.

    Raises:
        OptionError: more parts than there are beside the head, a share outside 0 to 1, an unknown name.

    >>> from neurarium.networks import MLP
    >>> chosen(MLP(4, 2, widths=(8, 8)), 1), chosen(MLP(4, 2, widths=(8, 8)), "all")
    (['body.0'], ['body.0', 'body.2'])
    """
    ordered = parts(network)[:-1]
    if isinstance(what, str):
        what = _read(what)
    if what == "all":
        return ordered
    if isinstance(what, float) and not what.is_integer():
        if not 0 < what < 1:
            raise OptionError("no such share of a network", expected="between 0 and 1", received=what)
        return ordered[: math.ceil(what * len(ordered))]
    if isinstance(what, int | float):
        if not 0 <= what <= len(ordered):
            raise OptionError(
                f"the network has {len(ordered)} parts beside its head",
                expected=f"0 to {len(ordered)}: {', '.join(ordered)}",
                received=what,
            )
        return ordered[: int(what)]
    names = [
        name for name, module in network.named_modules() if name and any(True for _ in module.parameters())
    ]
    for name in what:
        if name not in names:
            raise unknown("part of the network", name, names)
    return list(what)


def freeze(network: nn.Module, what: int | float | str | Sequence[str]) -> list[str]:
    """Hold parts of a network: their parameters ask for no gradient, their running statistics stay as they are.

    Dropout inside them goes on. Whatever trains the network afterwards leaves these parts bitwise unchanged.

    Args:
        network: changed in place.
        what: see `chosen`.

    Returns:
        The names of the modules that are held.

    Raises:
        OptionError: see `chosen`.

    >>> from neurarium.networks import MLP
    >>> network = MLP(4, 2, widths=(8, 8))
    >>> freeze(network, 1), [name for name, p in network.named_parameters() if not p.requires_grad]
    (['body.0'], ['body.0.weight', 'body.0.bias'])
    """
    names, together = chosen(network, what), groups(network)
    for name in names:
        hold(network, together.get(name, [name]), True)
    return names


def hold(network: nn.Module, names: Sequence[str], frozen: bool) -> None:
    """Freeze modules of a network, or free them again."""
    for name in names:
        module = network.get_submodule(name)
        for parameter in module.parameters():
            parameter.requires_grad_(not frozen)
        for each in module.modules():
            if isinstance(each, NORMS):
                _keep_statistics(each, frozen)


def _keep_statistics(norm: nn.Module, kept: bool) -> None:
    # `network.train()` reaches every module: the statistics stay only if each call sees to it.
    for key in [key for key, hook in norm._forward_pre_hooks.items() if hook is _stay]:
        del norm._forward_pre_hooks[key]
    if kept:
        norm.register_forward_pre_hook(_stay)
        norm.eval()


def factors(network: nn.Module, decay: float) -> dict[str, float]:
    """Return the factor of the learning rate of each part: decay ** (parts between it and the head).

    Howard and Ruder 2018, arXiv:1801.06146, section 3.2 (discriminative fine-tuning).

    Raises:
        OptionError: a decay outside (0, 1].

    >>> from neurarium.networks import MLP
    >>> factors(MLP(4, 2, widths=(8, 8)), 0.5)
    {'body.0': 0.25, 'body.2': 0.5, 'head': 1.0}
    """
    if not 0 < decay <= 1:
        raise OptionError("the decay over layers is wrong", expected="above 0, up to 1", received=decay)
    together = list(groups(network).values())
    last = len(together) - 1
    return {name: decay ** (last - place) for place, names in enumerate(together) for name in names}


def _stay(module: nn.Module, inputs: Any) -> None:
    module.eval()


def _read(what: str) -> Any:
    """Read what the command line gives: `3`, `0.5`, `all`, `conv1,layer1`."""
    if what == "all":
        return what
    try:
        return float(what) if "." in what and what.replace(".", "", 1).isdigit() else int(what)
    except ValueError:
        return [name.strip() for name in what.split(",")]
