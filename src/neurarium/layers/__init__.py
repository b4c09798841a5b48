"""Layers: building blocks of networks. Activations have a package of their own, `neurarium.layers.activations`."""

from neurarium.core.members import Member, lazy

MEMBERS = {
    "Dropout": Member("dropout", "dropout", "drops numbers", "09"),
    "AlphaDropout": Member("dropout", "alpha-dropout", "drops units of a self-normalizing network", "09"),
    "ChannelDropout": Member("dropout", "channel-dropout", "drops whole channels (spatial dropout)", "09"),
    "GaussianDropout": Member("dropout", "gaussian-dropout", "multiplies with Gaussian noise", "09"),
    "DropConnect": Member("drop_connect", "drop-connect", "drops weights", "09"),
    "StochasticDepth": Member(
        "stochastic_depth", "stochastic-depth", "drops residual branches (drop path)", "09"
    ),
    "GatedLinear": Member(
        "gated_linear", "gated-linear", "linear layer with a gate (GLU, SwiGLU, GEGLU)", "04"
    ),
    "MaxoutLinear": Member("maxout_linear", "maxout-linear", "the largest of several linear maps", "04"),
    "normalize_spectrum": Member("spectral_norm"),
}

__getattr__, __dir__, __all__ = lazy(__name__, MEMBERS)
