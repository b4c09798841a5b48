"""The small CNN: what it computes, and that it learns."""

from __future__ import annotations

import pytest
import torch
from sklearn.datasets import load_digits
from torch.nn import functional

from neurarium.core.errors import OptionError, RefusalError, ShapeError
from neurarium.data.specs import Array, Classes, Image, Quantity, Series
from neurarium.networks import SmallCNN


def test_it_computes_channels_last_and_the_same_numbers():
    torch.manual_seed(0)
    network = SmallCNN(3, 10, widths=(8, 16)).eval()
    formats = []
    network.body[3].register_forward_hook(
        lambda module, inputs, output: formats.append(output.is_contiguous(memory_format=torch.channels_last))
    )
    images = torch.randn(4, 3, 16, 16)
    outputs = network(images)
    assert formats == [True]
    reference = images
    for module in network.body:
        reference = module(reference.contiguous())
    expected = network.head(reference.mean(dim=(2, 3)))
    torch.testing.assert_close(outputs, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (28, 28), (32, 32), (5, 40)])
def test_any_image_size_fits(size):
    network = SmallCNN.for_data(Image(3, *size), Quantity(("angle",))).eval()
    assert network(torch.zeros(2, 3, *size)).shape == (2, 1)


def test_depth_and_widths_count_the_convolutions():
    network = SmallCNN(1, 10, widths=(8, 16), depth=2, kernel=5)
    kernels = [tuple(each.weight.shape) for each in network.modules() if isinstance(each, torch.nn.Conv2d)]
    assert kernels == [(8, 1, 5, 5), (8, 8, 5, 5), (16, 8, 5, 5), (16, 16, 5, 5)]


def test_mistakes_are_named():
    with pytest.raises(OptionError, match="no such shape"):
        SmallCNN(1, 10, kernel=4)
    with pytest.raises(RefusalError, match="cannot take Array"):
        SmallCNN.for_data(Array((3,)), Classes(("a", "b")))


def test_it_reads_the_digits():
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1)
    labels = torch.tensor(digits.target)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    train, test = order[:1437], order[1437:]
    images = (images - images[train].mean()) / images[train].std()
    torch.manual_seed(0)
    network = SmallCNN.for_data(Image(1, 8, 8), Classes(tuple("0123456789")))
    epochs, batch = 8, 64
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    steps = epochs * (len(train) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=steps)
    for _ in range(epochs):
        for chosen in train[torch.randperm(len(train))][: len(train) // batch * batch].split(batch):
            optimizer.zero_grad()
            functional.cross_entropy(network(images[chosen]), labels[chosen]).backward()
            optimizer.step()
            schedule.step()
    with torch.no_grad():
        accuracy = (network.eval()(images[test]).argmax(1) == labels[test]).float().mean().item()
    assert accuracy >= 0.98


def test_an_activation_that_takes_several_numbers_halves_the_channels():
    network = SmallCNN(1, 2, widths=(4, 6), activation="maxout").eval()
    assert network.body[0].out_channels == 8
    assert network.features(torch.randn(3, 1, 8, 8)).shape == (3, 6)


@pytest.mark.parametrize(
    "options", [{}, {"separable": True, "squeeze": True}, {"activation": "tanh", "depth": 2}]
)
def test_a_series_is_read_as_far_as_it_goes(options):
    network = SmallCNN.for_data(Series(2, 13), Classes(("a", "b", "c")), widths=(4, 8, 8), **options)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm1d):  # statistics that do not map zero to zero
            module.running_mean.normal_()
            module.bias.data.normal_()
    network.eval()
    series = torch.randn(3, 13, 2)
    lengths = torch.tensor([13, 6, 1])
    outputs = network({"series": series, "lengths": lengths})
    for row, length in enumerate(lengths.tolist()):
        alone = network({"series": series[row : row + 1, :length], "lengths": lengths[row : row + 1]})
        torch.testing.assert_close(outputs[row : row + 1], alone, atol=1e-5, rtol=1e-5)
        whole = network(series[row : row + 1, :length].transpose(1, 2))
        torch.testing.assert_close(alone, whole, atol=1e-5, rtol=1e-5)


def test_volumes_and_arrays_choose_their_dimensions():
    volume = SmallCNN.for_data(Array((2, 5, 6, 7)), Quantity(("angle",)), widths=(4, 8)).eval()
    assert volume(torch.zeros(3, 2, 5, 6, 7)).shape == (3, 1)
    assert volume.body[0].weight.shape == (4, 2, 3, 3, 3)
    line = SmallCNN.for_data(Array((2, 9)), Classes(("a", "b", "c")), widths=(4,))
    assert line.body[0].weight.shape == (4, 2, 3)
    with pytest.raises(ShapeError, match="another shape"):
        volume(torch.zeros(3, 2, 5, 6))


def test_separable_convolutions_have_the_weights_of_their_two_parts():
    network = SmallCNN(6, 2, widths=(10,), separable=True, squeeze=True)
    assert [tuple(each.weight.shape) for each in network.modules() if isinstance(each, torch.nn.Conv2d)] == [
        (6, 1, 3, 3),
        (10, 6, 1, 1),
    ]
    images = torch.randn(2, 6, 5, 5)
    maps = network.body[:-1].eval()(images)
    squeeze = network.body[-1]
    means = maps.mean((2, 3))
    hidden = torch.relu(means @ squeeze.down.weight.T + squeeze.down.bias)
    factor = torch.sigmoid(hidden @ squeeze.up.weight.T + squeeze.up.bias)
    torch.testing.assert_close(squeeze(maps), maps * factor[:, :, None, None])


def test_its_maps_are_those_of_its_blocks_and_the_last_is_what_it_averages():
    torch.manual_seed(0)
    network = SmallCNN(3, 2, widths=(4, 6, 8)).eval()
    images = torch.randn(2, 3, 9, 12)
    maps = network.maps(images)
    assert [tuple(each.shape[1:]) for each in maps] == [(4, 9, 12), (6, 5, 6), (8, 3, 3)]
    assert network.map_dims == (4, 6, 8)
    torch.testing.assert_close(maps[-1].flatten(2).mean(2), network.features(images))
