"""Initialization of a whole network, by rule or by name."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from neurarium.core.errors import OptionError, nearest
from neurarium.core.members import find
from neurarium.core.seeds import generator
from neurarium.initializers.initializer import CONVOLUTIONS, TRANSPOSED, Initializer, parts_of

Choice = str | Initializer | None

KNOWN = (
    nn.Linear,
    nn.Bilinear,
    *CONVOLUTIONS,
    *TRANSPOSED,
    nn.RNNBase,
    nn.RNNCellBase,
    nn.MultiheadAttention,
    nn.Embedding,
    nn.EmbeddingBag,
)


class Found(NamedTuple):
    """A parameter of a network: its full name, its module and its name there."""

    name: str
    module: nn.Module
    local: str
    parameter: nn.Parameter


def initialize(
    network: nn.Module,
    rule: Choice | Mapping[str, Choice] = "he-normal",
    *,
    biases: Choice = "zeros",
    seed: int = 0,
    batch: Any = None,
) -> list[str]:
    """Initialize a network in place.

    With one rule, it fills the weights of linear, convolutional, recurrent, attention and embedding layers (each gate
    and each projection as a matrix of its own), and `biases` their biases; norms and raw parameters are left alone. With
    a mapping from patterns to rules, the first pattern that a parameter's name matches decides, and what matches none is
    left alone, biases too. Each parameter draws from a stream of its own: its values depend on its name and the seed.

    Args:
        network: any module.
        rule: name of an initializer, an initializer, or `{pattern: either or None}`; None leaves alone.
        biases: the rule for biases; None leaves them (a forget gate's bias of 1, say).
        seed: seed of all draws.
        batch: inputs of the network, for initializers that look at data.

    Returns:
        The names of the parameters that were filled, in the order of the network.

    Raises:
        OptionError: an unknown name, a pattern that matches nothing, no batch where one is needed.

    >>> network = nn.Sequential(nn.Linear(4, 8), nn.LayerNorm(8), nn.Linear(8, 1))
    >>> initialize(network, "glorot-normal")
    ['0.weight', '0.bias', '2.weight', '2.bias']
    >>> initialize(network, {"2.*": "zeros"})
    ['2.weight', '2.bias']
    """
    found = list(parameters_of(network))
    if isinstance(rule, Mapping):
        chosen = _by_pattern(found, {pattern: _initializer(each) for pattern, each in rule.items()})
    else:
        chosen = _by_rule(found, _initializer(rule), _initializer(biases))
    with torch.no_grad():
        for each, initializer in chosen:
            _fill(each, initializer, generator(seed, "initialize", each.name))
    for initializer in {id(initializer): initializer for _, initializer in chosen}.values():
        weights = {each.name: each.parameter for each, used in chosen if used is initializer}
        initializer.finish(network, weights, batch)
    return [each.name for each, _ in chosen]


def parameters_of(network: nn.Module) -> Iterator[Found]:
    """Yield each parameter once, with the layer it belongs to; below a parametrization, the layer that is parametrized."""
    for name, parameter in network.named_parameters():
        owner, _, local = name.rpartition(".")
        parametrized = re.fullmatch(r"(?:(.*)\.)?parametrizations\.([^.]+)\.original", name)
        if parametrized:
            owner, local = parametrized[1] or "", parametrized[2]
        yield Found(name, network.get_submodule(owner), local, parameter)


def _by_rule(
    found: list[Found], weights: Initializer | None, biases: Initializer | None
) -> list[tuple[Found, Initializer]]:
    chosen = []
    for each in found:
        known = isinstance(each.module, KNOWN) or type(each.module).__name__.endswith("Linear")
        if not known or not each.parameter.is_floating_point():
            continue
        initializer = biases if "bias" in each.local else weights if each.parameter.ndim >= 2 else None
        if initializer is not None:
            chosen.append((each, initializer))
    return chosen


def _by_pattern(
    found: list[Found], rules: Mapping[str, Initializer | None]
) -> list[tuple[Found, Initializer]]:
    names = [each.name for each in found]
    for pattern in rules:
        if not fnmatch.filter(names, pattern):
            near = nearest(pattern, names)
            raise OptionError(
                f"the pattern '{pattern}' matches no parameter",
                expected=f"some of {', '.join(names[:20])}{', ...' if len(names) > 20 else ''}",
                received=pattern,
                fix=f"did you mean '{near}'?" if near else None,
            )
    chosen = []
    for each in found:
        matching = (rule for pattern, rule in rules.items() if fnmatch.fnmatchcase(each.name, pattern))
        initializer = next(matching, None)
        if initializer is not None:
            chosen.append((each, initializer))
    return chosen


def _fill(each: Found, initializer: Initializer, source: torch.Generator) -> None:
    parameter: Tensor = each.parameter
    if parameter.ndim < 2:
        initializer(parameter, None, source)
        return
    for part, fans in parts_of(each.module, each.local, parameter):
        initializer(part, fans, source)
    padding = getattr(each.module, "padding_idx", None)
    if isinstance(each.module, nn.Embedding | nn.EmbeddingBag) and padding is not None:
        parameter[padding].zero_()


def _initializer(choice: Choice) -> Initializer | None:
    return find("initializer", choice)() if isinstance(choice, str) else choice
