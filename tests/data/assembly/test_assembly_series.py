"""Series: from .ts pairs, wide and long tables and arrays to splits; what is filled, scaled, padded, refused."""

from __future__ import annotations

import numpy
import polars
import pytest
import torch

import neurarium as nr
from neurarium.core.errors import DataError, OptionError
from neurarium.data.assembly.series import series
from neurarium.data.preparation.loading import load_preparation
from neurarium.data.specs import Series
from neurarium.studies.planning.reading import read_data


def waves(count=40, length=30, channels=1, seed=0):
    """Return slow and fast waves with noise, and which is which."""
    chance = numpy.random.default_rng(seed)
    kinds = numpy.arange(count) % 2
    times = numpy.arange(length)[None, :, None]
    phase = chance.uniform(0, 6, (count, 1, channels))
    return numpy.sin(times * (0.3 + 0.5 * kinds[:, None, None]) + phase) + 0.05 * chance.normal(
        size=(count, length, channels)
    ), kinds


def write_ts(path, values, labels, quantities=False):
    kind = "@targetlabel true" if quantities else f"@classLabel true {' '.join(sorted(set(labels)))}"
    lines = [
        ":".join(",".join("?" if numpy.isnan(v) else repr(float(v)) for v in column) for column in each.T)
        for each in values
    ]
    path.write_text(f"{kind}\n@data\n" + "\n".join(f"{a}:{b}" for a, b in zip(lines, labels, strict=True)))
    return path


@pytest.fixture
def pair(tmp_path):
    values, kinds = waves(60, channels=2)
    labels = [("slow", "fast")[kind] for kind in kinds]
    write_ts(tmp_path / "W_TRAIN.ts", values[:40], labels[:40])
    write_ts(tmp_path / "W_TEST.ts", values[40:], labels[40:])
    return tmp_path, values, labels


def test_a_training_file_takes_the_test_file_beside_it_and_few_series_are_all_learned_from(pair):
    folder, _values, _ = pair
    for source in (folder, folder / "W_TRAIN.ts"):
        found = series(source)
        assert {name: len(part) for name, part in found.splits.items()} == {"train": 40, "test": 20}
        assert found.inputs.channels == 2 and found.inputs.length == 30
        plan = {each.subject: each.choice for each in found.decisions}
        assert plan["test series"] == "W_TEST.ts" and plan["validation"] == "none"
    assert {len(part) for part in series(folder, validation=0.25).splits.values()} == {30, 10, 20}
    assert len(series(folder / "W_TRAIN.ts", test=folder / "W_TRAIN.ts").test) == 40


def test_the_scale_is_of_the_training_series_alone(pair):
    folder, values, _ = pair
    found = series(folder)
    together = values[:40].reshape(-1, 2)
    numpy.testing.assert_allclose(found.preparation.mean, together.mean(0), atol=1e-12)
    numpy.testing.assert_allclose(found.preparation.scale, together.std(0), atol=1e-12)
    wanted = (values[40:] - together.mean(0)) / together.std(0)
    torch.testing.assert_close(found.test.inputs["series"], torch.tensor(wanted).float())
    own = series(folder, scaling="series").test.inputs["series"]
    torch.testing.assert_close(own.mean(dim=1), torch.zeros(20, 2), atol=1e-5, rtol=0)
    torch.testing.assert_close(own.std(dim=1, unbiased=False), torch.ones(20, 2), atol=1e-5, rtol=0)
    torch.testing.assert_close(
        series(folder, scaling="none").test.inputs["series"], torch.tensor(values[40:]).float()
    )


def test_gaps_are_filled_and_lengths_kept():
    values = [numpy.array([0.0, numpy.nan, 4.0]), numpy.array([numpy.nan, 1.0]), *[numpy.arange(4.0)] * 18]
    found = series(values, ["a", "b"] * 10, scaling="none", test_fraction=0.0)
    inputs = found.train.inputs
    assert inputs["lengths"][:2].tolist() == [3, 2]
    assert inputs["series"][:2, :, 0].tolist() == [[0, 2, 4, 0], [1, 1, 0, 0]]
    assert {"gaps", "lengths"} <= {each.subject for each in found.decisions}


