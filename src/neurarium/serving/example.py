"""Example: one checked question on its way to the network."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple


class Example(NamedTuple):
    """One checked example of a request.

    Args:
        value: what the reader's `collate` takes.
        notes: what the one who asks should know of it: `unseen` categories, `unreadable` values.
        streamed: whether the answer is told piece by piece as it comes.
    """

    value: Any
    notes: Mapping[str, Any] = MappingProxyType({})
    streamed: bool = False
