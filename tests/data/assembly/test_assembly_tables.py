"""From a table as people have it to a prepared dataset."""

from __future__ import annotations

import itertools

import numpy
import pandas
import polars
import pytest
import torch

import neurarium as nr
from neurarium.data.specs import Classes, Quantity, Table

RNG = numpy.random.default_rng(0)
ROWS = 400


@pytest.fixture(scope="module")
def frame() -> polars.DataFrame:
    amount = RNG.lognormal(size=ROWS)
    return polars.DataFrame(
        {
            "amount": [None if n % 10 == 3 else float(value) for n, value in enumerate(amount)],
            "rooms": RNG.integers(1, 5, ROWS),
            "color": [("red", "green", "blue", None)[n % 4] for n in range(ROWS)],
            "member": [("yes", "no")[n % 2] for n in range(ROWS)],
            "since": [f"20{10 + n % 10}-0{1 + n % 9}-11" for n in range(ROWS)],
            "same": ["constant"] * ROWS,
            "note": [f"note-{n}" for n in range(ROWS)],
            "id": numpy.arange(1000, 1000 + ROWS),
            "person": [f"p{n // 4}" for n in range(ROWS)],
            "price": 3 * amount + RNG.normal(size=ROWS),
            "kind": [("small", "large")[int(value > 1)] for value in amount],
        }
    )


def decided(dataset) -> dict[str, object]:
    return {decision.subject: decision.choice for decision in dataset.decisions}


def test_every_kind_of_column_finds_its_place(frame):
    dataset = nr.data.table(frame, "kind", drop=("price",), group="person")
    assert isinstance(dataset.inputs, Table)
    assert dataset.inputs.numeric == (
        "amount", "rooms", "member", "since days", "since year", "since month sine", "since month cosine",
        "since day of year sine", "since day of year cosine", "since weekday sine", "since weekday cosine",
        "amount is missing",
    )  # fmt: skip
    assert dataset.inputs.categorical == ("color",)
    assert dataset.inputs.cardinalities == (5,)  # unseen, three colors, missing
    assert dataset.targets == Classes(("large", "small"), column="kind")
    found = decided(dataset)
    assert found["split"] == "grouped"
    assert found["column note"] == found["column id"] == found["column same"] == "left out"
    assert found["column rooms"] == "numeric"
    assert dataset.summary["missing"] == {"amount": 40, "color": 100}
    assert dataset.summary["constant"] == ["same"]
    assert dataset.summary["splits"] == {"train": 280, "validation": 60, "test": 60}
    assert all(each.override for each in dataset.decisions)


def test_batches_have_the_shape_of_their_spec(frame):
    dataset = nr.data.table(frame, "price", drop=("kind", "person"), types={"rooms": "categorical"})
    batch = dataset.train[0:7]
    assert batch["inputs"]["numeric"].shape == (7, len(dataset.inputs.numeric))
    assert batch["inputs"]["numeric"].dtype == torch.float32
    assert batch["inputs"]["categorical"].shape == (7, 2)
    assert batch["inputs"]["categorical"].dtype == torch.int64
    assert batch["targets"].shape == (7, 1)
    assert isinstance(dataset.targets, Quantity)
    raw = frame["price"].to_numpy()[dataset.rows["train"]]
    assert dataset.targets.mean[0] == pytest.approx(raw.mean(), rel=1e-12)
    assert dataset.targets.scale[0] == pytest.approx(raw.std(), rel=1e-12)
    restored = dataset.targets.original(dataset.train.targets)[:, 0].numpy()
    assert restored == pytest.approx(raw, rel=1e-6, abs=1e-6)


