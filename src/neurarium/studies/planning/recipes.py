"""Recipes: how long and how fast each network trains on each kind of data, by its authors or by what was measured here."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from neurarium.data.dataset import Dataset
from neurarium.studies.planning.owners import RECURRENT


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
