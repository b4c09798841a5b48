"""The detector: a pyramid of levels whose strides double, on any trunk, for sides of any length."""

from __future__ import annotations

import numpy
import pytest
import torch

from neurarium.core.errors import OptionError
from neurarium.data.geometry import grids
from neurarium.data.specs import Boxes, Image
from neurarium.networks import CentreDetector
from neurarium.networks.images.centre_detector import Pyramid


def test_a_level_has_twice_the_stride_of_the_one_before():
    spec = Boxes(("a", "b", "c"), 50, 70, 5)
    network = CentreDetector.for_data(Image(1, 50, 70), spec, width=8)
    maps = network.features(torch.zeros(1, 1, 50, 70))
    assert [tuple(each.shape[2:]) for each in maps] == [(13, 18), (7, 9), (4, 5), (2, 3)]
    outputs = network(torch.zeros(1, 1, 50, 70))
    assert outputs.shape == (1, 7, 13 * 18 + 7 * 9 + 4 * 5 + 2 * 3)
    assert [each.stride for each in grids(50, 70, outputs.shape[2])] == [4, 8, 16, 32]
    fine = CentreDetector.for_data(
        Image(1, 50, 70), spec, width=8, pyramid_levels=1, trunk_options="blocks=1,1;widths=4,4;stem=small"
    )
    assert fine(torch.zeros(1, 1, 50, 70)).shape == (1, 7, 50 * 70)
    more = CentreDetector.for_data(
        Image(1, 50, 70), spec, width=8, pyramid_levels=4, trunk_options="blocks=1,1;widths=4,4;stem=large"
    )
    assert more(torch.zeros(1, 1, 50, 70)).shape == outputs.shape  # two levels of the trunk, two beyond
    with pytest.raises(OptionError, match="levels"):
        CentreDetector(1, 5, pyramid_levels=0)
    with pytest.raises(OptionError, match="follows from the data"):
        CentreDetector.for_data(Image(1, 50, 70), spec, image_height=64)


def convolved(maps, layer, stride=1, padding=0):
    """A convolution in loops over its kernel, in float64."""
    weight, bias = (each.detach().double().numpy() for each in (layer.weight, layer.bias))
    maps = numpy.pad(maps, ((0, 0), (padding, padding), (padding, padding)))
    side = weight.shape[-1]
    rows, columns = ((each - side) // stride + 1 for each in maps.shape[1:])
    total = numpy.zeros((weight.shape[0], rows, columns)) + bias[:, None, None]
    for i in range(side):
        for j in range(side):
            part = maps[:, i : i + stride * rows : stride, j : j + stride * columns : stride]
            total += numpy.einsum("oc,chw->ohw", weight[:, :, i, j], part[:, :rows, :columns])
    return total


def test_the_pyramid_is_the_paper_step_by_step():
    torch.manual_seed(0)
    pyramid = Pyramid((3, 5, 7), 4, 4)
    given = [torch.randn(1, dim, side, side) for dim, side in ((3, 8), (5, 4), (7, 2))]
    top = [
        convolved(maps[0].double().numpy(), layer) for maps, layer in zip(given, pyramid.lateral, strict=True)
    ]
    for place in (1, 0):
        top[place] = top[place] + top[place + 1].repeat(2, axis=1).repeat(2, axis=2)
    wanted = [convolved(each, layer, padding=1) for each, layer in zip(top, pyramid.smooth, strict=True)]
    wanted.append(convolved(wanted[-1], pyramid.beyond[0], stride=2, padding=1))
    for found, each in zip(pyramid(given), wanted, strict=True):
        numpy.testing.assert_allclose(found[0].detach().numpy(), each, atol=1e-5)
    alone = Pyramid((3, 5, 7), 4, 1)
    alone.load_state_dict(
        {key: value for key, value in pyramid.state_dict().items() if key in alone.state_dict()}
    )
    numpy.testing.assert_allclose(alone(given)[0][0].detach().numpy(), wanted[0], atol=1e-5)


# stride of the first level and levels, for images of 100 pixels: Inception's maps are stretched, a ViT has one
TRUNKS = {
    "cnn": (1, 3),
    "resnet18": (4, 4),
    "resnet20": (1, 3),
    "convnext-tiny": (4, 4),
    "vgg11": (4, 4),
    "inception-v3": (8, 3),
    "mobilenet-v2": (4, 4),
    "mobilenet-v3-small": (4, 4),
    "vit": (16, 1),
}


@pytest.mark.parametrize("trunk", TRUNKS)
def test_the_trunk_is_any_network_with_maps(trunk):
    with torch.device("meta"):
        network = CentreDetector.for_data(
            Image(3, 100, 100), Boxes(("a", "b"), 100, 100, 3), trunk=trunk, width=8
        )
        outputs = network(torch.zeros(2, 3, 100, 100))
    stride, levels = TRUNKS[trunk]
    assert [each.stride for each in grids(100, 100, outputs.shape[2])] == [
        stride * 2**k for k in range(levels)
    ]


def test_nearly_nothing_is_found_at_first():
    torch.manual_seed(0)
    network = CentreDetector(3, 6, trunk="resnet18", width=8).eval()
    assert torch.sigmoid(network(torch.randn(1, 3, 64, 64))[:, :2]).mean() < 0.4


def test_a_thing_that_moves_by_a_stride_moves_in_the_map():
    torch.manual_seed(0)
    network = CentreDetector(
        1, 5, width=8, pyramid_levels=1, trunk_options="blocks=1,1;widths=4,8;stem=large"
    ).eval()
    images = torch.zeros(2, 1, 64, 64)
    images[0, 0, 24:32, 24:32] = 1.0
    images[1, 0, 24:32, 32:40] = 1.0  # by two cells, which is one of the coarser map
    outputs = network(images).unflatten(2, (16, 16))
    torch.testing.assert_close(outputs[0, :, 4:10, 4:10], outputs[1, :, 4:10, 6:12], atol=1e-5, rtol=1e-4)


def test_levels_share_their_towers_and_normalize_by_themselves():
    network = CentreDetector(1, 5, width=8, pyramid_levels=3)
    alone = CentreDetector(1, 5, width=8, pyramid_levels=1)
    count = {
        name: sum(p.numel() for p in net.head.parameters())
        for name, net in (("three", network), ("one", alone))
    }
    # for each further level: weight and bias of two normalizations of eight channels, and one scale
    assert count["three"] - count["one"] == 2 * (2 * 2 * 8 + 1)
