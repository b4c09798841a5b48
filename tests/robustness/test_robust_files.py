"""Odd data files: each is read by a rule or refused by a typed error that names it; no traceback, no hang, no litter."""

from __future__ import annotations

import functools
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cases import READ, REFUSED, Case
from odd_arrays import LABELS, PIXELS, idx, idx_files, npz_files
from odd_columns import parquet_tables
from odd_pictures import picture, pictures
from odd_sounds import sound, sounds
from odd_tables import text_tables

import neurarium.studies.training  # noqa: F401  (imported here, so that no case pays for it)
from neurarium.cli.main import main
from neurarium.core.errors import UserError
from neurarium.studies.planning.reading import read_data

SECONDS = 2.0  # of the processor, all threads, for reading
READERS = ("encoding", "quote", "separator", "skip", "weights")
ASIDE = Path("/tmp/robustness-was-here")  # what the crafted files would write, were they run


def alone(case: Case, folder: Path) -> Path:
    """Put a file into a folder; return what a person would name."""
    (folder / case.file).write_bytes(case.content)
    return folder / case.file


def among_pictures(case: Case, folder: Path) -> Path:
    """Put a picture beside good ones of two classes."""
    for name in "ab":
        (folder / name).mkdir()
        for number in range(6):
            (folder / name / f"{number}.png").write_bytes(GOOD)
    (folder / "a" / case.file).write_bytes(case.content)
    return folder


def among_sounds(case: Case, folder: Path) -> Path:
    """Put a recording beside good ones of two classes."""
    for name in "ab":
        (folder / name).mkdir()
        for number in range(6):
            (folder / name / f"{number}.wav").write_bytes(SOUND)
    (folder / "a" / case.file).write_bytes(case.content)
    return folder


def among_idx(case: Case, folder: Path) -> Path:
    """Put an idx file beside its partner."""
    (folder / "train-images-idx3-ubyte").write_bytes(idx(PIXELS))
    (folder / "train-labels-idx1-ubyte").write_bytes(idx(LABELS))
    (folder / case.file).write_bytes(case.content)
    return folder


GOOD = picture()
SOUND = sound()
PLACES: dict[str, tuple[Callable[[], list[Case]], Callable[[Case, Path], Path]]] = {
    "text": (text_tables, alone),
    "parquet": (parquet_tables, alone),
    "pictures": (pictures, among_pictures),
    "sounds": (sounds, among_sounds),
    "idx": (idx_files, among_idx),
    "npz": (npz_files, alone),
}


@functools.cache
def cases_of(kind: str) -> list[Case]:
    """Return the cases of a kind, made once."""
    return PLACES[kind][0]()


class Hang(BaseException):
    """Reading takes much too long."""


@pytest.fixture(autouse=True)
def _not_for_ever() -> Iterator[None]:
    """End a case that hangs, where the system has alarms; the processor's time decides, not the clock."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def ring(*arguments: Any) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(120)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def outcome(case: Case, source: Path) -> tuple[str, str]:
    """Read a source as the command line does; return ("read" or "refused", what was said)."""
    asked = dict(case.options)
    options = {name: asked.pop(name) for name in READERS if name in asked}
    try:
        dataset = read_data(str(source), options=options, **asked)  # type: ignore[arg-type]
    except UserError as error:
        return REFUSED, str(error)
    quarantined = dataset.summary.get("quarantined") or []
    if quarantined:
        return REFUSED, "; ".join(f"{each['file']}: {each['reason']}" for each in quarantined)
    return READ, repr(dataset)


def check(case: Case, folder: Path, source: Path) -> str | None:
    """Return what is wrong with the way a case ends; None where nothing is."""
    before = sorted(folder.rglob("*"))
    took = float("inf")
    for _ in range(3):  # threads that wait for a busy machine spin: the fastest of three counts
        began = time.process_time()
        try:
            verdict, said = outcome(case, source)
        except (Exception, Hang) as error:
            return f"{type(error).__name__}: {error}"
        took = min(took, time.process_time() - began)
        if took <= SECONDS:
            break
    if took > SECONDS:
        return f"it took {took:.1f} s"
    if case.verdict not in ("either", verdict):
        return f"{verdict}, not {case.verdict}: {said[:200]}"
    named = [
        case.file,
        folder.name,
        *(repr(value) for _, value in case.options),
        *(name for name, _ in case.options),
    ]
    if verdict == REFUSED and not any(name in said for name in named):
        return f"the message names nothing: {said[:200]}"
    if len(said) > 9000:
        return f"the message has {len(said)} characters"
    if sorted(folder.rglob("*")) != before or ASIDE.exists():
        return "something was written"
    return None


@pytest.mark.parametrize("kind", PLACES)
def test_every_odd_file_is_read_by_a_rule_or_refused_by_name(kind: str, tmp_path: Path):
    place = PLACES[kind][1]
    wrong = []
    for number, case in enumerate(cases_of(kind)):
        folder = tmp_path / f"case{number}"
        folder.mkdir()
        found = check(case, folder, place(case, folder))
        wrong += [f"{case}: {found}"] if found else []
    assert not wrong, "\n".join(wrong)


def test_there_are_enough_of_them():
    counts = {kind: len({case.name + case.file for case in cases_of(kind)}) for kind in PLACES}
    assert sum(counts.values()) >= 300 and min(counts.values()) >= 40, counts


def test_they_are_the_same_in_every_run():
    for make in (parquet_tables, idx_files, npz_files):
        assert make() == make()


SAMPLE = {
    "text": ("nothing is odd", "a byte order mark", "UTF-16 with a mark", "a name with markup", "a field of a million letters",
             "emoji", "numbers beyond float32", "the missing value as a class", "a name of 100,000 letters", "gzip"),
    "parquet": ("nothing is odd", "durations", "nothing but null", "large unsigned numbers", "a target of NaN"),
    "pictures": ("mode CMYK", "a line", "an animation", "text", "a name in other letters"),
    "sounds": ("24 bits", "silence", "one sample", "a length of 3 GB", "a name with blanks, quotes and markup"),
    "idx": ("nothing is odd", "negative labels"),
    "npz": ("the other order of bytes", "nine channels", "constant images", "labels of two axes"),
}  # fmt: skip


QUICK = ("a name with markup", "durations", "text", "the other order of bytes")
TRAINED = [
    pytest.param(kind, name, marks=[] if name in QUICK else [pytest.mark.slow])
    for kind, names in SAMPLE.items()
    for name in names
]


@pytest.mark.parametrize(("kind", "name"), TRAINED)
def test_what_is_read_is_trained_on_or_refused_in_one_message(kind, name, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    place = PLACES[kind][1]
    case = next(each for each in cases_of(kind) if each.name == name)
    folder = tmp_path / "data"
    folder.mkdir()
    source = place(case, folder)
    words = [word for key, value in case.options for word in (f"--{key}", value)]
    network = ["--network", "mlp", "--set", "widths=8"]
    code = main(["train", str(source), *words, *network, "--epochs", "1", "--quiet", "--out", "run"])
    _, told = capfd.readouterr()
    assert "Traceback" not in told
    if code == 0:
        assert (tmp_path / "run" / "results.json").is_file() and (tmp_path / "run" / "report.html").is_file()
    else:
        assert code == 2 and told.count("error: ") == 1
        assert sorted(each.name for each in tmp_path.iterdir()) == ["data"]  # nothing half-written
    if case.verdict == READ:
        assert code == 0, told
