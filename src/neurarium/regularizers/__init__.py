"""Regularizers: loss + R(w), as a penalty or as a proximal step; `decaying_parameters` says of which weights."""

from neurarium.core.members import Member, lazy

MEMBERS = {
    "L1": Member("l1", "l1", "lambda sum |w|: exact zeros by proximal steps", "09"),
    "L2": Member("l2", "l2", "lambda sum w^2: small weights", "09"),
    "ElasticNet": Member("elastic_net", "elastic-net", "lambda_1 sum |w| + lambda_2 sum w^2", "09"),
    "MaxNorm": Member("max_norm", "max-norm", "no unit's weights longer than a limit", "09"),
    "Regularizer": Member("regularizer"),
    "soft_threshold": Member("regularizer"),
    "decaying_parameters": Member("decay"),
    "is_normalization": Member("decay"),
}

__getattr__, __dir__, __all__ = lazy(__name__, MEMBERS)
