"""LeNet-5: the paper's counts of weights, its sizes, and its forward pass in NumPy loops."""

from __future__ import annotations

import numpy
import pytest
import torch

from neurarium.core.errors import OptionError, ShapeError
from neurarium.networks import LeNet5
from neurarium.networks.images.lenet import PartialConvolution


def numbers(module):
    return [each.detach().double().numpy() for each in (module.weight, module.bias)]


def correlated(maps, kernels, shifts):
    """Every place of every kernel: (H - K + 1) x (W - K + 1) sums of products, the kernels not mirrored."""
    count, _, side, _ = kernels.shape
    high, wide = maps.shape[1] - side + 1, maps.shape[2] - side + 1
    found = numpy.zeros((count, high, wide))
    for number in range(count):
        for i in range(high):
            for j in range(wide):
                part = maps[:, i : i + side, j : j + side]
                found[number, i, j] = (kernels[number] * part).sum() + shifts[number]
    return found


def blocks(maps):
    """Each 2 x 2 block of a map as one row of four."""
    count, high, wide = maps.shape
    return (
        maps.reshape(count, high // 2, 2, wide // 2, 2)
        .transpose(0, 1, 3, 2, 4)
        .reshape(count, high // 2, wide // 2, 4)
    )


def forward(network, image, old):
    """The pass of the paper's section II.B, layer by layer."""
    first, second, third, hidden = (
        module for module in network.body if isinstance(module, torch.nn.Conv2d | torch.nn.Linear)
    )
    activate = (lambda x: 1.7159 * numpy.tanh(2 / 3 * x)) if old else (lambda x: numpy.maximum(x, 0))
    halving = [module for module in network.body if hasattr(module, "scale")]

    def halved(maps, number):
        if not old:
            return blocks(maps).max(-1)
        scale, shift = (
            each.detach().double().numpy() for each in (halving[number].scale, halving[number].shift)
        )
        return activate(blocks(maps).mean(-1) * scale + shift)

    maps = numpy.pad(image, ((0, 0), (2, 2), (2, 2)))
    maps = activate(correlated(maps, *numbers(first)))
    assert maps.shape == (6, 28, 28)
    kernels, shifts = numbers(second)
    maps = activate(correlated(halved(maps, 0), kernels * (second.seen.numpy() if old else 1), shifts))
    assert maps.shape == (16, 10, 10)
    maps = activate(correlated(halved(maps, 1), *numbers(third)))
    assert maps.shape == (120, 1, 1)
    weight, bias = numbers(hidden)
    return activate(weight @ maps.ravel() + bias)


@pytest.mark.parametrize("style", ["modern", "1998"])
def test_it_is_the_paper_layer_by_layer(style):
    torch.manual_seed(0)
    network = LeNet5(1, 10, style=style)
    image = torch.randn(1, 1, 28, 28)
    expected = forward(network, image[0].double().numpy(), style == "1998")
    found = network.features(image)
    numpy.testing.assert_allclose(found[0].detach().numpy(), expected, atol=1e-5)
    weight, bias = numbers(network.head)
    numpy.testing.assert_allclose(network(image)[0].detach().numpy(), weight @ expected + bias, atol=1e-5)


def test_the_counts_are_those_of_the_paper():
    """C1 156, S2 12, C3 1,516, S4 32, C5 48,120, F6 10,164: 60,000 weights before the outputs (section II.B)."""
    network = LeNet5(1, 10, style="1998")
    counted = [
        int(module.seen.sum()) * 25 + 16
        if isinstance(module, PartialConvolution)
        else sum(each.numel() for each in module.parameters())
        for module in network.body
    ]
    assert [each for each in counted if each] == [156, 12, 1516, 32, 48_120, 10_164]
    assert sum(counted) == 60_000
    # modern: C3 sees all maps, and nothing is learned where the size is halved
    assert sum(each.numel() for each in LeNet5(1, 10).body.parameters()) == 60_000 - 1516 + 2416 - 12 - 32


def test_maps_that_are_not_seen_have_no_gradient():
    network = LeNet5(1, 10, style="1998")
    network(torch.randn(2, 1, 32, 32)).sum().backward()
    partial = next(module for module in network.body if isinstance(module, PartialConvolution))
    moved = partial.weight.grad.abs().sum((2, 3)) > 0
    assert torch.equal(moved, partial.seen[:, :, 0, 0] > 0) and int(moved.sum()) == 60


def test_images_that_are_too_large_and_unknown_styles_are_refused():
    with pytest.raises(ShapeError, match="small images"):
        LeNet5(1, 10)(torch.zeros(1, 1, 33, 20))
    with pytest.raises(OptionError, match="style"):
        LeNet5(1, 10, style="1989")
    assert LeNet5(3, 10)(torch.zeros(1, 3, 5, 7)).shape == (1, 10)