def test_numbers_are_standard_normal_on_the_training_split(frame):
    dataset = nr.data.table(frame, "price", drop=("kind", "person"))
    amount = dataset.train.inputs["numeric"][:, dataset.inputs.numeric.index("amount")]
    there = dataset.train.inputs["numeric"][:, dataset.inputs.numeric.index("amount is missing")] == 0
    assert float(amount[there].mean()) == pytest.approx(0, abs=1e-4)
    assert float(amount[there].std()) == pytest.approx(1, abs=0.02)
    for column, edges in zip(dataset.train.inputs["numeric"].T, dataset.inputs.edges, strict=True):
        assert 2 <= len(edges) <= 49
        assert all(a < b for a, b in itertools.pairwise(edges))
        assert edges[0] == pytest.approx(float(column.min()), abs=1e-6)
        assert edges[-1] == pytest.approx(float(column.max()), abs=1e-6)


@pytest.mark.parametrize("target", ["kind", "price"])
def test_poisoned_validation_and_test_rows_change_nothing_that_is_fitted(frame, target, tmp_path):
    """Statistics, categories, bins and kinds of columns come from the training rows alone."""
    options = {"drop": ("price" if target == "kind" else "kind", "person"), "split": None}
    clean = nr.data.table(frame, target, **options)
    held = numpy.concatenate([clean.rows["validation"], clean.rows["test"]])
    poison = frame.to_dicts()
    for row in held:
        poison[row] |= {
            "amount": -1e12, "rooms": 999_999, "color": f"poison {row}", "member": "perhaps", "since": "never",
            "same": f"poison {row}", "note": "the same", "id": 7,
        }  # fmt: skip
        if target == "price":
            poison[row]["price"] = 1e15
    split = {name: rows for name, rows in clean.rows.items()}
    dirty = nr.data.table(
        polars.DataFrame(poison, schema=frame.schema), target, **(options | {"split": split})
    )
    assert dirty.inputs == clean.inputs
    assert dirty.targets == clean.targets
    for name in ("numeric", "categorical"):
        assert torch.equal(dirty.train.inputs[name], clean.train.inputs[name])
    assert torch.equal(dirty.train.targets, clean.train.targets)
    for dataset, folder in ((clean, tmp_path / "clean"), (dirty, tmp_path / "dirty")):
        dataset.preparation.save(folder)
    saved = [(tmp_path / each / "preparation.safetensors").read_bytes() for each in ("clean", "dirty")]
    assert saved[0] == saved[1]


def test_poison_that_is_no_number_changes_no_kind_of_column(tmp_path):
    rows = [[f"{n % 13}.5", f"{n % 7}", "2024-01-0" + str(1 + n % 9), "ab"[n % 2]] for n in range(100)]
    split = {"train": range(60), "validation": range(60, 80), "test": range(80, 100)}

    def read(lines):
        (tmp_path / "rows.csv").write_text("\n".join(["x,k,day,y", *(",".join(line) for line in lines)]))
        return nr.data.table(tmp_path / "rows.csv", "y", split=split)

    clean = read(rows)
    dirty = read([*rows[:60], *(["soon", "-", "some day", row[3]] for row in rows[60:])])
    assert dirty.inputs == clean.inputs
    assert torch.equal(dirty.train.inputs["numeric"], clean.train.inputs["numeric"])
    assert dirty.test.inputs["numeric"][:, 0].abs().max() < 0.2  # the middle of the training rows stands in


def test_a_separate_test_file_with_dirty_labels_and_new_categories(tmp_path):
    rows = [f"{n}, {'abc'[n % 3]}, {'<=50K' if n % 4 else '>50K'}" for n in range(80)]
    (tmp_path / "train.csv").write_text("\n".join(rows) + "\n\n")
    (tmp_path / "test.csv").write_text("3, a, <=50K.\n4, z, >50K.\n5, ?, <=50K.\n")
    dataset = nr.data.table(tmp_path / "train.csv", "pay", columns="n,letter,pay", test=tmp_path / "test.csv")
    assert dataset.targets.names == ("<=50K", ">50K")
    assert dataset.test.targets.tolist() == [0, 1, 0]
    assert dataset.test.inputs["categorical"][:, 0].tolist()[0] > 0
    assert dataset.test.inputs["categorical"][:, 0].tolist()[1:] == [0, 0]
    assert (len(dataset.train), len(dataset.validation)) == (68, 12)
    assert "'<=50K.' is '<=50K'" in decided(dataset)[f"labels of {tmp_path / 'test.csv'}"]


