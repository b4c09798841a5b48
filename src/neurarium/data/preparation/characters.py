"""Characters: every character of the training texts is a token."""

from __future__ import annotations

import collections
import json
from collections.abc import Iterable, Sequence

from neurarium.data.preparation.special_tokens import UNKNOWN


class Characters:
    """One token per character; needs no further package.

    `decode(encode(text))` is the text, unless it holds a character that no training text holds.

    Args:
        characters: those with indices 2, 3, ...
        lowercase: whether texts are read in lower case.

    >>> letters = Characters.train(["To be, or not"], 100, lowercase=False)
    >>> letters.decode(letters.encode(["not to be"])[0])
    'not to be'
    """

    kind = "characters"

    def __init__(self, characters: Sequence[str], lowercase: bool = True):
        self.characters, self.lowercase = tuple(characters), lowercase
        self._codes = {each: code for code, each in enumerate(self.characters, start=2)}

    @classmethod
    def train(cls, texts: Iterable[str], vocabulary: int, lowercase: bool = True) -> Characters:
        """Take the characters of the texts in the order of their code points; the frequent ones where they are too many."""
        counts: collections.Counter[str] = collections.Counter()
        for text in texts:
            counts.update(text.lower() if lowercase else text)
        ordered = sorted(counts, key=lambda each: (-counts[each], each))
        return cls(sorted(ordered[: max(vocabulary - 2, 0)]), lowercase)

    @classmethod
    def from_text(cls, text: str) -> Characters:
        held = json.loads(text)
        return cls(held["characters"], held["lowercase"])

    @property
    def size(self) -> int:
        return 2 + len(self.characters)

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        find = self._codes.get
        return [[find(each, UNKNOWN) for each in self.pieces(text)] for text in texts]

    def pieces(self, text: str) -> list[str]:
        """Return the characters, which are what each index of `encode` stands for."""
        return list(text.lower() if self.lowercase else text)

    def places(self, text: str) -> tuple[list[int], list[int]]:
        """Return the indices, and at which character of the text each begins."""
        found = self.encode([text])[0]
        return found, list(range(len(found)))

    def decode(self, indices: Sequence[int]) -> str:
        """Spell indices; an unknown character is `…`."""
        return "".join(self.characters[code - 2] if code > UNKNOWN else "…" for code in indices)

    def to_text(self) -> str:
        held = {"kind": self.kind, "lowercase": self.lowercase, "characters": list(self.characters)}
        return json.dumps(held, ensure_ascii=False)
