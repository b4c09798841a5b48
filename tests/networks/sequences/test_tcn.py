"""TCN: causal at every step, sees exactly its receptive field, gives one output or one per step."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurarium.core.errors import OptionError
from neurarium.networks import TCN


def series(values, lengths=None):
    lengths = torch.full((len(values),), values.shape[1]) if lengths is None else torch.tensor(lengths)
    return {"series": values, "lengths": lengths}


def made(**options):
    torch.manual_seed(0)
    return TCN(2, channels=3, width=6, pooling="none", **options).double().eval()


@settings(max_examples=15, deadline=None)
@given(place=st.integers(1, 29))
def test_the_future_changes_no_step_before(place):
    network, x = made(), torch.randn(1, 30, 3, dtype=torch.float64)
    other = x.clone()
    other[:, place:] = torch.randn(1, 30 - place, 3, dtype=torch.float64)
    before, after = network(series(x)), network(series(other))
    assert torch.equal(before[:, :place], after[:, :place])
    assert (before[:, place:] - after[:, place:]).abs().max() > 1e-6


@pytest.mark.parametrize(("levels", "kernel"), [(1, 2), (3, 2), (2, 3), (3, 4)])
def test_the_receptive_field_is_what_is_said(levels, kernel):
    network = made(levels=levels, kernel=kernel)
    assert network.receptive_field == 1 + 2 * (kernel - 1) * (2**levels - 1)
    x = torch.randn(8, 60, 3, dtype=torch.float64, requires_grad=True)
    network(series(x))[:, -1].sum().backward()
    seen = x.grad.abs().sum(dim=(0, 2)).nonzero().flatten()
    assert 60 - int(seen.min()) == network.receptive_field


def test_one_output_is_that_of_the_last_real_step():
    network = made()
    torch.manual_seed(0)
    one = TCN(2, channels=3, width=6).double().eval()
    one.load_state_dict(network.state_dict())
    x = torch.randn(2, 9, 3, dtype=torch.float64)
    every = network(series(x))
    torch.testing.assert_close(one(series(x, [9, 4])), torch.stack([every[0, 8], every[1, 3]]))


def test_weights_start_normalized_and_can_be_plain():
    assert any("original0" in name for name in made().state_dict())
    assert not any("original0" in name for name in made(weight_norm=False).state_dict())


def test_it_remembers_further_than_a_linear_map_of_the_present():
    """The label is the sign of a number seen 12 steps ago."""
    torch.manual_seed(0)
    network = TCN(1, channels=1, width=12, levels=3, dropout=0.0)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    for _ in range(120):
        x = torch.randn(64, 16, 1)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(
            network(series(x))[:, 0], (x[:, -13, 0] > 0).float()
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    x = torch.randn(500, 16, 1)
    assert ((network.eval()(series(x))[:, 0] > 0) == (x[:, -13, 0] > 0)).float().mean() > 0.9


@pytest.mark.parametrize("options", [{"levels": 0}, {"kernel": 1}, {"pooling": "max"}])
def test_options_that_cannot_be(options):
    with pytest.raises(OptionError):
        TCN(1, channels=2, **options)
