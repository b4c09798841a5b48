"""Mixed rows: text columns and columns of image paths among those of a table, recognised and fitted."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy
import polars

from neurarium.core.errors import DataError, OptionError
from neurarium.data.dataset import Decision
from neurarium.data.preparation import text as texts
from neurarium.data.preparation.mixed import ImageColumn, MixedPreparation, located
from neurarium.data.preparation.tables import TablePreparation
from neurarium.data.preparation.text import TextPreparation, fit_text
from neurarium.data.readers.columns import Kind
from neurarium.data.readers.pictures import SUFFIXES, header
from neurarium.data.readers.values import text
from neurarium.data.specs import Image

LOOKED_AT = 100  # values of a column that are looked for on the disk
SIDE = 64  # pixels of an image's sides, at most, unless image_size says otherwise
MEMORY = 2 << 30  # bytes of decoded images that are held


@dataclasses.dataclass(frozen=True)
class Parts:
    """How texts and images of a table are prepared; see `nr.data.table`."""

    tokenizer: texts.Kind | None = None
    vocabulary: int = texts.VOCABULARY
    length: int | None = None
    truncate: str | None = None
    image_size: int | None = None


def with_images(kinds: Sequence[Kind], frame: polars.DataFrame, folder: Path | None) -> list[Kind]:
    """Recognise the columns whose values are image files that exist, beside the table or from here.

    Args:
        kinds: what the values alone tell.
        frame: the training rows.
        folder: where the table lies; None for a frame.
    """
    return [_image(kind, frame.get_column(kind.name), folder) for kind in kinds]


def _image(kind: Kind, column: polars.Series, folder: Path | None) -> Kind:
    if (
        kind.reason == "given"
        or kind.kind not in ("drop", "categorical", "text")
        or column.dtype != polars.String
    ):
        return kind
    known = column.drop_nulls().unique(maintain_order=True).head(LOOKED_AT)
    named = [value for value in known.to_list() if Path(value).suffix.lower() in SUFFIXES]
    if not named or len(named) < 0.9 * len(known):
        return kind
    found = sum(path is not None for path in located(known, [folder, Path()]))
    if 2 * found <= len(known):
        reason = f"{kind.reason}; named as images, but {len(known) - found} of {len(known)} are no files here"
        return dataclasses.replace(kind, reason=reason)
    return Kind(kind.name, "image", reason=f"{found} of {len(known)} values are image files", doubtful=True)


def with_parts(
    preparation: TablePreparation,
    frame: polars.DataFrame,
    train: numpy.ndarray,
    kinds: Sequence[Kind],
    folder: Path | None,
    parts: Parts,
) -> tuple[TablePreparation, list[Decision]]:
    """Fit texts and images on training rows, beside the columns of a table.

    Returns:
        The preparation as it came where there is neither, and the decisions.

    Raises:
        DataError: a text column is empty or says the same in every row, or no file of a column of images can be read.
        OptionError: the decoded images would need more than 2 GB.
    """
    key = _keys([kind.name for kind in kinds if kind.kind in ("text", "image")])
    fitted_texts: list[tuple[str, str, TextPreparation]] = []
    images: list[tuple[str, ImageColumn]] = []
    decisions: list[Decision] = []
    whole = sum(kind.kind != "drop" for kind in kinds) == 1
    for kind in kinds:
        if kind.kind == "text":
            values = text(frame.get_column(kind.name), preparation.reading.missing).gather(train).to_list()
            _require_different(values, kind.name)
            made, told = fit_text(
                values, kind=parts.tokenizer, vocabulary=parts.vocabulary, length=parts.length, truncate=parts.truncate,
                whole=whole, name=kind.name,
            )  # fmt: skip
            fitted_texts.append((f"text_{key[kind.name]}", kind.name, made))
            decisions += told
        elif kind.kind == "image":
            column, decision = _fitted(frame.get_column(kind.name), train, folder, parts.image_size)
            images.append((f"image_{key[kind.name]}", column))
            decisions.append(decision)
    if not fitted_texts and not images:
        return preparation, []
    return MixedPreparation.around(preparation, fitted_texts, images), decisions


def _require_different(values: Sequence[str | None], name: str) -> None:
    known = [each for each in values if each]
    if len(known) > 1 and len(set(known)) == 1:
        raise DataError(
            f"all texts of the column '{name}' are equal in the training rows",
            expected="texts that differ",
            received=repr(known[0][:60]),
            fix=f"choose another --text, or leave the column out: --set drop={name}",
        )


def _keys(names: Sequence[str]) -> dict[str, str]:
    """Short names of letters, digits and underscores, as keys of modules and of exported inputs have to be."""
    found: dict[str, str] = {}
    for name in names:
        key = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_").lower() or "column"
        while key in found.values():
            key += "_2"
        found[name] = key
    return found


def _fitted(
    column: polars.Series, train: numpy.ndarray, folder: Path | None, size: int | None
) -> tuple[ImageColumn, Decision]:
    paths = located(column.gather(train), [folder, Path()])
    heads = [
        found for path in paths[:1000] if path is not None and not isinstance(found := header(path), str)
    ]
    if not heads:
        raise DataError(
            f"no file that the column '{column.name}' names is a readable image",
            expected="paths of images, beside the table or from the working folder",
            received=", ".join(map(str, column.drop_nulls().head(3).to_list())) or "missing values only",
            fix=f"mend the paths, or leave the column out: types={{'{column.name}': 'drop'}}",
        )
    channels = 1 if all(each.grey for each in heads) else 3
    usual = min(SIDE, int(numpy.median([min(each.width, each.height) for each in heads])))
    side = size or usual
    needed = column.len() * channels * side * side
    if needed > MEMORY:
        raise OptionError(
            f"the images of column '{column.name}' would need {needed / 1e9:.1f} GB",
            expected=f"at most {MEMORY / 1e9:.1f} GB",
            received=f"{column.len():,} images of {side} x {side} pixels",
            fix="make them smaller with image_size=32",
        )
    spec = Image(channels, side, side)
    empty = numpy.zeros(channels), numpy.ones(channels)
    made = ImageColumn(column.name, spec, *empty, folder=str(folder.resolve()) if folder else "")
    pixels, there, _ = made.decode(column.gather(train), folder)
    made.fit(pixels, there)
    reason = "given" if size else f"the middle square of images, {SIDE} pixels at most"
    shown = f"{channels} x {side} x {side}"
    return made, Decision(f"images of {column.name}", shown, reason, "--set image_size=")


def finish_of(preparation: Any) -> Callable[[dict[str, Any]], dict[str, Any]] | None:
    """Return what is done to each batch that is taken; None for plain tables."""
    return preparation.finish() if isinstance(preparation, MixedPreparation) else None
