import gzip

import pytest

from neurarium.core.errors import DataError
from neurarium.data.readers.encodings import to_utf8
from neurarium.data.readers.unpacking import read_packed

TEXT = "größe,label\n1,ä\n"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_decides(encoding):
    content, found = to_utf8(TEXT.encode(encoding), "file")
    assert content == TEXT.encode()
    assert found.startswith(encoding[:5])


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16-le", "UTF_8"])
def test_a_given_encoding_is_used(encoding):
    assert to_utf8(TEXT.encode(encoding), "file", encoding)[0] == TEXT.encode()


def test_the_suggested_encoding_reads_the_file():
    content = "a,€\n".encode("cp1252")
    with pytest.raises(DataError, match="cp1252") as caught:
        to_utf8(content, "file")
    assert "line 1" in str(caught.value)
    assert to_utf8(content, "file", "cp1252")[0].decode() == "a,€\n"


def test_bytes_that_a_given_encoding_refuses_are_named():
    with pytest.raises(DataError, match="is not utf-16"):
        to_utf8(b"abc", "file", "utf-16-le")


def test_gzip_is_unpacked_whatever_its_name(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_bytes(gzip.compress(TEXT.encode()))
    assert read_packed(path) == TEXT.encode()


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_wide_letters_without_a_mark_are_named(encoding):
    for text in ("café,1\n" * 9, "cafe,1\n" * 9):
        with pytest.raises(DataError) as caught:
            to_utf8(text.encode(encoding), "wide.csv")
        assert f"encoding='{encoding}'" in caught.value.fix
