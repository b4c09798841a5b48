"""Series of a request, as numbers by moment and channel; and piano rolls, whose channels are keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy

from neurarium.core.errors import DataError
from neurarium.data.preparation.piano_rolls import KEYS, PianoRollPreparation, checked
from neurarium.data.preparation.series import SeriesPreparation
from neurarium.serving.example import Example
from neurarium.serving.schemas import list_of, made_of

LONGEST, LARGEST = (
    1 << 20,
    1e30,
)  # numbers of one series; a number: its square is finite in float64, it itself in float32


class SeriesReader:
    """Reads series of any length; null is a gap.

    Args:
        preparation: the run's.
    """

    media, alone = "", False

    def __init__(self, preparation: SeriesPreparation):
        self.preparation = preparation

    def parse(self, value: Any, place: str) -> Example:
        """Check one series: `{"series": numbers}` or the numbers alone; of several channels a list per moment.

        Raises:
            DataError: no numbers, or another number of channels.
        """
        values = value.get("series") if isinstance(value, Mapping) else value
        return Example(numbers_of(values, place, self.preparation.spec.channels))

    def collate(self, examples: Sequence[Example]) -> tuple[Any, dict[int, DataError]]:
        """Return the prepared inputs."""
        return self.preparation.transform([each.value for each in examples]), {}

    def schema(self) -> dict[str, Any]:
        """Return the schema of one example."""
        spec = self.preparation.spec
        number = {"type": ["number", "null"]}
        row = (
            number if spec.channels == 1 else list_of(number, minItems=spec.channels, maxItems=spec.channels)
        )
        channels = "" if spec.channels == 1 else f", {spec.channels} channels each"
        said = f"moment by moment{channels}; training had {spec.length} at most; null is a gap"
        return made_of({"series": list_of(row, said, minItems=1)})

    def blank(self) -> Example:
        spec = self.preparation.spec
        return Example(numpy.zeros((spec.length, spec.channels)))


class Rolls:
    """Reads piano rolls: steps of 88 keys.

    Args:
        preparation: the run's.
    """

    media, alone = "", False

    def __init__(self, preparation: PianoRollPreparation):
        self.preparation = preparation

    def parse(self, value: Any, place: str) -> Example:
        """Check one roll: `{"roll": steps}` or the steps alone.

        Raises:
            DataError: another number of keys, other numbers than 0 and 1, one step alone.
        """
        values = value.get("roll") if isinstance(value, Mapping) else value
        return Example(checked([numbers_of(values, place, KEYS)], place)[0])

    def collate(self, examples: Sequence[Example]) -> tuple[Any, dict[int, DataError]]:
        """Return the rolls."""
        return [each.value for each in examples], {}

    def schema(self) -> dict[str, Any]:
        """Return the schema of one example."""
        step = list_of({"enum": [0, 1]}, minItems=KEYS, maxItems=KEYS)
        return made_of({"roll": list_of(step, "two steps or more, each of the keys A0 to C8", minItems=2)})

    def blank(self) -> Example:
        return Example(numpy.zeros((2, KEYS), dtype=numpy.uint8))


def numbers_of(values: Any, place: str, channels: int) -> numpy.ndarray:
    """Return numbers as `(length, channels)` float64, null as NaN; of one channel they may be a plain list.

    Raises:
        DataError: no numbers, infinite ones, gaps alone, another number of channels, too many of them.

    >>> numbers_of([1, None, 2], "it", 1).ravel().tolist()
    [1.0, nan, 2.0]
    """
    expected = "a list of numbers" if channels == 1 else f"lists of {channels} numbers, one per moment"
    try:
        array = numpy.asarray(values, dtype=numpy.float64)
    except (ValueError, TypeError, OverflowError) as error:
        raise DataError(f"{place} holds no series", expected=expected, received="something else") from error
    array = array[:, None] if array.ndim == 1 and channels == 1 else array
    if array.ndim != 2 or not len(array) or array.shape[1] != channels:
        raise DataError(f"{place} holds no such series", expected=expected, received=f"shape {array.shape}")
    if array.size > LONGEST:
        raise DataError(f"{place} holds too long a series", expected=f"at most {LONGEST:,} numbers")
    if numpy.isnan(array).all() or (numpy.abs(array) > LARGEST).any():
        expected = f"numbers up to {LARGEST:.0e}, null for a gap"
        raise DataError(f"{place} holds no such numbers", expected=expected)
    return array
