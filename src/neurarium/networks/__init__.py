"""Networks: what is computed. Plain modules built from numbers; they know of no technique."""

from __future__ import annotations

from neurarium.core.members import Member, lazy

MEMBERS: dict[str, Member] = {
    "Perceptron": Member("perceptron", "perceptron", "one layer: linear, logistic, softmax regression", "00"),
    "MLP": Member("mlp", "mlp", "multilayer perceptron for tables, arrays and images", "01"),
    "ResidualMLP": Member(
        "tables.residual_mlp", "residual-mlp", "perceptron with skip connections for tables", "01"
    ),
    "FTTransformer": Member(
        "tables.ft_transformer", "ft-transformer", "transformer over the columns of a table", "01"
    ),
    "TabM": Member(
        "tables.tabm", "tabm", "ensemble of perceptrons that share their weights, for tables", "01"
    ),
    "RealMLP": Member(
        "tables.realmlp", "realmlp", "perceptron tuned over many tables, with waves of numbers", "01"
    ),
    "SmallCNN": Member("images.cnn", "cnn", "blocks of convolutions for small images", "10a"),
    "Ensemble": Member("ensemble", "", "several networks as one: the prediction of their mixture", "08"),
    "MonteCarloDropout": Member("monte_carlo_dropout", "", "dropout stays on in prediction, averaged", "08"),
    "Choice": Member("choice"),
    "network_for": Member("choice"),
}

__getattr__, __dir__, __all__ = lazy(__name__, MEMBERS)
