import lzma
import os
import zipfile

import numpy
import polars
import pytest
import torch

import neurarium as nr
from neurarium.core import batches
from neurarium.core.errors import DataError
from neurarium.data.readers.delimited import Reading
from neurarium.data.readers.frames import read_frame
from neurarium.data.readers.parts import files_of, holds_tables, is_pattern


def table(rows=60, seed=0):
    source = numpy.random.default_rng(seed)
    x = source.normal(size=rows)
    return polars.DataFrame(
        {"x": x, "n": source.integers(0, 90, rows), "c": [("red", "green", "?")[i % 3] for i in range(rows)],
         "y": [("no", "yes")[int(v > 0)] for v in x]}
    )  # fmt: skip


def test_parts_stand_in_the_order_of_their_numbers(tmp_path):
    for number in (10, 9, 2):
        (tmp_path / f"part-{number}.csv").write_text(f"x\n{number}\n")
    (tmp_path / "_SUCCESS").touch()
    assert [each.name for each in files_of(f"{tmp_path}/*.csv")] == [
        "part-2.csv",
        "part-9.csv",
        "part-10.csv",
    ]
    assert [float(each) for each in read_frame(tmp_path, Reading()).frame["x"]] == [2, 9, 10]


def test_a_file_named_like_a_pattern_is_that_file(tmp_path):
    path = tmp_path / "a[1].csv"
    path.write_text("x,y\n1,2\n")
    assert not is_pattern(path)
    assert files_of(str(path)) == [path]


def test_folders_say_values_of_columns(tmp_path):
    for year in (2023, 2024):
        (tmp_path / f"year={year}").mkdir()
        (tmp_path / f"year={year}" / "rows.csv").write_text(f"x\n{year / 1000}\n")
    frame = read_frame(tmp_path, Reading()).frame
    assert frame.rows() == [(2.023, "2023"), (2.024, "2024")]


def test_pictures_beside_a_table_make_no_folder_of_tables(tmp_path):
    (tmp_path / "labels.csv").write_text("x\n1\n")
    assert holds_tables(tmp_path)
    (tmp_path / "a.png").touch()
    assert not holds_tables(tmp_path)


def test_columns_of_parts_may_stand_in_another_order(tmp_path):
    (tmp_path / "1.csv").write_text("a,b\n1,x\n")
    (tmp_path / "2.csv").write_text("b,a\ny,2\n")
    assert read_frame(f"{tmp_path}/*.csv", Reading()).frame.rows() == [("1", "x"), ("2", "y")]


def test_whole_numbers_and_fractions_of_parts_become_fractions(tmp_path):
    polars.DataFrame({"a": [1, 2]}).write_parquet(tmp_path / "1.parquet")
    polars.DataFrame({"a": [1.5, 2.5]}).write_parquet(tmp_path / "2.parquet")
    assert read_frame(tmp_path, Reading()).frame["a"].to_list() == [1.0, 2.0, 1.5, 2.5]


def test_broken_lines_are_left_out_by_file_and_number_when_asked(tmp_path):
    (tmp_path / "1.csv").write_text("a,b\n1,x\n2\n3,y\n")
    (tmp_path / "2.csv").write_text("a,b\n4,z\n5,u,v\n")
    with pytest.raises(DataError, match=r"line 3 of .*1\.csv"):
        read_frame(tmp_path, Reading())
    read = read_frame(tmp_path, Reading(broken="quarantine"))
    assert read.frame["a"].to_list() == ["1", "3", "4"]
    places = [(os.path.basename(each["file"]), each["row"]) for each in read.facts["quarantined"]]
    assert places == [("1.csv", 3), ("2.csv", 3)]
    assert read.facts["quarantined"][0]["reason"] == "1 fields where the first line has 2"


def written(folder, kind, frame):
    text = frame.write_csv().encode()
    if kind == "parts":
        (folder / "parts").mkdir()
        for number in range(11):
            part = frame.slice(number * 6, 6 if number < 10 else None)
            part.write_csv(folder / "parts" / f"part-{number}.csv")
        return f"{folder}/parts/part-*.csv"
    path = folder / f"rows.{kind}"
    if kind == "csv.xz":
        path.write_bytes(lzma.compress(text))
    elif kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("rows.csv", text)
    else:
        write = {"csv": frame.write_csv, "feather": frame.write_ipc, "jsonl": frame.write_ndjson}
        write[kind](path)
    return str(path)


@pytest.mark.parametrize("kind", ["csv.xz", "zip", "feather", "jsonl", "parts"])
def test_every_format_trains_to_the_very_same_weights(tmp_path, kind):
    def weights(source):
        data = nr.data.table(source, "y")
        run = nr.studies.train(data, "mlp", options={"widths": "8"}, epochs=2, progress=False)
        return data, run.network.state_dict()

    frame = table()
    (plain, expected), (other, found) = (
        weights(written(tmp_path, "csv", frame)),
        weights(written(tmp_path, kind, frame)),
    )
    pairs = zip(batches.tensors(plain.train.batch), batches.tensors(other.train.batch), strict=True)
    assert all(torch.equal(a, b) for (_, a), (_, b) in pairs)
    assert all(torch.equal(expected[name], found[name]) for name in expected)
