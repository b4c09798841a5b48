"""Rates: which multiple of the learning rate each parameter takes, by its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from torch import nn

from neurarium.core.errors import OptionError, RefusalError, unknown
from neurarium.training.freezing import factors


def rate_factors(
    asked: Mapping[str, float] | Literal["own"] | None,
    networks: Sequence[nn.Module],
    parameters: Sequence[tuple[str, nn.Parameter]],
    layer_decay: float | None = None,
) -> dict[str, float]:
    """Return the multiple of the learning rate of each parameter that has one.

    Args:
        asked: the beginning of names to multiples, whole parts between dots (`body.1` is no beginning of `body.10.weight`);
            the longest counts. "own": what the networks say, by `network.rate_factors()`.
        networks: of the descent.
        parameters: its (name, parameter) pairs; with several networks a name begins with the network's number.
        layer_decay: multiplies these by the decay over the parts of each network (`freezing.factors`).

    Raises:
        OptionError: a beginning that no name has, or a multiple that is not above zero.
        RefusalError: "own", and a network that says nothing.

    >>> line = nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1))
    >>> rate_factors({"0": 0.1, "0.bias": 2.0}, [line], list(line.named_parameters()))
    {'0.weight': 0.1, '0.bias': 2.0}
    """
    if layer_decay is not None:
        own = rate_factors(asked, networks, parameters)
        layers = rate_factors(_by_layer(networks, layer_decay), networks, parameters)
        return {name: own.get(name, 1.0) * layers.get(name, 1.0) for name, _ in parameters}
    if not asked:
        return {}
    if asked == "own":
        return _own(networks)
    if isinstance(asked, str):
        raise OptionError(
            "rate_factors is neither a mapping nor 'own'",
            expected="own, or --set rate_factors.NAME=FACTOR",
            received=asked,
        )
    for start, factor in asked.items():
        if not float(factor) > 0:
            raise OptionError(
                f"the learning rate of {start} would not be above zero",
                expected="a factor above 0",
                received=factor,
                fix="freeze parameters that shall not move: --freeze",
            )
        if not any(begins(name, start) for name, _ in _all(networks)):
            raise unknown("beginning of a parameter's name", start, [name for name, _ in _all(networks)])
    found = {}
    for name, _ in parameters:
        fitting = [start for start in asked if begins(name, start)]
        if fitting:
            found[name] = float(asked[max(fitting, key=len)])
    return found


def begins(name: str, start: str) -> bool:
    """Return whether a dotted name begins with whole parts.

    >>> begins("body.1.weight", "body.1"), begins("body.10.weight", "body.1")
    (True, False)
    """
    return name == start or name.startswith(f"{start}.")


def _all(networks: Sequence[nn.Module]) -> list[tuple[str, nn.Parameter]]:
    """All parameters, also those that are frozen, named as the descent names them."""
    return [
        (f"{number}.{name}" if len(networks) > 1 else name, parameter)
        for number, network in enumerate(networks)
        for name, parameter in network.named_parameters()
    ]


def _by_layer(networks: Sequence[nn.Module], decay: float) -> dict[str, float]:
    several = len(networks) > 1
    return {
        f"{number}.{name}" if several else name: factor
        for number, network in enumerate(networks)
        for name, factor in factors(network, decay).items()
    }


def _own(networks: Sequence[nn.Module]) -> dict[str, float]:
    found: dict[str, float] = {}
    for number, network in enumerate(networks):
        if not hasattr(network, "rate_factors"):
            raise RefusalError(
                f"{type(network).__name__} says no learning rates of its own",
                expected="a network with rate_factors(), such as realmlp",
                fix="name the parameters: --set rate_factors.NAME=FACTOR",
            )
        prefix = f"{number}." if len(networks) > 1 else ""
        own: dict[str, float] = network.rate_factors()  # type: ignore[operator]
        found |= {prefix + name: factor for name, factor in own.items()}
    return found
