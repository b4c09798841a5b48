"""MiniROCKET: its features against a plain NumPy computation of the paper's, padding, what it takes from data."""

from __future__ import annotations

import itertools

import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurarium.core.errors import OptionError
from neurarium.data.specs import Classes, Series
from neurarium.networks.series.minirocket import KERNELS, MiniRocket

SIZE = 84 * 7


def convolved(series, kernel, dilation):
    """Return what a kernel answers at each place, zeros being around the series; one loop per place and weight."""
    found = numpy.zeros(len(series))
    for place in range(len(series)):
        for tap in range(9):
            seen = place + (tap - 4) * dilation
            if 0 <= seen < len(series):
                found[place] += kernel[tap] * series[seen]
    return found


def share(answers, threshold, dilation, padded):
    """PPV of the paper: the share of answers above the threshold, within the margins where there is no padding."""
    margin = 0 if padded else 4 * dilation
    inside = answers[margin : len(answers) - margin]
    return float((inside > threshold).mean()) if len(inside) else 0.0


def expected(network, series):
    """The features of one series `(length, channels)`, kernel by kernel, in the order of the network."""
    columns, start = numpy.zeros((84, sum(network.counts))), 0
    for place, (dilation, count) in enumerate(zip(network.dilations, network.counts, strict=True)):
        for number, high in enumerate(itertools.combinations(range(9), 3)):
            kernel = [2.0 if tap in high else -1.0 for tap in range(9)]
            mixed = series @ network.mixed[place, number].double().numpy()
            answers = convolved(mixed, kernel, dilation)
            for column in range(start, start + count):
                threshold = float(network.thresholds[number, column])
                columns[number, column] = share(answers, threshold, dilation, (place + number) % 2 == 0)
        start += count
    return columns.ravel()


@pytest.mark.parametrize("channels", [1, 3])
def test_features_are_those_of_the_equations(channels):
    chance = torch.Generator().manual_seed(0)
    train = torch.randn(12, 40, channels, generator=chance)
    network = MiniRocket(channels, 2, length=40, size=SIZE)
    network.adapt_to({"series": train, "lengths": torch.full((12,), 40)})
    new = torch.randn(2, 40, channels, generator=chance, dtype=torch.float64)
    lengths = torch.tensor([40, 23])
    found = network.double().features({"series": new, "lengths": lengths}) * network.scale + network.mean
    for row, length in enumerate(lengths.tolist()):
        wanted = expected(network, new[row, :length].numpy())
        numpy.testing.assert_allclose(found[row].numpy(), wanted, atol=1e-5)
    assert 0.2 < float(found.mean()) < 0.8


def test_thresholds_are_quantiles_of_training_answers():
    one = torch.randn(1, 50, 1, generator=torch.Generator().manual_seed(3)).double()
    network = MiniRocket(1, 2, length=50, size=SIZE).double()
    network.adapt_to({"series": one, "lengths": torch.tensor([50])})
    kernel = [2.0 if tap in KERNELS[0] else -1.0 for tap in range(9)]
    answers = convolved(one[0, :, 0].numpy(), kernel, network.dilations[0])
    golden = (5**0.5 + 1) / 2
    quantiles = [(place * golden) % 1 for place in range(1, network.counts[0] + 1)]
    wanted = numpy.quantile(answers, quantiles)
    numpy.testing.assert_allclose(network.thresholds[0, : network.counts[0]].numpy(), wanted, atol=1e-6)


def published(series, features):
    """Thresholds and features of one series as the authors' program has them: -x nine times and 3 x three times, shifted."""
    length, per_kernel = len(series), features // 84
    spread = numpy.logspace(0, numpy.log2((length - 1) / 8), min(per_kernel, 32), base=2).astype(numpy.int32)
    dilations, counts = numpy.unique(spread, return_counts=True)
    counts = (counts * (per_kernel / min(per_kernel, 32))).astype(numpy.int32)
    for place in range(per_kernel - counts.sum()):
        counts[place % len(counts)] += 1
    quantiles = [(place * ((5**0.5 + 1) / 2)) % 1 for place in range(1, 84 * per_kernel + 1)]
    thresholds, shares, at = [], [], 0
    for place, (dilation, count) in enumerate(zip(dilations, counts, strict=True)):
        shifted = numpy.zeros((9, length))
        for tap in range(9):
            by = (tap - 4) * dilation
            target, source = slice(max(0, -by), length - max(0, by)), slice(max(0, by), length - max(0, -by))
            shifted[tap, target] = series[source]
        for number, high in enumerate(itertools.combinations(range(9), 3)):
            answers = -shifted.sum(axis=0) + 3 * shifted[list(high)].sum(axis=0)
            own = numpy.quantile(answers, quantiles[at : at + count])
            inside = answers[4 * dilation : -4 * dilation] if (place + number) % 2 else answers
            thresholds.append(own)
            shares.append([(inside > each).mean() for each in own])
            at += count
    return dilations, counts, thresholds, shares