def test_validation_may_be_a_source_of_its_own(frame):
    options = {"drop": ("kind", "person")}
    dataset = nr.data.table(frame[:300], "price", validation=frame[300:350], test=frame[350:], **options)
    assert [len(part) for part in dataset.splits.values()] == [300, 50, 50]
    assert dataset.rows["validation"].tolist() == list(range(50))


def test_no_validation_and_no_test_where_none_is_wanted(frame):
    dataset = nr.data.table(frame, "price", drop=("kind", "person"), validation=0, test_fraction=0)
    assert dataset.validation is None
    assert dataset.test is None
    assert len(dataset.train) == ROWS


def test_rows_without_a_target_are_left_out_and_keep_their_places():
    columns = {"x": [float(n) for n in range(60)], "y": [None if n % 6 == 0 else n / 7 for n in range(60)]}
    dataset = nr.data.table(columns, "y")
    everything = numpy.sort(numpy.concatenate(list(dataset.rows.values())))
    assert everything.tolist() == [n for n in range(60) if n % 6]
    assert decided(dataset)["missing targets of the dict"] == "10 rows left out"
    raw = dataset.targets.original(dataset.test.targets)[:, 0]
    assert raw.tolist() == pytest.approx([row / 7 for row in dataset.rows["test"]], abs=1e-6)


def test_the_latest_rows_test(frame):
    dataset = nr.data.table(frame, "price", drop=("kind", "person"), time="since")
    since = frame["since"].to_numpy()
    assert since[dataset.rows["train"]].max() < since[dataset.rows["validation"]].min()
    assert since[dataset.rows["validation"]].max() < since[dataset.rows["test"]].min()
    assert not any("since" in name for name in dataset.inputs.numeric)
    kept = nr.data.table(frame, "price", drop=("kind", "person"), time="since", types={"since": "date"})
    assert "since month sine" in kept.inputs.numeric


def test_groups_stay_together(frame):
    dataset = nr.data.table(frame, "price", drop=("kind",), group="person")
    person = frame["person"].to_numpy()
    parts = [set(person[rows]) for rows in dataset.rows.values()]
    assert sum(map(len, parts)) == len(set(person))
    assert "person" not in dataset.inputs.categorical


def test_classes_are_stratified_and_the_seed_decides(frame):
    first, again, other = (
        nr.data.table(frame, "color", drop=("kind", "price", "person"), seed=seed) for seed in (0, 0, 1)
    )
    assert (first.rows["test"] == again.rows["test"]).all()
    assert set(first.rows["test"]) != set(other.rows["test"])
    shares = torch.bincount(first.test.targets, minlength=3)
    assert shares.tolist() == [15, 15, 15]


def test_arrays_frames_and_files_give_the_same_dataset(frame, tmp_path):
    options = {"drop": ("kind", "person", "note"), "seed": 3}
    frame.write_csv(tmp_path / "rows.csv")
    frame.write_parquet(tmp_path / "rows.parquet")
    whole = nr.data.table(frame, "price", **options)
    pandas_frame = pandas.DataFrame(frame.to_dict(as_series=False))
    for source in (tmp_path / "rows.csv", str(tmp_path / "rows.parquet"), pandas_frame, frame.to_dicts()):
        other = nr.data.table(source, "price", **options)
        assert other.inputs == whole.inputs
        assert torch.equal(other.train.inputs["numeric"], whole.train.inputs["numeric"])
        assert torch.equal(other.test.inputs["categorical"], whole.test.inputs["categorical"])


