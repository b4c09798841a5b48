"""Pixels: where decoded images are kept, so that each file is decoded once: in memory, on disk, or nowhere."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy
import PIL
from numpy.lib.format import open_memmap

from neurarium.core.cache import Alone, cache_folder, caching
from neurarium.core.errors import ArtifactError, UserError
from neurarium.core.files import read_json, write_atomically, write_json
from neurarium.data.readers.pictures import Rules, fill
from neurarium.data.readers.room import free_memory
from neurarium.data.specs import Image

Storage = Literal["auto", "memory", "disk", "files"]
SHARE = 4  # one in so many of the free bytes may be taken: of memory, and twice that of the disk
UNUSED_DAYS = 30
VERSION = 2


@dataclasses.dataclass
class Pixels:
    """Decoded images.

    Args:
        array: `(images, channels, height, width)` uint8, in memory or mapped from a file; the images that failed are
            black.
        failed: the places of those that cannot be decoded, with the reason.
        path: the file that the array is mapped from; None in memory.
    """

    array: numpy.ndarray
    failed: dict[int, str]
    path: Path | None = None


def choose_storage(need: int, storage: Storage, memory: int | None) -> tuple[str, str, str]:
    """Choose where `need` bytes of pixels are kept; return the place, how it is called, and why.

    Args:
        storage: what was asked for; "auto" takes the first place where they fit.
        memory: bytes that they may take in memory; None for a quarter of what is free.
    """
    budget = free_memory() // SHARE if memory is None else memory
    names = {"memory": "in memory", "disk": "decoded once, on disk", "files": "decoded on demand"}
    if storage != "auto":
        return storage, names[storage], "asked for"
    limit = "a quarter of the free memory" if memory is None else "memory="
    if need <= budget:
        return "memory", names["memory"], f"{_size(need)} fit into {limit} ({_size(budget)})"
    free = free_disk() * 2 // SHARE
    more = f"{_size(need)} would not fit into {limit} ({_size(budget)})"
    if need <= free:
        return "disk", names["disk"], f"{more}; they fit into half of the free disk ({_size(free)})"
    return "files", names["files"], f"{more}, nor into half of the free disk ({_size(free)})"


def in_memory(paths: Sequence[Path], spec: Image, rules: Rules) -> Pixels:
    """Decode images into memory."""
    array = numpy.zeros((len(paths), spec.channels, spec.height, spec.width), dtype=numpy.uint8)
    return Pixels(array, fill(array, paths, rules))


def on_disk(paths: Sequence[Path], spec: Image, rules: Rules) -> Pixels:
    """Decode images into a file of the cache, or take the file of an earlier time.

    Its name is a hash of the files (path, size, time of change), the size wanted, the rules and the decoder.

    Raises:
        DataError: the cache cannot be written.
    """
    target = cache_folder() / "pixels" / f"{fingerprint(paths, spec, rules)}.npy"
    with caching(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with Alone(target):
            found = _mapped(target, len(paths), spec)
            if found is None:
                _forget(target.parent)
                _write(target, paths, spec, rules)
                found = _mapped(target, len(paths), spec)
    if found is None:
        raise ArtifactError(f"the cached pixels {target} cannot be read back", fix="give storage=files")
    return found


def opened(path: Path) -> numpy.ndarray:
    """Map a file of pixels into memory; what is written there stays in this process."""
    return numpy.load(path, mmap_mode="c", allow_pickle=False)


def fingerprint(paths: Sequence[Path], spec: Image, rules: Rules) -> str:
    """Return the name of the pixels of these files, as they are now, under these rules."""
    digest = hashlib.sha256()
    head = [VERSION, PIL.__version__, spec.to_json(), rules.to_json()]
    digest.update(json.dumps(head, sort_keys=True).encode())
    for path in paths:
        try:
            known = os.stat(path)
            digest.update(f"\n{os.path.abspath(path)}\0{known.st_size}\0{known.st_mtime_ns}".encode())
        except OSError:
            digest.update(f"\n{os.path.abspath(path)}\0absent".encode())
    return digest.hexdigest()[:40]


def free_disk() -> int:
    """Return the bytes free where the cache is, or will be."""
    folder = cache_folder()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _write(target: Path, paths: Sequence[Path], spec: Image, rules: Rules) -> None:
    shape = (len(paths), spec.channels, spec.height, spec.width)

    def write(path: Path) -> None:
        array = open_memmap(path, mode="w+", dtype=numpy.uint8, shape=shape)
        failed = fill(array, paths, rules)
        array.flush()
        write_json(
            target.with_suffix(".json"), {"failed": {str(place): why for place, why in failed.items()}}
        )

    write_atomically(target, write)


def _mapped(target: Path, count: int, spec: Image) -> Pixels | None:
    """Open what an earlier time left; None where that is nothing, or not whole."""
    try:
        array = opened(target)
        noted: Any = read_json(target.with_suffix(".json"))
        failed = {int(place): str(why) for place, why in noted["failed"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, UserError):
        return None
    if array.shape != (count, spec.channels, spec.height, spec.width) or array.dtype != numpy.uint8:
        return None
    os.utime(target)
    return Pixels(array, failed, target)


def _forget(folder: Path) -> None:
    """Remove pixels that nothing has used for a month."""
    oldest = time.time() - UNUSED_DAYS * 86400
    for path in folder.glob("*.npy"):
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < oldest:
                path.with_suffix(".json").unlink(missing_ok=True)
                path.unlink()


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
