"""Callbacks: what looks at training from outside."""

from neurarium.core.members import Member, lazy

MEMBERS = {
    "Callback": Member("callback", summary="the contract: start, step, evaluate, stop"),
    "Progress": Member("progress", summary="a bar in a terminal, plain lines elsewhere"),
    "TensorBoard": Member("tensorboard", summary="event files for TensorBoard"),
}
__getattr__, __dir__, __all__ = lazy(__name__, MEMBERS)
