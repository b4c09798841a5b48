import csv
import io

import polars
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurarium.core.errors import DataError
from neurarium.data.readers.delimited import Reading, read_delimited


def read(folder, content, *, like=(), **reading):
    path = folder / "rows.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_delimited(path, path.read_bytes(), Reading(**reading), like=like)


@pytest.mark.parametrize(
    "content",
    [
        "a,b\n1,x\n2,y\n",
        "a,b\r\n1,x\r\n2,y\r\n",
        "a,b\r1,x\r2,y\r",
        "\ufeffa,b\n1,x\n2,y",
        "\n\na,b\n1,x\n\n2,y\n\n",
        "a;b\n1;x\n2;y\n",
        "a\tb\n1\tx\n2\ty\n",
        "a  b\n 1  x \n2 y\n",
        '"a","b"\n"1","x"\n"2","y"\n',
        "a, b\n1, x\n2, y\n",
        'a, b\n1, "x"\n2, "y"\n',
        "'a','b'\n'1','x'\n2,'y'\n",
        "a,b\n1,x\n2,y\n".encode("utf-16"),
    ],
)
def test_one_table_in_many_dialects(tmp_path, content):
    frame = read(tmp_path, content).frame
    assert frame.columns == ["a", "b"]
    assert [[cell.strip() for cell in row] for row in frame.rows()] == [["1", "x"], ["2", "y"]]


def test_quotes_hold_separators_line_ends_and_quotes(tmp_path):
    frame = read(tmp_path, 'a,b\n"1, 2","x\ny"\n"he said ""no""",5" pipe\n').frame
    assert frame.rows() == [("1, 2", "x\ny"), ('he said "no"', '5" pipe')]


def test_empty_fields_at_the_end_of_a_row_are_no_short_rows(tmp_path):
    quoted = read(tmp_path, 'a,b\n"1, 1",\n2,y\n').frame
    assert quoted.rows() == [("1, 1", None), ("2", "y")]
    assert read(tmp_path, "a,b,c\r\n1,,\r\n\r\n2,y,\r\n").frame.rows() == [
        ("1", None, None),
        ("2", "y", None),
    ]


def test_a_short_row_is_found_among_empty_fields(tmp_path):
    with pytest.raises(DataError, match="line 3"):
        read(tmp_path, "a,b,c\n1,,\n2\n")


def test_blank_lines_are_counted_and_left_out(tmp_path):
    found = read(tmp_path, "a,b\n1,x\n\n2,y\n\n")
    assert found.frame.height == 2
    assert found.facts["blank_lines"] == 2


def test_given_names_read_a_file_without_a_header(tmp_path):
    found = read(tmp_path, "1,x\n2,y\n", columns=("a", "b"))
    assert not found.header
    assert found.frame.rows() == [("1", "x"), ("2", "y")]


def test_a_header_that_repeats_given_names_is_no_row(tmp_path):
    found = read(tmp_path, "a,b\n1,x\n", columns=("a", "b"))
    assert found.header
    assert found.frame.rows() == [("1", "x")]


def test_a_file_beside_another_takes_its_names(tmp_path):
    alternatives = [["a", "b", "y"], ["a", "b"]]
    assert read(tmp_path, "1,x\n2,z\n", like=alternatives).frame.columns == ["a", "b"]
    assert read(tmp_path, "b,a\nx,1\n", like=alternatives).frame.columns == ["b", "a"]


def test_columns_named_by_numbers_are_a_header_all_the_same(tmp_path):
    found = read(tmp_path, "2019,2020,y\n1,2,3\n", like=[["2019", "2020", "y"]])
    assert found.header
    assert found.frame.rows() == [("1", "2", "3")]


def test_lines_at_the_top_can_be_skipped(tmp_path):
    found = read(tmp_path, "|1x3 Cross validator\na,b\n1,x\n2\n3,y\n".replace("2\n", "2,z\n"), skip=1)
    assert found.frame.rows() == [("1", "x"), ("2", "z"), ("3", "y")]
    with pytest.raises(DataError, match="line 4"):
        read(tmp_path, "|1x3 Cross validator\na,b\n1,x\n2\n3,y\n", skip=1)


def test_names_without_text_are_numbered(tmp_path):
    assert read(tmp_path, ",b,\n1,2,3\n").frame.columns == ["unnamed 1", "b", "unnamed 3"]


def test_everything_is_text_until_its_kind_is_known(tmp_path):
    assert set(read(tmp_path, "a,b\n007,1.5\n").frame.schema.values()) == {polars.String}


def test_a_header_of_numbers_is_reported(tmp_path):
    found = read(tmp_path, "39,State-gov\n50,Private\n")
    assert [decision.subject for decision in found.decisions] == ["separator", "header"]
    assert not [each for each in read(tmp_path, "a,b\n1,2\n").decisions if each.subject == "header"]


FIELDS = st.text(
    st.characters(codec="utf-8", exclude_characters="\0\r", exclude_categories=["Cs", "Cc"]), max_size=8
)
AWKWARD = st.sampled_from(
    ["", "a,b", 'say "no"', '5" pipe', "two\nlines", "x;y", " padded ", "'single'", "tab\there", "é"]
)


@given(
    st.integers(2, 4).flatmap(lambda width: st.lists(st.lists(FIELDS | AWKWARD, min_size=width, max_size=width), min_size=1, max_size=12)),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)  # fmt: skip
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_a_writer_wrote_is_read_back(tmp_path, cells, separator, end, everything):
    """Python's csv module writes; the rows come back, but for blanks around fields and rows that hold nothing."""
    names = [f"column {number}" for number in range(len(cells[0]))]
    stream = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if everything else csv.QUOTE_MINIMAL
    csv.writer(stream, delimiter=separator, lineterminator=end, quoting=quoting).writerows([names, *cells])
    expected = [[cell.strip() for cell in row] for row in cells if any(cell.strip() for cell in row)]
    if not expected:
        return
    frame = read(tmp_path, stream.getvalue(), separator=separator, quote='"').frame
    found = [[(cell or "").strip().replace("\r\n", "\n") for cell in row] for row in frame.rows()]
    assert frame.columns == names
    assert [row for row in found if any(row)] == expected
