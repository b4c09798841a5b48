"""Networks of sound: padding never changes a result, any network can listen, and each learns what it is for."""

from __future__ import annotations

import math

import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import neurarium as nr
from neurarium.core.errors import RefusalError
from neurarium.data.specs import Classes, Quantity, Transcript, Waveform
from neurarium.data.transcripts import real_frames
from neurarium.networks import Listener, SpeechCNN, SpeechCTC, network_for

SPEC = Waveform(1, 3000, 8000)
KINDS = Classes(("a", "b", "c"))
TEXT = Transcript(("a", "b"), 4)
SMALL = {
    "speech-cnn": {"widths": (6, 8), "mels": 16},
    "gru": {"width": 6, "embedding": 8},
    "transformer": {"width": 8, "heads": 2},
    "text-cnn": {"width": 8, "maps": 4},
    "resnet": {"blocks": (1, 1), "widths": (4, 8)},
    "cnn": {"widths": (4, 8)},
}


def sound(length=3000, seed=0):
    chance = torch.Generator().manual_seed(seed)
    return {
        "waveform": 0.2 * torch.randn(3, length, generator=chance),
        "lengths": torch.tensor([length, 1100, 0]),
    }


@pytest.mark.parametrize("name", SMALL)
@given(more=st.integers(0, 2000))
@settings(max_examples=5)
def test_padding_never_changes_a_result(name, more):
    torch.manual_seed(0)
    network = network_for(SPEC, KINDS, name, **SMALL[name]).network.eval()
    inputs = sound()
    longer = {**inputs, "waveform": torch.nn.functional.pad(inputs["waveform"], (0, more), value=0.3)}
    torch.testing.assert_close(network(longer), network(inputs), atol=2e-5, rtol=1e-4)
    alone = {"waveform": inputs["waveform"][1:2, :1100], "lengths": inputs["lengths"][1:2]}
    torch.testing.assert_close(network(alone), network(inputs)[1:2], atol=2e-5, rtol=1e-4)


@given(more=st.integers(0, 2000))
@settings(max_examples=5)
def test_padding_changes_no_transcript(more):
    torch.manual_seed(0)
    network = SpeechCTC.for_data(SPEC, TEXT, widths=(6, 8), width=6, mels=16).eval()
    inputs = sound()
    longer = {**inputs, "waveform": torch.nn.functional.pad(inputs["waveform"], (0, more), value=0.3)}
    one, other = network(inputs), network(longer)
    count = real_frames(one).sum(dim=1)
    assert torch.equal(count, real_frames(other).sum(dim=1)) and count.tolist() == [10, 4, 0]
    torch.testing.assert_close(other[:, : one.shape[1]], one, atol=2e-5, rtol=1e-4)
    loss = nr.losses.CTC()
    targets = torch.tensor([[1, 2], [2, -1], [-1, -1]])
    torch.testing.assert_close(loss(one, targets)[0], loss(other, targets)[0], atol=1e-4, rtol=1e-4)


def test_networks_of_images_and_of_series_listen():
    series, picture = (network_for(SPEC, KINDS, name, **SMALL[name]).network for name in ("gru", "resnet"))
    assert isinstance(series, Listener) and series.picture is None and series.any_length
    assert isinstance(picture, Listener) and picture.picture == 38
    assert picture.heard(sound()).shape == (3, 1, 64, 38)
    head = torch.nn.Linear(series.feature_dim, 2)
    series.head = head
    assert series.network.head is head and series(sound()).shape == (3, 2)
    with pytest.raises(RefusalError, match="cannot listen"):
        network_for(SPEC, KINDS, "tabm")
    assert network_for(SPEC, Quantity(("x",)), "lstm", width=4).network(sound()).shape == (3, 1)


def test_the_defaults_are_those_of_sound():
    assert isinstance(network_for(SPEC, KINDS).network, SpeechCNN)
    assert isinstance(network_for(SPEC, TEXT).network, SpeechCTC)
    with pytest.raises(RefusalError, match="cannot predict Transcript"):
        network_for(SPEC, TEXT, "speech-cnn")
    with pytest.raises(RefusalError, match="cannot predict Classes"):
        network_for(SPEC, KINDS, "speech-ctc")
    with pytest.raises(RefusalError, match="cannot take Table"):
        network_for(nr.data.Table(("a",)), TEXT, "speech-ctc")


def tones(count, seed):
    """Return tones of three pitches with noise, of different lengths, one after the other for transcripts."""
    chance = numpy.random.default_rng(seed)
    codes = chance.integers(0, 3, count)
    sounds = []
    for code in codes:
        length = chance.integers(1200, 2400)
        wave = numpy.sin(2 * math.pi * (300, 700, 1500)[code] * numpy.arange(length) / 8000)
        sounds.append((0.3 * wave + 0.1 * chance.normal(size=length)).astype(numpy.float32))
    return sounds, codes


def test_tones_are_told_apart():
    from neurarium.data.preparation.sounds import padded

    torch.manual_seed(0)
    sounds, codes = tones(60, 0)
    network = SpeechCNN.for_data(SPEC, KINDS, widths=(8, 8), mels=16)
    inputs, targets = padded(sounds), torch.from_numpy(codes)
    optimizer = torch.optim.AdamW(network.parameters(), 1e-2)
    for _ in range(25):
        loss = torch.nn.functional.cross_entropy(network(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    fresh, truth = tones(30, 1)
    assert (network.eval()(padded(fresh)).argmax(1) == torch.from_numpy(truth)).float().mean() > 0.9


def test_strings_of_tones_are_written_down():
    from neurarium.data.preparation.sounds import padded
    from neurarium.data.transcripts import best_path

    torch.manual_seed(0)
    sounds, codes = tones(120, 2)
    pairs = [
        numpy.concatenate([sounds[n], numpy.zeros(500, numpy.float32), sounds[n + 1]])
        for n in range(0, 120, 2)
    ]
    targets = torch.from_numpy(codes.reshape(-1, 2)) + 1
    spec = Transcript(("x", "y", "z"), 2)
    network = SpeechCTC.for_data(SPEC, spec, widths=(8, 8), width=16, mels=16, layers=1, dropout=0.0)
    inputs, loss = padded(pairs), nr.losses.CTC()
    optimizer = torch.optim.AdamW(network.parameters(), 1e-2)
    for _ in range(60):
        total, weight = loss(network(inputs), targets)
        optimizer.zero_grad()
        (total / weight).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
    with torch.no_grad():
        found = best_path(network.eval()(inputs))[:, :2]
    assert (found == targets).all(dim=1).float().mean() > 0.8
