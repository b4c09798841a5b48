"""The kinds of sources: which reader a name, a file or a folder gets. Another kind is another row."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from neurarium.core.errors import DataError, OptionError, nearest
from neurarium.data.dataset import Dataset
from neurarium.data.readers.encodings import missing_path

Asked = Mapping[str, Any]


class Kind(NamedTuple):
    """One kind of source.

    Args:
        name: how it is called where an option does not fit.
        reader: `module:function` below `neurarium.data`.
        fits: whether a source (as text) is of this kind, given the options of the command (`task`, `image`, `masks` ...).
        holds: what it holds, for messages.
    """

    name: str
    reader: str
    fits: Callable[[str, Asked], bool]
    holds: str = "images"


def _file_or_folder(source: str) -> bool:
    """Whether the source names one file or folder, no pattern of several."""
    from neurarium.data.readers.parts import is_pattern

    return not is_pattern(source) and Path(source).exists()


def _is_folder(source: str, asked: Asked) -> bool:
    from neurarium.data.readers.parts import holds_tables

    return _file_or_folder(source) and Path(source).is_dir() and not holds_tables(Path(source))


def _is_texts(source: str, asked: Asked) -> bool:
    from neurarium.data.readers.text_folders import holds_texts

    return _is_folder(source, asked) and asked.get("image") is None and holds_texts(Path(source))


def _is_tagged(source: str, asked: Asked) -> bool:
    from neurarium.data.readers.conll import SUFFIXES

    return asked.get("task") == "tagging" or (
        asked.get("task") is None and Path(source).suffix.lower() in SUFFIXES
    )


def _is_sounds(source: str, asked: Asked) -> bool:
    from neurarium.data.readers.recordings import SUFFIXES, holds_sounds

    path = Path(source)
    one = _file_or_folder(source) and path.is_file() and path.suffix.lower() in SUFFIXES
    folder = _is_folder(source, asked) and asked.get("image") is None and holds_sounds(path)
    return asked.get("sound") is not None or one or folder


def _is_images(source: str, asked: Asked) -> bool:
    from neurarium.data.readers.image_archives import is_archive

    path = Path(source)
    packed = path.suffix.lower() in (".npz", ".npy") or (_file_or_folder(source) and is_archive(path))
    return asked.get("image") is not None or _is_folder(source, asked) or packed


def _is_series(source: str, asked: Asked) -> bool:
    path = Path(source)
    pair = _file_or_folder(source) and path.is_dir() and any(path.glob("*_TRAIN.ts"))
    return (
        asked.get("task") == "series"
        or asked.get("series") is not None
        or path.suffix.lower() == ".ts"
        or pair
        or _holds_series(path, asked)
    )


def _holds_series(path: Path, asked: Asked) -> bool:
    """Whether a file of arrays holds series, by their shape."""
    from neurarium.data.readers.npz import shape_of_inputs
    from neurarium.data.readers.stacks import kind_of_stack

    said = asked.get("kind") or (asked.get("set") or {}).get("kind")
    if path.suffix.lower() not in (".npz", ".npy") or said is not None or not path.is_file():
        return False
    shape = shape_of_inputs(path)
    return shape is not None and len(shape) == 3 and kind_of_stack(shape)[0] == "series"


def _is_language(source: str, asked: Asked) -> bool:
    """Whether text is to be learned as a language: asked for, or a text file, which holds nothing else."""
    return asked.get("task") == "language-model" or (
        asked.get("task") is None and asked.get("target") is None and source.lower().endswith(".txt")
        and Path(source).is_file()
    )  # fmt: skip


def _is_forecast(source: str, asked: Asked) -> bool:
    return asked.get("horizon") is not None or asked.get("task") == "forecast"


def _is_pairs(source: str, asked: Asked) -> bool:
    return asked.get("parallel") is not None or asked.get("task") in ("translation", "summarization")


# The first that fits is taken: what an option asks for, then what lies there, tables last.
KINDS: tuple[Kind, ...] = (
    Kind("images with boxes", "assembly.boxes:boxes", lambda source, asked: asked.get("boxes") is not None),
    Kind("images with masks", "assembly.masks:masks", lambda source, asked: asked.get("masks") is not None),
    Kind(
        "traces",
        "assembly.traces:traces",
        lambda source, asked: asked.get("task") == "anomaly",
        holds="traces",
    ),
    Kind("forecast", "assembly.forecasting:forecast", _is_forecast, holds="series"),
    Kind("series", "assembly.series:series", _is_series, holds="series"),
    Kind("text to go on with", "assembly.language:language", _is_language, holds="text"),
    Kind("tagged sentences", "assembly.tagged:tagged", _is_tagged, holds="sentences of tagged words"),
    Kind("pairs of texts", "assembly.text_pairs:text_pairs", _is_pairs, holds="pairs of texts"),
    Kind("texts", "assembly.text_folders:texts", _is_texts, holds="texts"),
    Kind("sounds", "assembly.sounds:sounds", _is_sounds, holds="recordings"),
    Kind("images", "assembly.images:images", _is_images),
    Kind("table", "assembly.tables:table", lambda source, asked: True, holds="a table"),
)


def kind_of(source: str | Path, asked: Asked | None = None) -> tuple[str, Callable[..., Dataset]]:
    """Return the kind of a source and the function that reads it.

    A name of the catalogue is that data set; `./name` is a file or folder of that name. A table whose column `image` names
    files holds images, and so does an archive of images. With masks it is a folder of images that have one each, with boxes
    one of images that a list says them of.

    Args:
        source: a name, a file, a folder or a pattern.
        asked: the options of the command that decide with it (`task`, `image`, `masks`, `boxes`, `parallel`, ..., and those of
            `--set` as `set`); None for not said.

    Raises:
        DataError: there is neither such a data set nor such a file.
        OptionError: options that exclude each other.

    >>> kind_of("digits")[0]
    'catalogue'
    """
    text, asked = str(source), asked or {}
    if asked.get("masks") is not None and asked.get("boxes") is not None:
        raise OptionError(
            "masks and boxes are different targets", received="--masks and --boxes", fix="give one of them"
        )
    from neurarium.data.catalogue.entries import ENTRIES
    from neurarium.data.readers.parts import is_pattern

    asks = any(asked.get(name) is not None for name in ("masks", "boxes", "parallel"))
    if text in ENTRIES and not asks:
        return "catalogue", _function(f"catalogue.{ENTRIES[text].variants[0].read}")
    if not asks and not is_pattern(source) and not Path(source).exists():
        raise _absent(text, Path(source), ENTRIES)
    kind = next(each for each in KINDS if each.fits(text, asked))
    return kind.name, _function(kind.reader)


def held_by(kind: str) -> str:
    """Return what a kind of source holds, in a word or two."""
    return next((each.holds for each in KINDS if each.name == kind), "images")


def _function(name: str) -> Callable[..., Dataset]:
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(f"neurarium.data.{module}"), function)


def _absent(text: str, path: Path, known: Mapping[str, Any]) -> DataError:
    if path.suffix or len(path.parts) > 1:
        return missing_path(path)
    near = nearest(text, [*known, *(each.name for each in Path().iterdir())])
    return DataError(
        f"there is neither a data set nor a file '{text}'",
        expected=f"a file, a folder, or one of {', '.join(sorted(known))}",
        received=text,
        fix=f"did you mean '{near}'?" if near else "`neurarium datasets` lists the data sets",
    )
