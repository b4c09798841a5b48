"""Translations: a run behind HTTP translates or summarizes texts, token by token, so that others can be answered between."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from neurarium.serving.records import Records, plain
from neurarium.studies.prediction.translation import BEAM, translating


class Translations(Records):
    """Answers by the rows of `neurarium translate`, in steps."""

    together = 12  # texts in one search: 5 beginnings of each are most of the 64 places

    def begin(self, texts: Sequence[str]) -> Generator[None, None, list[dict[str, Any]]]:
        """Write texts together, with pauses in which others can be answered; the value are the answers."""
        frame, _ = yield from translating(self.run, list(texts))
        return [{name: plain(value) for name, value in row.items()} for row in frame.to_dicts()]

    @staticmethod
    def rows(text: str) -> int:
        """Return how many beginnings a search keeps in memory at once."""
        return BEAM
