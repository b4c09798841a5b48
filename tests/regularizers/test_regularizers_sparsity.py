"""The oracle of chapter 09: lasso, ridge and elastic net of scikit-learn on a linear network, and exact zeros."""

import numpy
import pytest
import torch
from torch import nn

from neurarium.losses import MeanSquaredError
from neurarium.regularizers import L1, L2, ElasticNet, decaying_parameters
from sklearn import linear_model

N, FEATURES = 200, 20


@pytest.fixture(scope="module")
def data():
    generator = numpy.random.default_rng(0)
    inputs = generator.normal(size=(N, FEATURES)) @ (
        numpy.eye(FEATURES) + 0.2 * generator.normal(size=(FEATURES, FEATURES))
    )
    truth = numpy.where(numpy.arange(FEATURES) < 5, generator.normal(size=FEATURES) * 2, 0.0)
    return inputs, inputs @ truth + 1.5 + 0.5 * generator.normal(size=N)


def train(data, regularizer, how, steps=1200):
    """Plain gradient descent on mean squared error: a step along the loss, then the regularizer's."""
    inputs, targets = (torch.tensor(each) for each in data)
    network = nn.Linear(FEATURES, 1).double()
    nn.init.zeros_(network.weight)
    centred = torch.cat([inputs, torch.ones(N, 1, dtype=torch.float64)], dim=1)
    rate = 1 / (2 * torch.linalg.eigvalsh(centred.T @ centred / N).max().item())
    for _ in range(steps):
        loss = MeanSquaredError().mean(network(inputs), targets)
        if how == "penalty":
            loss = loss + regularizer.penalty(decaying_parameters(network))
        network.zero_grad()
        loss.backward()
        with torch.no_grad():
            for parameter in network.parameters():
                parameter -= rate * parameter.grad
        if how == "proximal":
            regularizer.proximal_(decaying_parameters(network), rate)
    return network.weight.detach().numpy()[0], network.bias.item()


def agrees(found, model):
    weights, bias = found
    assert numpy.abs(weights - model.coef_).max() < 1e-3
    assert abs(bias - model.intercept_) < 1e-3
    assert ((weights != 0) == (model.coef_ != 0)).all()


@pytest.mark.parametrize("alpha", [0.02, 0.2, 1.0])
def test_lasso(data, alpha):
    model = linear_model.Lasso(alpha, tol=1e-10, max_iter=100_000).fit(*data)
    assert 0 < (model.coef_ == 0).sum() < FEATURES
    agrees(train(data, L1(2 * alpha), "proximal"), model)


@pytest.mark.parametrize("how", ["penalty", "proximal"])
@pytest.mark.parametrize("alpha", [1.0, 100.0])
def test_ridge(data, alpha, how):
    model = linear_model.Ridge(alpha).fit(*data)
    found = train(data, L2(alpha / N), how)
    agrees(found, model)
    free = linear_model.LinearRegression().fit(*data).coef_
    assert numpy.abs(free - found[0]).max() > (
        0.1 if alpha == 100 else 1e-3
    )  # and shrunk, by more than it is off


@pytest.mark.parametrize(("alpha", "ratio"), [(0.2, 0.5), (0.5, 0.9)])
def test_elastic_net(data, alpha, ratio):
    model = linear_model.ElasticNet(alpha=alpha, l1_ratio=ratio, tol=1e-10, max_iter=100_000).fit(*data)
    assert (model.coef_ == 0).any()
    agrees(train(data, ElasticNet(2 * alpha * ratio, alpha * (1 - ratio)), "proximal"), model)


def test_subgradient_descent_never_gives_exact_zeros(data):
    model = linear_model.Lasso(0.2, tol=1e-10, max_iter=100_000).fit(*data)
    absent = model.coef_ == 0
    proximal, _ = train(data, L1(0.4), "proximal")
    subgradient, _ = train(data, L1(0.4), "penalty")
    assert absent.sum() >= 10
    assert (proximal[absent] == 0).all()
    assert (subgradient != 0).all()
    # It jitters about zero by the rate times lambda, here near 0.04.
    assert 1e-4 < numpy.abs(subgradient[absent]).max() < 0.2
