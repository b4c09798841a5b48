"""A saved preparation gives, on raw data in the original format, exactly what training saw."""

from __future__ import annotations

import datetime
import json

import numpy
import polars
import pytest
import torch

import neurarium as nr
from neurarium.core.errors import ArtifactError, DataError
from neurarium.data.preparation.loading import load_preparation

RNG = numpy.random.default_rng(1)


@pytest.fixture(scope="module")
def frame() -> polars.DataFrame:
    x = RNG.normal(size=200)
    return polars.DataFrame(
        {
            "x": [None if n % 9 == 0 else float(value) for n, value in enumerate(x)],
            "city": [("Rome", "Oslo", None)[n % 3] for n in range(200)],
            "day": [f"2024-0{1 + n % 9}-0{1 + n % 7}" for n in range(200)],
            "y": ["high" if value > 0 else "low" for value in x],
        }
    )


def restored(dataset, folder):
    dataset.preparation.save(folder)
    return load_preparation(folder)


def test_saved_and_loaded_it_gives_bitwise_the_same(frame, tmp_path):
    dataset = nr.data.table(frame, "y")
    preparation = restored(dataset, tmp_path / "preparation")
    assert preparation.inputs == dataset.inputs
    assert preparation.target.spec == dataset.targets
    batch, notes = preparation.apply(frame)
    for name, rows in dataset.rows.items():
        split = dataset.splits[name]
        for part in ("numeric", "categorical"):
            assert torch.equal(batch["inputs"][part][rows], split.inputs[part])
        assert torch.equal(batch["targets"][rows], split.targets)
    assert notes["rows"] == 200
    assert notes["raw"].columns == frame.columns


def test_knots_are_kept_exactly(frame, tmp_path):
    dataset = nr.data.table(frame, "y")
    preparation = restored(dataset, tmp_path)
    for before, after in zip(dataset.preparation.numeric, preparation.numeric, strict=True):
        assert before.knots.dtype == after.knots.dtype == numpy.float64
        assert numpy.array_equal(before.knots, after.knots)
        assert numpy.array_equal(before.scores, after.scores)


@pytest.mark.parametrize(
    "container", ["csv", "parquet", "dicts", "shuffled", "without target", "more columns"]
)
def test_new_data_in_any_container_and_order(frame, tmp_path, container):
    dataset = nr.data.table(frame, "y")
    preparation = restored(dataset, tmp_path / "preparation")
    expected, _ = preparation.apply(frame)
    frame.write_csv(tmp_path / "new.csv")
    frame.write_parquet(tmp_path / "new.parquet")
    raw = {
        "csv": tmp_path / "new.csv",
        "parquet": str(tmp_path / "new.parquet"),
        "dicts": frame.to_dicts(),
        "shuffled": frame.select("y", "day", "x", "city"),
        "without target": frame.drop("y"),
        "more columns": frame.with_columns(extra=polars.lit("?")),
    }[container]
    batch, notes = preparation.apply(raw)
    for part in ("numeric", "categorical"):
        assert torch.equal(batch["inputs"][part], expected["inputs"][part])
    assert ("targets" in batch) == (container != "without target")
    assert "unseen" not in notes


def test_a_file_without_header_with_and_without_the_target(tmp_path):
    rows = [f"{n},{'ab'[n % 2]},{n * 1.5}" for n in range(50)]
    (tmp_path / "train.csv").write_text("\n".join(rows))
    dataset = nr.data.table(tmp_path / "train.csv", "y", columns="n,letter,y", types={"n": "numeric"})
    preparation = restored(dataset, tmp_path / "preparation")
    whole, _ = preparation.apply(tmp_path / "train.csv")
    (tmp_path / "new.csv").write_text("\n".join(row.rpartition(",")[0] for row in rows))
    bare, notes = preparation.apply(tmp_path / "new.csv")
    (tmp_path / "named.csv").write_text("letter,n\n" + "\n".join(f"{'ab'[n % 2]},{n}" for n in range(50)))
    named, _ = preparation.apply(tmp_path / "named.csv")
    for other in (bare, named):
        assert torch.equal(other["inputs"]["numeric"], whole["inputs"]["numeric"])
        assert torch.equal(other["inputs"]["categorical"], whole["inputs"]["categorical"])
    assert notes["targets"] == "the column is not there"
    restored_targets = dataset.targets.original(whole["targets"])[:, 0].tolist()
    assert restored_targets == pytest.approx([n * 1.5 for n in range(50)], abs=1e-5)


def test_arrays_with_and_without_the_target(tmp_path):
    values = RNG.normal(size=(60, 3))
    dataset = nr.data.table(values, 2)
    preparation = restored(dataset, tmp_path)
    whole, _ = preparation.apply(values)
    bare, _ = preparation.apply(values[:, :2])
    assert torch.equal(whole["inputs"]["numeric"], bare["inputs"]["numeric"])
    with pytest.raises(DataError, match="another number of columns"):
        preparation.apply(values[:, :1])


def test_one_row_as_a_dict(frame):
    dataset = nr.data.table(frame, "y")
    batch, notes = dataset.preparation.apply({"x": 0.5, "city": "Oslo", "day": "2024-03-01"})
    assert batch["inputs"]["numeric"].shape == (1, len(dataset.inputs.numeric))
    assert notes["rows"] == 1


