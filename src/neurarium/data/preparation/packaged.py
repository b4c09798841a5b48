"""Packaged: what the tokenizers have in common that the package `tokenizers` of Hugging Face computes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neurarium.core.errors import ArtifactError, MissingDependencyError, require

SPECIAL = ("[padding]", "[unknown]")


class Packaged:
    """A tokenizer that a `tokenizer.json` describes.

    Args:
        content: of that file.

    Raises:
        MissingDependencyError: the extra `text` is not installed.
        ArtifactError: the content is no tokenizer.
    """

    kind = ""

    def __init__(self, content: str):
        try:
            self.tokenizer = require("tokenizers", extra="text").Tokenizer.from_str(content)
        except MissingDependencyError:
            raise
        except Exception as error:  # the package raises bare exceptions
            raise ArtifactError(f"the tokenizer is damaged: {error}", fix="restore it from a copy") from error
        self.tokenizer.encode_special_tokens = True  # "[padding]" in a text is text

    @classmethod
    def from_text(cls, text: str) -> Any:
        return cls(text)

    @property
    def size(self) -> int:
        return self.tokenizer.get_vocab_size()

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        return [each.ids for each in self.tokenizer.encode_batch(list(texts), add_special_tokens=False)]

    def pieces(self, text: str) -> list[str]:
        """Return the piece of the text that each index of `encode` stands for; of a split character, all of it."""
        found = self.tokenizer.encode(text, add_special_tokens=False)
        return [text[start:end].strip() or text[start:end] for start, end in found.offsets]

    def places(self, text: str) -> tuple[list[int], list[int]]:
        """Return the indices, and at which character of the text each begins."""
        found = self.tokenizer.encode(text, add_special_tokens=False)
        return found.ids, [start for start, _ in found.offsets]

    def decode(self, indices: Sequence[int]) -> str:
        """Spell indices."""
        return self.tokenizer.decode(list(indices)).strip()

    def to_text(self) -> str:
        return self.tokenizer.to_str(pretty=True)
