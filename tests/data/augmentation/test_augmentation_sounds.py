"""Sound is varied as the equations say, the same in whatever batch and however far it is padded."""

from __future__ import annotations

import pytest
import torch

import neurarium as nr
from neurarium.core.errors import OptionError, ShapeError
from neurarium.data.augmentation import Chance, Choice, Noise, Pipeline, SpecAugment, TimeShift
from neurarium.data.dataset import Dataset
from neurarium.data.examples import Examples
from neurarium.data.specs import Classes, Waveform

ALL = [TimeShift(0.3), Noise(1.0), SpecAugment()]


def batch(count=6, length=2000, more=0):
    chance = torch.Generator().manual_seed(0)
    lengths = torch.tensor([length, 700, 50, 1, 0, 1500])[:count]
    waveform = torch.randn(count, length, generator=chance) * (torch.arange(length) < lengths[:, None])
    return {"inputs": {"waveform": torch.nn.functional.pad(waveform, (0, more)), "lengths": lengths}}


def places(*rows, epoch=0):
    return Chance(5, epoch, torch.tensor(rows), 0)


@pytest.mark.parametrize("vary", ALL, ids=lambda each: each.name)
def test_neither_batch_nor_padding_matters_and_every_epoch_is_new(vary):
    whole = vary(batch(), places(*range(6)))["inputs"]
    longer = vary(batch(more=500), places(*range(6)))["inputs"]
    part = {"inputs": {key: value[[5, 1]] for key, value in batch()["inputs"].items()}}
    alone = vary(part, places(5, 1))["inputs"]
    other = vary(batch(), places(*range(6), epoch=1))["inputs"]
    assert set(whole) == set(longer)
    for key, value in whole.items():
        longer_value = longer[key][:, :2000] if key == "waveform" else longer[key]
        assert torch.equal(longer_value, value) and torch.equal(alone[key], value[[5, 1]])
    assert any(not torch.equal(whole[key], other[key]) for key in whole)
    real = torch.arange(2000) < whole["lengths"][:, None]
    assert (
        torch.equal(whole["lengths"], batch()["inputs"]["lengths"]) and (whole["waveform"][~real] == 0).all()
    )


def test_a_shift_moves_the_recording_within_its_length():
    moved = TimeShift(0.5)(batch(), places(*range(6)))["inputs"]["waveform"]
    found = []
    for row, length in ((0, 2000), (1, 700), (5, 1500)):
        before = batch()["inputs"]["waveform"][row, :length]
        step = next(
            s for s in range(-length, length) if torch.equal(_shifted(before, s), moved[row, :length])
        )
        found.append(step / length)
    assert max(map(abs, found)) <= 0.5 and len(set(found)) == 3 and max(map(abs, found)) > 0.05
    assert torch.equal(
        TimeShift(0.0)(batch(), places(*range(6)))["inputs"]["waveform"], batch()["inputs"]["waveform"]
    )


def _shifted(sound, step):
    zeros = torch.zeros(abs(step))
    return torch.cat([zeros, sound[: len(sound) - step]]) if step >= 0 else torch.cat([sound[-step:], zeros])


def test_noise_has_the_ratio_that_was_drawn():
    clean = batch()["inputs"]["waveform"]
    added = Noise(1.0, (20.0, 20.0))(batch(), places(*range(6)))["inputs"]["waveform"] - clean
    for row, length in ((0, 2000), (5, 1500)):
        ratio = clean[row, :length].square().mean() / added[row, :length].square().mean()
        assert 10 * ratio.log10() == pytest.approx(20, abs=0.5)
    assert torch.equal(Noise(0.0)(batch(), places(*range(6)))["inputs"]["waveform"], clean)


def test_hidden_parts_are_no_wider_than_said():
    found = SpecAugment(times=3, bands=1, time=0.2, band=0.4)(batch(), places(*range(6)))["inputs"]
    assert found["hidden_frames"].shape == (6, 3, 2) and found["hidden_bands"].shape == (6, 1, 2)
    for key, widest in (("hidden_frames", 0.2), ("hidden_bands", 0.4)):
        width = found[key][..., 1] - found[key][..., 0]
        assert width.min() >= 0 and width.max() <= widest and found[key].min() >= 0 and found[key].max() <= 1


def test_they_are_chosen_by_name_and_only_for_sound():
    held = batch() | {"targets": torch.arange(6) % 2}
    data = Dataset("tones", Waveform(1, 2000, 8000), Classes(("a", "b")), Examples(held))
    pipeline, decision = Choice("standard").build(data, {})
    assert [each.name for each in pipeline.steps] == ["time-shift", "noise", "spec-augment"]
    assert "spec-augment" in decision.choice and decision.reason == "standard for sound"
    named, _ = Choice("spec-augment").build(data, {"times": "4"})
    assert named.steps[0].times == 4
    digits = nr.data.arrays(torch.randint(0, 256, (60, 8, 8), dtype=torch.uint8), torch.arange(60) % 2)
    with pytest.raises(OptionError, match="varies sound"):
        Pipeline([Noise()], digits)
    with pytest.raises(ShapeError, match="varies sound"):
        Noise()({"inputs": torch.zeros(2, 3)}, places(0, 1))


@pytest.mark.parametrize("make", [lambda: TimeShift(2), lambda: Noise(-1), lambda: Noise(1, (3, 1)), lambda: SpecAugment(times=-1), lambda: SpecAugment(band=2)])  # fmt: skip
def test_what_is_not_possible(make):
    with pytest.raises(OptionError):
        make()
