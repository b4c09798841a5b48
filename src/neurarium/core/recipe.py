"""Recipes: how an object was built, so that a saved model is rebuilt from names and numbers, never from a pickle.

A class decorated with `@recorded` remembers the arguments of its construction. `recipe_of(thing)` returns them,
`build(recipe)` makes the thing again (its weights are filled in afterwards).
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from neurarium.core.errors import ArtifactError, UnknownOptionError, unknown_option
from neurarium.core.options import parameters, requirement
from neurarium.core.trust import buildable, may_build, may_import

Kind = TypeVar("Kind", bound=type)


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What builds an object: `builder` is `package.module:name`, `options` are plain values (JSON)."""

    builder: str
    options: dict[str, Any] = dataclasses.field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {"builder": self.builder, "options": plain(self.options)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Recipe:
        return cls(value["builder"], dict(value.get("options", {})))


def plain(value: Any) -> Any:
    """Turn nested options into JSON values: recorded objects become {"builder", "options"}, tuples lists.

    Raises:
        TypeError: a value is neither plain nor recorded.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    found = recipe_of(value)
    if found is not None:
        return found.to_json()
    if isinstance(value, functools.partial):
        return {"builder": _address(value.func), "options": plain(value.keywords), "partial": True}
    if inspect.isfunction(value) or inspect.isclass(value):
        return {"builder": _address(value), "partial": True}
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        return value.item()
    raise TypeError(f"{type(value).__qualname__} is neither plain (numbers, strings, lists) nor @recorded")


def _address(thing: Any) -> str:
    return f"{thing.__module__}:{thing.__qualname__}"


def recorded(cls: Kind) -> Kind:
    """Class decorator: remember the constructor's arguments on the instance, as a `Recipe`.

    >>> @recorded
    ... class Scale:
    ...     def __init__(self, factor: float = 2.0):
    ...         self.factor = factor
    >>> recipe_of(Scale(3.0)).options
    {'factor': 3.0}

    An unknown keyword is told with the nearest right one (`UnknownOptionError`).
    """
    original = cls.__init__  # type: ignore[misc]
    signature, require = inspect.signature(original), requirement(cls)

    @functools.wraps(original)
    def __init__(self, *args, **kwargs):
        if type(self) is cls:
            require(kwargs)
            options = dict(signature.bind(self, *args, **kwargs).arguments)
            options.pop(next(iter(signature.parameters)))
            for parameter in signature.parameters.values():
                if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                    options.update(options.pop(parameter.name, {}))
            object.__setattr__(self, "_recipe", Recipe(_address(cls), options))
        try:
            original(self, *args, **kwargs)
        except UnknownOptionError as error:
            # of a part that takes what is left over: the lists of both are what the caller may choose from
            if type(self) is not cls or error.name not in kwargs:
                raise
            known = {*parameters(cls), *error.allowed}
            raise unknown_option(cls.__qualname__, error.name, known) from None

    cls.__init__ = __init__  # type: ignore[misc]
    return buildable(cls)


def recipe_of(thing: Any) -> Recipe | None:
    """Return how `thing` was built, or None when it does not say."""
    return getattr(thing, "_recipe", None)


def with_recipe(builder: str, **options: Any) -> Any:
    """Build a user's own object by address, recorded: `with_recipe("package.module:function", width=3)`."""
    return build(Recipe(builder, options))


def locate(address: str) -> Callable[..., Any]:
    """Return the builder that `package.module:name` points to.

    Raises:
        ArtifactError: the module or the name is not there, or is nothing that a file may have us call (see `core.trust`).
    """
    module, _, name = str(address).partition(":")
    if module and not may_import(module):
        raise _untrusted(address)
    try:
        value: Any = importlib.import_module(module)
        for part in name.split("."):
            value = getattr(value, part)
    except (ImportError, AttributeError, ValueError, TypeError) as error:
        raise ArtifactError(
            f"the builder '{address}' cannot be found ({error})",
            expected="package.module:name of something importable",
            received=address,
            fix="make the module importable (PYTHONPATH), or pass network= when loading",
        ) from error
    if not may_build(value):
        raise _untrusted(address)
    return value


def _untrusted(address: Any) -> ArtifactError:
    return ArtifactError(
        f"a saved model may not name '{address}' as a builder: loading it would call whatever a file says",
        expected="a class decorated with @neurarium.recorded, a torch module, a function of your own, or what an "
        "installed package declares in an entry point of the group neurarium.networks",
        received=address,
        fix="do not load this file if you do not know where it is from; if the code is yours, and installed as a "
        "package, decorate it with neurarium.core.trust.buildable; or load with network=",
    )


def build(recipe: Recipe | Mapping[str, Any]) -> Any:
    """Build what a recipe says; nested recipes first.

    Raises:
        ArtifactError: the builder cannot be found, or refuses the options.
    """
    if not isinstance(recipe, Recipe):
        recipe = Recipe.from_json(recipe)
    builder = locate(recipe.builder)
    options = {key: _rebuilt(value) for key, value in recipe.options.items()}
    try:
        thing = builder(**options)
    except TypeError as error:
        raise ArtifactError(
            f"the builder '{recipe.builder}' refuses its recorded options: {error}"
        ) from error
    if recipe_of(thing) is None:
        object.__setattr__(thing, "_recipe", recipe)
    return thing


def _rebuilt(value: Any) -> Any:
    if isinstance(value, Mapping) and "builder" in value and set(value) <= {"builder", "options", "partial"}:
        if value.get("partial"):
            options = {key: _rebuilt(each) for key, each in value.get("options", {}).items()}
            return functools.partial(locate(value["builder"]), **options)
        return build(value)
    if isinstance(value, Mapping):
        return {key: _rebuilt(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rebuilt(each) for each in value]
    return value
