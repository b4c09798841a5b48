"""Positions: waves and turns beside their equations."""

from __future__ import annotations

import math

import pytest
import torch

from neurarium.core.errors import OptionError, ShapeError
from neurarium.layers import Attention, LearnedPositions, Rotary, SinusoidalPositions


def test_waves_are_those_of_the_paper():
    found = SinusoidalPositions(6)(torch.zeros(1, 9, 6))[0]
    for place in (0, 3, 8):
        for pair in range(3):
            angle = place / 10_000 ** (2 * pair / 6)
            assert found[place, 2 * pair].item() == pytest.approx(math.sin(angle), abs=1e-6)
            assert found[place, 2 * pair + 1].item() == pytest.approx(math.cos(angle), abs=1e-6)


def test_rotary_scores_depend_on_the_distance_alone():
    turn = Rotary(8).double()
    query, key = torch.randn(2, 8, dtype=torch.float64)
    queries = turn(query.expand(1, 1, 12, 8))[0, 0]
    keys = turn(key.expand(1, 1, 12, 8))[0, 0]
    scores = queries @ keys.T
    for distance in (1, 4):
        line = scores.diagonal(distance)
        torch.testing.assert_close(line, line[:1].expand_as(line), atol=1e-6, rtol=0)
    assert (scores[0, 0] - scores[0, 5]).abs() > 1e-3
    torch.testing.assert_close(queries.norm(dim=1), query.norm().expand(12))


def test_rotary_attention_sees_the_order():
    torch.manual_seed(0)
    words = torch.randn(1, 4, 8)
    order = torch.tensor([2, 0, 3, 1])
    plain, turned = Attention(8, 2), Attention(8, 2, rotary=True)
    torch.testing.assert_close(plain(words[:, order]), plain(words)[:, order], atol=1e-6, rtol=1e-5)
    assert (turned(words[:, order]) - turned(words)[:, order]).abs().max() > 1e-3


def test_what_does_not_fit_is_refused():
    with pytest.raises(ShapeError, match="longer"):
        LearnedPositions(4, 3)(torch.zeros(1, 4, 4))
    with pytest.raises(OptionError, match="pairs"):
        Rotary(3)


@pytest.mark.parametrize(
    "positions", [SinusoidalPositions(8), LearnedPositions(8, 12), Rotary(8), Rotary(8, 500.0)]
)
def test_positions_go_on_where_they_are_told(positions):
    inputs = torch.randn(1, 2, 9, 8) if isinstance(positions, Rotary) else torch.randn(1, 9, 8)
    whole = positions(inputs)
    torch.testing.assert_close(positions(inputs[..., 4:, :], 4), whole[..., 4:, :])


def test_rotary_frequencies_are_stretched():
    inputs = torch.randn(1, 1, 2, 8)
    # three times closer: position 6 is turned as position 2 was
    torch.testing.assert_close(
        Rotary(8, scaling=(3.0,))(inputs, 6)[..., 0, :], Rotary(8)(inputs, 2)[..., 0, :]
    )
    kept = Rotary(8, scaling=(8.0, 1.0, 4.0, 64.0))
    fast, slow = torch.tensor([1.0, 0.1]), torch.tensor([0.01, 0.001])
    found = kept._stretched(torch.cat([fast, slow]))
    assert found[0] == 1 and found[2:].tolist() == pytest.approx((slow / 8).tolist())
    share = (64 * 0.1 / (2 * math.pi) - 1) / 3
    assert found[1].item() == pytest.approx(0.1 * (share + (1 - share) / 8))
    with pytest.raises(OptionError, match="factor"):
        Rotary(8, scaling=(1.0, 2.0))
