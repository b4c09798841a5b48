"""TensorBoard: event files whose numbers are those of metrics.jsonl."""

from __future__ import annotations

import numpy
import pytest
from training_helpers import StopAt, classes, classifier

import neurarium as nr
from neurarium.core.errors import MissingDependencyError, OptionError
from neurarium.training.callbacks import TensorBoard


def scalars(folder):
    """Read the event files back: tag to {step: value}."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = accumulator.EventAccumulator(str(folder))
    events.Reload()
    return {tag: {each.step: each.value for each in events.Scalars(tag)} for tag in events.Tags()["scalars"]}


def trained(folder, **options):
    data = classes()
    callbacks = [TensorBoard(folder / "board"), *options.pop("callbacks", [])]
    return nr.fit(
        classifier(schedule="cosine"), data, epochs=4, batch_size=32, progress=False, out=folder / "run",
        callbacks=callbacks, **options,
    )  # fmt: skip


def expected(run):
    found = {"learning_rate": {row["step"]: numpy.float32(row["rate"]) for row in run.history}}
    for part in ("train", "validation"):
        for name in run.history[0][part]:
            found[f"{name}/{part}"] = {row["step"]: numpy.float32(row[part][name]) for row in run.history}
    return found


def test_numbers_are_those_of_the_log(tmp_path):
    pytest.importorskip("tensorboard")
    run = trained(tmp_path)
    assert len(run.history) == 4
    assert scalars(tmp_path / "board") == expected(run)


def test_after_a_resume_each_step_is_there_once(tmp_path):
    pytest.importorskip("tensorboard")
    trained(tmp_path, callbacks=[StopAt(8)])
    run = trained(tmp_path, resume=True)
    assert scalars(tmp_path / "board") == expected(run)


def test_an_option_of_fit_writes_them_into_the_run(tmp_path):
    pytest.importorskip("tensorboard")
    data = classes()
    run = nr.fit(
        classifier(schedule="cosine"), data, epochs=2, progress=False, out=tmp_path / "run", log="tensorboard"
    )
    assert scalars(tmp_path / "run" / "tensorboard") == expected(run)
    with pytest.raises(OptionError, match="need a folder"):
        nr.fit(classifier(), data, epochs=1, progress=False, log="tensorboard")


def test_without_tensorboard_the_install_line_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "tensorboard", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "neurarium\[board\]"'):
        TensorBoard(tmp_path)