def test_what_is_new_is_counted(frame):
    dataset = nr.data.table(frame, "y")
    raw = {
        "x": ["0.1", "soon", "?"],
        "city": ["Paris", "Paris", "Rome"],
        "day": ["2024-01-01", "x", "2024-01-01"],
    }
    batch, notes = dataset.preparation.apply(raw)
    assert notes["unseen"] == {"city": {"Paris": 2}}
    assert notes["unreadable"] == {"x": 1, "day": 1}
    assert batch["inputs"]["categorical"][:, 0].tolist() == [0, 0, 2]
    gap = batch["inputs"]["numeric"][:, dataset.inputs.numeric.index("x is missing")]
    assert gap.tolist() == [0, 1, 1]


def test_a_missing_column_is_named_with_the_nearest(frame):
    dataset = nr.data.table(frame, "y")
    with pytest.raises(DataError, match="lacks the column 'city'") as caught:
        dataset.preparation.apply(frame.rename({"city": "City"}))
    assert "'City' for 'city'?" in str(caught.value)


def test_unknown_labels_leave_the_targets_out(frame):
    dataset = nr.data.table(frame, "y")
    batch, notes = dataset.preparation.apply(frame.with_columns(y=polars.lit("middle")))
    assert "targets" not in batch
    assert notes["targets"] == "200 of 200 rows have a missing or unknown target"


def test_the_middle_stands_in_for_gaps_where_training_had_none():
    dataset = nr.data.table({"x": [float(n) for n in range(101)], "y": ["a", "b"] * 50 + ["a"]}, "y")
    batch, _ = dataset.preparation.apply({"x": [None, 50.0]})
    assert batch["inputs"]["numeric"].shape == (2, 1)
    assert abs(float(batch["inputs"]["numeric"][0, 0])) < 0.1


def test_values_beyond_the_training_range_get_the_score_of_its_end(frame):
    dataset = nr.data.table(frame, "y", scaling="quantile")
    batch, _ = dataset.preparation.apply(
        {"x": [-1e30, 1e30], "city": ["Rome"] * 2, "day": ["2024-01-01"] * 2}
    )
    assert batch["inputs"]["numeric"][:, 0].tolist() == pytest.approx(
        [dataset.inputs.edges[0][0], dataset.inputs.edges[0][-1]]
    )


def test_an_altered_or_missing_file_is_refused(frame, tmp_path):
    preparation = nr.data.table(frame, "y").preparation
    preparation.save(tmp_path / "a")
    preparation.numeric[0].knots = preparation.numeric[0].knots + 1
    preparation.save(tmp_path / "b")
    (tmp_path / "b" / "preparation.safetensors").replace(tmp_path / "a" / "preparation.safetensors")
    with pytest.raises(ArtifactError, match="altered"):
        load_preparation(tmp_path / "a")
    with pytest.raises(ArtifactError, match="missing"):
        load_preparation(tmp_path / "b")
    content = json.loads((tmp_path / "a" / "preparation.json").read_text())
    (tmp_path / "a" / "preparation.json").write_text(json.dumps(content | {"format_version": 99}))
    with pytest.raises(ArtifactError, match="newer version"):
        load_preparation(tmp_path / "a")
    (tmp_path / "a" / "preparation.json").write_text(json.dumps(content)[:100])
    with pytest.raises(ArtifactError, match="damaged"):
        load_preparation(tmp_path / "a")
    (tmp_path / "a" / "preparation.json").write_text("{}")
    with pytest.raises(ArtifactError, match="no preparation"):
        load_preparation(tmp_path / "a")


@pytest.mark.parametrize(
    ("written", "noted"),
    [
        ({"sold": "{:.1f}", "day": "%Y-%m-%d"}, {}),
        ({"sold": "comma", "day": "%Y-%m-%d"}, {"sold": "decimal comma"}),
        ({"sold": "{:.1f}", "day": "%d.%m.%Y"}, {"day": "%d.%m.%Y"}),
        ({"sold": "{:.1f}", "day": "%d %B %Y"}, {"day": "%d %B %Y"}),
    ],
)
def test_new_rows_that_are_written_otherwise_are_read_as_they_are_written(tmp_path, written, noted):
    days = [datetime.date(2023, 1, 1) + datetime.timedelta(days=3 * n) for n in range(90)]
    sold = [50 + 7.3 * (n % 11) for n in range(90)]

    def table(style, day):
        said = [f"{each:.1f}".replace(".", ",") if style == "comma" else style.format(each) for each in sold]
        return {"sold": said, "day": [each.strftime(day) for each in days], "y": sold}

    preparation = restored(nr.data.table(table("{:.1f}", "%Y-%m-%d"), "y"), tmp_path)
    expected, _ = preparation.apply(table("{:.1f}", "%Y-%m-%d"))
    found, notes = preparation.apply(table(written["sold"], written["day"]))
    assert torch.equal(found["inputs"]["numeric"], expected["inputs"]["numeric"])
    assert notes.get("otherwise", {}) == noted and "unreadable" not in notes


def test_dots_between_thousands_are_known_by_the_decimal_commas_beside_them(tmp_path):
    path = tmp_path / "sales.csv"
    rows = [f"{10 + n}.{n:03};{n},5;{n / 10:.1f}" for n in range(60)]
    path.write_text("\n".join(["sold;price;y", *rows]) + "\n")
    dataset = nr.data.table(path, "sold")
    assert dataset.targets.mean[0] == pytest.approx(
        numpy.mean([(10 + n) * 1000 + n for n in dataset.rows["train"]])
    )
    assert any(each.choice == "between thousands" for each in dataset.decisions)
