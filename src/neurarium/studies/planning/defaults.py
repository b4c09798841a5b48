"""Defaults: what of epochs, batch size, precision and descent was not said is filled in from the recipe, and told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neurarium.data.dataset import Dataset, Decision
from neurarium.data.specs import Tokens
from neurarium.studies.planning.machine import multiplies_bfloat16
from neurarium.studies.planning.recipes import Recipe, recipe_for
from neurarium.training.optimizers.building import usual_rate

LARGE = (
    40  # steps per epoch above which the recipe's batch size is taken; below, smaller batches make more steps
)
PACE = (
    "schedule",
    "warmup",
    "schedule_options",
    "clip_norm",
    "rate_factors",
)  # of a recipe, for any optimizer
UNRAISED = ("constant", "one-cycle")  # schedules without a warm-up before them
SELF_PACED = ("lbfgs", "rprop")  # optimizers that find the length of their steps by themselves


def settle(
    dataset: Dataset, network: str, given: Mapping[str, Any], descent: Mapping[str, Any], tuning: str = ""
) -> tuple[dict[str, Any], dict[str, Any], list[Decision]]:
    """Fill in what was not given.

    Args:
        dataset: the data.
        network: the network's name, empty for one that was built by the caller.
        given: arguments of `fit` that were given (`epochs`, `steps`, `batch_size`, `device`, ...); None where not.
        descent: the options of the descent that were given.
        tuning: where published weights are the start, "weights" for all of them, "adapters" for those beside them.

    Returns:
        The same two, filled in, and the decisions.
    """
    recipe = recipe_for(dataset, network, tuning)
    chosen, options, decisions = dict(given), dict(descent), []
    count = len(dataset.train)
    if given.get("epochs") is None and given.get("steps") is None:
        chosen["epochs"], reason = _epochs(count, dataset, recipe)
        decisions.append(Decision("epochs", chosen["epochs"], reason, "--epochs"))
    if given.get("batch_size") is None and recipe.batch_size and count >= LARGE * recipe.batch_size:
        chosen["batch_size"] = recipe.batch_size
        decisions.append(Decision("batch size", recipe.batch_size, recipe.reason, "--batch-size"))
    if recipe.bfloat16 and "precision" not in descent and multiplies_bfloat16(given.get("device")):
        options["precision"] = "bfloat16"
        reason = "this machine multiplies bfloat16 matrices in hardware: twice as fast, and as good here"
        decisions.append(Decision("precision", "bfloat16", reason, "--precision"))
    added, reason = _applying(recipe, descent)
    if added:
        options |= added
        said = _flat(added)
        shown = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in said.items())
        decisions.append(Decision("recipe", shown, reason, ", ".join(f"--set {name}=" for name in said)))
    if isinstance(options.get("optimizer"), str) and "learning_rate" not in options:
        name = options["optimizer"]
        reason = (
            f"the usual one of {name}: that of the recipe is for {recipe.descent.get('optimizer', 'adamw')}"
        )
        decisions.append(Decision("learning rate", usual_rate(name), reason, "--set learning_rate="))
    return chosen, options, decisions


def _applying(recipe: Recipe, given: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Return what of a recipe applies beside the options of the descent that were given, and why.

    Another optimizer has rates and a decay of its own; how its rate moves and where gradients are clipped stay. What belongs to a
    schedule goes where another one is given.
    """
    own, reason = dict(recipe.descent), recipe.reason
    schedule, optimizer = given.get("schedule"), given.get("optimizer")
    if schedule not in (None, own.get("schedule")):
        own.pop("schedule_options", None)
        if schedule in UNRAISED:
            own.pop("warmup", None)
    if optimizer not in (None, own.get("optimizer")):
        own = {name: own[name] for name in PACE if name in own and optimizer not in SELF_PACED}
        reason = "of the usual recipe what does not depend on the optimizer; its rate and its weight decay do"
    for each in ("weight_decay_schedule", "dropout_schedule"):
        if given.get(each) not in (None, own.get(each)):
            own.pop(f"{each}_options", None)
    return {name: value for name, value in own.items() if name not in given}, reason


def _flat(options: Mapping[str, Any]) -> dict[str, Any]:
    """Name options as the command line does: `schedule_options={"floor": 0.1}` is `schedule.floor=0.1`."""
    found: dict[str, Any] = {}
    for name, value in options.items():
        if isinstance(value, Mapping) and name.endswith("_options"):
            inner = name.removesuffix("_options")
            found |= {f"{inner}.{key}": each for key, each in value.items()}
        else:
            found[name] = value
    return found


def settle_closed_form(given: Mapping[str, Any]) -> tuple[dict[str, Any], list[Decision]]:
    """Fill in what was not given to a method that takes one step over all training examples."""
    chosen, decisions = dict(given), []
    if given.get("epochs") is None and given.get("steps") is None:
        chosen["epochs"] = 1
        decisions.append(
            Decision("epochs", 1, "one solution of all training examples", "--method supervised")
        )
    return chosen, decisions


def _epochs(count: int, dataset: Dataset, recipe: Recipe) -> tuple[int, str]:
    if recipe.epochs[0] == recipe.epochs[1] and not dataset.summary.get("streamed"):
        return recipe.epochs[0], recipe.reason
    kind = getattr(dataset.targets, "kind", "classification")
    seen = recipe.seen.get(kind, max(recipe.seen.values()))
    least, most = recipe.epochs
    if dataset.summary.get("streamed"):
        least = 1  # so many rows that even one epoch is long
    epochs = min(most, max(least, round(seen / count)))
    reason = (
        f"some {seen:,} examples in all, within {least} to {most} epochs: what {kind} of such data needed"
    )
    length = dataset.inputs.length if isinstance(dataset.inputs, Tokens) else 0
    if recipe.read and epochs > least and epochs * count * length > recipe.read:
        epochs = max(least, round(recipe.read / (count * length)))
        reason += f"; fewer of long texts, some {recipe.read / 1e6:.0f} million tokens in all"
    return epochs, reason
