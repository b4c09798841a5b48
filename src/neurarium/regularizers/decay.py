"""Which parameters are regularized."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Sequence

from torch import nn


def decaying_parameters(
    network: nn.Module, *, embeddings: bool = True, exempt: Sequence[str] = ()
) -> list[tuple[str, nn.Parameter]]:
    """Return the parameters that regularizers and weight decay act on: weights of two axes or more.

    Biases, gains and other vectors are exempt, and everything in a normalization layer, whatever its shape: shrinking
    them does not simplify what is computed. Frozen parameters are left out. Each parameter comes once, tied or not.

    Args:
        network: any module.
        embeddings: whether embedding tables take part.
        exempt: patterns of further names to leave out (`"head.*"`).

    Returns:
        (name, parameter) pairs, in the order of the network.

    >>> network = nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 8), nn.LayerNorm(8), nn.Linear(8, 1))
    >>> [name for name, _ in decaying_parameters(network)]
    ['0.weight', '1.weight', '3.weight']
    >>> [name for name, _ in decaying_parameters(network, embeddings=False, exempt=["3.*"])]
    ['1.weight']
    """
    spared = {id(parameter) for parameter in _spared(network, embeddings)}
    return [
        (name, parameter)
        for name, parameter in network.named_parameters()
        if parameter.ndim >= 2
        and parameter.requires_grad
        and id(parameter) not in spared
        and "bias" not in name.rpartition(".")[2]
        and not any(fnmatch.fnmatchcase(name, pattern) for pattern in exempt)
    ]


def _spared(network: nn.Module, embeddings: bool) -> Iterator[nn.Parameter]:
    for module in network.modules():
        if is_normalization(module) or (
            not embeddings and isinstance(module, nn.Embedding | nn.EmbeddingBag)
        ):
            yield from module.parameters(recurse=False)


def is_normalization(module: nn.Module) -> bool:
    """Tell whether a module is a normalization layer: torch's, or anyone's whose name says so.

    >>> is_normalization(nn.GroupNorm(2, 4)), is_normalization(nn.Linear(2, 2))
    (True, False)
    """
    return any(re.search(r"Norm(alization)?(\d+d)?$", kind.__name__) for kind in type(module).__mro__)
