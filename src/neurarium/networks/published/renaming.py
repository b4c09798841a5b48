"""Renaming: what the published layouts of texts have in common."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from neurarium.core.errors import RefusalError

ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_new": "gelu-tanh",
    "gelu_pytorch_tanh": "gelu-tanh",
    "gelu_fast": "gelu-tanh",
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
    "tanh": "tanh",
}


def activation_of(name: str) -> str:
    """Return our name of an activation.

    Raises:
        RefusalError: an unknown one.

    >>> activation_of("gelu_new")
    'gelu-tanh'
    """
    if name not in ACTIVATIONS:
        raise RefusalError(
            f"the published network computes with '{name}'",
            expected=", ".join(ACTIVATIONS),
            received=name,
        )
    return ACTIVATIONS[name]


def require_plain(config: Mapping[str, Any], usual: Mapping[str, Any]) -> None:
    """Refuse a published network that is computed in a way that ours is not.

    Args:
        config: what its `config.json` says.
        usual: what it may say, by name; what it does not say is as usual.

    Raises:
        RefusalError: something else.
    """
    for name, value in usual.items():
        allowed = value if isinstance(value, tuple) else (value,)
        if config.get(name, allowed[0]) not in allowed:
            raise RefusalError(
                f"the published network is computed in a way that is not built: {name}",
                expected=" or ".join(f"{name}={each}" for each in allowed),
                received=f"{name}={config[name]}",
            )


def renamed(
    state: Mapping[str, Tensor], top: Mapping[str, str], block: Mapping[str, str], blocks: str
) -> dict[str, Tensor]:
    """Return weights under our names; what no row names keeps its own, so that loading tells of it.

    Args:
        state: the weights.
        top: beginnings of names outside of blocks, theirs to ours.
        block: beginnings of names within one.
        blocks: what comes before the number of a block.

    >>> import torch
    >>> list(renamed({"h.3.ln.weight": torch.ones(1), "wte.weight": torch.ones(1)}, {"wte": "embed"}, {"ln": "norm"}, "h"))
    ['blocks.3.norm.weight', 'embed.weight']
    """
    pattern = re.compile(rf"{re.escape(blocks)}\.(\d+)\.(.*)")
    found = {}
    for name, value in state.items():
        inner = pattern.fullmatch(name)
        own = f"blocks.{inner[1]}.{_first(inner[2], block)}" if inner else _first(name, top)
        found[own] = value
    return found


def _first(name: str, rows: Mapping[str, str]) -> str:
    for theirs, ours in rows.items():
        if name == theirs or name.startswith(f"{theirs}."):
            return ours + name[len(theirs) :]
    return name
