"""Transcripts as targets: a column of what is said, as indices of the characters that training knows."""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy
import polars
import torch
from torch import Tensor

from neurarium.core.errors import DataError
from neurarium.data.readers.values import text
from neurarium.data.specs import Transcript

PADDING, UNREADABLE = -1, -2
MOST = 1000  # symbols


@dataclasses.dataclass(frozen=True)
class Transcripts:
    """A column of transcripts.

    Args:
        column: its name.
        symbols: the characters, in the order of their indices 1, 2, ...
        longest: symbols per transcript at most.
    """

    column: str
    symbols: tuple[str, ...]
    longest: int

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def spec(self) -> Transcript:
        return Transcript(self.symbols, self.longest)

    def encode(self, frame: polars.DataFrame) -> tuple[numpy.ndarray, dict[str, str]]:
        """Return (indices `(rows, longest)` padded with -1, unknown symbols); a missing transcript begins with -2.

        Symbols that training does not know are left out.
        """
        said = text(frame.get_column(self.column), ()).to_list()
        codes = {symbol: code for code, symbol in enumerate(self.symbols, start=1)}
        rows = [None if each is None else tidied(each) for each in said]
        unknown = sorted({symbol for each in rows if each for symbol in each if symbol not in codes})
        found = [[codes[symbol] for symbol in each if symbol in codes] if each else [] for each in rows]
        width = max([self.longest, *map(len, found)])
        encoded = numpy.full((len(found), width), PADDING, dtype=numpy.int64)
        for row, indices in zip(encoded, found, strict=True):
            row[: len(indices)] = indices
            if not indices:
                row[0] = UNREADABLE
        return encoded, dict.fromkeys(unknown, "left out: training knows no such symbol")

    def known(self, encoded: numpy.ndarray) -> numpy.ndarray:
        """Return which rows have a transcript."""
        return encoded[:, 0] != UNREADABLE

    def fitted(self, values: numpy.ndarray) -> Transcripts:
        return self

    def counts(self, encoded: numpy.ndarray) -> dict[str, int]:
        """Return how often each symbol comes."""
        counted = numpy.bincount(encoded[encoded > 0], minlength=len(self.symbols) + 1)[1:].tolist()
        return dict(zip(self.symbols, counted, strict=True))

    def tensor(self, encoded: numpy.ndarray) -> Tensor:
        return torch.from_numpy(numpy.array(encoded, dtype=numpy.int64))

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": "transcripts", "column": self.column, "symbols": list(self.symbols), "longest": self.longest,
        }  # fmt: skip


def tidied(said: str) -> str:
    """Return a transcript with composed characters (NFC) and single blanks inside.

    >>> tidied("  one   two ")
    'one two'
    """
    return " ".join(unicodedata.normalize("NFC", said).split())


def transcripts_of(column: str, said: Sequence[str | None]) -> Transcripts:
    """Return how transcripts are encoded, by those of the training rows.

    Raises:
        DataError: none, or so many different characters that they are no transcripts.

    >>> transcripts_of("said", ["one", None]).symbols
    ('e', 'n', 'o')
    """
    known = [tidied(each) for each in said if each and tidied(each)]
    symbols = tuple(sorted({symbol for each in known for symbol in each}))
    if not symbols:
        raise DataError(f"every transcript in '{column}' is empty", fix="choose another --target")
    if len(symbols) > MOST:
        raise DataError(
            f"the transcripts in '{column}' have too many different characters",
            expected=f"{MOST:,} at most",
            received=f"{len(symbols):,}",
        )
    return Transcripts(column, symbols, max(map(len, known)))
