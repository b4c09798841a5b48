"""Neurarium: all of deep learning under one roof.

Networks, ways of learning, transforms and studies that meet in a few small contracts, so that every technique works
with every network, or refuses by name. Nothing is loaded before it is used.

>>> import neurarium as nr
>>> nr.data.load("iris")
Dataset(iris: Table -> Classes; train 106, validation 22, test 22)
"""

from __future__ import annotations

import importlib
from typing import Any

from neurarium.core import display as _display

__version__ = "0.1.0"

_ROOMS = (
    "core", "data", "layers", "losses", "regularizers", "initializers", "metrics", "networks", "training",
    "transforms", "methods", "studies", "report", "cli", "serving", "sklearn",
)  # fmt: skip
_FUNCTIONS = {
    "fit": ("neurarium.training.fitting", "fit"),
    "Descent": ("neurarium.training.descent", "Descent"),
    "Method": ("neurarium.training.method", "Method"),
    "Run": ("neurarium.training.run", "Run"),
    "with_recipe": ("neurarium.core.recipe", "with_recipe"),
    "recorded": ("neurarium.core.recipe", "recorded"),
    "Frozen": ("neurarium.core.frozen", "Frozen"),
}
_display.renderer = "neurarium.report.notebook:render"
__all__ = [*_ROOMS, *_FUNCTIONS, "load", "show"]


def load(folder: Any, **options: Any) -> Any:
    """Read a run folder; see `Run.load`."""
    from neurarium.training.run import Run

    return Run.load(folder, **options)


def show(thing: Any) -> Any:
    """Return a thing so that a notebook shows it as HTML: a network, or anything of ours.

    Networks are plain torch modules, whose own display stays as it is; this is the way to see one as a table.

    >>> import neurarium as nr
    >>> "parameters" in nr.show(nr.networks.MLP(4, 2))._repr_html_()
    True
    """
    return _display.Shown(thing)


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"neurarium.{name}")
    if name in _FUNCTIONS:
        module, attribute = _FUNCTIONS[name]
        value = getattr(importlib.import_module(module), attribute)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'neurarium' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
