"""Warm start: the weights of one run as the start of another."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from neurarium.core.errors import RefusalError
from neurarium.core.members import address, table
from neurarium.core.recipe import recipe_of
from neurarium.data.dataset import Decision
from neurarium.networks.derived import SIZED
from neurarium.training.run import Run
from neurarium.transforms.adapters import merge


def network_of(run: Run) -> tuple[str, dict[str, Any]]:
    """Return the name of a run's network and those of its options that the data does not decide; adapters are merged.

    Raises:
        RefusalError: the network has no name on the command line.
    """
    recipe = recipe_of(merge(run.network))
    for name in table("network"):
        if recipe is not None and recipe.builder == address("network", name):
            return name, {key: value for key, value in recipe.options.items() if key not in SIZED}
    raise RefusalError(
        f"the network of {run.folder or 'the run'} is not one that is built by its name",
        expected=f"one of {', '.join(table('network'))}",
        received="no recipe" if recipe is None else recipe.builder,
        fix="name one with --network; weights of equal name and shape are taken over",
    )


def warm_start(network: nn.Module, run: Run) -> Decision:
    """Copy the weights of a run into a network where names and shapes agree; say what did not.

    Raises:
        RefusalError: nothing agrees.
    """
    theirs, ours = merge(run.network).state_dict(), network.state_dict()
    taken = {
        name: value
        for name, value in theirs.items()
        if name in ours and isinstance(value, torch.Tensor) and ours[name].shape == value.shape
    }
    learned = {name for name, _ in network.named_parameters()}
    if not learned & set(taken):
        raise RefusalError(
            f"no weight of {run.folder or 'the run'} fits the new network",
            expected="a parameter of equal name and shape",
            received=f"{type(run.network).__name__} into {type(network).__name__}",
            fix="leave --network out: the network of that run is built then",
        )
    network.load_state_dict({**ours, **taken})
    fresh = sorted(learned - set(taken))
    shown = f"{len(learned & set(taken))} of {len(learned)} weights of {run.folder or 'a run'}"
    reason = "all fit" if not fresh else f"of another shape or new, and so fresh: {', '.join(fresh[:6])}"
    return Decision("start", shown, reason, "--from")
