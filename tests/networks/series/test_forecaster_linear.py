"""Linear forecasters against their equations in NumPy."""

from __future__ import annotations

import numpy
import pytest
import torch

from neurarium.core.errors import OptionError
from neurarium.networks import DLinear, NLinear, RLinear
from neurarium.networks.series.linear import moving_average


def test_dlinear_is_two_linear_maps_of_average_and_rest():
    torch.manual_seed(0)
    network = DLinear(3, 30, 4, kernel=7, flat_start=False).double()
    x = torch.randn(2, 30, 3).double()
    padded = numpy.pad(x.numpy(), ((0, 0), (3, 3), (0, 0)), mode="edge")
    trend = numpy.stack([padded[:, t : t + 7].mean(axis=1) for t in range(30)], axis=1)
    maps = {name: getattr(network, name).each[0] for name in ("trend", "seasonal")}
    wanted = 0
    for name, part in (("trend", trend), ("seasonal", x.numpy() - trend)):
        weight, bias = maps[name].weight.detach().numpy(), maps[name].bias.detach().numpy()
        wanted = wanted + numpy.einsum("blc,hl->bhc", part, weight) + bias[:, None]
    numpy.testing.assert_allclose(network({"series": x}).detach().numpy(), wanted, rtol=1e-9, atol=1e-12)


def test_dlinear_starts_with_equal_weights():
    network = DLinear(1, 20, 3)
    assert torch.equal(network.trend.each[0].weight, torch.full((3, 20), 1 / 20))


def test_individual_maps_see_their_own_channel_alone():
    torch.manual_seed(0)
    network, x = DLinear(2, 30, 4, individual=True, flat_start=False), torch.randn(2, 30, 2)
    changed = x.clone()
    changed[..., 0] += torch.randn(2, 30)
    before, after = network({"series": x}), network({"series": changed})
    assert torch.equal(before[..., 1], after[..., 1]) and (before - after)[..., 0].abs().min() > 0
    assert not torch.equal(network.trend.each[0].weight, network.trend.each[1].weight)


@pytest.mark.parametrize("normalization", ["last", "instance", "none"])
def test_nlinear_is_one_linear_map_of_the_normalized_window(normalization):
    torch.manual_seed(0)
    network, x = NLinear(2, 9, 3, normalization=normalization).double(), torch.randn(4, 9, 2).double()
    level, scale = {
        "last": (x[:, -1:], 1.0),
        "instance": (x.mean(1, keepdim=True), (x.var(1, keepdim=True, correction=0) + 1e-5).sqrt()),
        "none": (0.0, 1.0),
    }[normalization]
    linear = network.linear.each[0]
    wanted = torch.einsum("blc,hl->bhc", (x - level) / scale, linear.weight) + linear.bias[:, None]
    torch.testing.assert_close(network({"series": x}), wanted * scale + level)


def test_a_moving_average_keeps_a_straight_line_inside():
    line = torch.arange(20.0).expand(1, 1, 20)
    assert torch.allclose(moving_average(line, 5)[..., 2:-2], line[..., 2:-2])
    with pytest.raises(OptionError, match="odd kernel"):
        DLinear(1, 20, 3, kernel=4)


def test_rlinear_is_nlinear_of_windows_by_their_own_mean_and_scale():
    torch.manual_seed(0)
    one, two, x = RLinear(2, 9, 3), NLinear(2, 9, 3, normalization="instance"), torch.randn(4, 9, 2)
    two.load_state_dict(one.state_dict())
    assert torch.equal(one({"series": x}), two({"series": x}))
    assert not torch.equal(one({"series": x}), NLinear(2, 9, 3)({"series": x}))
