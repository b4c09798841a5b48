"""Plugins: networks, methods and other members that installed packages declare as entry points.

A package declares them in its `pyproject.toml`, in a group that is called like our package of that kind:

    [project.entry-points."neurarium.networks"]
    highway = "their_package.networks:Highway"

After `pip install their-package`, `--network highway` works. Nothing of the package is imported before it is used: names
and summaries come from its metadata alone.

The rule where names clash: a name of ours stays ours; of two packages the one whose name comes first in the alphabet has
the short name. The other is reached by its full name, `their-package:highway`, which works in any case.
"""

from __future__ import annotations

import functools
import importlib
import re
import warnings
from collections.abc import Collection
from importlib import metadata
from typing import Any, NamedTuple

from neurarium.core.errors import ArtifactError, RefusalError

PREFIX = "neurarium."
# what the parts of the house ask of a member of a kind
NEEDED = {"network": ("for_data",), "method": ("step", "deployed_role")}


class PluginWarning(UserWarning):
    """A name that two packages give, or a declaration that cannot be read."""


class Plugin(NamedTuple):
    """One entry point: its group and name, the address `package.module:name`, and who declares it."""

    group: str
    name: str
    address: str
    distribution: str
    version: str
    summary: str

    @property
    def full_name(self) -> str:
        """The name that never clashes."""
        return f"{self.distribution}:{self.name}"


@functools.cache
def declared() -> tuple[Plugin, ...]:
    """Return every entry point of every group of ours, by distribution and name; what cannot be read is warned of.

    >>> all(each.group.startswith("neurarium.") for each in declared())
    True
    """
    found: dict[tuple[str, str, str], Plugin] = {}
    for distribution in metadata.distributions():
        for point in _points(distribution):
            plugin = _plugin(point, distribution)
            if (
                plugin is not None
            ):  # the first of two installations of one package is the one that is imported
                found.setdefault((plugin.distribution, plugin.group, plugin.name), plugin)
    return tuple(found[key] for key in sorted(found))


def _points(distribution: metadata.Distribution) -> list[metadata.EntryPoint]:
    text = distribution.read_text("entry_points.txt") or ""
    if PREFIX not in text:  # nearly all of them: spare the parsing
        return []
    try:
        return [each for each in distribution.entry_points if each.group.startswith(PREFIX)]
    except Exception as error:  # another package's file: whatever is wrong with it must not stop ours
        _warn(
            f"the entry points of {_called(distribution)} cannot be read and are left out ({type(error).__name__})"
        )
        return []


def _plugin(point: metadata.EntryPoint, distribution: metadata.Distribution) -> Plugin | None:
    name, address = point.name.strip(), point.value.partition("[")[0].replace(" ", "")
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) or not re.fullmatch(r"[\w.]+:[\w.]+", address):
        _warn(
            f"{_called(distribution)} declares '{name} = {address}' in {point.group}, which is left out: a name is in "
            "kebab-case, and what it stands for is package.module:name"
        )
        return None
    summary = str(distribution.metadata["Summary"] or "").strip()
    version = str(distribution.metadata["Version"] or "?")
    return Plugin(point.group, name, address, _called(distribution), version, summary)


def _called(distribution: metadata.Distribution) -> str:
    name = distribution.metadata["Name"] if distribution.metadata else None
    return re.sub(r"[-_.]+", "-", str(name or "a package without a name")).lower()


def named(group: str, own: Collection[str]) -> dict[str, Plugin]:
    """Return the plugins of a group by the names that reach them, given the names that are taken.

    >>> named("neurarium.no_such_group", ())
    {}
    """
    found: dict[str, Plugin] = {}
    for plugin in declared():
        if plugin.group == group:
            free = plugin.name not in own and plugin.name not in found
            found[plugin.name if free else plugin.full_name] = plugin
    return found


def by_full_name(group: str, name: str) -> Plugin | None:
    """Return the plugin that is called `distribution:name`, or None."""
    return next((each for each in declared() if each.group == group and each.full_name == name), None)


def warn_of_clash(group: str, name: str, taken_by: str) -> None:
    """Say, once, that other packages have something of this name too."""
    others = [
        each.full_name
        for each in declared()
        if each.group == group and each.name == name and each.full_name != taken_by
    ]
    if others:
        _warn(f"'{name}' is {taken_by}; the other of this name is reached as {', '.join(others)}")


def load(plugin: Plugin, kind: str) -> Any:
    """Import what an entry point stands for.

    Raises:
        ArtifactError: it cannot be imported; the message names the package.
        RefusalError: it is not what such a member has to be.
    """
    module, _, path = plugin.address.partition(":")
    package = f"{plugin.distribution} {plugin.version}"
    try:
        value: Any = importlib.import_module(module)
        for part in path.split("."):
            value = getattr(value, part)
    except Exception as error:  # code of others: whatever it raises is told with its name
        raise ArtifactError(
            f"the {kind} '{plugin.name}' of the package {package} cannot be loaded: {type(error).__name__}: {error}",
            expected=f"{plugin.address} to be importable",
            fix=f"pip install --upgrade {plugin.distribution}, or tell its authors; all else works without it",
        ) from error
    missing = [each for each in NEEDED.get(kind, ()) if not hasattr(value, each)]
    if missing or not callable(value):
        raise RefusalError(
            f"'{plugin.name}' of the package {package} is no {kind}",
            expected=f"a {kind} with {', '.join(NEEDED.get(kind, ('a constructor',)))} (see CONTRIBUTING)",
            received=f"{plugin.address} without {', '.join(missing) or 'a constructor'}",
            fix=f"tell the authors of {plugin.distribution}",
        )
    return value


def declares(address: str) -> bool:
    """Tell whether an installed package declares this address, or another in the same top package, as one of ours.

    A package that declares a network answers for the parts that the network is built from.
    """
    module = address.partition(":")[0]
    return any(
        each.address.partition(":")[0].partition(".")[0] == module.partition(".")[0] for each in declared()
    )


def exactly_declared(address: str) -> bool:
    """Tell whether an installed package declares exactly this address."""
    return any(each.address == address for each in declared())


def _warn(text: str) -> None:
    warnings.warn(text, PluginWarning, stacklevel=3)
