"""The choice of an activation by name."""

from __future__ import annotations

from typing import Any

from torch import nn

from neurarium.core.members import find
from neurarium.core.options import coerce


def activation(name: str, **options: Any) -> nn.Module:
    """Return a new activation module: never shared, never in place.

    Args:
        name: its command-line name.
        options: its options, if it has any; text is parsed.

    Raises:
        OptionError: an unknown name or option.

    >>> activation("leaky-relu", slope="0.2")
    LeakyReLU(negative_slope=0.2)
    """
    builder = find("activation", name)
    return builder(**coerce(builder, options, what=f"activation '{name}'"))
