"""Files are looked for in NEURARIUM_DATA, then in the cache, then downloaded; wrong ones are refused."""

from __future__ import annotations

import hashlib

import pytest

from neurarium.core.errors import DataError
from neurarium.data.catalogue import entries, hashing
from neurarium.data.catalogue.descriptions import Entry, File, Variant
from neurarium.data.catalogue.fetching import fetch, status

GOOD = b"x,y\n1,2\n"


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Two empty folders, and an entry of two forms: one file to download (from nowhere), or another packed one."""
    single = File("rows.csv", ("http://127.0.0.1:9/rows.csv",), sha256=hashlib.sha256(GOOD).hexdigest())
    packed = File("rows.bin", sha256=hashlib.sha256(b"packed").hexdigest())
    variants = (Variant((single,), "tables:adult"), Variant((packed,), "tables:adult"))
    entry = Entry("toy", "a toy", "regression", "none", "nobody", "http://example.org", "toys", variants)
    monkeypatch.setitem(entries.ENTRIES, "toy", entry)
    monkeypatch.setenv("NEURARIUM_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("NEURARIUM_CACHE", str(tmp_path / "cache"))
    for name in ("data", "cache"):
        (tmp_path / name / "toys").mkdir(parents=True)
    return tmp_path / "data" / "toys", tmp_path / "cache" / "toys"


def test_the_data_folder_comes_before_the_cache(places):
    data, cache = places
    (cache / "rows.csv").write_bytes(GOOD)
    assert fetch("toy") == cache
    (data / "rows.csv").write_bytes(GOOD)
    assert fetch("toy") == data
    assert status("toy") == "local"


def test_another_form_of_the_set_will_do(places):
    (places[0] / "rows.bin").write_bytes(b"packed")
    assert fetch("toy") == places[0]


def test_a_wrong_file_is_refused_by_name(places):
    (places[0] / "rows.csv").write_bytes(b"x,y\n1,3\n")
    with pytest.raises(DataError, match=r"rows\.csv is not the published file") as caught:
        fetch("toy")
    assert hashlib.sha256(GOOD).hexdigest() in str(caught.value)
    assert (places[0] / "rows.csv").read_bytes() == b"x,y\n1,3\n"


def test_without_a_network_it_says_which_file_to_put_where(places):
    assert status("toy") == "to download"
    with pytest.raises(DataError, match="cannot be downloaded") as caught:
        fetch("toy")
    message = str(caught.value)
    assert f"put rows.csv (from http://127.0.0.1:9/rows.csv) into {places[0]}" in message
    assert list(places[1].iterdir()) == []


def test_a_set_of_files_with_one_hash(places, monkeypatch):
    files = (File("a.txt", ("http://127.0.0.1:9/a",)), File("b.txt", ("http://127.0.0.1:9/b",)))
    for file in files:
        (places[0] / file.name).write_text(file.name)
    entry = entries.ENTRIES["toy"]
    right = hashing.tree(places[0], files)
    for tree, fine in ((right, True), ("0" * 64, False)):
        changed = Entry(**{**vars(entry), "variants": (Variant(files, "tables:adult", tree=tree),)})
        monkeypatch.setitem(entries.ENTRIES, "toy", changed)
        if fine:
            assert fetch("toy") == places[0]
        else:
            with pytest.raises(DataError, match="hash is wrong"):
                fetch("toy")


def test_embedded_sets_need_no_files():
    assert status("iris") == "embedded"
    assert fetch("iris") is None
