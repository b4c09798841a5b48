"""Initializers: `initialize(network, "he-normal")`, or `{pattern: initializer}` by name of parameter."""

from neurarium.core.members import Member, lazy

MEMBERS = {
    "Zeros": Member("constant", "zeros", "0; for biases", "05"),
    "Constant": Member("constant", "constant", "one number everywhere", "05"),
    "Gaussian": Member("gaussian", "gaussian", "N(0, std^2) with a given std", "05"),
    "TruncatedNormal": Member("gaussian", "truncated-normal", "N(0, std^2) without tails", "05"),
    "Uniform": Member("uniform", "uniform", "U(-bound, bound)", "05"),
    "GlorotNormal": Member(
        "glorot", "glorot-normal", "Xavier: std = sqrt(2 / (n_in + n_out)); for tanh", "05"
    ),
    "GlorotUniform": Member("glorot", "glorot-uniform", "Xavier: the same variance, uniform", "05"),
    "LeCunNormal": Member("lecun", "lecun-normal", "std = sqrt(1 / n_in); for SELU", "05"),
    "LeCunUniform": Member("lecun", "lecun-uniform", "the same variance, uniform", "05"),
    "HeNormal": Member("he", "he-normal", "Kaiming: std = sqrt(2 / n_in); for ReLU", "05"),
    "HeUniform": Member("he", "he-uniform", "Kaiming: the same variance, uniform", "05"),
    "Orthogonal": Member("orthogonal", "orthogonal", "W W^T = I", "05"),
    "LSUV": Member("lsuv", "lsuv", "orthogonal, then unit variance measured on a batch", "05"),
    "DepthScaled": Member(
        "depth_scaled", "depth-scaled", "residual branches end smaller by 1 / sqrt(N)", "05"
    ),
    "Initializer": Member("initializer"),
    "Fans": Member("initializer"),
    "fans_of": Member("initializer"),
    "initialize": Member("initialization"),
    "undisturbed": Member("probing"),
}

__getattr__, __dir__, __all__ = lazy(__name__, MEMBERS)