def test_a_constant_channel_is_zero_and_constant_series_are_refused():
    values, kinds = waves(channels=2)
    values[:, :, 1] = 7.0
    assert series(list(values), kinds).train.inputs["series"][:, :, 1].abs().max() == 0
    assert torch.isfinite(series(list(values), kinds, scaling="series").train.inputs["series"]).all()
    with pytest.raises(DataError, match="one constant"):
        series(list(numpy.full((20, 5), 3.0)), numpy.arange(20) % 2)


def test_a_wide_table_has_a_series_per_row_and_ends_where_its_numbers_end(tmp_path):
    values, _kinds = waves()
    frame = {"kind": ["slow", "fast"] * 20} | {f"t{time}": values[:, time, 0] for time in range(30)}
    path = tmp_path / "wide.csv"
    polars.DataFrame(frame).with_columns(
        polars.when(polars.int_range(40) == 0).then(None).otherwise(polars.col("t29")).alias("t29")
    ).write_csv(path)
    found = series(path, "kind", scaling="none")
    assert found.targets.names == ("fast", "slow") and found.inputs.length == 30
    row = list(found.rows["train"]).index(0) if 0 in found.rows["train"] else None
    lengths = found.train.inputs["lengths"] if row is not None else found.test.inputs["lengths"]
    assert sorted(set(lengths.tolist())) == [29, 30]
    batch, _ = found.preparation.apply(path)
    torch.testing.assert_close(batch["inputs"]["series"][1, :, 0], torch.tensor(values[1, :, 0]).float())
    assert batch["targets"][:4].tolist() == [1, 0, 1, 0]
    without, _ = found.preparation.apply(polars.read_csv(path).drop("kind"))
    assert "targets" not in without


def test_a_long_table_is_the_same_series_as_the_wide_one():
    values, kinds = waves(channels=2)
    count, length = values.shape[:2]
    frame = polars.DataFrame(
        {
            "id": numpy.repeat(numpy.arange(count), length), "day": numpy.tile(numpy.arange(length), count),
            "x": values[:, :, 0].ravel(), "y": values[:, :, 1].ravel(),
            "kind": numpy.repeat(numpy.array(["slow", "fast"])[kinds], length),
        }
    )  # fmt: skip
    mixed = frame.sample(fraction=1.0, shuffle=True, seed=1)
    ordered = mixed.sort("id", maintain_order=True)  # within a series the rows stay out of order
    found = series(ordered, "kind", series="id", time="day", scaling="none", test_fraction=0.0)
    torch.testing.assert_close(found.train.inputs["series"], torch.tensor(values).float())
    with pytest.raises(DataError, match="two rows of one time"):
        series(polars.concat([ordered, ordered[:1]]), "kind", series="id", time="day")
    odd = ordered.with_columns(
        polars.when(polars.int_range(polars.len()) == 0)
        .then(polars.lit("?!"))
        .otherwise("kind")
        .alias("kind")
    )
    with pytest.raises(DataError, match="more than one target"):
        series(odd, "kind", series="id", time="day")


def test_quantities_are_standardized_by_the_training_series(tmp_path):
    values, _ = waves()
    path = write_ts(tmp_path / "q.ts", values, [str(0.5 * each) for each in range(40)], quantities=True)
    found = series(path, test_fraction=0.25)
    truth = 0.5 * found.rows["train"]
    assert found.targets.kind == "regression"
    numpy.testing.assert_allclose(found.targets.mean[0], truth.mean())


def test_the_preparation_comes_back_from_its_folder(tmp_path, pair):
    folder, values, _ = pair
    found = series(folder)
    found.preparation.save(tmp_path / "kept")
    again = load_preparation(tmp_path / "kept")
    for raw in (folder / "W_TEST.ts", list(values[40:])):
        one, two = (each.apply(raw)[0]["inputs"] for each in (found.preparation, again))
        assert torch.equal(one["series"], two["series"]) and torch.equal(one["lengths"], two["lengths"])
    assert torch.equal(again.apply(folder / "W_TEST.ts")[0]["targets"], found.test.targets)


