"""Defaults: how long and how fast a network trains where nothing is said. The one place that knows."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import torch

from neurarium.data.dataset import Dataset, Decision
from neurarium.data.specs import Tokens
from neurarium.studies.planning.owners import RECURRENT
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


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Defaults of a network on a kind of inputs.

    Args:
        reason: where they come from.
        seen: how many examples training sees in all, by kind of targets: it decides the epochs.
        epochs: the fewest and the most.
        read: how many tokens of texts training reads at most in all, beyond the fewest epochs; None for any number.
        descent: options of `Descent`.
        batch_size: where there are many examples; None leaves it to `fit`.
        bfloat16: compute in bfloat16 where the processor multiplies such matrices in hardware.
    """

    reason: str
    seen: Mapping[str, int]
    epochs: tuple[int, int]
    descent: Mapping[str, Any]
    batch_size: int | None = None
    bfloat16: bool = False
    read: int | None = None


TABM = Recipe(
    "the authors of TabM train so (arXiv:2410.24210, appendix D); a falling rate gave more on adult and california-housing",
    seen={"classification": 400_000, "regression": 900_000},
    epochs=(10, 100),
    descent={
        "optimizer": "adamw",
        "learning_rate": 2e-3,
        "weight_decay": 3e-4,
        "clip_norm": 1.0,
        "schedule": "cosine",
    },
    batch_size=256,
    bfloat16=True,
)
REALMLP = Recipe(
    "the authors of RealMLP train so (arXiv:2407.04491, appendix A): four cycles of the rate, decays that fall to zero",
    seen={
        "classification": 800_000,
        "regression": 2_000_000,
    },  # of streamed tables; else always as many epochs
    epochs=(256, 256),
    descent={
        "optimizer": "adamw",
        "learning_rate": 0.04,
        "weight_decay": 0.02,
        "rate_factors": "own",
        "schedule": "cosine-logarithm",
        "weight_decay_schedule": "flat-then-cosine",
        "dropout_schedule": "flat-then-cosine",
        "weight_decay_schedule_options": {"flat": 0.5},
        "dropout_schedule_options": {"flat": 0.5},
        "optimizer_options": {"betas": (0.9, 0.95)},
    },
    batch_size=256,
)
TABLE = Recipe(
    "AdamW with a falling rate suits perceptrons on tables of all sizes",
    seen={"classification": 800_000, "regression": 2_000_000},
    epochs=(10, 300),
    descent={
        "optimizer": "adamw",
        "learning_rate": 2e-3,
        "weight_decay": 1e-3,
        "schedule": "cosine",
        "warmup": 0.05,
    },
)
IMAGE = Recipe(
    "a rate that rises and falls once trains small convolutional networks in few epochs (arXiv:1708.07120)",
    seen={"classification": 300_000},
    epochs=(5, 30),
    descent={"optimizer": "adamw", "learning_rate": 4e-3, "weight_decay": 1e-2, "schedule": "one-cycle"},
)
VOLUME = dataclasses.replace(IMAGE, seen={"classification": 60_000, "regression": 120_000}, epochs=(10, 60))
CAPSULES = Recipe(
    "Adam with a rate that rises and falls once; weight decay would shrink the lengths that are the answer",
    seen={"classification": 300_000},
    epochs=(5, 30),
    descent={"optimizer": "adam", "learning_rate": 2e-3, "schedule": "one-cycle"},
    batch_size=64,
)
SEGMENTATION = Recipe(
    "every pixel is an example: a rate that rises and falls once over few epochs (arXiv:1708.07120)",
    seen={"segmentation": 40_000},
    epochs=(5, 100),
    descent={"optimizer": "adamw", "learning_rate": 3e-3, "weight_decay": 1e-2, "schedule": "one-cycle"},
    batch_size=16,
)
DETECTION = Recipe(
    "a rate that rises and falls once, and clipped gradients: the focal loss starts steep",
    seen={"detection": 60_000},
    epochs=(5, 100),
    descent={
        "optimizer": "adamw",
        "learning_rate": 2e-3,
        "weight_decay": 1e-2,
        "clip_norm": 10.0,
        "schedule": "one-cycle",
    },
    batch_size=16,
)
MIXED = Recipe(
    "texts overfit before tables have learned: few epochs of a falling rate, the best one kept",
    seen={"classification": 300_000, "regression": 600_000},
    epochs=(5, 40),
    descent={
        "optimizer": "adamw",
        "learning_rate": 1e-3,
        "weight_decay": 1e-2,
        "schedule": "cosine",
        "warmup": 0.05,
    },
)
TEXT = Recipe(
    "sentences are learned in few passes: on sst2 the validation loss of text-cnn was lowest after 3 of 6",
    seen={"classification": 35_000, "regression": 70_000},
    epochs=(5, 20),
    descent={
        "optimizer": "adamw",
        "learning_rate": 1e-3,
        "weight_decay": 1e-2,
        "schedule": "cosine",
        "warmup": 0.05,
    },
    read=14_000_000,
)
MIXTURE = dataclasses.replace(
    TEXT,
    reason="as its convolutional network is trained, in few passes over the texts; its bag takes three times the rate",
    descent={**TEXT.descent, "rate_factors": "own"},
)
BAG = Recipe(
    "a bag has little to learn per token: on sst2 a rate of 3e-3 gave 0.80 on validation, 1e-3 gave 0.73",
    seen={"classification": 70_000, "regression": 140_000},
    epochs=(10, 40),
    descent={**TEXT.descent, "learning_rate": 3e-3},
)
TUNING = Recipe(
    "published encoders of texts are refined gently, in few passes (arXiv:1810.04805, appendix A.3)",
    seen={"classification": 100_000},
    epochs=(2, 4),
    descent={
        "optimizer": "adamw",
        "learning_rate": 5e-5,
        "weight_decay": 1e-2,
        "clip_norm": 1.0,
        "schedule": "linear",
        "warmup": 0.1,
    },
    batch_size=32,
)
SERIES = Recipe(
    "sets of series are small: many epochs of a falling rate (arXiv:1909.04939 trains 1,500)",
    seen={"classification": 60_000, "regression": 120_000},
    epochs=(10, 300),
    descent={"optimizer": "adamw", "learning_rate": 1e-3, "weight_decay": 1e-2, "schedule": "cosine"},
)
ADAPTING = dataclasses.replace(
    TUNING,
    reason="updates of low rank take ten times the rate of all weights (arXiv:2106.09685, appendix D)",
    descent={**TUNING.descent, "learning_rate": 5e-4},
)
LANGUAGE = Recipe(
    "as nanoGPT trains small transformers: a short rise, a cosine to a tenth, clipped gradients",
    seen={"language": 40_000},
    epochs=(1, 200),
    descent={
        "optimizer": "adamw",
        "learning_rate": 1e-3,
        "weight_decay": 0.1,
        "clip_norm": 1.0,
        "schedule": "cosine",
        "warmup": 0.05,
        "schedule_options": {"floor": 0.1},
        "optimizer_options": {"betas": (0.9, 0.99)},
    },
    batch_size=32,
    bfloat16=True,
)
READING_ON = dataclasses.replace(
    LANGUAGE,
    reason="as transformers, at twice their rate",
    descent={**LANGUAGE.descent, "learning_rate": 2e-3},
)
TAGGING = Recipe(
    "every token is an example: a falling rate over few passes, the best weights kept",
    seen={"tagging": 60_000},
    epochs=(5, 60),
    descent={**TEXT.descent, "learning_rate": 3e-3, "clip_norm": 5.0},
    batch_size=32,
)
FRAMES = Recipe(
    "many small steps: a TCN of the chorales had 8.24 validation nats so, 8.39 in fewer at twice the rate",
    seen={"frames": 13_740},
    epochs=(10, 200),
    descent={"optimizer": "adam", "learning_rate": 1e-3, "clip_norm": 0.5, "schedule": "cosine"},
    batch_size=2,
)
RECURRENT_FRAMES = Recipe(
    "an LSTM of the chorales was underfit at half this rate: 8.35 validation nats, 8.84 there",
    seen={"frames": 14_000},
    epochs=(10, 200),
    descent={**FRAMES.descent, "learning_rate": 4e-3},
    batch_size=4,
)
PAIRS = Recipe(
    "Adam with a warm-up and a falling rate, and clipped gradients, as transformers are trained (arXiv:1706.03762)",
    seen={"text": 300_000},
    epochs=(5, 30),
    descent={
        "optimizer": "adamw",
        "learning_rate": 2e-3,
        "weight_decay": 1e-2,
        "clip_norm": 1.0,
        "schedule": "cosine",
        "warmup": 0.1,
    },
    batch_size=128,
    bfloat16=True,
)
SPEECH = Recipe(
    "a rate that rises and falls once; some thirty passes over a few thousand recordings",
    seen={"classification": 60_000, "regression": 60_000},
    epochs=(5, 100),
    descent={"optimizer": "adamw", "learning_rate": 4e-3, "weight_decay": 1e-2, "schedule": "one-cycle"},
    batch_size=32,
)
TRANSCRIPTION = Recipe(
    "a rate that rises and falls once, and clipped gradients: the CTC loss starts steep",
    seen={"transcript": 60_000},
    epochs=(5, 100),
    descent={
        "optimizer": "adamw",
        "learning_rate": 2e-3,
        "weight_decay": 1e-2,
        "clip_norm": 5.0,
        "schedule": "one-cycle",
    },
    batch_size=32,
)
TRACES = Recipe(
    "windows of one trace are much alike: few epochs of a falling rate, the best one kept",
    seen={"regression": 200_000},
    epochs=(3, 60),
    descent={
        "optimizer": "adamw",
        "learning_rate": 2e-3,
        "weight_decay": 1e-2,
        "schedule": "cosine",
        "clip_norm": 1.0,
    },
    batch_size=256,
)
OTHER = Recipe(
    "a moderate start for what nothing is known of",
    seen={"classification": 800_000, "regression": 1_500_000},
    epochs=(10, 200),
    descent={"optimizer": "adamw", "learning_rate": 1e-3, "schedule": "cosine"},
)
FORECAST = Recipe(
    "linear forecasters are learned in a few passes; the best one on validation is kept",
    seen={"forecast": 80_000},
    epochs=(10, 200),
    descent={"optimizer": "adam", "learning_rate": 1e-3, "schedule": "cosine"},
    batch_size=32,
)
# By (what is to be predicted or what one example is, a network or what is tuned of a published one or nothing).
RECIPES: dict[tuple[str, str], Recipe] = {
    ("Table", "tabm"): TABM,
    ("Table", "realmlp"): REALMLP,
    ("Quantity", "realmlp"): dataclasses.replace(REALMLP, descent={**REALMLP.descent, "learning_rate": 0.2}),
    ("Table", ""): TABLE,
    ("Image", ""): IMAGE,
    ("Array", "cnn"): VOLUME,
    ("Image", "capsnet"): CAPSULES,
    ("Image", "efficient-capsnet"): CAPSULES,
    ("Mixed", ""): MIXED,
    ("Window", ""): FORECAST,
    ("Tokens", "text-bag"): BAG,
    ("Tokens", "text-ensemble"): MIXTURE,
    ("Tokens", ""): TEXT,
    ("Series", ""): SERIES,
    ("Waveform", ""): SPEECH,
    ("Mask", ""): SEGMENTATION,
    ("Boxes", ""): DETECTION,
    ("NextToken", ""): LANGUAGE,
    **{("NextToken", network): READING_ON for network in RECURRENT},
    ("Tags", ""): TAGGING,
    ("Frames", ""): FRAMES,
    **{("Frames", network): RECURRENT_FRAMES for network in RECURRENT},
    ("Text", ""): PAIRS,
    ("Transcript", ""): TRANSCRIPTION,
    ("Expectation", ""): TRACES,
    ("Tokens", "weights"): TUNING,
    ("Tokens", "adapters"): ADAPTING,
    ("Text", "weights"): PAIRS,
    ("Text", "adapters"): PAIRS,
}
# options of a network on a kind of targets, where nothing is said
USUAL: dict[tuple[str, str], dict[str, Any]] = {
    ("Expectation", "tcn"): {"width": 16, "dropout": 0.0},
    ("Frames", "tcn"): {"width": 150, "dropout": 0.3},
    **{("Frames", network): {"width": 256, "dropout": 0.5} for network in RECURRENT},
}


