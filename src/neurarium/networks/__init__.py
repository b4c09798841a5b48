"""Networks: what is computed. Plain modules built from numbers; they know of no technique."""

from __future__ import annotations

from neurarium.core.members import Member, lazy

MEMBERS: dict[str, Member] = {
    "Perceptron": Member("perceptron", "perceptron", "one layer: linear, logistic, softmax regression", "00"),
    "MLP": Member("mlp", "mlp", "multilayer perceptron for tables, arrays and images", "01"),
    "SmallCNN": Member("images.cnn", "cnn", "blocks of convolutions for small images", "01"),
}

__getattr__, __dir__, __all__ = lazy(__name__, MEMBERS)
