"""Parquet footers: row groups as pyarrow sees them; damaged files by name."""

import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurarium.core.errors import DataError
from neurarium.data.readers.parquet import ParquetTable, parquet_parts, row_groups


@pytest.fixture(scope="module")
def part(tmp_path_factory):
    path = tmp_path_factory.mktemp("parquet") / "a.parquet"
    frame = polars.DataFrame(
        {"x": [float(n) for n in range(1050)], "name": [f"n{n % 7}" for n in range(1050)]}
    )
    frame.write_parquet(path, row_group_size=200)
    return path


def test_row_groups_are_those_pyarrow_sees(part):
    oracle = pytest.importorskip("pyarrow.parquet").ParquetFile(part).metadata
    wanted = [oracle.row_group(number) for number in range(oracle.num_row_groups)]
    assert row_groups(part) == [(each.num_rows, each.total_byte_size) for each in wanted]
    assert len(wanted) == 6


def test_files_of_other_writers_are_read(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pyarrow.table({"x": list(range(100)), "flag": [True, False] * 50, "t": ["é"] * 100})
    parquet.write_table(table, tmp_path / "b.parquet", row_group_size=30)
    read = ParquetTable([tmp_path / "b.parquet"])
    assert [each.rows for each in read.groups] == [30, 30, 30, 10]
    assert read.read(read.groups[3])["x"].to_list() == list(range(90, 100))


def test_groups_of_several_files_count_on(part, tmp_path):
    table = ParquetTable([part, part])
    assert table.rows == 2100 and [each.first for each in table.groups][5:8] == [1000, 1050, 1250]
    assert table.read(table.groups[7])["x"].to_list() == [float(n) for n in range(200, 400)]
    assert table.read(table.groups[0], ["name"]).columns == ["name"]


def test_the_fingerprint_tells_other_data(part, tmp_path):
    other = tmp_path / "other.parquet"
    polars.read_parquet(part).with_columns(polars.col("x") * 2).write_parquet(other, row_group_size=200)
    assert (
        ParquetTable([part]).fingerprint
        == ParquetTable([part]).fingerprint
        != ParquetTable([other]).fingerprint
    )


def test_parts_are_found(part, tmp_path):
    for name in ("p-1.parquet", "p-0.parquet", "notes.txt"):
        (tmp_path / name).write_bytes(part.read_bytes())
    names = ["p-0.parquet", "p-1.parquet"]
    assert [each.name for each in parquet_parts(tmp_path)] == names
    assert [each.name for each in parquet_parts(f"{tmp_path}/p-*.parquet")] == names
    assert parquet_parts(tmp_path / "notes.txt") == [tmp_path / "notes.txt"]  # by what it holds
    assert parquet_parts(__file__) is None and parquet_parts([1]) is None


def test_parts_with_other_columns_are_named(part, tmp_path):
    polars.DataFrame({"x": ["a"], "name": ["b"]}).write_parquet(tmp_path / "odd.parquet")
    with pytest.raises(DataError, match=r"odd.parquet has other columns than a.parquet") as caught:
        ParquetTable([part, tmp_path / "odd.parquet"])
    assert "'x': Float64" in str(caught.value) and "'x': String" in str(caught.value)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_files_are_named(part, data):
    """Cut, or with bytes changed in the footer: read as before, or refused by name; never anything else."""
    content = bytearray(part.read_bytes())
    length = int.from_bytes(content[-8:-4], "little")
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        for place in data.draw(
            st.lists(st.integers(len(content) - 8 - length, len(content) - 1), min_size=1, max_size=4)
        ):
            content[place] = data.draw(st.integers(0, 255))
    broken = part.parent / "broken.parquet"
    broken.write_bytes(content)
    refused, groups = "", []
    try:
        groups = row_groups(broken)
    except DataError as error:
        refused = str(error)
    assert "broken.parquet" in refused or all(rows > 0 and size >= 0 for rows, size in groups)


def test_a_file_that_changed_is_refused(part, tmp_path):
    path = tmp_path / "c.parquet"
    path.write_bytes(part.read_bytes())
    table = ParquetTable([path])
    polars.DataFrame({"x": [1.0], "name": ["a"]}).write_parquet(path)
    with pytest.raises(DataError, match="is damaged"):
        table.read(table.groups[2])
