"""Cross-validation: every row predicted once, by a model that saw nothing of it; the preparation fitted anew."""

from __future__ import annotations

import numpy
import pytest
import torch
from torch import nn

import neurarium as nr
from neurarium.core.errors import RefusalError
from neurarium.data.dataset import Dataset
from neurarium.data.examples import Examples
from neurarium.data.specs import Array, Classes
from neurarium.studies import cross_validate


def linear(data):
    return nr.methods.Supervised(
        nr.networks.Perceptron.for_data(data.inputs, data.targets), learning_rate=0.05
    )


def frame(count: int = 120, seed: int = 0) -> dict[str, numpy.ndarray]:
    chance = numpy.random.default_rng(seed)
    height, kind = chance.normal(size=count), chance.integers(0, 3, count)
    label = numpy.where(height + 0.5 * chance.normal(size=count) + (kind == 1) > 0.3, "yes", "no")
    group = numpy.repeat(numpy.arange(count // 4), 4)
    return {
        "height": height, "kind": numpy.array(["a", "b", "c"])[kind], "group": group,
        "day": chance.permutation(count), "price": 3 * height + 7, "label": label,
    }  # fmt: skip


def validated(target: str = "label", *, table=None, reading=None, **options):
    data = nr.data.table(
        table if table is not None else frame(), target=target, drop=("price",) if target == "label" else ("label",),
        **(reading or {}),
    )  # fmt: skip
    options = {"folds": 3, "epochs": 4, "batch_size": 16, "progress": False, "resamples": 50, **options}
    return data, cross_validate(linear, data, **options)


def weights(run) -> torch.Tensor:
    return nn.utils.parameters_to_vector(run.network.parameters()).detach()


def test_every_row_outside_the_test_split_is_predicted_once():
    data, found = validated()
    rows = numpy.sort(numpy.concatenate([data.rows["train"], data.rows["validation"]]))
    assert (found.rows == rows).all() and len(found.fold) == len(rows)
    assert not set(found.rows) & set(data.rows["test"])
    labels = (frame()["label"] == "yes").astype(int)
    assert (found.targets.numpy() == labels[found.rows]).all()  # in the order of the rows
    assert numpy.bincount(found.fold).tolist() == [34, 34, 34]
    assert found.how == "stratified"
    shares = [labels[found.rows[found.fold == k]].mean() for k in range(3)]
    assert max(shares) - min(shares) < 0.04


def test_pooled_metrics_are_those_of_the_out_of_fold_predictions():
    _, found = validated()
    accuracy = (found.predictions.argmax(1) == found.targets).double().mean().item()
    assert found.report.metrics["accuracy"] == pytest.approx(accuracy)
    interval = found.report.intervals["accuracy"]
    assert interval.low <= accuracy <= interval.high and interval.low < interval.high
    per_fold = [
        (found.predictions.argmax(1) == found.targets)[torch.from_numpy(found.fold == k)]
        .double()
        .mean()
        .item()
        for k in range(3)
    ]
    assert [each["accuracy"] for each in found.folds] == pytest.approx(per_fold)
    assert found.mean("accuracy") == pytest.approx(numpy.mean(per_fold))
    assert found.deviation("accuracy") == pytest.approx(numpy.std(per_fold, ddof=1))
    assert f"{accuracy:.4g}" in str(found) and "3 folds, stratified" in str(found)
    assert accuracy > 0.7


def test_a_fold_sees_nothing_of_the_rows_that_it_predicts():
    """Poison the rows of the first fold: its weights, means and categories stay bitwise, those of the others change."""
    _, clean = validated()
    poisoned = frame()
    held = clean.rows[clean.fold == 0]
    poisoned["height"][held] = 1e6
    poisoned["kind"] = poisoned["kind"].astype("<U8")
    poisoned["kind"][held] = "new"
    _, found = validated(table=poisoned)
    assert (found.fold == clean.fold).all()
    assert torch.equal(weights(found.runs[0]), weights(clean.runs[0]))
    assert found.runs[0].inputs == clean.runs[0].inputs
    assert found.runs[0].history == clean.runs[0].history
    for number in (1, 2):
        assert found.runs[number].inputs != clean.runs[number].inputs


def test_the_preparation_is_fitted_on_the_rows_that_train_the_fold():
    data, found = validated(reading={"scaling": "standard"}, validation=0.0)
    for number, run in enumerate(found.runs):
        height = frame()["height"][found.rows[found.fold != number]]
        column = next(each for each in run.preparation.numeric if each.name == "height")
        raw = numpy.array([0.0, 1.0])
        step = numpy.diff(column.apply(raw))[0]
        assert 1 / step == pytest.approx(height.std(), rel=1e-3)
    assert data.rows["test"].size


def test_the_rows_that_pick_the_best_weights_are_the_folds_own():
    _, found = validated(validation=0.25)
    for number, run in enumerate(found.runs):
        train, held = run.data.rows["train"], run.data.rows["validation"]
        own = set(found.rows[found.fold == number])
        assert len(held) == round(0.25 * (len(train) + len(held)))
        assert not own & set(train) and not own & set(held) and not set(train) & set(held)
        assert own == set(run.data.rows["test"])
    _, last = validated(validation=0.0)
    assert all(run.data.validation is None for run in last.runs)


def test_groups_stay_together_by_column_by_values_and_as_the_data_was_read():
    group = frame()["group"]
    for reading, options in (({}, {"groups": "group"}), ({}, {"groups": group}), ({"group": "group"}, {})):
        _, found = validated(reading=reading, **options)
        assert found.how == "grouped"
        folds = [set(group[found.rows[found.fold == k]]) for k in range(3)]
        assert not folds[0] & folds[1] and not folds[0] & folds[2] and not folds[1] & folds[2]
        for run in found.runs:
            assert not set(group[run.data.rows["train"]]) & set(group[run.data.rows["validation"]])


def test_time_is_predicted_from_earlier_rows_alone():
    day = frame()["day"]
    for reading, options in (({}, {"times": "day"}), ({"time": "day"}, {})):
        data, found = validated(reading=reading, **options)
        assert found.how == "time" and len(found.runs) == 3
        for run in found.runs:
            rows = run.data.rows
            assert day[rows["train"]].max() < day[rows["validation"]].min()
            assert day[rows["validation"]].max() < day[rows["test"]].min()
        assert len(found.rows) < len(data.rows["train"]) + len(data.rows["validation"])  # the first block


def test_quantities_are_predicted_in_their_units():
    _, found = validated("price", epochs=40)
    assert found.how == "random"
    assert found.report.metrics["r2"] > 0.9
    assert found.targets.flatten().numpy() == pytest.approx(frame()["price"][found.rows], rel=1e-4)


def test_folds_are_runs_with_folders(tmp_path):
    _, found = validated(out=tmp_path / "folds")
    assert sorted(each.name for each in (tmp_path / "folds").iterdir()) == ["fold-1", "fold-2", "fold-3"]
    loaded = nr.load(tmp_path / "folds" / "fold-2")
    assert torch.equal(weights(loaded), weights(found.runs[1]))


def test_the_same_seed_is_the_same_and_another_cuts_other_folds():
    one, two, other = (validated(seed=seed)[1] for seed in (0, 0, 1))
    assert torch.equal(one.predictions, two.predictions)
    assert (one.fold != other.fold).any()


def in_memory(preparation=None) -> Dataset:
    targets = torch.arange(60) % 3
    inputs = torch.randn(60, 4, generator=torch.Generator().manual_seed(0)) + targets[:, None]
    parts = [Examples({"inputs": inputs[a:b], "targets": targets[a:b]}) for a, b in ((0, 45), (45, 60))]
    return Dataset("memory", Array((4,)), Classes(("a", "b", "c")), *parts, preparation=preparation)


def test_examples_in_memory_that_came_prepared():
    found = cross_validate(linear, in_memory(), folds=4, epochs=5, progress=False, resamples=20)
    assert found.rows.tolist() == list(range(60))
    assert (found.targets == torch.arange(60) % 3).all()


def test_a_preparation_that_cannot_be_fitted_anew_is_refused():
    with pytest.raises(RefusalError, match="must be fitted anew for each fold"):
        cross_validate(linear, in_memory(preparation=object()), epochs=1, progress=False)


def test_images_and_arrays_of_the_catalogue_can_be_read_again():
    digits = nr.data.load("digits")
    found = cross_validate(
        lambda data: nr.methods.Supervised(nr.networks.MLP.for_data(data.inputs, data.targets, widths=(32,))),
        digits, folds=2, epochs=2, progress=False, resamples=20,
    )  # fmt: skip
    assert len(found.rows) == len(digits.train) + len(digits.validation)
    assert found.report.metrics["accuracy"] > 0.6


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"how": "grouped"}, "groups=COLUMN"),
        ({"how": "strat"}, "did you mean 'stratified'"),
        ({"groups": "group", "times": "day"}, "either grouped or by time"),
        ({"groups": "grp"}, "no column 'grp'"),
        ({"folds": 1}, "2 to"),
    ],
)
def test_what_cannot_be_is_refused(options, told):
    with pytest.raises(nr.core.errors.UserError, match=told):
        validated(**options)