def test_folds_are_cut_anew(pair):
    folder, _, _ = pair
    other = series(folder / "W_TRAIN.ts").rereading({"train": range(30), "validation": range(30, 40)})
    assert {name: len(part) for name, part in other.splits.items()} == {"train": 30, "validation": 10}
    assert other.preparation.mean[0] != series(folder).preparation.mean[0]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda v, k: series(list(v[:1]), k[:1]), "one class only"),
        (lambda v, k: series(list(v), k[:-1]), "do not fit"),
        (lambda v, k: series(list(v)), "no labels"),
        (lambda v, k: series([*v[:-1], v[-1].repeat(2, axis=1)], k), "series 40 .*channels"),
        (lambda v, k: series([*v[:-1], v[-1] * numpy.inf], k), r"series 40 is none(.|\n)*infinite"),
        (lambda v, k: series([], []), "no series"),
        (lambda v, k: series({"a": [1.0, 2.0], "k": ["x", "y"]}, "k"), "too few columns"),
        (lambda v, k: series({"a": [1.0, 2.0], "b": ["u", "v"], "k": ["x", "y"]}, "k"), "'b' .*holds no numbers"),
        (lambda v, k: series({"a": [1.0], "b": [2.0]}, "c"), "no column"),
    ],
)  # fmt: skip
def test_what_cannot_be_learned_from_is_refused_with_its_reason(change, told):
    with pytest.raises(DataError, match=told):
        change(*waves())


def test_options_that_do_not_fit_are_refused(tmp_path, pair):
    folder, _, _ = pair
    with pytest.raises(OptionError, match="which column holds the labels"):
        series({"a": [1.0, 2.0], "b": [1.0, 2.0]})
    with pytest.raises(OptionError, match="add --series"):
        series({"a": [1.0, 2.0], "b": [1.0, 2.0], "k": [0, 1]}, "k", time="a")
    with pytest.raises(OptionError, match="leave out --target"):
        series(folder / "W_TRAIN.ts", "kind")
    other = write_ts(tmp_path / "other.ts", waves(6)[0], ["slow", "fast"] * 3)
    with pytest.raises(DataError, match=r"series 1 of .*channels(.|\n)*expected: 2"):
        series(folder / "W_TRAIN.ts").preparation.apply(other)
    strange = write_ts(tmp_path / "strange.ts", waves(6, channels=2)[0], ["slow", "new"] * 3)
    with pytest.raises(DataError, match="unknown to the training series"):
        series(folder / "W_TRAIN.ts", test=strange)


@pytest.mark.parametrize("last", [False, True])
def test_series_of_an_npz_file_with_their_channels_on_either_side(tmp_path, last):
    chance = numpy.random.default_rng(0)
    values, classes = chance.normal(size=(40, 2, 30)), numpy.array(["low", "high"])[numpy.arange(40) % 2]
    held = numpy.swapaxes(values, 1, 2) if last else values
    numpy.savez(tmp_path / "a.npz", x_train=held, y_train=classes, x_test=held[:8], y_test=classes[:8])
    dataset = read_data(tmp_path / "a.npz")
    assert dataset.inputs == Series(2, 30) and dataset.targets.names == ("high", "low")
    assert dataset.summary["splits"] == {"train": 40, "test": 8}
    train = dataset.train.batch["inputs"]["series"]
    assert torch.allclose(train.flatten(0, 1).mean(0), torch.zeros(2), atol=1e-5)
    raw = torch.from_numpy(values[3, 1])  # the second channel of a series is that, scaled
    assert float(torch.corrcoef(torch.stack([train[3, :, 1].double(), raw]))[0, 1]) == pytest.approx(
        1, abs=1e-5
    )
    batch, _ = dataset.preparation.apply(tmp_path / "a.npz")
    assert torch.equal(batch["inputs"]["series"], train) and len(batch["targets"]) == 40
    numpy.save(tmp_path / "new.npy", values[:3])  # the other way round
    assert torch.allclose(dataset.preparation.apply(tmp_path / "new.npy")[0]["inputs"]["series"], train[:3])
    assert read_data(tmp_path / "a.npz", options={"kind": "image"}).inputs.height in (2, 30)


def test_series_of_an_npz_file_refuse_what_does_not_fit(tmp_path):
    numpy.savez(
        tmp_path / "a.npz", x=numpy.random.default_rng(0).normal(size=(20, 1, 40)), y=numpy.arange(19)
    )
    with pytest.raises(DataError, match="do not fit its series"):
        nr.data.series(tmp_path / "a.npz")
    with pytest.raises(OptionError, match="--target names a column"):
        nr.data.series(tmp_path / "a.npz", "y")
