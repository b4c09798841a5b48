"""Trust: what a saved model may name as its builder.

A run folder from a stranger holds names and numbers, no pickle. But a name can be `os:system`: whoever calls what a file
names, without looking, runs the file. So only what was made to be built is built.
"""

from __future__ import annotations

import contextlib
import contextvars
import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from neurarium.core import plugins

_outside: contextvars.ContextVar[Path | None] = contextvars.ContextVar("outside", default=None)
Thing = TypeVar("Thing", bound=Callable[..., Any])


def buildable(thing: Thing) -> Thing:
    """Decorator: let saved models name this class or function as their builder (`@recorded` does so too).

    >>> @buildable
    ... def tower(width: int): ...
    >>> may_build(tower)
    True
    """
    thing._buildable = True  # type: ignore[attr-defined]
    return thing


def may_build(thing: Any) -> bool:
    """Tell whether a file may name `thing` as its builder.

    It may where the thing is marked, is a module or an optimizer of torch or of the user's own, a function of torch.nn, or
    a function of the user's own: one that belongs neither to Python, nor to us, nor to an installed package. Of another
    installed package it may where that package declares it (`core/plugins.py`): a function by its very address, a module
    with the package that declares any of its parts.

    >>> import os
    >>> may_build(os.system)
    False
    """
    if getattr(thing, "_buildable", False):
        return True
    module = getattr(thing, "__module__", None) or ""
    address = f"{module}:{getattr(thing, '__qualname__', '')}"
    if inspect.isclass(thing):
        torch = sys.modules.get("torch")
        if torch is None or not issubclass(thing, (torch.nn.Module, torch.optim.Optimizer)):
            return False
        if module.startswith("torch.") and not module.startswith(("torch.nn.", "torch.optim.")):
            return False  # among torch's own modules are some that compile or fetch code
        ours = module.partition(".")[0] in ("torch", "neurarium")
        return ours or not _installed(module) or plugins.declares(address)
    if module.startswith("torch.nn."):
        return True
    return inspect.isfunction(thing) and (not _installed(module) or plugins.exactly_declared(address))


@contextlib.contextmanager
def keeping_out(folder: Path | None) -> Iterator[None]:
    """Import nothing that lies inside a folder while a model from there is rebuilt."""
    token = _outside.set(None if folder is None else folder.resolve())
    try:
        yield
    finally:
        _outside.reset(token)


def may_import(module: str) -> bool:
    """Tell whether a file may have us import a module to look for a builder there.

    Python's own modules hold none, some of them do something when they are imported, and a module inside the folder that
    is read came with it.

    >>> may_import("antigravity"), may_import("torch.nn")
    (False, True)
    """
    names = module.split(".")
    if names[0] in sys.stdlib_module_names or "__main__" in names[1:] or not all(names):
        return False
    outside = _outside.get()
    if outside is None:
        return True
    for place in sys.path:
        path = Path(place or ".").resolve().joinpath(*names)
        if path.is_relative_to(outside) and (path.is_dir() or list(path.parent.glob(f"{path.name}.*"))):
            return False
    return True


def _installed(module: str) -> bool:
    """Tell whether a module is Python's, ours, or an installed package's."""
    top = module.partition(".")[0]
    if top == "__main__":
        return False
    if not module or top == "neurarium" or top in sys.stdlib_module_names:
        return True
    path = getattr(sys.modules.get(module), "__file__", None)  # None for a module made in memory
    if path is None:
        return False
    beside = getattr(
        sys.modules.get("torch"), "__file__", None
    )  # it may be installed anywhere, and others with it
    if beside is not None and Path(path).is_relative_to(Path(beside).parents[1]):
        return True
    return bool({"site-packages", "dist-packages"} & set(Path(path).parts))
