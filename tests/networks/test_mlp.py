"""The multilayer perceptron against its equations written out in NumPy, forward and backward."""

from __future__ import annotations

import numpy
import pytest
import torch

from neurarium.core.errors import OptionError, ShapeError
from neurarium.data.specs import Array, Classes, Quantity
from neurarium.networks import MLP


def numpy_forward_and_backward(network, inputs, targets):
    """Return the outputs and the gradient of the mean squared error of a tanh network, by hand."""
    linear = [each for each in network.modules() if isinstance(each, torch.nn.Linear)]
    weights = [each.weight.detach().numpy() for each in linear]
    biases = [each.bias.detach().numpy() for each in linear]
    hidden = [inputs]
    for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
        hidden.append(numpy.tanh(hidden[-1] @ weight.T + bias))
    outputs = hidden[-1] @ weights[-1].T + biases[-1]
    delta, gradients = 2 * (outputs - targets) / targets.size, []
    for layer in reversed(range(len(weights))):
        gradients[:0] = [delta.T @ hidden[layer], delta.sum(0)]
        delta = (delta @ weights[layer]) * (1 - hidden[layer] ** 2)
    return outputs, gradients


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-10)])
def test_forward_and_gradient_are_those_of_the_equations(dtype, tolerance):
    torch.manual_seed(0)
    network = MLP(6, 3, widths=(8, 5), activation="tanh").to(dtype)
    inputs, targets = torch.randn(16, 6, dtype=dtype), torch.randn(16, 3, dtype=dtype)
    outputs = network(inputs)
    torch.nn.functional.mse_loss(outputs, targets).backward()
    expected, gradients = numpy_forward_and_backward(network, inputs.numpy(), targets.numpy())
    numpy.testing.assert_allclose(outputs.detach().numpy(), expected, atol=tolerance, rtol=tolerance)
    for parameter, gradient in zip(network.parameters(), gradients, strict=True):
        numpy.testing.assert_allclose(parameter.grad.numpy(), gradient, atol=tolerance, rtol=tolerance)


def test_each_layer_has_the_activation_it_was_given():
    network = MLP(4, 1, widths=(3, 3), activation="relu,tanh")
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(1.0)
    # relu(4 + 1) = 5 in each of three units, tanh(16) = 1 in three, so 3 + 1.
    assert network(torch.ones(1, 4)).item() == pytest.approx(4.0)


def test_residual_adds_the_input_of_a_layer():
    plain = MLP(4, 1, widths=(4, 4), residual=False)
    residual = MLP(4, 1, widths=(4, 4), residual=True)
    with torch.no_grad():
        for parameter in (*plain.body.parameters(), *residual.body.parameters()):
            parameter.zero_()
    inputs = torch.randn(3, 4)
    assert torch.equal(residual.features(inputs), inputs)
    assert torch.equal(plain.features(inputs), torch.zeros(3, 4))


def test_layer_normalization_makes_the_features_blind_to_scale():
    torch.manual_seed(0)
    network = MLP(4, 1, widths=(32,), normalization="layer")
    with torch.no_grad():
        network.body[0].bias.zero_()
    inputs = torch.randn(3, 4)
    torch.testing.assert_close(network(inputs), network(inputs * 100), atol=1e-3, rtol=1e-3)


def test_dropout_zeroes_its_share_in_training_alone():
    torch.manual_seed(0)
    network = MLP(4, 1, widths=(1000,), activation="sigmoid", dropout=0.3)
    share = (network.train().features(torch.randn(50, 4)) == 0).float().mean().item()
    assert share == pytest.approx(0.3, abs=0.02)
    assert not (network.eval().features(torch.randn(50, 4)) == 0).any()


def test_without_hidden_layers_it_is_linear():
    network = MLP(4, 2, widths=())
    left, right = torch.randn(3, 4), torch.randn(3, 4)
    middle = network((left + right) / 2)
    torch.testing.assert_close(middle, (network(left) + network(right)) / 2)
    assert sum(parameter.numel() for parameter in network.parameters()) == 4 * 2 + 2


def test_the_gaussian_distribution_doubles_the_outputs():
    network = MLP.for_data(Array((3,)), Quantity(("x", "y")), distribution="gaussian")
    assert network(torch.zeros(5, 3)).shape == (5, 4)
    with pytest.raises(OptionError, match="quantities"):
        MLP.for_data(Array((3,)), Classes(("a", "b")), distribution="gaussian")


def test_mistakes_are_named():
    with pytest.raises(OptionError, match="one activation per hidden layer"):
        MLP(4, 1, widths=(3, 3), activation=("relu", "tanh", "relu"))
    with pytest.raises(OptionError, match="did you mean 'relu'"):
        MLP(4, 1, activation="rlu")
    with pytest.raises(OptionError, match="normalization"):
        MLP(4, 1, normalization="group")
    with pytest.raises(OptionError, match="follows from the data"):
        MLP.for_data(Array((3,)), Quantity(("x",)), outputs=3)
    with pytest.raises(ShapeError, match="4 numbers"):
        MLP(4, 1)(torch.zeros(2, 5))


def test_an_activation_that_takes_several_numbers_gets_them():
    network = MLP(4, 1, widths=(6, 6), activation="swiglu", normalization="layer", residual=True)
    assert network.features(torch.randn(3, 4)).shape == (3, 6)
    assert network.body[0].out_features == 12
