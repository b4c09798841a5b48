import json
import random

import numpy
import pytest
import torch
from torch import nn

from neurarium.core.errors import ShapeError
from neurarium.initializers import DepthScaled, LeCunNormal, initialize
from neurarium.layers.activations import activation
from neurarium.losses import CrossEntropy
from neurarium.studies.probes.signal import check_signal, growth


def deep(rule, name, depth=20, width=128, seed=0):
    layers = [each for _ in range(depth) for each in (nn.Linear(width, width), activation(name))]
    network = nn.Sequential(*layers, nn.Linear(width, 10))
    initialize(network, rule, seed=seed)
    return network


def batch(width=128, count=256):
    return torch.randn(count, width, generator=torch.Generator().manual_seed(1))


def test_zeros_have_identical_units():
    report = check_signal(deep("zeros", "tanh", depth=3), batch())
    assert "identical units" in report.kinds
    hidden = [layer for layer in report.layers if layer.weighted][:-1]
    assert all(layer.identical == layer.units == 128 for layer in hidden)


def test_constants_have_identical_units_and_random_ones_none():
    network = deep("he-normal", "relu", depth=3)
    assert sum(layer.identical for layer in check_signal(network, batch()).layers) == 0
    with torch.no_grad():
        network[2].weight[7] = network[2].weight[3]
        network[4].weight[:, 7] = network[4].weight[:, 3]
    second = check_signal(network, batch()).layers[2]
    assert second.name == "2" and second.identical == 2
    initialize(network, {"*.weight": "zeros", "*.bias": "zeros"})
    nn.init.constant_(network[0].weight, 0.1)
    assert check_signal(network, batch()).layers[0].identical == 128


def test_small_weights_under_sigmoids_vanish():
    report = check_signal(deep({"*": "gaussian"}, "sigmoid"), batch())
    assert "vanishing gradients" in report.kinds
    # Each layer multiplies the gradient by std sqrt(width) and by the slope of the sigmoid, 1/4.
    assert report.backward_growth == pytest.approx(0.25 * 0.01 * 128**0.5, rel=0.1)


def test_large_weights_explode():
    report = check_signal(deep({"*.weight": LeCunNormal()}, "identity"), 100 * batch())
    assert report.healthy
    network = deep("he-normal", "relu")
    with torch.no_grad():
        for parameter in network.parameters():
            parameter *= 2
    report = check_signal(network, batch())
    assert report.kinds == {"exploding activations", "exploding gradients"}
    assert report.forward_growth == pytest.approx(2.0, rel=0.1)
    assert "clip" in str(report)


def test_he_keeps_the_signal_of_relu():
    report = check_signal(deep("he-normal", "relu"), batch())
    assert report.healthy
    assert report.forward_growth == pytest.approx(1.0, abs=0.05)
    assert report.backward_growth == pytest.approx(1.0, abs=0.05)
    report = check_signal(deep("lecun-normal", "relu"), batch())
    assert report.kinds == {"vanishing activations", "vanishing gradients"}
    assert report.forward_growth == pytest.approx(0.5**0.5, abs=0.05)


def test_selu_and_lecun_have_a_fixed_point():
    report = check_signal(deep("lecun-normal", "selu", width=256), batch(256))
    outputs = [layer for layer in report.layers if layer.kind == "SELU"]
    assert report.healthy
    assert all(abs(layer.mean) < 0.1 and abs(layer.variance - 1) < 0.15 for layer in outputs)


def test_dead_units_are_counted():
    network = deep("he-normal", "relu", depth=2)
    with torch.no_grad():
        network[0].bias[:96] = -1e3
    report = check_signal(network, batch())
    assert report.layers[1].dead == 96 and report.layers[1].units == 128
    assert "dead units" in report.kinds


class Blocks(nn.Module):
    def __init__(self, depth=12, width=64):
        super().__init__()
        self.blocks = nn.ModuleList(
            nn.ModuleDict({"fc1": nn.Linear(width, width), "fc2": nn.Linear(width, width)})
            for _ in range(depth)
        )

    def forward(self, inputs):
        for block in self.blocks:
            inputs = inputs + block["fc2"](torch.relu(block["fc1"](inputs)))
        return inputs


def test_branches_that_end_in_zeros_are_no_fault():
    network = Blocks()
    initialize(network, {"*.fc1.*": "he-normal", "*.fc2.*": "zeros"})
    assert check_signal(network, batch(64)).healthy
    initialize(network, DepthScaled(LeCunNormal()))
    assert check_signal(network, batch(64)).healthy


