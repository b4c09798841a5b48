"""The .ts format: what a line means, and the message of each way in which a file can be wrong."""

from __future__ import annotations

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurarium.core.errors import DataError
from neurarium.data.readers.ts_format import read_ts

HEAD = "# a comment\n@problemName Some\n@timeStamps false\n@univariate {}\n@classLabel true a b\n@data\n"


def write(tmp_path, text, name="some.ts"):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_values_lengths_gaps_and_labels(tmp_path):
    found = read_ts(write(tmp_path, HEAD.format("false") + "1,2,3:4,?,6:a\n# between\n\n7:8:b\n"))
    assert found.labels == ["a", "b"] and not found.quantities
    numpy.testing.assert_array_equal(found.values[0], [[1, 4], [2, numpy.nan], [3, 6]])
    numpy.testing.assert_array_equal(found.values[1], [[7, 8]])


def test_a_target_label_is_a_quantity_and_without_a_label_there_is_none(tmp_path):
    assert read_ts(write(tmp_path, "@targetlabel true\n@data\n1,2:0.5\n")).quantities
    assert read_ts(write(tmp_path, "@classLabel false\n@data\n1,2\n3,4\n")).labels is None


@given(st.lists(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=6), min_size=1, max_size=5))
def test_what_was_written_is_read(tmp_path_factory, rows):
    text = "\n".join(",".join(repr(value) for value in row) + ":a" for row in rows)
    found = read_ts(write(tmp_path_factory.mktemp("ts"), "@classLabel true a\n@data\n" + text))
    assert [each[:, 0].tolist() for each in found.values] == rows


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("@classLabel true a b\n1,2:a\n", "line 2 .*before @data"),
        ("@classLabel true a b\n", "no @data line"),
        ("@clasLabel true a b\n@data\n1:a\n", r"line 1 (.|\n)*did you mean @classlabel"),
        ("@timeStamps true\n@data\n1:a\n", "time stamp with every value"),
        ("@univariate maybe\n@data\n1\n", "neither true nor false"),
        (HEAD.format("true") + "1,2,3\n", r"line 7 .*no whole series(.|\n)*without a label"),
        (HEAD.format("false") + "1:2:a\n1:2\n", r"line 8 .*no whole series(.|\n)*cut off"),
        (HEAD.format("true") + "1,2:c\n", r"does not name(.|\n)*one of a, b(.|\n)*'c'"),
        (HEAD.format("true") + "1,x:a\n", r"no number(.|\n)*'x'"),
        (HEAD.format("true") + "1,inf:a\n", "infinite"),
        (HEAD.format("false") + "1,2:3:a\n", r"different lengths(.|\n)*1, 2"),
        ("@classLabel false\n@data\n1,2:3,4\n1,2\n", r"line 4 .*another number of dimensions"),
        (HEAD.format("true"), "holds no series"),
    ],
)
def test_each_wrong_file_is_told_by_its_line(tmp_path, text, told):
    with pytest.raises(DataError, match=told):
        read_ts(write(tmp_path, text))
