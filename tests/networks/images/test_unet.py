"""The U-Net: sizes of any kind, trunks, and that it sees far and near."""

from __future__ import annotations

import pytest
import torch

from neurarium.core.errors import OptionError
from neurarium.data.specs import Image, Mask
from neurarium.networks import UNet


@pytest.mark.parametrize("size", [(1, 1), (7, 13), (16, 16), (17, 32)])
def test_maps_have_the_size_of_the_image(size):
    assert UNet(1, 3, width=2, depth=3)(torch.zeros(2, 1, *size)).shape == (2, 3, *size)


def test_a_trunk_takes_the_place_of_the_contracting_path():
    network = UNet.for_data(
        Image(3, 40, 30),
        Mask(("a", "b"), 40, 30),
        trunk="resnet",
        trunk_options="blocks=1,1;widths=4,8;stem=large",
    )
    assert network(torch.zeros(2, 3, 40, 30)).shape == (2, 2, 40, 30)
    assert any("contracting.inside.layer2" in name for name, _ in network.named_parameters())
    with pytest.raises(OptionError, match="key=value"):
        UNet(3, 2, trunk="resnet", trunk_options="4,8")
    with pytest.raises(OptionError, match="no such shape"):
        UNet(3, 2, width=0)
    with pytest.raises(OptionError, match="follows from the data"):
        UNet.for_data(Image(3, 40, 30), Mask(("a", "b"), 40, 30), image_height=64)


@pytest.mark.parametrize(
    ("trunk", "levels"),
    [
        ("cnn", 3),
        ("convnext-tiny", 4),
        ("vgg11", 4),
        ("inception-v3", 3),
        ("mobilenet-v2", 4),
        ("mobilenet-v3-small", 4),
    ],
)
def test_every_trunk_brings_the_maps_of_its_stages(trunk, levels):
    with torch.device("meta"):
        network = UNet.for_data(Image(3, 100, 90), Mask(("a", "b"), 100, 90), trunk=trunk)
        assert network(torch.zeros(2, 3, 100, 90)).shape == (2, 2, 100, 90)
    assert len(network.contracting.dims) == levels == len(network.expanding) + 1


def test_depth_is_how_far_a_pixel_sees():
    seen = []
    for depth in (0, 2):
        torch.manual_seed(0)
        network = UNet(1, 2, width=4, depth=depth).eval()
        image = torch.randn(1, 1, 64, 64, requires_grad=True)
        network(image)[0, :, 32, 32].sum().backward()
        seen.append(int((image.grad[0, 0].abs().amax(0) > 0).sum()))
    assert seen[0] == 5  # two 3x3 convolutions
    assert 20 < seen[1] <= 64


def test_the_bridges_carry_what_the_depth_loses():
    torch.manual_seed(0)
    network = UNet(1, 2, width=4, depth=3).eval()
    chess = (torch.arange(32)[:, None] + torch.arange(32)) % 2
    maps = network(chess.float()[None, None])[0, 0]
    inside = maps[4:-4, 4:-4]
    assert (inside[chess[4:-4, 4:-4] == 0].mean() - inside[chess[4:-4, 4:-4] == 1].mean()).abs() > 0.001