class Everything(nn.Module):
    """Convolution with BatchNorm and in-place ReLU, an LSTM, attention, dropout, an embedding; a dict for inputs."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(inplace=True), nn.Flatten(2))
        self.embedding, self.lstm = nn.Embedding(11, 6), nn.LSTM(6, 6, batch_first=True)
        self.attention, self.drop = nn.MultiheadAttention(6, 2, batch_first=True), nn.Dropout(0.5)
        self.head = nn.Linear(6, 4)

    def forward(self, inputs):
        image = self.conv(inputs["image"]).transpose(1, 2)
        words, _ = self.lstm(self.embedding(inputs["tokens"]))
        mixed, _ = self.attention(words, image, image)
        return self.head(self.drop(mixed.mean(1)))


@pytest.fixture
def inputs():
    source = torch.Generator().manual_seed(0)
    image = torch.randn(8, 3, 6, 6, generator=source)
    return {"image": image, "tokens": torch.randint(11, (8, 5), generator=source)}


def test_any_network_stays_bitwise_as_it_was(inputs):
    network = Everything().eval()
    network.embedding.weight.requires_grad_(False)
    network(inputs).sum().backward()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    gradients = [None if each.grad is None else each.grad.clone() for each in network.parameters()]
    states = torch.get_rng_state(), random.getstate(), numpy.random.get_state()[1].copy()
    loss, targets = CrossEntropy(), torch.arange(8) % 4
    report = check_signal(network, inputs, targets=targets, loss=loss)
    assert {layer.name for layer in report.layers} >= {
        "conv.0",
        "conv.2",
        "lstm",
        "attention",
        "embedding",
        "head",
    }
    by_name = {layer.name: layer for layer in report.layers}
    assert by_name["conv.2"].units == 6 and by_name["lstm"].units == 6 and by_name["lstm"].shape == (8, 5, 6)
    assert all(by_name[name].gradient_variance > 0 for name in ("conv.0", "embedding", "lstm", "head"))
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    for parameter, gradient in zip(network.parameters(), gradients, strict=True):
        assert (parameter.grad is None) if gradient is None else torch.equal(parameter.grad, gradient)
    assert torch.equal(torch.get_rng_state(), states[0]) and random.getstate() == states[1]
    assert (numpy.random.get_state()[1] == states[2]).all()
    assert not network.training and not network.embedding.weight.requires_grad
    assert not any(module._forward_hooks for module in network.modules())
    assert str(check_signal(network, inputs, targets=targets, loss=loss)) == str(report)


def test_statistics_are_those_of_the_layer():
    network = nn.Sequential(nn.Linear(5, 3), nn.ReLU(inplace=True), nn.Linear(3, 2))
    inputs = batch(5, 40)
    report = check_signal(network, inputs)
    hidden = inputs @ network[0].weight.T + network[0].bias
    assert report.layers[0].variance == pytest.approx(hidden.var(unbiased=False).item(), rel=1e-5)
    assert report.layers[0].mean == pytest.approx(hidden.mean().item(), rel=1e-4)
    assert report.layers[1].mean == pytest.approx(hidden.relu().mean().item(), rel=1e-4)
    # Before the ReLU the gradient is that behind it where the unit is on, and else 0.
    assert report.layers[0].gradient_variance < report.layers[1].gradient_variance
    assert report.layers[2].gradient_variance == pytest.approx(1.0, abs=0.3)


def test_growth():
    assert growth([]) == growth([2.0]) == 1.0
    assert growth([1.0, 4.0, 16.0, 1e9, 256.0]) == pytest.approx(2.0)
    assert growth([1.0, 0.0]) == 0.0 and growth([1.0, float("nan")]) == float("inf")


def test_report_as_text_json_and_picture(tmp_path):
    report = check_signal(deep({"*": "gaussian"}, "sigmoid", depth=4), batch())
    lines = str(report).splitlines()
    assert lines[0].split()[:2] == ["layer", "kind"] and len(lines) > 10
    value = json.loads(json.dumps(report.to_json()))
    assert len(value["layers"]) == 9 and value["findings"][0]["kind"]
    for name in ("signal.png", "signal.svg"):
        report.plot(tmp_path / name)
        assert (tmp_path / name).stat().st_size > 10_000


def test_one_example_is_refused():
    with pytest.raises(ShapeError, match="two examples"):
        check_signal(nn.Linear(3, 2), torch.zeros(1, 3))
