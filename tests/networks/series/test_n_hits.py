"""N-HiTS: pooling, few numbers, interpolation, and residual blocks by hand."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from neurarium.core.errors import OptionError
from neurarium.networks import NHiTS


def test_it_equals_the_independent_computation():
    torch.manual_seed(0)
    network = NHiTS(1, 9, 6, pools=(4, 1), rates=(3, 1), width=5, layers=1, normalization="none")
    x = torch.randn(2, 9, 1)
    rest, total = x[..., 0], 0
    for block, pool, knots in zip(network.blocks, (4, 1), (2, 6), strict=True):
        pieces = [rest[:, start : start + pool].amax(dim=1) for start in range(0, 9, pool)]
        layer = block.body[0]
        inside = torch.relu(torch.stack(pieces, dim=1) @ layer.weight.T + layer.bias)
        theta = inside @ block.leave.weight.T + block.leave.bias
        assert theta.shape[1] == 9 + knots
        ahead = functional.interpolate(theta[:, None, 9:], size=6, mode="linear")[:, 0]
        rest, total = rest - theta[:, :9], total + ahead
    torch.testing.assert_close(network({"series": x})[..., 0], total)
    with pytest.raises(OptionError, match="equally many"):
        NHiTS(1, 9, 6, pools=(4,), rates=(3, 1))


def test_a_coarse_stack_says_a_straight_line_between_few_numbers():
    torch.manual_seed(0)
    network = NHiTS(1, 12, 12, pools=(2,), rates=(6,), width=5, normalization="none")
    said = network({"series": torch.randn(1, 12, 1)})[0, :, 0]
    bends = said.diff().diff().abs() > 1e-5
    assert network.blocks[0].knots == 2 and 0 < int(bends.sum()) <= 4  # flat at the ends, straight between


def test_parts_are_what_the_blocks_of_a_rate_add():
    torch.manual_seed(0)
    network = NHiTS(1, 12, 12, pools=(2, 4, 1), rates=(6, 6, 1), blocks=2, width=5, normalization="none")
    x = torch.randn(2, 12, 1)
    rest, heard = x.transpose(1, 2), []
    for block in network.blocks:
        back, ahead = block(rest)
        rest = rest - back
        heard.append(ahead.transpose(1, 2))
    found = network.components({"series": x})
    assert list(found) == ["level", "every_6_steps_1", "every_6_steps_2", "every_step"]
    for place, name in enumerate(list(found)[1:]):
        torch.testing.assert_close(found[name][..., 0], heard[2 * place] + heard[2 * place + 1])
