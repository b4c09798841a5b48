"""Finding the files of a data set: first in NEURARIUM_DATA, then in the cache, then by download."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from neurarium.core.cache import cache_folder
from neurarium.core.errors import DataError
from neurarium.data.catalogue import hashing
from neurarium.data.catalogue.descriptions import Entry, Variant
from neurarium.data.catalogue.downloading import download
from neurarium.data.catalogue.entries import entry as entry_named


def places(entry: Entry) -> list[Path]:
    """Return the folders where the files of a set are looked for, in order."""
    given = os.environ.get("NEURARIUM_DATA")
    return [*([Path(given) / entry.folder] if given else []), cache_folder() / entry.folder]


def status(name: str) -> str:
    """Say where a data set is: "embedded", "local", or "to download"; hashes are not computed."""
    entry = entry_named(name)
    if entry.embedded:
        return "embedded"
    return "local" if _present(entry) else "to download"


def fetch(name: str, *, log: Callable[[str], None] | None = None) -> Path | None:
    """Find the files of a data set, or download them; every file's hash is checked.

    Args:
        name: in the catalogue.
        log: called with one line per download.

    Returns:
        The folder that holds the files; None for an embedded set.

    Raises:
        DataError: a hash is wrong, or the files are not there and cannot be downloaded; the message says exactly
            which file to put where.

    >>> fetch("iris") is None
    True
    """
    entry = entry_named(name)
    return None if entry.embedded else located(entry, log=log)[0]


def located(entry: Entry, *, log: Callable[[str], None] | None = None) -> tuple[Path, Variant]:
    """Return (folder, the variant it holds), verified; download where there is none."""
    found = _present(entry)
    if found:
        verify(entry, *found)
        return found
    variant, folder = entry.variants[0], cache_folder() / entry.folder
    for file in variant.files:
        if (folder / file.name).is_file() and hashing.accepts(file, folder / file.name):
            continue
        if not file.addresses:
            raise DataError(f"the data set '{entry.name}' cannot be downloaded", fix=instructions(entry))
        if log:
            log(f"downloading {file.name} from {file.addresses[0]}")
        download(file, folder / file.name, instructions(entry))
    if variant.tree and hashing.tree(folder, variant.files) != variant.tree:
        for file in variant.files:
            (folder / file.name).unlink(missing_ok=True)
        raise DataError(
            f"the downloaded files of '{entry.name}' are not the published ones: their hash is wrong",
            expected=variant.tree,
            fix="try again; the files were removed. " + instructions(entry),
        )
    return folder, variant


def verify(entry: Entry, folder: Path, variant: Variant) -> None:
    """Raise a `DataError` that names the first file whose hash is wrong."""
    for file in variant.files:
        path = folder / file.name
        if not hashing.accepts(file, path):
            raise DataError(
                f"{path} is not the published file: its hash is wrong",
                expected=f"SHA-256 {file.sha256}" if file.sha256 else f"MD5 {file.md5}",
                received=hashing.sha256(path) if file.sha256 else hashing.md5(path),
                fix=f"remove it and run: neurarium datasets fetch {entry.name}",
            )
    if variant.tree and hashing.tree(folder, variant.files) != variant.tree:
        raise DataError(
            f"the files of '{entry.name}' in {folder} are not the published ones: their hash is wrong",
            expected=variant.tree,
            received=hashing.tree(folder, variant.files),
            fix=f"remove them and run: neurarium datasets fetch {entry.name}",
        )


def instructions(entry: Entry) -> str:
    """Say exactly which file to put where."""
    variant, target = entry.variants[0], places(entry)[0]
    shown = [
        f"{file.name} (from {file.addresses[0]})" if file.addresses else file.name for file in variant.files
    ]
    listed = ", ".join(shown[:4]) + (f", ... ({len(shown)} files)" if len(shown) > 4 else "")
    return f"put {listed} into {target}; or set NEURARIUM_DATA to a folder that holds '{entry.folder}'"


def _present(entry: Entry) -> tuple[Path, Variant] | None:
    for folder in places(entry):
        for variant in entry.variants:
            if all((folder / file.name).is_file() for file in variant.files):
                return folder, variant
    return None
