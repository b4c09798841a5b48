"""Transformation: the contract of transforms, and how a transformed network is saved: as recipe + plan, then filled with weights."""

from __future__ import annotations

import copy
from typing import Any, Protocol, runtime_checkable

from torch import nn

from neurarium.core.recipe import Recipe, plain, recipe_of
from neurarium.core.trust import buildable


@runtime_checkable
class Transform(Protocol):
    """Network -> network, in two halves.

    `decide(network, data) -> plan` looks and decides: what to do where, as plain values (JSON). `apply(network, plan)`
    changes the given network's structure by the plan and returns it; tensors that the structure needs (masks, scales,
    codebooks) become its parameters or buffers, so that they travel with the weights. `apply` must not look at
    weights for the structure: it runs again when a saved model is rebuilt. A transform is `@recorded`.
    """

    def decide(self, network: nn.Module, data: Any = None) -> dict[str, Any]: ...

    def apply(self, network: nn.Module, plan: dict[str, Any]) -> nn.Module: ...


def transform(network: nn.Module, how: Transform, data: Any = None) -> nn.Module:
    """Decide and apply: return a changed copy; the network itself stays as it is.

    Args:
        network: what is transformed.
        how: the transform.
        data: what `decide` looks at (calibration examples); None where it needs none.
    """
    return apply(network, how, how.decide(network, data))


@buildable
def apply(network: nn.Module | Any, how: Transform, plan: dict[str, Any]) -> nn.Module:
    """Apply a plan to a copy of a network, and record how: the copy's recipe is the network's, the transform, the plan.

    >>> from neurarium.core.recipe import recorded
    >>> @recorded
    ... class Doubled:
    ...     def decide(self, network, data=None): return {"factor": 2}
    ...     def apply(self, network, plan): return nn.Sequential(network, network)
    >>> line = nn.Linear(2, 2)
    >>> len(apply(line, Doubled(), {"factor": 2}))
    2
    """
    recipe = recipe_of(network)
    changed = how.apply(copy.deepcopy(network), plan)
    if recipe is None:
        if "_recipe" in changed.__dict__:
            del changed.__dict__["_recipe"]
        return changed
    options = {"network": recipe.to_json(), "how": plain(how), "plan": plain(plan)}
    object.__setattr__(changed, "_recipe", Recipe("neurarium.transforms.transformation:apply", options))
    return changed
