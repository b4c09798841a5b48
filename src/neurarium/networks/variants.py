"""Variants: named members of a family, each the family's class with some options fixed."""

from __future__ import annotations

import inspect
from typing import Any, TypeVar

from torch import nn

from neurarium.core.recipe import recorded

Family = TypeVar("Family", bound=type[nn.Module])


def variant(family: Family, name: str, summary: str, **fixed: Any) -> Family:
    """Return a subclass of a family of networks whose constructor has some of the options fixed.

    Args:
        family: the class.
        name: the variant's name, that of the variable it is assigned to: a saved model finds it there.
        summary: the first line of its docstring.
        **fixed: options of the family.

    >>> from neurarium.networks import MLP
    >>> Narrow = variant(MLP, "Narrow", "Two narrow layers.", widths=(4, 4))
    >>> Narrow(3, 2).feature_dim, "widths" in inspect.signature(Narrow).parameters
    (4, False)
    """
    original = family.__init__  # type: ignore[misc]

    def __init__(self: nn.Module, *args: Any, **kwargs: Any) -> None:
        bound = free.bind(self, *args, **kwargs)
        original(**bound.arguments, **fixed)

    signature = inspect.signature(original)
    kept = [parameter for parameter in signature.parameters.values() if parameter.name not in fixed]
    free = signature.replace(parameters=kept)
    __init__.__wrapped__ = original  # type: ignore[attr-defined]  # annotations are resolved where the family stands
    __init__.__annotations__ = {
        key: value for key, value in original.__annotations__.items() if key not in fixed
    }
    __init__.__signature__ = free  # type: ignore[attr-defined]
    body = {
        "__init__": __init__,
        "__doc__": f"{summary}\n\nOf the family:\n\n{inspect.getdoc(family)}",
        "__module__": family.__module__,
        "variant_of": family,
        "fixed": fixed,
    }
    return recorded(type(name, (family,), body))  # type: ignore[return-value]
