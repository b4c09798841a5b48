"""InceptionTime: a module against its equation, padding, what a skip connection spans."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from neurarium.core.errors import OptionError
from neurarium.networks.series.inception_time import InceptionModule, InceptionTime


def test_a_module_is_its_equation():
    torch.manual_seed(0)
    module = InceptionModule(3, 2, (4, 3), 2).double().eval()
    x = torch.randn(2, 3, 9, dtype=torch.float64)
    z = functional.conv1d(x, module.bottleneck.weight)
    parts = [
        functional.conv1d(functional.pad(z, (1, 2)), module.branches[0].weight),  # "same" of an even width
        functional.conv1d(functional.pad(z, (1, 1)), module.branches[1].weight),
        functional.conv1d(functional.max_pool1d(x, 3, 1, 1), module.project.weight),
    ]
    norm = module.normalize
    joined = torch.cat(parts, 1) / (norm.running_var[:, None] + norm.eps).sqrt()
    wanted = (joined * norm.weight[:, None] + norm.bias[:, None]).relu()
    torch.testing.assert_close(module(x, torch.ones(2, 1, 9, dtype=torch.bool)), wanted)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 20), st.integers(0, 20), st.floats(-1e3, 1e3))
def test_padding_changes_nothing(length, more, filling):
    torch.manual_seed(length)
    network = InceptionTime(2, 3, filters=3, depth=3, kernels=(8, 5)).eval()
    series = torch.randn(2, length, 2)
    longer = torch.cat([series, torch.full((2, more, 2), filling)], dim=1)
    lengths = torch.full((2,), length)
    torch.testing.assert_close(
        network({"series": longer, "lengths": lengths}), network({"series": series, "lengths": lengths}),
        atol=1e-5, rtol=1e-5,
    )  # fmt: skip


def test_every_third_module_is_skipped_over():
    network = InceptionTime(2, 3, filters=2, depth=6).eval()
    assert len(network.skips) == 2 and network.feature_dim == 8
    inputs = {"series": torch.randn(4, 15, 2), "lengths": torch.full((4,), 15)}
    with torch.no_grad():
        for module in network.body:
            module.normalize.weight.zero_()
            module.normalize.bias.zero_()
    assert network.features(inputs).std() > 0  # through the skip connections alone
    with pytest.raises(OptionError, match="nothing to stack"):
        InceptionTime(1, 2, depth=0)
