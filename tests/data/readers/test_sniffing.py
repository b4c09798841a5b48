import pytest

from neurarium.data.readers.sniffing import Dialect, looks_like_data, rows, sniff


@pytest.mark.parametrize(
    ("text", "separator", "quote"),
    [
        ("a,b,c\n1,2,3\n4,5,6\n", ",", '"'),
        ("a\tb\n1,5\t2\n", "\t", '"'),
        ("a;b\n1,5;2,5\n3,5;4,5\n", ";", '"'),
        ("day;value\n01.01.2020;100,02\n02.01.2020;99,5\n", ";", '"'),
        ("a;b;c\n1,5;2,5;x\n3,5;4,25;y\n", ";", '"'),
        ("1,5;2,5;x\n3,5;4,25;y\n", ";", '"'),
        ("1,5\t2,5\n3,5\t4,25\n", "\t", '"'),
        ("id,tags,size\n1,red;large,2\n2,blue;small,3\n", ",", '"'),
        ("a|b\n1|2\n", "|", '"'),
        ("1.0  2.0   3\n 4.0 5.0\t6\n", "blanks", None),
        ('a,b\n"x, y",1\n"z",2\n', ",", '"'),
        ("a,b\n'x, y',1\n'z',2\n", ",", "'"),
        ('name;note\n"a;b";"c, d, e"\n"f";"g, h, i"\n', ";", '"'),
        ("text\none two\nthree four\n", "blanks", None),
        ("date,value\n2024-01-01 10:00,1\n2024-01-02 11:00,2\n", ",", '"'),
        ("only\n1\n2\n", ",", '"'),
        ("it's,b\n5' 7,1\n6' 2,2\n", ",", '"'),
    ],
)
def test_separator_and_quote_are_found(text, separator, quote):
    assert sniff(text) == Dialect(separator, quote)


def test_given_ones_are_kept():
    assert sniff("a,b\n1,2\n", separator=";") == Dialect(";", '"')
    assert sniff("a,b\n1,2\n", quote="") == Dialect(",", None)


def test_rows_are_cut_and_stripped():
    assert rows(' 1 , "a ""b"", c" \n\n2,d\n', Dialect(",", '"')) == [["1", 'a "b", c'], ["2", "d"]]


@pytest.mark.parametrize(
    ("row", "data"),
    [
        (["age", "sex"], False),
        (["39", "male"], True),
        (["-1.5e3"], True),
        (["x1", "x2"], False),
        ([".5"], True),
    ],
)
def test_data_is_told_from_names(row, data):
    assert looks_like_data(row) is data