def test_inputs_and_targets_as_two_arrays():
    inputs = RNG.normal(size=(100, 3))
    targets = inputs @ [1.0, 2.0, 3.0]
    dataset = nr.data.table(inputs[:80], targets[:80], test=(inputs[80:], targets[80:]), scaling="standard")
    assert dataset.inputs.numeric == ("x0", "x1", "x2")
    assert dataset.targets.original(dataset.test.targets)[:, 0].numpy() == pytest.approx(
        targets[80:], abs=1e-5
    )
    train = inputs[:80][dataset.rows["train"]]
    expected = (train - train.mean(axis=0)) / train.std(axis=0)
    assert dataset.train.inputs["numeric"].numpy() == pytest.approx(expected, abs=1e-5)
    series = pandas.Series(["a", "b"] * 40, name="t")
    assert nr.data.table(inputs[:80], series).targets.names == ("a", "b")
    assert nr.data.table(inputs, 2, task="regression").inputs.numeric == ("x0", "x1")


def test_several_quantities_at_once(frame):
    dataset = nr.data.table(frame, ("price", "rooms"), drop=("kind", "person"))
    assert dataset.targets.names == ("price", "rooms")
    assert dataset.train[0:2]["targets"].shape == (2, 2)


def test_weights_travel_with_the_rows():
    columns = {"x": [float(n) for n in range(40)], "w": [n / 2 for n in range(40)], "y": ["a", "b"] * 20}
    dataset = nr.data.table(columns, "y", weights="w")
    assert dataset.inputs.numeric == ("x",)
    assert dataset.train[:]["weights"].tolist() == [row / 2 for row in dataset.rows["train"]]


@pytest.mark.parametrize(
    ("values", "task"),
    [
        ([0, 1] * 50, "classification"),
        (list(range(10)) * 10, "classification"),
        (list(range(50)) * 2, "regression"),
        ([0.5, 1.5] * 50, "regression"),
        (["1", "2"] * 50, "classification"),
        ([1.0, 2.0] * 50, "classification"),
        ([True, False] * 50, "classification"),
        (["a", "b"] * 50, "classification"),
        (["$1.50", "$2.25"] * 50, "regression"),
        ([1, 2, 3, 4, 5, 6, 7, 8] + [9] * 10, "regression"),
    ],
)
def test_the_task_is_found(values, task):
    dataset = nr.data.table({"x": [float(n % 7) for n in range(len(values))], "y": values}, "y")
    assert dataset.targets.kind == task
    assert decided(dataset)["task"] == task


def test_classes_are_ordered_and_a_given_task_is_kept():
    columns = {"x": [float(n % 7) for n in range(120)], "y": [(10, 9, 2)[n % 3] for n in range(120)]}
    assert nr.data.table(columns, "y").targets.names == ("2", "9", "10")
    assert nr.data.table(columns, "y", task="regression").targets.kind == "regression"


def test_classes_too_rare_to_stratify_stay_in_training_and_are_reported():
    columns = {"x": [float(n) for n in range(101)], "y": ["a", "b"] * 50 + ["rare"]}
    dataset = nr.data.table(columns, "y")
    assert 100 in dataset.rows["train"]
    assert decided(dataset)["test split"] == "without rare"


def test_duplicated_rows_are_counted():
    columns = {"x": [1.0, 2.0, 3.0, 4.0] * 10, "y": ["a", "b"] * 20}
    assert nr.data.table(columns, "y").summary["duplicated_rows"] == 36


def test_a_single_column_that_counts_is_better_than_none():
    dataset = nr.data.table({"t": list(range(60)), "y": [n * 0.5 for n in range(60)]}, "y")
    assert dataset.inputs.numeric == ("t",)


def test_the_way_text_is_written_can_be_given(tmp_path):
    path = tmp_path / "rows.txt"
    rows = "".join(f"{n},5:{'aé'[n % 2]}:-1\n" for n in range(40))
    path.write_bytes(("header of a machine\nx:y:z\n" + rows).encode("latin-1"))
    dataset = nr.data.table(
        path, "y", separator=":", encoding="latin-1", skip=1, missing=("-1",), drop=("z",)
    )
    assert dataset.targets.names == ("a", "é")
    assert dataset.summary["missing"] == {"z": 40}
    assert dataset.inputs.numeric == ("x",)
    assert dataset.name == "rows"
