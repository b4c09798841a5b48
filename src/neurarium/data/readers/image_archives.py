"""Archives of images: zip and tar files, unpacked once into the cache, with limits."""

from __future__ import annotations

import hashlib
import shutil
import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from neurarium.core.cache import Alone, cache_folder, caching
from neurarium.core.errors import DataError
from neurarium.core.files import new_folder
from neurarium.data.readers.pictures import SUFFIXES

TARS = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2")
RATIO = 200  # unpacked bytes per packed byte, above which it is no archive of images: those hardly shrink
BESIDE = (".csv", ".tsv", ".txt", ".json", ".npz")


def is_archive(path: Path | str) -> bool:
    """Return whether a file is a zip or tar of images, by its names."""
    path = Path(path)
    name = path.name.lower()
    if not path.is_file() or not name.endswith((".zip", *TARS)):
        return False
    try:
        return any(PurePosixPath(each).suffix.lower() in SUFFIXES for each in _names(path))
    except (zipfile.BadZipFile, tarfile.TarError, OSError, EOFError, zlib.error):
        return False


def unpacked(path: Path) -> Path:
    """Unpack an archive into the cache, once; return the folder.

    Images, and tables beside them, are unpacked; anything else, links, and paths that lead out of the archive are not.

    Raises:
        DataError: a damaged archive, one that would grow beyond measure, or a cache that cannot be written.
    """
    known = path.stat()
    key = f"{path.resolve()}\0{known.st_size}\0{known.st_mtime_ns}"
    stem = path.name.partition(".")[0]
    target = cache_folder() / "unpacked" / f"{stem}-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
    with caching(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with Alone(target):
            if not target.is_dir():
                with new_folder(target) as fresh:
                    try:
                        _unpack(path, fresh)
                    except (
                        zipfile.BadZipFile,
                        tarfile.TarError,
                        EOFError,
                        zlib.error,
                        RuntimeError,
                    ) as error:
                        raise DataError(
                            f"the archive {path} is damaged: {error}", fix="copy it again"
                        ) from error
    return target


def _names(path: Path) -> list[str]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    with tarfile.open(path) as packed:
        return [member.name for member, _ in zip(packed, range(50), strict=False)]


def _unpack(path: Path, folder: Path) -> None:
    room = max(1 << 30, RATIO * path.stat().st_size)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if not info.is_dir() and (target := _target(info.filename, folder)):
                    room = _room(room, info.file_size, path)
                    with archive.open(info) as stream, target.open("wb") as out:
                        shutil.copyfileobj(stream, out)
        return
    with tarfile.open(path) as packed:
        for member in packed:
            if member.isfile() and (target := _target(member.name, folder)):
                room = _room(room, member.size, path)
                content = packed.extractfile(member)
                if content is not None:
                    with content, target.open("wb") as out:
                        shutil.copyfileobj(content, out)


def _target(name: str, folder: Path) -> Path | None:
    inner = PurePosixPath(name.replace("\\", "/"))
    odd = inner.is_absolute() or ".." in inner.parts or ":" in name or "\0" in name
    if (
        odd
        or inner.suffix.lower() not in (*SUFFIXES, *BESIDE)
        or any(part.startswith(".") for part in inner.parts)
    ):
        return None
    target = folder.joinpath(*inner.parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def _room(room: int, size: int, path: Path) -> int:
    if size > room:
        raise DataError(
            f"the archive {path} unpacks to more than {RATIO} times its size",
            expected="images",
            received="what looks like a zip bomb",
            fix="unpack it yourself, and give the folder",
        )
    return room - size
