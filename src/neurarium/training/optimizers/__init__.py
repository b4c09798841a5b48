"""Optimizers by name: all of torch.optim, and the few of the field that torch lacks or has in part. No torch is imported here."""

from neurarium.core.members import Member, lazy

MEMBERS = {
    "Muon": Member("muon", "muon", "orthogonalized momentum of matrices and of convolutions' filters", "03"),
    "SharpnessAware": Member(
        "sharpness_aware", "sam", "sharpness-aware minimization around any optimizer", "09"
    ),
    "build_optimizers": Member("building", summary="optimizers for named parameters, by name or partial"),
}
TORCH = {
    "adadelta": "Adadelta",
    "adafactor": "Adafactor",
    "adagrad": "Adagrad",
    "adam": "Adam",
    "adamax": "Adamax",
    "adamw": "AdamW",
    "asgd": "ASGD",
    "lbfgs": "LBFGS",
    "nadam": "NAdam",
    "radam": "RAdam",
    "rmsprop": "RMSprop",
    "rprop": "Rprop",
    "sgd": "SGD",
    "sparse-adam": "SparseAdam",
}
__getattr__, __dir__, __all__ = lazy(__name__, MEMBERS)
