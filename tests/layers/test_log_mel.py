"""Log-mel frames equal the equations in NumPy, whatever the padding; the mel filters equal librosa's formula."""

from __future__ import annotations

import math

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neurarium.core.errors import OptionError, ShapeError
from neurarium.layers import LogMel
from neurarium.layers.log_mel import hertz, mel, mel_filters

RATE = 8000


def sound(count=2, length=1500, dtype=torch.float64):
    waveform = torch.randn(count, length, generator=torch.Generator().manual_seed(0), dtype=dtype)
    return {"waveform": waveform, "lengths": torch.tensor([length, length // 3, 1, 0][:count])}


def by_hand(samples: numpy.ndarray, layer: LogMel) -> numpy.ndarray:
    """Return the logarithms of one recording by the definition, a frame and a bin at a time."""
    points, rows = layer.points, []
    padded = numpy.concatenate([numpy.zeros(points), samples, numpy.zeros(2 * points)])
    places = numpy.arange(layer.window)
    hann = numpy.sin(math.pi * places / layer.window) ** 2
    shift = (points - layer.window) // 2
    filters = layer.filters.double().numpy()
    for frame in range(math.ceil(len(samples) / layer.hop)):
        start = points + frame * layer.hop - points // 2 + shift
        piece = padded[start : start + layer.window] * hann
        turns = numpy.exp(-2j * math.pi * numpy.outer(numpy.arange(points // 2 + 1), places) / points)
        rows.append(numpy.log(layer.floor + numpy.abs(turns @ piece) ** 2 @ filters))
    return numpy.array(rows)


@pytest.mark.parametrize("scale", ["slaney", "htk"])
@pytest.mark.parametrize("window", [0.025, 0.016])
def test_frames_equal_the_equations(scale, window):
    layer, inputs = LogMel(RATE, 20, window, scale=scale, normalization="none"), sound(3)
    frames, mask = layer(inputs)
    assert mask.sum(dim=1).tolist() == [math.ceil(n / layer.hop) for n in inputs["lengths"].tolist()]
    for row, length in enumerate(inputs["lengths"].tolist()):
        expected = by_hand(inputs["waveform"][row, :length].numpy(), layer)
        torch.testing.assert_close(
            frames[row, : len(expected)], torch.from_numpy(expected), atol=1e-6, rtol=1e-6
        )
        assert (frames[row, len(expected) :] == 0).all()


def test_mel_filters_equal_the_formula_of_librosa():
    """As librosa.filters.mel computes them: ramps between edges, norm "slaney"."""
    count, points, low, high = 40, 512, 20.0, 4000.0
    for scale in ("slaney", "htk"):
        mels = numpy.linspace(float(mel(low, scale)), float(mel(high, scale)), count + 2)
        if scale == "htk":
            edges = 700 * (10 ** (mels / 2595) - 1)
        else:
            above = 1000 * numpy.exp(numpy.log(6.4) / 27 * (mels - 15))
            edges = numpy.where(mels >= 15, above, mels * 200 / 3)
        ramps = edges[:, None] - numpy.linspace(0, RATE / 2, points // 2 + 1)
        lower, upper = (ramps[:-2] / -numpy.diff(edges)[:-1, None]), (ramps[2:] / numpy.diff(edges)[1:, None])
        weights = numpy.maximum(0, numpy.minimum(lower, upper))
        if scale == "slaney":
            weights *= (2 / (edges[2:] - edges[:-2]))[:, None]
        found = mel_filters(count, points, RATE, low, high, scale)
        torch.testing.assert_close(found, torch.from_numpy(weights.T).float(), atol=1e-6, rtol=1e-5)


@given(st.floats(1, 20_000), st.sampled_from(["slaney", "htk"]))
def test_hertz_is_the_inverse_of_mel(frequency, scale):
    assert float(hertz(mel(frequency, scale), scale)) == pytest.approx(frequency, rel=1e-9)


@pytest.mark.parametrize("normalization", ["utterance", "bands", "training", "none"])
@given(more=st.integers(0, 900), garbage=st.booleans())
def test_padding_changes_nothing(normalization, more, garbage):
    layer, inputs = LogMel(RATE, 20, normalization=normalization), sound(4)
    layer.adapt_to(inputs)
    frames, mask = layer(inputs)
    end = torch.full((4, more), 7.0 if garbage else 0.0, dtype=torch.float64)
    other, other_mask = layer({**inputs, "waveform": torch.cat([inputs["waveform"], end], dim=1)})
    assert torch.equal(mask.sum(1), other_mask.sum(1)) and (other[~other_mask] == 0).all()
    torch.testing.assert_close(other[:, : frames.shape[1]], frames, atol=1e-9, rtol=0)


def test_each_band_is_standardized():
    layer, inputs = LogMel(RATE, 20, normalization="bands"), sound(2, 8000)
    frames, mask = layer(inputs)
    for row in range(2):
        real = frames[row][mask[row]]
        torch.testing.assert_close(real.mean(0), torch.zeros(20, dtype=torch.float64), atol=1e-6, rtol=0)
        torch.testing.assert_close(
            real.std(0, correction=0), torch.ones(20, dtype=torch.float64), atol=1e-3, rtol=0
        )
    whole, _ = LogMel(RATE, 20)(inputs)
    assert (
        whole[0].mean().abs() < 1e-6
        and (whole[0].std(correction=0) - 1).abs() < 1e-3
        and whole[0].mean(0).abs().max() > 0.2
    )
    trained = LogMel(RATE, 20, normalization="training")
    trained.adapt_to(inputs)
    frames, mask = trained(inputs)
    assert (
        frames[mask].mean(0).abs().max() < 1e-5 and (frames[mask].std(0, correction=0) - 1).abs().max() < 1e-4
    )
    assert set(trained.state_dict()) == {"mean", "deviation"} and not layer.state_dict()


def test_louder_is_the_same_to_an_utterance_and_channels_are_averaged():
    layer, inputs = LogMel(RATE, 20, floor=1e-12), sound(1)
    louder = {**inputs, "waveform": 4 * inputs["waveform"]}
    torch.testing.assert_close(layer(louder)[0], layer(inputs)[0], atol=1e-5, rtol=0)
    wide = {**inputs, "waveform": torch.stack([2 * inputs["waveform"], 0 * inputs["waveform"]], dim=2)}
    torch.testing.assert_close(layer(wide)[0], layer(inputs)[0], atol=1e-9, rtol=0)


def test_hidden_parts_are_zero_and_no_more():
    layer, inputs = LogMel(RATE, 20), sound(1, 8000)
    plain, _ = layer(inputs)
    hidden = {
        "hidden_frames": torch.tensor([[[0.25, 0.5]]]), "hidden_bands": torch.tensor([[[0.5, 0.6], [0.9, 0.9]]]),
    }  # fmt: skip
    found, _ = layer({**inputs, **hidden})
    assert (found[:, 25:50] == 0).all() and (found[:, :, 10:12] == 0).all()
    assert torch.equal(found[:, 50:, 12:], plain[:, 50:, 12:]) and torch.equal(
        found[:, :25, :10], plain[:, :25, :10]
    )


def test_it_is_differentiable():
    layer = LogMel(400, 4, window=0.04, hop=0.02, low=0.0)
    lengths = torch.tensor([60, 31])

    def frames(waveform):
        return layer({"waveform": waveform, "lengths": lengths})[0]

    waveform = torch.randn(
        2, 60, dtype=torch.float64, generator=torch.Generator().manual_seed(1), requires_grad=True
    )
    assert torch.autograd.gradcheck(frames, waveform, atol=1e-4)


@pytest.mark.parametrize(
    "options", [{"mels": 0}, {"hop": 0.0}, {"low": 5000.0}, {"high": 9000.0}, {"floor": 0.0}]
)
def test_features_that_are_not_possible(options):
    with pytest.raises(OptionError, match="features of sound"):
        LogMel(RATE, **options)


def test_other_refusals():
    with pytest.raises(OptionError, match="normalization"):
        LogMel(RATE, normalization="batch")
    with pytest.raises(OptionError, match="mel scale"):
        LogMel(RATE, scale="bark")
    with pytest.raises(ShapeError, match="sound has another shape"):
        LogMel(RATE)({"waveform": torch.zeros(3), "lengths": torch.tensor([3])})
