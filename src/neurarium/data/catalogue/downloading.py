"""Downloads that are whole or absent: to a part file, checked by hash, then renamed; interrupted ones go on."""

from __future__ import annotations

import http.client
import os
import urllib.error
import urllib.request
from pathlib import Path

from neurarium.core.cache import Alone, caching
from neurarium.core.errors import DataError
from neurarium.data.catalogue import hashing
from neurarium.data.catalogue.descriptions import File

CHUNK, TIMEOUT = 1 << 18, 30
LOST = (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError)


def download(file: File, target: Path, instructions: str) -> None:
    """Download a file from the first address that gives the right bytes.

    What an interrupted download left behind is continued where the server allows it, else begun again. Several
    processes may ask at once: one downloads, the others wait.

    Raises:
        DataError: no address answers, or the bytes have another hash; nothing is left behind in that case.
    """
    with caching(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with Alone(target) as lock:
            if target.is_file() and hashing.accepts(file, target):
                return
            _from_any(file, target, instructions, lock)


def _from_any(file: File, target: Path, instructions: str, lock: Alone) -> None:
    part = target.with_name(f".{target.name}.part")
    failures, wrong = [], ""
    for address in file.addresses:
        for _ in range(2):  # bytes of an earlier try may have been wrong: then once more from the start
            try:
                resumed = _receive(address, part, lock)
            except LOST as error:
                failures.append(f"{address}: {getattr(error, 'reason', error)}")
                break
            if hashing.accepts(file, part):
                os.replace(part, target)
                return
            wrong = hashing.sha256(part) if file.sha256 else hashing.md5(part)
            part.unlink()
            if not resumed:
                failures.append(f"{address}: the hash of the bytes is wrong")
                break
    if wrong:
        raise DataError(
            f"the download of {file.name} is not the published file: its hash is wrong; nothing was kept",
            expected=f"SHA-256 {file.sha256}" if file.sha256 else f"MD5 {file.md5}",
            received=wrong,
            fix=instructions,
        )
    raise DataError(
        f"{file.name} cannot be downloaded",
        expected="a network connection",
        received="; ".join(failures),
        fix=instructions,
    )


def _receive(address: str, part: Path, lock: Alone) -> bool:
    """Receive into the part file; return whether what was there already was kept."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(address, headers={"User-Agent": "neurarium"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        answer = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code != 416:
            raise
        part.unlink()  # nothing is left to send: the part is no beginning of this file, or already whole
        return _receive(address, part, lock)
    with answer:
        kept = have > 0 and answer.status == 206
        length, received = answer.headers.get("Content-Length"), 0
        with part.open("ab" if kept else "wb") as stream:
            while chunk := answer.read(CHUNK):
                stream.write(chunk)
                lock.touch()
                received += len(chunk)
            stream.flush()
            os.fsync(stream.fileno())
    if length is not None and received < int(length):
        raise ConnectionError(f"the connection broke after {received:,} of {int(length):,} bytes")
    return kept
