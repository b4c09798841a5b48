"""Files that are whole or absent: temp file, fsync, rename."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from neurarium.core.errors import ArtifactError, UserError

YAML_BYTES = 1024**2  # a second or two to read; the configuration of a run has some thousand
DEPTH = 100


@contextlib.contextmanager
def writing(path: Path | str) -> Iterator[None]:
    """Turn the operating system's refusals to write into one clear message.

    Raises:
        UserError: disk full, read-only folder, no permission, a file where a folder should be.
    """
    try:
        yield
    except OSError as error:
        reasons = {
            errno.ENOSPC: ("the disk is full", "free space, or choose another folder with --out"),
            errno.EDQUOT: ("the disk quota is used up", "free space, or choose another folder with --out"),
            errno.EROFS: ("the file system is read-only", "choose another folder with --out"),
            errno.EACCES: ("there is no permission to write there", "choose another folder with --out"),
            errno.EPERM: ("there is no permission to write there", "choose another folder with --out"),
            errno.ENOTDIR: ("a part of the path is a file, not a folder", "choose another folder with --out"),
            errno.EEXIST: ("a file stands where a folder is needed", "choose another folder with --out"),
            errno.EFBIG: (
                "the file would be larger than is allowed there",
                "choose another folder with --out",
            ),
            errno.ENAMETOOLONG: ("the name is too long", "choose a shorter one with --out"),
        }
        if error.errno not in reasons:
            raise
        reason, fix = reasons[error.errno]
        raise UserError(f"cannot write {path}: {reason}", fix=fix) from error


def write_atomically(path: Path | str, write: Callable[[Path], object]) -> None:
    """Call `write(temporary path)`, then rename it to `path`: a reader sees the old file or the new one, never a part."""
    path = Path(path)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        os.close(handle)
        temporary = Path(name)
        try:
            write(temporary)
            _synchronise(temporary)
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(path)
            _synchronise(path.parent)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def write_text(path: Path | str, text: str) -> None:
    """Write text (UTF-8) atomically."""
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def write_json(path: Path | str, value: Any) -> None:
    """Write JSON atomically; NaN and infinities become null, which JSON can hold."""
    write_text(path, json.dumps(_finite(value), indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path | str) -> Any:
    """Read a JSON file of ours.

    Raises:
        ArtifactError: missing or damaged.
    """
    path = Path(path)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ArtifactError(
            f"the file {path} is missing", fix="copy the whole folder, or train again"
        ) from error
    except (ValueError, OSError, RecursionError) as error:
        raise ArtifactError(
            f"the file {path} is damaged: {error}", fix="restore it from a copy, or train again"
        ) from error


def read_yaml(path: Path | str) -> Any:
    """Read a YAML file by the safe loader: no objects, no references that unfold to more than the file, no nests.

    Raises:
        ArtifactError: damaged, too large, or not plain.
    """
    import yaml

    path = Path(path)
    try:
        if path.stat().st_size > YAML_BYTES:
            raise ValueError(f"it has {path.stat().st_size:,} bytes, and {YAML_BYTES:,} are the most")
        text, loader = path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        _require_shallow(yaml.parse(text, Loader=loader))
        held = yaml.load(text, Loader=loader)
        _require_bounded(held)
        return held
    except (
        yaml.YAMLError,
        ValueError,
        TypeError,
        OSError,
        RecursionError,
        OverflowError,
        AttributeError,
    ) as error:
        raise ArtifactError(
            f"{path} is damaged: {str(error) or type(error).__name__}",
            fix="mend it, restore it from a copy, or train again",
        ) from error


def _require_shallow(events: Iterable[Any]) -> None:
    """Refuse nests before anything is built of them: the fast loader calls itself for each, without a limit of its own."""
    depth = 0
    for event in events:
        name = type(event).__name__
        depth += name.endswith("StartEvent") - name.endswith("EndEvent")
        if depth > DEPTH:
            raise ValueError(f"it nests deeper than {DEPTH}")


def _require_bounded(value: Any) -> None:
    """Refuse what unfolds to more than a configuration holds: YAML can refer to a part many times, even from within."""
    rest, seen = [(value, 0)], 0
    while rest:
        each, depth = rest.pop()
        seen += 1
        if seen > YAML_BYTES or depth > DEPTH:
            raise ValueError("it unfolds to more than a configuration holds")
        if isinstance(each, dict):
            rest += [(part, depth + 1) for pair in each.items() for part in pair]
        elif isinstance(each, list | tuple | set):
            rest += [(part, depth + 1) for part in each]


@contextlib.contextmanager
def new_folder(path: Path | str) -> Iterator[Path]:
    """Give a temporary folder to fill, and rename it to `path` at the end: a folder is complete or absent."""
    path = Path(path)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part"))
        try:
            yield temporary
            for each in temporary.rglob("*"):
                _synchronise(each)
            _synchronise(temporary)
            temporary.chmod(0o777 & ~_umask())
            if path.exists():
                shutil.rmtree(path)
            temporary.rename(path)
            _synchronise(path.parent)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise


def sha256(path: Path | str) -> str:
    """Return the hexadecimal SHA-256 of a file."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _synchronise(path: Path) -> None:
    if path.is_dir() and os.name == "nt":
        return
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)  # Windows syncs what may be written
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if isinstance(value, dict):
        return {str(key): _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return value


def natural(name: Any) -> list[Any]:
    """Return a key that sorts `part-2` before `part-10`.

    >>> sorted(["part-10", "part-2"], key=natural)
    ['part-2', 'part-10']
    """
    parts = [each for each in re.split(r"(\d+)", str(name)) if each]
    return [(int(each), each) if each.isdecimal() else (-1, each) for each in parts]
