"""Translations: a run behind HTTP translates or summarizes texts, token by token, so that others can be answered between."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from neurarium.serving.records import Records, plain
from neurarium.studies.prediction.translation import BEAM, translating


class Translations(Records):
    """Answers by the rows of `neurarium translate`, in steps."""

    def begin(self, text: str) -> Generator[None, None, dict[str, Any]]:
        """Write one text with pauses, in which others can be answered; the value is the answer."""
        frame, _ = yield from translating(self.run, [text])
        return {name: plain(value) for name, value in frame.row(0, named=True).items()}

    @staticmethod
    def rows(text: str) -> int:
        """Return how many beginnings a search keeps in memory at once."""
        return BEAM
