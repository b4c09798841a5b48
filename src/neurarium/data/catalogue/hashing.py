"""Hashes of files, of what is packed inside them, and of whole sets of files."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import zipfile
import zlib
from pathlib import Path

from neurarium.core.files import sha256
from neurarium.data.catalogue.descriptions import File

BROKEN = (OSError, EOFError, ValueError, zlib.error, zipfile.BadZipFile, tarfile.TarError)


def accepts(file: File, path: Path) -> bool:
    """Say whether a file is the published one: by its own hash, or by the hash of what is inside it.

    A file without any recorded hash is accepted here; the hash of its whole set is checked by `tree`.
    """
    if file.sha256 and sha256(path) == file.sha256:
        return True
    if file.md5 and md5(path) == file.md5:
        return True
    if file.contents and contents(path) == file.contents:
        return True
    return not (file.sha256 or file.md5 or file.contents)


def md5(path: Path) -> str:
    """Return the hexadecimal MD5 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def contents(path: Path) -> str:
    """Return the hash of what is inside: MD5 for gzip, SHA-256 over sorted (name, SHA-256) for zip; "" if broken."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                names = sorted(each for each in archive.namelist() if not each.endswith("/"))
                return _combined([(name, hashlib.sha256(archive.read(name)).hexdigest()) for name in names])
        digest = hashlib.md5(usedforsecurity=False)
        with gzip.open(path) as stream:
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
        return digest.hexdigest()
    except BROKEN:
        return ""


def tree(folder: Path, files: tuple[File, ...]) -> str:
    """Return the SHA-256 over the sorted names and SHA-256 of the files of a set."""
    return _combined(sorted((file.name, sha256(folder / file.name)) for file in files))


def _combined(pairs: list[tuple[str, str]]) -> str:
    return hashlib.sha256("".join(f"{name} {digest}\n" for name, digest in pairs).encode()).hexdigest()
