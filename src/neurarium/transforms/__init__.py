"""Transforms: network -> network. Each decides on a plan, then applies it to a copy."""

from neurarium.core.members import Member, lazy

MEMBERS = {
    "Transform": Member("transformation", summary="the contract: decide, apply"),
    "transform": Member("transformation", summary="decide and apply in one call"),
    "apply": Member("transformation", summary="apply a plan to a copy of a network, recorded"),
    "NewHead": Member("heads", "new-head", "the last layer exchanged for one of another size", "19"),
    "new_head": Member("heads", summary="a copy of a network with a fresh last layer", chapter="19"),
    "LoRA": Member("adapters", "lora", "low-rank updates beside frozen layers", "19"),
    "LowRankLinear": Member("adapters"),
    "merge": Member("adapters", summary="adapters put into the weights they stand beside", chapter="19"),
}
__getattr__, __dir__, __all__ = lazy(__name__, MEMBERS)