@pytest.mark.parametrize(("length", "features"), [(70, 84 * 40), (150, 84 * 9)])
def test_every_threshold_and_share_is_that_of_the_authors_program(length, features):
    one = torch.randn(length, generator=torch.Generator().manual_seed(3), dtype=torch.float64).cumsum(0)
    network = MiniRocket(1, 2, length=length, size=features).double()
    inputs = {"series": one[None, :, None], "lengths": torch.tensor([length])}
    network.adapt_to(inputs)
    dilations, counts, thresholds, shares = published(one.numpy(), features)
    assert network.dilations == tuple(dilations) and network.counts == tuple(counts)
    found = (network.features(inputs) * network.scale + network.mean).view(84, -1).numpy()
    held, start = network.thresholds.numpy(), 0
    for place, count in enumerate(counts):
        for kernel in range(84):
            own = slice(start, start + count)
            numpy.testing.assert_allclose(held[kernel, own], thresholds[84 * place + kernel], atol=1e-5)
            # a threshold may be an answer itself: rounding then decides about one place
            numpy.testing.assert_allclose(
                found[kernel, own], shares[84 * place + kernel], atol=1.01 / (length - 8 * dilations[place])
            )
        start += count


def test_what_is_taken_from_data_is_taken_once_and_saved():
    chance = torch.Generator().manual_seed(0)
    inputs = {"series": torch.randn(8, 30, 1, generator=chance).cumsum(1), "lengths": torch.full((8,), 30)}
    network, fresh = (MiniRocket(1, 2, length=30, size=84) for _ in range(2))
    assert not torch.equal(network.thresholds, torch.zeros_like(network.thresholds))
    before = network.thresholds.clone()
    network.adapt_to(inputs)
    assert not torch.equal(network.thresholds, before)
    features = network.features(inputs)
    torch.testing.assert_close(features.mean(0), torch.zeros(84), atol=1e-5, rtol=0)
    held = network.thresholds.clone()
    network.adapt_to({"series": 9 * inputs["series"], "lengths": inputs["lengths"]})
    assert torch.equal(network.thresholds, held)
    fresh.load_state_dict(network.state_dict())
    assert torch.equal(fresh.features(inputs), features)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 30), st.integers(0, 25), st.floats(-1e3, 1e3), st.integers(1, 3))
def test_padding_changes_nothing(length, more, filling, channels):
    chance = torch.Generator().manual_seed(length)
    series = torch.randn(2, length, channels, generator=chance)
    network = MiniRocket(channels, 3, length=25, size=168).eval()
    longer = torch.cat([series, torch.full((2, more, channels), filling)], dim=1)
    lengths = torch.full((2,), length)
    torch.testing.assert_close(
        network({"series": longer, "lengths": lengths}), network({"series": series, "lengths": lengths}),
        atol=1e-5, rtol=1e-5,
    )  # fmt: skip


def test_features_in_pieces_are_those_of_the_whole(monkeypatch):
    from neurarium.networks.series import minirocket

    network = MiniRocket(1, 2, length=30, size=84)
    inputs = {"series": torch.randn(9, 30, 1), "lengths": torch.arange(22, 31)}
    whole = network.features(inputs)
    monkeypatch.setattr(minirocket, "AT_ONCE", 84 * 30 * 2)
    assert torch.equal(network.features(inputs), whole)


def test_sizes_follow_the_data_and_wrong_ones_are_refused():
    network = MiniRocket.for_data(Series(2, 100), Classes(("a", "b", "c")))
    assert network.feature_dim == 9996 and network.dilations[-1] == 12 and network.head.out_features == 3
    with pytest.raises(OptionError, match="too few features"):
        MiniRocket(1, 2, size=83)
