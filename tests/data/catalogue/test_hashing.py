import gzip
import hashlib
import zipfile

from neurarium.data.catalogue import hashing
from neurarium.data.catalogue.descriptions import File


def test_the_wrapper_of_gzip_may_vary_when_the_bytes_inside_are_right(tmp_path):
    raw = b"pixels" * 100
    path = tmp_path / "a.gz"
    inside = hashlib.md5(raw).hexdigest()
    for level in (1, 9):
        path.write_bytes(gzip.compress(raw, level, mtime=level))
        assert hashing.accepts(File("a.gz", md5="0" * 32, contents=inside), path)
    path.write_bytes(gzip.compress(raw + b"x"))
    assert not hashing.accepts(File("a.gz", md5="0" * 32, contents=inside), path)
    path.write_bytes(b"no gzip")
    assert not hashing.accepts(File("a.gz", md5="0" * 32, contents=inside), path)


def test_a_zip_is_known_by_its_members(tmp_path):
    digests = set()
    for number, method in enumerate((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)):
        path = tmp_path / f"{number}.zip"
        with zipfile.ZipFile(path, "w", method) as archive:
            names = ["b.txt", "a.txt"] if number else ["a.txt", "b.txt"]
            for name in names:
                archive.writestr(name, name * 50)
        digests.add(hashing.contents(path))
    assert len(digests) == 1
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("c.txt", "more")
    assert hashing.contents(path) not in digests


def test_own_hashes(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    assert hashing.accepts(File("a", sha256=hashlib.sha256(b"abc").hexdigest()), path)
    assert hashing.accepts(File("a", md5=hashlib.md5(b"abc").hexdigest()), path)
    assert not hashing.accepts(File("a", sha256="0" * 64), path)
    assert hashing.accepts(File("a"), path)


def test_a_set_of_files_is_known_by_names_and_bytes(tmp_path):
    for name in ("b", "a"):
        (tmp_path / name).write_text(name)
    files = (File("a"), File("b"))
    whole = hashing.tree(tmp_path, files)
    assert whole == hashing.tree(tmp_path, files[::-1])
    (tmp_path / "a").write_text("changed")
    assert hashing.tree(tmp_path, files) != whole
