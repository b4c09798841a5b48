"""AdditiveForecaster: the parts of a forecast add up to it, under every normalization, with covariates, Gaussians, quantiles."""

from __future__ import annotations

import pytest
import torch

from neurarium.networks import NBEATS, DLinear, NHiTS

MAKERS = {
    "n-beats": lambda **more: NBEATS(2, 10, 6, stacks=("trend", "seasonality"), width=6, **more),
    "n-hits": lambda **more: NHiTS(2, 10, 6, width=6, pools=(2, 1), rates=(3, 1), blocks=2, **more),
    "dlinear": lambda **more: DLinear(2, 10, 6, kernel=3, flat_start=False, **more),
}
NAMES = {
    "n-beats": ["trend", "seasonality"],
    "n-hits": ["every_3_steps", "every_step"],
    "dlinear": ["trend", "seasonality"],
}


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("normalization", ["instance", "affine", "last", "none"])
def test_parts_add_up_to_the_forecast(name, normalization):
    torch.manual_seed(0)
    network, x = MAKERS[name](normalization=normalization), 50 + 4 * torch.randn(3, 10, 2)
    if normalization == "affine":
        with torch.no_grad():
            network.normalize.gain.copy_(torch.tensor([2.0, 0.5]))
            network.normalize.shift.copy_(torch.tensor([1.0, -3.0]))
    found = network.components({"series": x})
    assert list(found) == ["level", *NAMES[name]] and all(
        each.shape == (3, 6, 2, 1) for each in found.values()
    )
    torch.testing.assert_close(sum(found.values())[..., 0], network({"series": x}), rtol=1e-5, atol=1e-4)
    level = {"instance": x.mean(1), "last": x[:, -1], "none": torch.zeros(3, 2)}
    if normalization in level:
        wanted = level[normalization][:, None].expand(3, 6, 2)
        torch.testing.assert_close(found["level"][..., 0], wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", MAKERS)
def test_what_is_known_beside_is_a_part_of_its_own(name):
    torch.manual_seed(0)
    network = MAKERS[name](future=1)
    torch.nn.init.normal_(network.effects.leave.weight)
    inputs = {"series": torch.randn(3, 10, 2), "future": torch.randn(3, 16, 1)}
    found = network.components(inputs)
    assert list(found) == ["level", *NAMES[name], "covariates"] and found["covariates"].std() > 0.01
    torch.testing.assert_close(sum(found.values())[..., 0], network(inputs), rtol=1e-5, atol=1e-5)
    without = network.components({**inputs, "future": inputs["future"] + 1})
    assert all(torch.equal(found[each], without[each]) for each in NAMES[name])


@pytest.mark.parametrize("name", MAKERS)
def test_several_numbers_per_value(name):
    torch.manual_seed(0)
    x = torch.randn(3, 10, 2)
    network = MAKERS[name](numbers=3)
    parts = network.components({"series": x})
    torch.testing.assert_close(sum(parts.values()).flatten(2), network({"series": x}), rtol=1e-5, atol=1e-5)
    network = MAKERS[name](distribution="gaussian")
    parts = network.components({"series": x})
    means = network({"series": x}).unflatten(-1, (2, 2))[..., :1]
    torch.testing.assert_close(sum(parts.values()), means, rtol=1e-5, atol=1e-5)
