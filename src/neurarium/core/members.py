"""Lazy packages: each package lists its members in its `__init__`, and loads a member's file on first use.

The list is also the manifest: names, summaries and chapters are known to the command line without importing torch.
Adding a network, a loss, a method is one file and one row in its package's table.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from neurarium.core.errors import unknown

KINDS = {
    "network": "neurarium.networks",
    "method": "neurarium.methods",
    "layer": "neurarium.layers",
    "activation": "neurarium.layers.activations",
    "loss": "neurarium.losses",
    "initializer": "neurarium.initializers",
    "regularizer": "neurarium.regularizers",
    "metric": "neurarium.metrics",
    "optimizer": "neurarium.training.optimizers",
    "schedule": "neurarium.training.schedules",
    "transform": "neurarium.transforms",
    "study": "neurarium.studies",
    "augmentation": "neurarium.data.augmentation",
}


class Member(NamedTuple):
    """One row of a package's table.

    Args:
        module: the file that defines it, relative to the package (`tables.mlp`).
        name: its name on the command line (`mlp`); empty for a helper that has none.
        summary: one line for listings.
        chapter: the chapter of the book it belongs to (`01`), or empty.
    """

    module: str
    name: str = ""
    summary: str = ""
    chapter: str = ""


def lazy(
    package: str, members: Mapping[str, Member]
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return `__getattr__`, `__dir__` and `__all__` for a package whose members load on first use.

    Use in an `__init__.py`: `__getattr__, __dir__, __all__ = lazy(__name__, MEMBERS)`.
    """

    def load(attribute: str) -> Any:
        if attribute not in members:
            raise AttributeError(f"module '{package}' has no attribute '{attribute}'")
        value = getattr(importlib.import_module(f"{package}.{members[attribute].module}"), attribute)
        setattr(sys.modules[package], attribute, value)
        return value

    return load, lambda: sorted(members), sorted(members)


def table(kind: str) -> dict[str, tuple[str, Member]]:
    """Map each command-line name of a kind to (attribute, row). No torch is imported.

    Raises:
        OptionError: no such kind.
    """
    if kind not in KINDS:
        raise unknown("kind of member", kind, KINDS)
    rows: Mapping[str, Member] = importlib.import_module(KINDS[kind]).MEMBERS
    return {row.name: (attribute, row) for attribute, row in rows.items() if row.name}


def find(kind: str, name: str) -> Any:
    """Return the member of a kind by its command-line name.

    Raises:
        OptionError: unknown name; the message holds the nearest one.

    >>> find("activation", "gelu").__name__
    'GELU'
    """
    rows = table(kind)
    if name not in rows:
        raise unknown(kind, name, rows)
    return getattr(importlib.import_module(KINDS[kind]), rows[name][0])
