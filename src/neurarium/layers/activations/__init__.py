"""Activations by name. Each is a module of its own, never in place, without options that must be given.

An activation with `widening` w takes w numbers for each one it gives: whatever stands before it must be that much wider.
"""

from neurarium.core.members import Member, lazy

MEMBERS = {
    "Identity": Member("identity", "identity", "x", "04"),
    "Sigmoid": Member("sigmoid", "sigmoid", "1 / (1 + exp(-x))", "04"),
    "HardSigmoid": Member("sigmoid", "hard-sigmoid", "min(max(x / 6 + 1/2, 0), 1)", "04"),
    "Softmax": Member("softmax", "softmax", "exp(x_i) / sum_j exp(x_j)", "04"),
    "Tanh": Member("tanh", "tanh", "(exp(x) - exp(-x)) / (exp(x) + exp(-x))", "04"),
    "HardTanh": Member("tanh", "hard-tanh", "min(max(x, -1), 1)", "04"),
    "ReLU": Member("relu", "relu", "max(0, x)", "04"),
    "LeakyReLU": Member("relu", "leaky-relu", "x if x > 0, else alpha x", "04"),
    "PReLU": Member("relu", "prelu", "leaky ReLU with a learned alpha", "04"),
    "ELU": Member("elu", "elu", "x if x > 0, else alpha (exp(x) - 1)", "04"),
    "SELU": Member("elu", "selu", "ELU scaled to keep mean 0 and variance 1", "04"),
    "Softplus": Member("softplus", "softplus", "log(1 + exp(x))", "04"),
    "GELU": Member("gelu", "gelu", "x Phi(x)", "04"),
    "TanhGELU": Member("gelu", "gelu-tanh", "x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))", "04"),
    "SiLU": Member("silu", "silu", "x sigmoid(x), also called swish", "04"),
    "HardSwish": Member("silu", "hard-swish", "x min(max(x / 6 + 1/2, 0), 1)", "04"),
    "Mish": Member("mish", "mish", "x tanh(softplus(x))", "04"),
    "GLU": Member("gated", "glu", "a sigmoid(b), two numbers for one", "04"),
    "GEGLU": Member("gated", "geglu", "a gelu(b), two numbers for one", "04"),
    "SwiGLU": Member("gated", "swiglu", "a silu(b), two numbers for one", "04"),
    "Maxout": Member("maxout", "maxout", "the largest of several numbers", "04"),
    "activation": Member("choice"),
}

__getattr__, __dir__, __all__ = lazy(__name__, MEMBERS)
