"""Display: how a thing shows itself in a notebook. The renderer stands high in the house, and is looked up when it is used."""

from __future__ import annotations

import importlib
from typing import Any

# `package.module:function` from a thing to HTML; the package itself fills it in
renderer: str | None = None


def rendered(thing: Any) -> str | None:
    """Return a thing as HTML, or None where nothing renders it."""
    if renderer is None:
        return None
    module, _, name = renderer.partition(":")
    return getattr(importlib.import_module(module), name)(thing)


class Displayed:
    """Mixin: a notebook shows the thing as HTML, everything else by its `repr`.

    >>> Displayed()._repr_html_() is None  # nobody renders it: its `repr` is shown
    True
    """

    def _repr_html_(self) -> str | None:
        return rendered(self)


class Shown(Displayed):
    """What `neurarium.show` returns: a thing of any class, such as a network, with its HTML."""

    def __init__(self, thing: Any):
        self.thing = thing

    def _repr_html_(self) -> str | None:
        return rendered(self.thing)

    def __repr__(self) -> str:
        return repr(self.thing)
