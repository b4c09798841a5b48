import gzip
import struct

import numpy
import pytest

from neurarium.core.errors import DataError
from neurarium.data.readers.idx import read_idx


def write(path, array, code, *, packed=False):
    head = bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    content = head + array.astype(array.dtype.newbyteorder(">")).tobytes()
    path.write_bytes(gzip.compress(content) if packed else content)
    return path


@pytest.mark.parametrize(
    ("kind", "code"), [("u1", 8), ("i1", 9), ("i2", 11), ("i4", 12), ("f4", 13), ("f8", 14)]
)
@pytest.mark.parametrize("packed", [False, True])
def test_every_type_is_read(tmp_path, kind, code, packed):
    array = numpy.arange(24).reshape(2, 3, 4).astype(kind)
    found = read_idx(write(tmp_path / "a-idx3-ubyte", array, code, packed=packed))
    assert found.dtype == numpy.dtype(kind)
    assert (found == array).all()


@pytest.mark.parametrize(
    "content", [b"", b"\0\0", b"PK\3\4aaaa", b"\0\0\x07\1\0\0\0\0", b"\0\0\x08\0", b"\0\0\x08\2\0\0"]
)
def test_what_is_no_idx_file_is_refused(tmp_path, content):
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(DataError):
        read_idx(tmp_path / "a")


def test_a_cut_gzip_is_refused(tmp_path):
    path = write(tmp_path / "a.gz", numpy.zeros((50, 50), "u1"), 8, packed=True)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match="cut off or damaged"):
        read_idx(path)
