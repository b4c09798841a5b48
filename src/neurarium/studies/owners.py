"""Owners: the parts of a training that take options by name, and what of theirs is not an option. Without torch, for the
completion of the shell."""

from __future__ import annotations

# prefix -> (part, its option that holds the options of what it names)
NESTED = {
    "optimizer": ("descent", "optimizer_options"),
    "schedule": ("descent", "schedule_options"),
    "loss": ("method", "loss_options"),
    "regularizer": ("descent", "regularizer_options"),
    "rate_factors": ("descent", "rate_factors"),
}
# what the data or the training gives, and no person
HIDDEN = {
    "network": {"features", "outputs", "cardinalities", "bins", "combination", "channels"},
    "method": {"network", "targets", "loss_options"},
    "descent": {"networks", "optimizer_options", "schedule_options", "regularizers", "regularizer_options"},
    "initialization": {"network", "seed", "batch"},
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
    },
}
