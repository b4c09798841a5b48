"""Transforms: network -> network. Each decides on a plan, then applies it to a copy."""

from neurarium.core.members import Member, lazy

MEMBERS = {
    "Transform": Member("transform", summary="the contract: decide, apply"),
    "transform": Member("transform", summary="decide and apply in one call"),
    "apply": Member("transform", summary="apply a plan to a copy of a network, recorded"),
}
__getattr__, __dir__, __all__ = lazy(__name__, MEMBERS)
