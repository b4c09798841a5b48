"""The perceptron against scikit-learn's linear, logistic and softmax regression."""

from __future__ import annotations

import numpy
import torch
from sklearn.datasets import load_diabetes, load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.preprocessing import StandardScaler
from torch.nn import functional

from neurarium.data.specs import Array, Classes, Quantity
from neurarium.networks import Perceptron


def train(network, loss):
    """Train to convergence with L-BFGS in float64."""
    optimizer = torch.optim.LBFGS(
        network.parameters(),
        max_iter=2000,
        tolerance_grad=1e-10,
        tolerance_change=1e-14,
        line_search_fn="strong_wolfe",
    )

    def closure():
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    optimizer.step(closure)
    return network.head.weight.detach().numpy(), network.head.bias.detach().numpy()


def test_with_quantities_it_is_linear_regression():
    inputs, targets = load_diabetes(return_X_y=True)
    inputs, targets = StandardScaler().fit_transform(inputs), (targets - targets.mean()) / targets.std()
    oracle = LinearRegression().fit(inputs, targets)
    network = Perceptron.for_data(Array((10,)), Quantity(("progression",))).double()
    x, y = torch.tensor(inputs), torch.tensor(targets)
    weight, bias = train(network, lambda: functional.mse_loss(network(x)[:, 0], y))
    numpy.testing.assert_allclose(weight[0], oracle.coef_, atol=1e-3)
    numpy.testing.assert_allclose(bias[0], oracle.intercept_, atol=1e-3)


def test_with_two_classes_it_is_logistic_regression():
    inputs, targets = load_iris(return_X_y=True)
    inputs, targets = StandardScaler().fit_transform(inputs), (targets == 1).astype(int)
    oracle = LogisticRegression(C=1.0, tol=1e-10, max_iter=10_000).fit(inputs, targets)
    kinds = Classes(("other", "versicolor"))
    network = Perceptron.for_data(Array((4,)), kinds).double()
    x, y = torch.tensor(inputs), torch.tensor(targets).double()

    def loss():
        # scikit-learn minimises C times the summed loss plus half the squared weights, the bias exempt.
        errors = functional.binary_cross_entropy_with_logits(network(x)[:, 0], y, reduction="sum")
        return errors + network.head.weight.square().sum() / 2

    weight, bias = train(network, loss)
    numpy.testing.assert_allclose(weight, oracle.coef_, atol=1e-3)
    numpy.testing.assert_allclose(bias, oracle.intercept_, atol=1e-3)
    probabilities = kinds.probabilities(network(x)).detach().numpy()
    numpy.testing.assert_allclose(probabilities, oracle.predict_proba(inputs), atol=1e-3)


def test_with_more_classes_it_is_softmax_regression():
    inputs, targets = load_iris(return_X_y=True)
    inputs = StandardScaler().fit_transform(inputs)
    oracle = LogisticRegression(C=1.0, tol=1e-10, max_iter=10_000).fit(inputs, targets)
    kinds = Classes(("setosa", "versicolor", "virginica"))
    network = Perceptron.for_data(Array((4,)), kinds).double()
    x, y = torch.tensor(inputs), torch.tensor(targets)

    def loss():
        return (
            functional.cross_entropy(network(x), y, reduction="sum") + network.head.weight.square().sum() / 2
        )

    weight, bias = train(network, loss)
    # One common vector may be added to all classes without a change; the penalty leaves the centred one.
    numpy.testing.assert_allclose(weight, oracle.coef_, atol=1e-3)
    numpy.testing.assert_allclose(bias - bias.mean(), oracle.intercept_ - oracle.intercept_.mean(), atol=1e-3)
    probabilities = kinds.probabilities(network(x)).detach().numpy()
    numpy.testing.assert_allclose(probabilities, oracle.predict_proba(inputs), atol=1e-3)
