"""The .ts format of the UCR and UEA archives: a header of `@` lines, then a series per line."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy

from neurarium.core.errors import DataError, nearest
from neurarium.data.readers.encodings import require_file, to_utf8

GAP = "?"
FLAGS = ("timestamps", "missing", "univariate", "equallength", "classlabel", "targetlabel")
KNOWN = ("problemname", "data", "dimensions", "dimension", "serieslength", *FLAGS)


@dataclasses.dataclass
class Header:
    """What the `@` lines say.

    Args:
        labeled: whether a label stands behind the last dimension.
        quantities: whether the labels are quantities (`@targetlabel`).
        classes: the labels that may come; empty where the header does not say.
        dimensions: how many there are; None where the header does not say.
        line: of the last header line.
    """

    labeled: bool = False
    quantities: bool = False
    classes: tuple[str, ...] = ()
    dimensions: int | None = None
    line: int = 0


@dataclasses.dataclass
class Collection:
    """Series as they were read.

    Args:
        values: one `(length, channels)` float64 array per series; NaN for a missing value.
        labels: as they stand in the source; None where it has none.
        quantities: whether the source says that the labels are quantities.
    """

    values: list[numpy.ndarray]
    labels: list[str] | None
    quantities: bool = False


def read_ts(path: Path | str) -> Collection:
    """Read a .ts file.

    `#` lines are comments; `@key value` lines are the header, which ends with `@data`. Each further line is a series:
    dimensions between colons, their values between commas, `?` for a missing one, behind the last colon the label. Series
    may differ in length; the dimensions of one may not.

    Raises:
        DataError: what is no such file; the message names the line.

    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp()) / "two.ts"
    >>> _ = place.write_text("@classLabel true a b\\n@data\\n1,2,?:a\\n4,5:b\\n")
    >>> found = read_ts(place)
    >>> found.labels, [each.shape for each in found.values]
    (['a', 'b'], [(3, 1), (2, 1)])
    """
    path = Path(path)
    require_file(path)
    lines = to_utf8(path.read_bytes(), path)[0].decode().splitlines()
    header = _header(lines, path)
    values, labels = [], []
    for number, line in enumerate(lines[header.line :], start=header.line + 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        parts = line.strip().split(":")
        if header.labeled:
            labels.append(_label(parts, header, path, number))
        elif header.dimensions is None:
            header.dimensions = len(parts)
        values.append(_dimensions(parts, header, path, number))
    if not values:
        raise DataError(f"{path} holds no series", expected="a series per line below @data", received="none")
    return Collection(values, labels if header.labeled else None, header.quantities)


def _header(lines: list[str], path: Path) -> Header:
    found = Header()
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if not text.startswith("@"):
            raise DataError(
                f"line {number} of {path} comes before @data, and is no header line",
                expected="@key value, and @data before the first series",
                received=text[:60],
                fix="put the missing @data line above the series",
            )
        key, _, rest = text[1:].partition(" ")
        if key.lower() == "data":
            found.line = number
            return found
        _note(found, key.lower(), rest.split(), path, number)
    raise DataError(
        f"{path} has no @data line",
        expected="a header of @ lines, then @data, then a series per line",
        received=f"{len(lines)} lines without it",
        fix="the file may be cut off: fetch it again",
    )


def _note(found: Header, key: str, words: list[str], path: Path, number: int) -> None:
    """Take what one header line says."""
    if key not in KNOWN:
        near = nearest(key, KNOWN)
        raise DataError(
            f"line {number} of {path} is no known header line", expected="@problemName, @classLabel, @data, ...",
            received=f"@{key}", fix=f"did you mean @{near}?" if near else "remove the line",
        )  # fmt: skip
    first = words[0].lower() if words else ""
    if key in FLAGS and first not in ("true", "false"):
        raise DataError(
            f"line {number} of {path} says neither true nor false",
            expected=f"@{key} true",
            received=f"@{key} {first}",
        )
    if key == "timestamps" and first == "true":
        raise DataError(
            f"{path} gives a time stamp with every value, which this reader does not take",
            expected="@timeStamps false",
            received=f"line {number}: @timeStamps true",
            fix="write the values alone, or a long table: --task series --series ID --time TIME",
        )
    if key in ("classlabel", "targetlabel") and first == "true":
        found.labeled, found.quantities = True, key == "targetlabel"
        found.classes = tuple(words[1:]) if key == "classlabel" else ()
    if key in ("dimensions", "dimension") and first.isdigit():
        found.dimensions = int(first)


def _label(parts: list[str], header: Header, path: Path, number: int) -> str:
    """Take the label off the end of a line's parts."""
    wanted = None if header.dimensions is None else header.dimensions + 1
    if len(parts) < 2 or (wanted is not None and len(parts) != wanted):
        had = f"{len(parts)} parts" if len(parts) > 1 else "one part, without a label"
        raise DataError(
            f"line {number} of {path} is no whole series",
            expected=f"{wanted - 1 if wanted else 'its'} dimensions and a label, with colons between",
            received=had,
            fix="the file may be cut off: fetch it again, or remove the line",
        )
    header.dimensions = len(parts) - 1
    label = parts.pop().strip()
    if header.classes and label not in header.classes:
        raise DataError(
            f"line {number} of {path} has a label that the header does not name",
            expected=f"one of {', '.join(header.classes[:20])}",
            received=repr(label),
            fix="mend the label, or name it in the line @classLabel",
        )
    return label


def _dimensions(parts: list[str], header: Header, path: Path, number: int) -> numpy.ndarray:
    if len(parts) != header.dimensions:
        raise DataError(
            f"line {number} of {path} has another number of dimensions than the lines before",
            expected=f"{header.dimensions} with colons between",
            received=len(parts),
            fix="if the last part is a label, the header must say @classLabel true",
        )
    columns = [_numbers(part, path, number) for part in parts]
    lengths = {len(column) for column in columns}
    if len(lengths) > 1:
        raise DataError(
            f"the dimensions of the series in line {number} of {path} have different lengths",
            expected="one length",
            received=", ".join(map(str, sorted(lengths))),
            fix="the line may be cut off; fill gaps with ?",
        )
    return numpy.stack(columns, axis=1)


def _numbers(part: str, path: Path, number: int) -> numpy.ndarray:
    cells = [each.strip() for each in part.split(",")]
    try:
        found = numpy.array([numpy.nan if each in (GAP, "") else float(each) for each in cells])
    except ValueError as error:
        odd = next(each for each in cells if not _is_number(each))
        raise DataError(
            f"line {number} of {path} holds a value that is no number", expected="numbers, or ? for a gap",
            received=repr(odd[:40]), fix="if it is a label, the header must say @classLabel true",
        ) from error  # fmt: skip
    if numpy.isinf(found).any():
        raise DataError(
            f"line {number} of {path} holds an infinite value",
            expected="finite numbers, or ? for a gap",
            received="inf",
        )
    return found


def _is_number(cell: str) -> bool:
    if cell in (GAP, ""):
        return True
    try:
        float(cell)
    except ValueError:
        return False
    return True
