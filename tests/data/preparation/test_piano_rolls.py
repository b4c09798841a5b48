"""Piano rolls: the target of a step is the next frame; files, folders of runs, what is no roll; learned and predicted."""

from __future__ import annotations

import numpy
import pytest
import torch

import neurarium as nr
from neurarium.core.errors import DataError, OptionError
from neurarium.data.dataset import Dataset
from neurarium.data.examples import Examples
from neurarium.data.preparation.piano_rolls import NOTES, PianoRollPreparation, checked, read_rolls


def scale(start, steps=12):
    """A roll that goes up key by key, two steps apart from a second voice."""
    roll = numpy.zeros((steps, 88), numpy.uint8)
    for step in range(steps):
        roll[step, start + step] = roll[step, start + step + 4] = 1
    return roll


def made(count=24):
    rolls = [scale(10 + each % 12, 8 + each % 5) for each in range(count)]
    preparation = PianoRollPreparation(11)
    parts = [
        Examples(preparation.batch(rolls[part], 11))
        for part in (slice(0, -8), slice(-8, -4), slice(-4, None))
    ]
    return Dataset("scales", preparation.inputs, preparation.targets, *parts, preparation=preparation)


def test_the_target_of_a_step_is_the_next_frame():
    roll = scale(3, 6)
    batch = PianoRollPreparation(9).batch([roll, scale(5, 4)], 9)
    series, targets, lengths = batch["inputs"]["series"], batch["targets"], batch["inputs"]["lengths"]
    assert lengths.tolist() == [5, 3]
    assert torch.equal(series[0, 1:5], targets[0, :4]) and torch.equal(
        targets[0, 4], torch.tensor(roll[5]).float()
    )
    assert (targets[0, 5:] == -1).all() and (series[0, 5:] == 0).all()
    assert (NOTES[0], NOTES[39], NOTES[87]) == ("A0", "C4", "C8")


def learned(network, out=None, **options):
    given = {"width": 32, "learning_rate": 0.02, "dropout": 0.0, **options}
    return nr.studies.train(made(), network, options=given, epochs=50, batch_size=4, progress=False, out=out)


def test_scales_are_learned_and_predicted(tmp_path):
    run = learned("tcn", tmp_path / "run", levels=2)
    assert run.results["test"]["frame_nll"] < 4 and run.results["test"]["frame_accuracy"] > 0.8
    assert "length buckets" in [each.subject for each in run.decisions]
    again = nr.Run.load(tmp_path / "run")
    numpy.save(tmp_path / "one.npy", scale(12, 6))
    frame = nr.studies.predict_frames(again, tmp_path / "one.npy")[0]
    assert frame["step"].to_list() == [1, 2, 3, 4, 5]
    expected = [f"{NOTES[13 + step]}, {NOTES[17 + step]}" for step in range(5)]
    assert sum(a == b for a, b in zip(frame["prediction"], expected, strict=True)) >= 4
    assert nr.studies.predict(again, [scale(12, 6)]).equals(frame)


@pytest.mark.slow
def test_an_lstm_learns_them_too():
    assert learned("lstm").results["test"]["frame_nll"] < 7  # blind to the past: 2 log(44) and more, above 9


def test_the_report_says_what_was_asked(tmp_path):
    run = nr.studies.train(
        made(), "lstm", options={"width": 8}, epochs=1, progress=False, out=tmp_path / "run"
    )
    nr.report.write_report(run)
    assert "88 notes the next frame holds" in (tmp_path / "run" / "report.html").read_text()


def test_files(tmp_path):
    numpy.savez(tmp_path / "rolls.npz", a=scale(3), b=scale(5))
    assert len(read_rolls(tmp_path / "rolls.npz")) == 2
    from scipy.io import savemat

    held = numpy.empty((1, 2), dtype=object)
    held[0, 0], held[0, 1] = scale(3), scale(5, 7)
    savemat(tmp_path / "rolls.mat", {"testdata": held})
    assert [len(each) for each in read_rolls(tmp_path / "rolls.mat")] == [12, 7]
    with pytest.raises(DataError, match="no variable 'traindata'"):
        read_rolls(tmp_path / "rolls.mat", "traindata")
    (tmp_path / "odd.mat").write_bytes(b"no matlab file" * 20)
    with pytest.raises(DataError, match="no MATLAB file"):
        read_rolls(tmp_path / "odd.mat")


@pytest.mark.parametrize(
    ("rolls", "said"),
    [([], "no piano roll"), ([scale(3)[:, :80]], "another shape"), ([scale(3)[:1]], "another shape"),
     ([scale(3) * 3], "something else than 0 and 1")],
)  # fmt: skip
def test_what_is_no_roll(rolls, said):
    with pytest.raises(DataError, match=said):
        checked(rolls, "the rolls")


def test_other_runs_predict_no_frames():
    iris = nr.studies.train(nr.data.load("iris"), "mlp", options={"widths": "4"}, epochs=1, progress=False)
    with pytest.raises(OptionError, match="next step"):
        nr.studies.predict_frames(iris, [scale(3)])


def test_the_chorales_are_those_of_the_papers(shared_data):
    shared_data("polyphonic_music")
    data = nr.data.load("jsb-chorales")
    assert data.summary["pieces"] == {"train": 229, "validation": 76, "test": 77}
    assert data.summary["frames"] == {"train": 13807 - 229, "validation": 4602 - 76, "test": 4725 - 77}
