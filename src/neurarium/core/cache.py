"""The cache: the folder for what is downloaded or unpacked, which one process fills while others wait."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from neurarium.core.errors import DataError, UserError
from neurarium.core.files import writing

STALE = 60  # seconds after which an untouched lock was left behind


def cache_folder() -> Path:
    """Return the folder for downloads: NEURARIUM_CACHE, or the cache folder of the platform."""
    if given := os.environ.get("NEURARIUM_CACHE"):
        return Path(given)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "neurarium" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "neurarium"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "neurarium"


@contextlib.contextmanager
def caching(path: Path) -> Iterator[None]:
    """Say, where the cache cannot be written, how to choose another."""
    try:
        with writing(path):
            yield
    except DataError:
        raise
    except UserError as error:
        raise DataError(error.problem, fix="set NEURARIUM_CACHE to a folder that can be written") from error


class Alone:
    """A lock file; one that has not been touched for a minute was left by a process that died."""

    def __init__(self, target: Path):
        self.path = target.with_name(f".{target.name}.lock")

    def __enter__(self) -> Alone:
        while True:
            try:
                os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
                return self
            except FileExistsError:
                self._wait()

    def __exit__(self, *_: object) -> None:
        self.path.unlink(missing_ok=True)

    def touch(self) -> None:
        """Show that the download goes on."""
        os.utime(self.path)

    def _wait(self) -> None:
        try:
            if time.time() - self.path.stat().st_mtime > STALE:
                self.path.unlink(missing_ok=True)
                return
        except FileNotFoundError:
            return
        time.sleep(0.2)
