"""Networks that write: what their `for_data` does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from torch import nn

from neurarium.core.errors import RefusalError
from neurarium.data.specs import Spec, Text, Tokens
from neurarium.networks.sizing import check

Network = TypeVar("Network", bound=nn.Module)


def build_for_texts(
    cls: type[Network], name: str, inputs: Spec, targets: Spec, options: Mapping[str, Any], **sizes: Any
) -> Network:
    """Build a network that reads a text and writes another (Tokens -> Text).

    Args:
        name: the network's name on the command line.
        sizes: further constructor arguments that the data decides.

    Raises:
        RefusalError: inputs or targets of another kind.
        OptionError: an option that the data decides.
    """
    if not isinstance(inputs, Tokens) or not isinstance(targets, Text):
        raise RefusalError(
            f"the network '{name}' reads a text and writes another",
            expected="Tokens -> Text",
            received=f"{type(inputs).__name__} -> {type(targets).__name__}",
            fix="train it on pairs of texts: --parallel FILE, or --text A --target B --task translation",
        )
    check(name, inputs, targets, options, (Tokens,), (Text,))
    sizes |= {} if "shared" in options else {"shared": targets.shared}
    return cls(
        vocabulary=inputs.vocabulary, outputs=targets.outputs, padding=inputs.padding, **sizes, **options
    )
