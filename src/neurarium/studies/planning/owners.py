"""Owners: the parts of a training that take options by name, and what of theirs is not an option. Without torch, for the
completion of the shell."""

from __future__ import annotations

from neurarium.networks.derived import SIZED

# prefix -> (part, its option that holds the options of what it names)
NESTED = {
    "optimizer": ("descent", "optimizer_options"),
    "schedule": ("descent", "schedule_options"),
    "weight_decay_schedule": ("descent", "weight_decay_schedule_options"),
    "dropout_schedule": ("descent", "dropout_schedule_options"),
    "loss": ("method", "loss_options"),
    "regularizer": ("descent", "regularizer_options"),
    "rate_factors": ("descent", "rate_factors"),
}
# network -> (method, why), where it is not supervised learning
METHODS: dict[str, tuple[str, str]] = dict.fromkeys(
    ("capsnet", "efficient-capsnet"),
    (
        "capsules",
        "capsules learn by the margin loss of their lengths and by drawing the image (arXiv:1710.09829)",
    ),
) | {
    "minirocket": (
        "ridge",
        "its features are fixed: a linear head on them has a solution (arXiv:2012.08791)",
    ),
    "window-linear": (
        "forecast-ridge",
        "the least squares of a linear forecast have a solution (arXiv:2403.14587)",
    ),
}
RECURRENT = ("rnn", "lstm", "gru")  # they read a text on from batch to batch: truncated backpropagation
SHARED = ("context",)  # what the reader cuts and the network sees is one number: both take it
# network -> options of the reader of its data, where nothing is said
READ: dict[str, dict[str, str]] = {"realmlp": {"scaling": "robust"}}
# what the data or the training gives, and no person
HIDDEN = {
    "network": set(SIZED),
    "method": {"network", "targets", "loss_options"},
    "descent": {
        "networks",
        "optimizer_options",
        "schedule_options",
        "weight_decay_schedule_options",
        "dropout_schedule_options",
        "regularizers",
        "regularizer_options",
    },
    "initialization": {"network", "seed", "batch"},
    "lora": {"seed"},
    "augment": {"inputs", "targets", "generator"},
    "reader": {
        "source",
        "target",
        "folder",
        "folder_name",
        "test",
        "seed",
        "name",
        "columns",
        "group",
        "time",
        "inputs",
        "horizon",
        "series",
        "past",
        "future",
        "parallel",
    },
}


def usual_method(network: str | None, targets: str = "") -> str:
    """Return the method by which a network learns where none is named: supervised learning, but for a few.

    Args:
        network: its name.
        targets: the name of their spec.

    >>> usual_method("mlp"), usual_method("capsnet")
    ('supervised', 'capsules')
    """
    name = (network or "").lower().replace("_", "-")
    if targets == "NextToken" and name in RECURRENT:
        return "truncated-backpropagation"
    return METHODS.get(name, ("supervised", ""))[0]
