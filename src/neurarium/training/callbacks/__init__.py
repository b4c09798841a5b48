"""Callbacks: what looks at training from outside."""

from neurarium.core.members import Member, lazy

MEMBERS = {
    "Callback": Member("callback", summary="the contract: start, step, evaluate, stop"),
    "Progress": Member("progress", summary="a bar in a terminal, plain lines elsewhere"),
    "Logger": Member("logger", summary="the root of loggers: what they do never ends a training"),
    "TensorBoard": Member("tensorboard", summary="event files for TensorBoard"),
    "WeightsAndBiases": Member(
        "weights_and_biases", summary="a record at Weights & Biases, online or offline"
    ),
    "MLflow": Member("mlflow_tracking", summary="a record on an MLflow server, or in a folder"),
    "Unfreezing": Member("unfreezing", summary="frozen parts are freed one by one, from the head down"),
}
__getattr__, __dir__, __all__ = lazy(__name__, MEMBERS)
