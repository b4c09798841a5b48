"""Ways of learning."""

from neurarium.core.members import Member, lazy

MEMBERS = {
    "Supervised": Member("supervised", "supervised", "learn targets from inputs", "03"),
    "Ridge": Member("ridge", "ridge", "the linear head in closed form, on features that stay", "21"),
    "ForecastRidge": Member(
        "forecast_ridge",
        "forecast-ridge",
        "a linear forecast in closed form, chosen by rolling origins",
        "21",
    ),
    "Capsules": Member("capsules", "capsules", "margin loss of lengths, and the image drawn again", "12"),
    "TruncatedBackpropagation": Member(
        "truncated_backpropagation",
        "truncated-backpropagation",
        "a state that is carried across batches, gradients within one",
        "10b",
    ),
}
__getattr__, __dir__, __all__ = lazy(__name__, MEMBERS)
