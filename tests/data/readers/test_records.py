import json

import pytest

from neurarium.core.errors import DataError
from neurarium.data.readers.records import LEVELS, read_records


def lines(*records):
    return "\n".join(map(json.dumps, records)).encode()


def read(content, how="lines", **options):
    return read_records(content, how, "rows.jsonl", **options)


def test_nested_objects_become_columns_with_dots():
    frame, left_out = read(lines({"a": {"b": 1, "c": {"d": "x"}}, "e": 2}, {"a": {"c": {"d": "y"}}, "e": 3}))
    assert frame.columns == ["a.b", "a.c.d", "e"]
    assert frame.rows() == [(1, "x", 2), (None, "y", 3)]
    assert left_out == []


def test_the_first_record_orders_the_columns_and_names_the_rest():
    names = [f"p{n}" for n in (7, 3, 11, 1)]
    content = lines(dict.fromkeys(names, 1), {**dict.fromkeys(reversed(names), 2), "z": 1, "b": 1})
    assert all(read(content)[0].columns == [*names, "b", "z"] for _ in range(3))
    assert read(content.replace(b"\n", b",").join([b"[", b"]"]), "array")[0].columns == [*names, "b", "z"]


def test_a_broken_line_is_named_or_left_out():
    content = lines({"a": 1}, {"a": 2}) + b'\n\n{"a": 3,\n[4]\n' + lines({"a": 5})
    with pytest.raises(DataError, match=r"line 4 of rows\.jsonl is no JSON"):
        read(content)
    frame, left_out = read(content, broken="quarantine")
    assert frame["a"].to_list() == [1, 2, 5]
    assert [each["row"] for each in left_out] == [4, 5]


def test_objects_beside_values_and_lists_of_objects_are_kept_as_text():
    frame, _ = read(lines({"a": [{"b": 1}], "t": True}, {"a": [{"b": 2}], "t": 1}))
    assert frame["a"].to_list() == ['[{"b": 1}]', '[{"b": 2}]']


def test_depth_is_limited_and_brackets_in_text_are_not_depth():
    deep = {"x": 1}
    for _ in range(LEVELS):
        deep = {"a": deep}
    with pytest.raises(DataError, match=f"more than {LEVELS} deep"):
        read(lines(deep))
    assert read(lines({"a": "[" * 50}))[0].rows() == [("[" * 50,)]


def test_records_are_taken_out_of_what_programs_put_around_them():
    rows = [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]
    wrapped = json.dumps({"version": "1.0", "data": rows}).encode()
    pandas = json.dumps({"a": {"0": 1, "1": 2}, "b": {"0": "x", "1": "y"}}).encode()  # DataFrame.to_json()
    for content in (wrapped, pandas):
        assert read(content, "array")[0].rows(named=True) == rows
