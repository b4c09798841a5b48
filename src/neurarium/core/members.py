"""Lazy packages: each package lists its members in its `__init__`, and loads a member's file on first use.

The list is also the manifest: names, summaries and chapters are known to the command line without importing torch.
Adding a network, a loss, a method is one file and one row in its package's table. Installed packages add theirs by entry
points (`core/plugins.py`).
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from neurarium.core import plugins
from neurarium.core.errors import nearest, unknown

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
        package: the installed package that declares it, or empty for ours; `module` is absolute then.
    """

    module: str
    name: str = ""
    summary: str = ""
    chapter: str = ""
    package: str = ""


def lazy(
    package: str, members: Mapping[str, Member]
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return `__getattr__`, `__dir__` and `__all__` for a package whose members load on first use.

    Use in an `__init__.py`: `__getattr__, __dir__, __all__ = lazy(__name__, MEMBERS)`. A file or folder of the package
    is reachable too (`neurarium.training.callbacks`), though it is not listed.
    """

    def load(attribute: str) -> Any:
        if attribute not in members:
            inside = f"{package}.{attribute}"
            folder = hasattr(sys.modules[package], "__path__") and not attribute.startswith("_")
            if folder and importlib.util.find_spec(inside) is not None:
                return importlib.import_module(inside)
            near = None if attribute.startswith("_") else nearest(attribute, members)
            hint = f"; did you mean '{near}'?" if near else ""
            raise AttributeError(f"module '{package}' has no attribute '{attribute}'{hint}")
        value = getattr(importlib.import_module(f"{package}.{members[attribute].module}"), attribute)
        setattr(sys.modules[package], attribute, value)
        return value

    return load, lambda: sorted(members), sorted(members)


def table(kind: str) -> dict[str, tuple[str, Member]]:
    """Map each command-line name of a kind to (attribute, row), ours and those of installed packages. No torch is
    imported.

    Raises:
        OptionError: no such kind.
    """
    own = own_table(kind)
    others = plugins.named(KINDS[kind], own)
    return {**own, **{name: _row(name, plugin) for name, plugin in others.items()}}


def own_table(kind: str) -> dict[str, tuple[str, Member]]:
    """Map each command-line name of a kind to (attribute, row), those of this library alone."""
    if kind not in KINDS:
        raise unknown("kind of member", kind, KINDS)
    rows: Mapping[str, Member] = importlib.import_module(KINDS[kind]).MEMBERS
    return {row.name: (attribute, row) for attribute, row in rows.items() if row.name}


def _row(name: str, plugin: plugins.Plugin) -> tuple[str, Member]:
    module, _, attribute = plugin.address.partition(":")
    package = f"{plugin.distribution} {plugin.version}"
    return attribute, Member(module, name, f"{plugin.summary} ({package})".strip(), package=package)


def address(kind: str, name: str) -> str:
    """Return where the member of a kind is defined, as `package.module:attribute`.

    >>> address("network", "mlp")
    'neurarium.networks.mlp:MLP'
    """
    attribute, row = table(kind)[name]
    return f"{row.module}:{attribute}" if row.package else f"{KINDS[kind]}.{row.module}:{attribute}"


def find(kind: str, name: str) -> Any:
    """Return the member of a kind by its command-line name.

    Raises:
        OptionError: unknown name; the message holds the nearest one.
        ArtifactError: it belongs to an installed package, which cannot be loaded.

    >>> find("activation", "gelu").__name__
    'GELU'
    """
    rows = table(kind)
    plugin = plugins.by_full_name(KINDS[kind], name) or plugins.named(KINDS[kind], own_table(kind)).get(name)
    if plugin is None and name not in rows:
        raise unknown(kind, name, rows)
    taken_by = f"the {kind} of this library" if plugin is None else plugin.full_name
    if ":" not in name:
        plugins.warn_of_clash(KINDS[kind], name, taken_by)
    if plugin is not None:
        return plugins.load(plugin, kind)
    return getattr(importlib.import_module(KINDS[kind]), rows[name][0])