# options of the loss, by (targets, network)
USUAL_LOSS: dict[tuple[str, str], dict[str, Any]] = {("Classes", "realmlp"): {"label_smoothing": 0.1}}


def usual_loss(dataset: Dataset, network: str) -> dict[str, Any]:
    """Return the options of the loss that a network is trained with on the targets of a dataset, where nothing is said."""
    return dict(USUAL_LOSS.get((type(dataset.targets).__name__, network), {}))


def usual_options(dataset: Dataset, network: str) -> dict[str, Any]:
    """Return the options of a network that suit the targets of a dataset, where nothing is said of them."""
    return dict(USUAL.get((type(dataset.targets).__name__, network), {}))


def recipe_for(dataset: Dataset, network: str, tuning: str = "") -> Recipe:
    """Return the defaults for a network (its name, or empty) on a dataset; `tuning` as `Transfer` says it."""
    kinds = (type(dataset.targets).__name__, type(dataset.inputs).__name__)
    ways = [*filter(None, (tuning, network)), ""]
    keys = ((kind, how) for how in ways for kind in kinds)
    return next((RECIPES[key] for key in keys if key in RECIPES), OTHER)


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


def multiplies_bfloat16(device: Any = None) -> bool:
    """Return whether a device multiplies bfloat16 matrices in hardware; None asks the one that `fit` would take."""
    try:
        kind = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu")).type
    except RuntimeError:  # no device: `fit` says so
        return False
    if kind == "cuda":
        return torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)
    checks = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    return kind == "cpu" and any(getattr(torch.cpu, name, lambda: False)() for name in checks)


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
