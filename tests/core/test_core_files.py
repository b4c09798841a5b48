"""Files are whole or absent, and the operating system's refusals become one clear message."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
import sys
import tempfile
from pathlib import Path

import pytest

from neurarium.core import files
from neurarium.core.errors import ArtifactError, UserError
from neurarium.core.files import (
    new_folder,
    read_json,
    read_yaml,
    sha256,
    write_atomically,
    write_json,
    write_text,
    writing,
)

REFUSALS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "no permission",
    errno.EPERM: "no permission",
}


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_a_file_is_written_with_its_folders_and_replaced(tmp_path):
    write_text(tmp_path / "a" / "b" / "file", "one\n")
    write_text(tmp_path / "a" / "b" / "file", "zwei ä\n")
    assert (tmp_path / "a" / "b" / "file").read_bytes() == "zwei ä\n".encode()
    assert os.listdir(tmp_path / "a" / "b") == ["file"]


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are POSIX")
def test_permissions_are_those_of_any_new_file(tmp_path):
    """Not those of a temporary file, which nobody else may read."""
    (tmp_path / "plain").touch()
    write_text(tmp_path / "ours", "")
    with new_folder(tmp_path / "folder"):
        pass
    (tmp_path / "other").mkdir()
    assert stat.S_IMODE((tmp_path / "ours").stat().st_mode) == stat.S_IMODE(
        (tmp_path / "plain").stat().st_mode
    )
    assert stat.S_IMODE((tmp_path / "folder").stat().st_mode) == stat.S_IMODE(
        (tmp_path / "other").stat().st_mode
    )


class Stopped(BaseException):
    """Stands for Ctrl-C in the middle of a write."""


@pytest.mark.parametrize("failure", [Stopped, ValueError])
def test_a_write_that_ends_early_leaves_the_old_file_and_nothing_else(failure, tmp_path):
    write_text(tmp_path / "file", "old")

    def half(temporary: Path) -> None:
        temporary.write_text("ne")
        raise failure

    with pytest.raises(failure):
        write_atomically(tmp_path / "file", half)
    assert contents(tmp_path) == {"file": "old"}


@pytest.mark.parametrize("number", REFUSALS)
@pytest.mark.parametrize("place", ["mkstemp", "write", "fsync", "replace"])
def test_refusals_are_told_and_leave_the_old_file(number, place, tmp_path, monkeypatch):
    """Whichever step the disk fills up at."""
    write_text(tmp_path / "file", "old")

    def refuse(*args, **kwargs):
        raise OSError(number, os.strerror(number))

    holders = {"mkstemp": tempfile, "write": Path, "fsync": os, "replace": Path}
    monkeypatch.setattr(holders[place], "write_text" if place == "write" else place, refuse)
    with pytest.raises(UserError, match=REFUSALS[number]) as error:
        write_text(tmp_path / "file", "new")
    monkeypatch.undo()
    assert error.value.exit_code == 2 and str(tmp_path / "file") in str(error.value)
    assert contents(tmp_path) == {"file": "old"}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_told(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="no permission"):
        write_text(tmp_path / "file", "new")
    tmp_path.chmod(0o700)


def test_a_file_in_the_way_of_a_folder_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="a file"):
        write_text(tmp_path / "file" / "below", "new")
    with pytest.raises(UserError, match="the name is too long"):
        write_text(tmp_path / ("x" * 300), "new")


def test_other_failures_are_not_swallowed(tmp_path):
    with pytest.raises(OSError) as error, writing(tmp_path):
        raise OSError(errno.EIO, "the disk is broken")
    assert error.value.errno == errno.EIO and not isinstance(error.value, UserError)


# ----------------------------------------------------------------------------------------------------- folders


def _half_a_folder(path: Path) -> None:
    with new_folder(path) as folder:
        (folder / "a").write_text("half")
        raise Stopped


def test_a_folder_is_complete_or_absent(tmp_path):
    with new_folder(tmp_path / "run") as folder:
        (folder / "a").write_text("1")
        (folder / "deep").mkdir()
        (folder / "deep" / "b").write_text("2")
        assert not (tmp_path / "run").exists()
    assert (tmp_path / "run" / "deep" / "b").read_text() == "2"
    with pytest.raises(Stopped):
        _half_a_folder(tmp_path / "run")
    assert (tmp_path / "run" / "a").read_text() == "1"
    with new_folder(tmp_path / "run") as folder:
        (folder / "c").write_text("3")
    assert os.listdir(tmp_path / "run") == ["c"] and os.listdir(tmp_path) == ["run"]


def test_a_full_disk_leaves_no_part_of_a_folder(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(UserError, match="the disk is full"), new_folder(tmp_path / "run") as folder:
        (folder / "a").write_text("1")
    assert list(tmp_path.iterdir()) == []


# -------------------------------------------------------------------------------------------------------- JSON


def test_json_holds_what_json_can(tmp_path):
    value = {
        "a": [1, 2.5, None, True],
        "name": "Zürich",
        "bad": [float("nan"), float("inf"), (1, -float("inf"))],
    }
    write_json(tmp_path / "file", value)
    assert read_json(tmp_path / "file") == {**value, "bad": [None, None, [1, None]]}
    json.loads((tmp_path / "file").read_text(), parse_constant=lambda name: pytest.fail(name))


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_damaged_json_is_told(content, tmp_path):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ArtifactError, match="is damaged"):
        read_json(tmp_path / "file")
    with pytest.raises(ArtifactError, match="is missing"):
        read_json(tmp_path / "nothing")


def test_hashes_are_those_of_hashlib(tmp_path):
    content = os.urandom(3_000_000)
    (tmp_path / "file").write_bytes(content)
    assert sha256(tmp_path / "file") == hashlib.sha256(content).hexdigest()


def test_everything_is_synchronised_before_it_gets_its_name(tmp_path, monkeypatch):
    """File first, then the name, then the folder: a power cut leaves the old file or the new one."""
    events: list[str] = []
    replace = Path.replace
    monkeypatch.setattr(
        files, "_synchronise", lambda path: events.append("folder" if path.is_dir() else "file")
    )
    monkeypatch.setattr(Path, "replace", lambda *args: (events.append("name"), replace(*args))[1])
    write_text(tmp_path / "file", "new")
    assert events == ["file", "name", "folder"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("widths:\n" + "- 1\n" * 10**6, "4,000,008 bytes"),  # a minute of reading
        ("[" * 10**5, "nests deeper than 100"),
        ("- " * 10**5, "nests deeper than 100"),
        ('{"a":' * 10**5, "nests deeper than 100"),
        ("a: &a [x, x]\nb: [*a, *a]\n", None),
        ("a: [1", "expected ',' or ']'"),
    ],
)
def test_a_yaml_file_is_bounded_before_it_is_built(tmp_path: Path, text: str, reason: str | None):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    if reason is None:
        assert read_yaml(path) == {"a": ["x", "x"], "b": [["x", "x"], ["x", "x"]]}
    else:
        with pytest.raises(ArtifactError, match=reason):
            read_yaml(path)


def test_references_that_unfold_without_end_are_refused(tmp_path: Path):
    path = tmp_path / "config.yaml"
    lines = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30))]
    path.write_text("\n".join(lines))
    with pytest.raises(ArtifactError, match="unfolds to more"):
        read_yaml(path)
