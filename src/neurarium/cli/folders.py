"""Folders of runs: numbered names, taken by one process alone, and given back when nothing came of them."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from neurarium.core.errors import ArtifactError, UserError, nearest
from neurarium.core.files import natural

RUNS = "runs"
ENDINGS = r"(\.(csv|tsv|tab|psv|txt|data|dat|parquet|pq|arrow|arrows|feather|ipc|jsonl|ndjson|json|npz|npy|idx|gz|bz2|xz|zst|zip))+$"


def run_names(folder: str | Path = RUNS) -> list[str]:
    """Return the names of the runs in a folder, in the order of their names and numbers."""
    place = Path(folder)
    if not place.is_dir():
        return []
    found = [each.name for each in place.iterdir() if (each / "config.yaml").is_file()]
    return sorted(found, key=natural)


def find_run(name: str) -> Path:
    """Return the folder of a run by its path, or its name below runs/.

    Raises:
        ArtifactError: there is none, with the nearest name.
    """
    for path in (Path(name), Path(RUNS) / name):
        if path.is_dir():
            return path
    names = run_names()
    near = nearest(Path(name).name, names)
    raise ArtifactError(
        f"there is no run '{name}'",
        expected="the folder of a run" + (f": {', '.join(names[-8:])} in {RUNS}/" if names else ""),
        received=name,
        fix=f"did you mean {Path(RUNS) / near}?"
        if near
        else "`neurarium runs` lists the runs that are there",
    )


@contextlib.contextmanager
def reserved(out: Path | None, data: str) -> Iterator[Path]:
    """Take a folder for a new run; on an error give it back, unless it holds a checkpoint to go on from.

    Args:
        out: the folder asked for; None for the next free `runs/<data>-<n>`.
        data: the source of the data, whose name the folder gets.

    Raises:
        UserError: the folder holds something, or cannot be made.
    """
    made: list[Path] = []
    path = _given(out, made) if out is not None else _numbered(_called(data), made)
    try:
        yield path
    except BaseException:
        if not list(path.glob("checkpoints/step-*.safetensors")):
            if path in made:
                shutil.rmtree(path, ignore_errors=True)
            else:  # an empty folder of the user's stays, empty
                for each in path.iterdir():
                    shutil.rmtree(each, ignore_errors=True) if each.is_dir() else each.unlink(missing_ok=True)
            for parent in reversed(made[:-1] if path in made else made):
                with contextlib.suppress(OSError):
                    parent.rmdir()
        raise


def _called(data: str) -> str:
    from neurarium.data.readers.parts import is_pattern, named_after

    name = named_after(data) if is_pattern(data) else Path(data).name
    name = re.sub(ENDINGS, "", name, flags=re.IGNORECASE)
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") or "run"


def _numbered(name: str, made: list[Path]) -> Path:
    _make_parents(Path(RUNS), made)
    taken = [re.fullmatch(rf"{re.escape(name)}-(\d+)", each.name) for each in Path(RUNS).iterdir()]
    number = max((int(found[1]) for found in taken if found), default=0)
    while True:
        number += 1
        path = Path(RUNS) / f"{name}-{number}"
        with _writing(path):
            try:
                path.mkdir()  # one process alone can make it
            except FileExistsError:
                continue
            made.append(path)
            return path


def _given(out: Path, made: list[Path]) -> Path:
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is a file, not a folder", fix="choose another with --out")
    if out.is_dir():
        if any(out.iterdir()):
            is_run = (out / "config.yaml").is_file()
            fix = (
                f"go on with it by --resume {out}, or choose another with --out"
                if is_run
                else "choose another with --out"
            )
            raise UserError(
                f"the folder {out} is not empty", received="a run" if is_run else "other files", fix=fix
            )
        _probe(out)
        return out
    _make_parents(out, made)
    return out


def _make_parents(path: Path, made: list[Path]) -> None:
    missing = [each for each in [path, *path.parents] if not each.exists()]
    for each in reversed(missing):
        with _writing(each):
            each.mkdir(exist_ok=True)
        made.append(each)
    if not missing:
        _probe(path)


def _probe(folder: Path) -> None:
    """Find out now, not after training, that nothing can be written there."""
    import tempfile

    with _writing(folder), tempfile.TemporaryFile(dir=folder):
        pass


def _writing(path: Path) -> contextlib.AbstractContextManager[None]:
    from neurarium.core.files import writing

    return writing(path)
