"""Defaults: how long and how fast a network trains where nothing is said. The one place that knows."""

from __future__ import annotations

import dataclasses
from typing import Any

from neurarium.data.dataset import Dataset, Decision


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Defaults of one network on one kind of inputs.

    Args:
        reason: where they come from.
        epochs: at most.
        patience: evaluations without improvement on validation after which training stops.
        descent: options of `Descent`.
    """

    reason: str
    epochs: int
    patience: int | None
    descent: dict[str, Any]


TABM = Recipe(
    "the authors of TabM train so (arXiv:2410.24210, appendix D)",
    epochs=60,
    patience=12,
    descent={"optimizer": "adamw", "learning_rate": 2e-3, "weight_decay": 3e-4, "clip_norm": 1.0},
)
TABLE = Recipe(
    "AdamW with a falling rate suits perceptrons on tables of all sizes",
    epochs=100,
    patience=20,
    descent={
        "optimizer": "adamw",
        "learning_rate": 1e-3,
        "weight_decay": 1e-4,
        "schedule": "cosine",
        "warmup": 0.05,
    },
)
IMAGE = Recipe(
    "a rate that rises and falls once trains small convolutional networks in few epochs (arXiv:1708.07120)",
    epochs=30,
    patience=None,
    descent={"optimizer": "adamw", "learning_rate": 4e-3, "weight_decay": 1e-2, "schedule": "one-cycle"},
)
OTHER = Recipe(
    "a moderate start for what nothing is known of",
    epochs=50,
    patience=10,
    descent={"optimizer": "adamw", "learning_rate": 1e-3, "schedule": "cosine"},
)
RECIPES: dict[tuple[str, str], Recipe] = {("Table", "tabm"): TABM, ("Table", ""): TABLE, ("Image", ""): IMAGE}
STEPS = {"Table": 3_000, "Image": 1_500}  # small data sees more epochs: at least this many steps


def recipe_for(dataset: Dataset, network: str) -> Recipe:
    """Return the defaults for a network (its name, or empty) on a dataset."""
    kind = type(dataset.inputs).__name__
    return RECIPES.get((kind, network)) or RECIPES.get((kind, "")) or OTHER


def settle(
    dataset: Dataset, network: str, given: dict[str, Any], descent: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any], list[Decision]]:
    """Fill in what was not given.

    Args:
        dataset: the data.
        network: the network's name, empty for one that was built by the caller.
        given: `epochs`, `steps`, `patience`, `time_limit`; None where not given.
        descent: the options of the descent that were given.

    Returns:
        The same two, filled in, and the decisions.
    """
    recipe = recipe_for(dataset, network)
    chosen, decisions = dict(given), []
    if given["epochs"] is None and given["steps"] is None:
        chosen["epochs"] = _epochs(dataset, recipe)
        reason = "a small dataset is seen more often" if chosen["epochs"] > recipe.epochs else recipe.reason
        decisions.append(Decision("epochs", chosen["epochs"], reason, "--epochs"))
    if given["patience"] is None and recipe.patience is not None and dataset.validation is not None:
        chosen["patience"] = recipe.patience
        reason = "stops when validation has not improved for so many evaluations"
        decisions.append(Decision("patience", recipe.patience, reason, "--patience"))
    # another optimizer has rates of its own
    options = dict(descent) if "optimizer" in descent else {**recipe.descent, **descent}
    added = {name: value for name, value in options.items() if name not in descent}
    if added:
        shown = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in added.items())
        override = "--set " + " ".join(f"{name}=" for name in added)
        decisions.append(Decision("recipe", shown, recipe.reason, override))
    return chosen, options, decisions


def _epochs(dataset: Dataset, recipe: Recipe) -> int:
    """Give small data as many epochs as make a fair number of steps, within ten times the usual."""
    least = STEPS.get(type(dataset.inputs).__name__, 1_000)
    per_epoch = max(1, len(dataset.train) // 64)
    return min(10 * recipe.epochs, max(recipe.epochs, round(least / per_epoch)))
