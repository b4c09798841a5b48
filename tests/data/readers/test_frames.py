import bz2
import datetime
import decimal
import gzip
import json
import lzma
import zipfile

import numpy
import pandas
import polars
import pyarrow
import pytest
import torch

from neurarium.core.errors import DataError
from neurarium.data.readers.delimited import Reading
from neurarium.data.readers.frames import read_frame

COLUMNS = {"age": [39, 50, 38], "pay": [1.5, None, 2.5], "job": ["a", None, "b"], "new": [True, False, True]}


def packed(folder, frame):
    """The table in further formats, packed and in parts."""
    text = frame.write_csv().encode()
    frame.write_ipc(folder / "rows.arrow", compression="zstd")
    frame.write_ipc(folder / "rows.feather")
    frame.write_ipc_stream(folder / "rows.arrows")
    frame.write_ndjson(folder / "rows.jsonl")
    frame.write_json(folder / "rows.json")
    (folder / "columns.json").write_text(json.dumps(frame.to_dict(as_series=False)))
    (folder / "rows.csv.xz").write_bytes(lzma.compress(text))
    (folder / "rows.csv.bz2").write_bytes(bz2.compress(text[:40]) + bz2.compress(text[40:]))
    (folder / "rows.csv.zst").write_bytes(pyarrow.compress(text, codec="zstd", asbytes=True))
    (folder / "rows.jsonl.gz").write_bytes(gzip.compress((folder / "rows.jsonl").read_bytes()))
    for name in ("csv", "parquet", "jsonl"):
        (folder / f"{name} parts").mkdir()
    for number in range(3):
        part = frame.slice(number, 1)
        part.write_csv(folder / "csv parts" / f"part-{8 + number}.csv", include_header=number == 0)
        part.write_parquet(folder / "parquet parts" / f"{number}.parquet")
        part.write_ndjson(folder / "jsonl parts" / f"{number}.ndjson")
    (folder / "parquet parts" / "_SUCCESS").touch()
    with zipfile.ZipFile(folder / "rows.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.write(folder / "rows.csv", "inside/rows.csv")
        archive.writestr("README.txt", "of these rows")
    with zipfile.ZipFile(folder / "parts.zip", "w") as archive:
        for path in (folder / "csv parts").iterdir():
            archive.write(path, f"parts/{path.name}")
    names = ("rows.arrow", "rows.feather", "rows.arrows", "rows.jsonl", "rows.json", "columns.json", "rows.csv.xz",
             "rows.csv.bz2", "rows.csv.zst", "rows.jsonl.gz", "rows.zip", "parts.zip", "csv parts", "parquet parts",
             "jsonl parts", "csv parts/*.csv", "csv parts/part-[0-9]*.csv")  # fmt: skip
    found = {name: folder / name for name in names}
    return {**found, "paths": sorted((folder / "parquet parts").glob("*.parquet"))}


def sources(folder):
    frame = polars.DataFrame(COLUMNS)
    frame.write_parquet(folder / "rows.parquet")
    frame.write_csv(folder / "rows.csv")
    (folder / "rows.csv.gz").write_bytes(gzip.compress((folder / "rows.csv").read_bytes()))
    return {
        "polars": frame,
        "lazy": frame.lazy(),
        "pandas": pandas.DataFrame(COLUMNS),
        "pandas nullable": pandas.DataFrame(COLUMNS).convert_dtypes(),
        "pandas categories": pandas.DataFrame(COLUMNS).astype({"job": "category"}),
        "arrow": frame.to_arrow(),
        "dict": COLUMNS,
        "dict of arrays": {name: numpy.array(values) for name, values in COLUMNS.items()},
        "rows": frame.to_dicts(),
        "parquet": folder / "rows.parquet",
        "csv": str(folder / "rows.csv"),
        "gzip": folder / "rows.csv.gz",
        **packed(folder, frame),
    }


@pytest.mark.parametrize(
    "kind",
    ["polars", "lazy", "pandas", "pandas nullable", "pandas categories", "arrow", "dict", "dict of arrays", "rows",
     "parquet", "csv", "gzip", "rows.arrow", "rows.feather", "rows.arrows", "rows.jsonl", "rows.json", "columns.json",
     "rows.csv.xz", "rows.csv.bz2", "rows.csv.zst", "rows.jsonl.gz", "rows.zip", "parts.zip", "csv parts",
     "parquet parts", "jsonl parts", "csv parts/*.csv", "csv parts/part-[0-9]*.csv", "paths"],
)  # fmt: skip
def test_one_table_in_many_containers(tmp_path, kind):
    frame = read_frame(sources(tmp_path)[kind], Reading()).frame
    assert frame.columns == list(COLUMNS)
    assert frame["pay"].to_list() == [1.5, None, 2.5]
    assert [str(value) if value is not None else None for value in frame["job"]] == ["a", None, "b"]
    assert [float(value) for value in frame["age"]] == [39, 50, 38]
    assert [str(value).lower() for value in frame["new"]] == ["true", "false", "true"]


def test_arrays_take_given_names_or_numbers():
    values = numpy.arange(6.0).reshape(3, 2)
    assert read_frame(values, Reading()).frame.columns == ["x0", "x1"]
    assert read_frame(values, Reading(columns=("a", "b"))).frame.columns == ["a", "b"]
    assert read_frame(torch.from_numpy(values), Reading()).frame.rows() == [
        (0.0, 1.0),
        (2.0, 3.0),
        (4.0, 5.0),
    ]
    structured = numpy.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f4")])
    assert read_frame(structured, Reading()).frame.rows() == [(1, 2.5)]
    with pytest.raises(DataError, match="another number of columns"):
        read_frame(values, Reading(columns=("a", "b", "c")))


def test_one_row_is_a_dict_of_values():
    assert read_frame({"age": 39, "job": "a"}, Reading()).frame.rows() == [(39, "a")]


def test_missing_values_become_null():
    frame = read_frame({"n": ["1", "?", "NA", " "], "x": [1.0, float("nan"), 3.0, 4.0]}, Reading()).frame
    assert frame["n"].null_count() == 3
    assert frame["x"].null_count() == 1


def test_codes_for_missing_become_null_in_text_and_numbers():
    frame = read_frame(
        {"n": ["1", "-999"], "x": [-999.0, 2.0], "i": [1, -999]}, Reading(missing=("-999",))
    ).frame
    assert frame.null_count().row(0) == (1, 1, 1)


def test_text_with_fractions_becomes_numbers_and_codes_stay_text():
    frame = read_frame({"code": ["007", "010"], "x": [" 1.5", "2"], "odd": ["1.5", "b"]}, Reading()).frame
    assert frame.dtypes == [polars.String, polars.Float64, polars.String]
    assert frame["code"].to_list() == ["007", "010"]


def test_odd_types_are_made_plain():
    frame = polars.DataFrame(
        {
            "length": [datetime.timedelta(seconds=90)],
            "price": [decimal.Decimal("1.25")],
            "clock": [datetime.time(0, 1)],
            "day": [datetime.date(2024, 1, 31)],
        }
    )
    *values, day = read_frame(frame, Reading()).frame.row(0)
    assert values == [90.0, 1.25, "00:01:00"]
    assert day == datetime.date(2024, 1, 31)
