"""The batched layers of ensembles against a loop over members, and the combination of predictions."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from neurarium.core.errors import OptionError
from neurarium.layers.ensemble import (
    BatchEnsembleLinear,
    EnsembleLinear,
    EnsembleScale,
    combine,
    gaussian_moments,
)


def test_ensemble_linear_is_one_linear_map_per_member():
    torch.manual_seed(0)
    layer, inputs = EnsembleLinear(4, 3, 2), torch.randn(5, 4, 3)
    expected = torch.stack(
        [functional.linear(inputs[:, m], layer.weight[m].T, layer.bias[m]) for m in range(4)], dim=1
    )
    torch.testing.assert_close(layer(inputs), expected)
    assert layer.weight.abs().max() <= 3**-0.5
    assert EnsembleLinear(4, 3, 2, bias=False)(torch.zeros(5, 4, 3)).abs().max() == 0


def test_batch_ensemble_is_a_rank_one_change_of_one_matrix():
    torch.manual_seed(0)
    layer = BatchEnsembleLinear(4, 3, 2, "normal")
    with torch.no_grad():
        layer.scale_out.weight.normal_()
    inputs = torch.randn(4, 5, 3)
    for m in range(4):
        weight = layer.linear.weight * torch.outer(layer.scale_out.weight[m], layer.scale_in.weight[m])
        torch.testing.assert_close(layer(inputs)[m], functional.linear(inputs[m], weight, layer.bias[m]))


def test_batch_ensemble_members_start_alike_but_for_the_first_scaling():
    layer = BatchEnsembleLinear(4, 3, 2)
    outputs = layer(torch.randn(5, 3))
    assert outputs.shape == (4, 5, 2)
    assert torch.equal(outputs[0], outputs[3])


def test_scalings_start_as_asked():
    torch.manual_seed(0)
    assert torch.equal(EnsembleScale(3, 4).weight, torch.ones(3, 4))
    signs = EnsembleScale(50, 40, "random-signs").weight
    assert set(signs.flatten().tolist()) == {-1.0, 1.0}
    assert abs(signs.mean().item()) < 0.1
    normal = EnsembleScale(500, 6, "normal", chunks=(2, 0, 4)).weight
    assert normal.std().item() == pytest.approx(1.0, abs=0.1)
    assert torch.equal(normal[:, 0], normal[:, 1])
    assert torch.equal(normal[:, 2], normal[:, 5])
    assert not torch.equal(normal[:, 0], normal[:, 2])
    with pytest.raises(OptionError, match="did you mean 'normal'"):
        EnsembleScale(3, 4, "normall")


def test_scale_is_in_the_precision_of_autocast():
    layer = EnsembleScale(3, 4, "normal")
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(torch.randn(5, 4)).dtype == torch.bfloat16
    assert layer(torch.randn(5, 4)).dtype == torch.float32


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), members=st.integers(1, 6), scale=st.floats(0.1, 8.0))
def test_combined_logits_give_the_mean_of_the_probabilities(seed, members, scale):
    chance = torch.Generator().manual_seed(seed)
    logits = scale * torch.randn(5, members, 3, generator=chance, dtype=torch.float64)
    torch.testing.assert_close(combine(logits, "sigmoid").sigmoid(), logits.sigmoid().mean(dim=1))
    torch.testing.assert_close(combine(logits, "softmax").softmax(1), logits.softmax(2).mean(dim=1))
    torch.testing.assert_close(combine(logits, "mean"), logits.mean(dim=1))


def test_combined_logits_stay_finite_and_differentiable_at_extremes():
    logits = torch.tensor([[[1e4], [-1e4]], [[1e4], [1e4]]], requires_grad=True)
    combined = combine(logits, "sigmoid")
    assert combined[0].item() == pytest.approx(0.0)
    assert combined[1].item() == pytest.approx(1e4)
    combined.sum().backward()
    assert torch.isfinite(logits.grad).all()
    assert torch.isfinite(combine(torch.tensor([[[1e4, -1e4], [-1e4, 1e4]]]), "softmax")).all()


def test_one_member_is_itself():
    outputs = torch.tensor([[[0.5, -3.0, 2.0, 30.0]]])
    torch.testing.assert_close(combine(outputs, "gaussian"), outputs[:, 0])
    torch.testing.assert_close(combine(outputs, "sigmoid"), outputs[:, 0])


def test_gaussians_combine_to_the_moments_of_their_mixture():
    torch.manual_seed(0)
    outputs = torch.randn(4, 3, 6, dtype=torch.float64)
    means, variances = gaussian_moments(outputs)
    mean, variance = gaussian_moments(combine(outputs, "gaussian"))
    torch.testing.assert_close(mean, means.mean(1))
    torch.testing.assert_close(variance, (variances + means**2).mean(1) - means.mean(1) ** 2)
    # By drawing from the mixture.
    member = torch.randint(0, 3, (400_000,))
    drawn = means[0, member, 1] + variances[0, member, 1].sqrt() * torch.randn(400_000, dtype=torch.float64)
    assert drawn.mean().item() == pytest.approx(mean[0, 1].item(), abs=0.01)
    assert drawn.var().item() == pytest.approx(variance[0, 1].item(), rel=0.02)


def test_an_unknown_combination_is_named():
    with pytest.raises(OptionError, match="did you mean 'mean'"):
        combine(torch.zeros(1, 2, 3), "meann")
