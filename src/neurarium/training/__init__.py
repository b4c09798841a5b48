"""Training: descent, method, fit, and what they leave behind."""

from neurarium.core.members import Member, lazy

MEMBERS = {
    "Descent": Member("descent", summary="from a loss to an update", chapter="03"),
    "Method": Member("method", summary="how a network learns", chapter="03"),
    "Evaluation": Member("method", summary="what metrics are computed from"),
    "Context": Member("context", summary="what a method is told when training begins"),
    "Run": Member("run", summary="what training leaves behind"),
    "fit": Member("fitting", summary="the one loop", chapter="03"),
    "evaluate": Member("evaluation", summary="metrics of a method on a split", chapter="08"),
    "Loop": Member("loop", summary="steps, evaluations, checkpoints"),
    "estimate_need": Member("need", summary="how much memory training takes, before it begins", chapter="03"),
    "Need": Member("need", summary="bytes of parameters, gradients, optimizer, batch, activations"),
    "rematerialized": Member("rematerialization", summary="blocks of layers computed twice, kept small"),
    "freeze": Member("freezing", summary="hold parts of a network, their statistics too", chapter="19"),
    "schedule": Member("schedules", summary="learning-rate schedules by name", chapter="03"),
}
__getattr__, __dir__, __all__ = lazy(__name__, MEMBERS)
