"""Texts of a request: to be translated or summarized, or sentences whose words are tagged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from neurarium.core.errors import DataError
from neurarium.data.preparation.tagged import TaggedPreparation
from neurarium.data.preparation.text_pairs import TextPairPreparation
from neurarium.serving.example import Example
from neurarium.serving.schemas import TEXT, list_of, made_of
from neurarium.studies.prediction.tagging import words_of

LONGEST = 100_000  # characters of one text


class Texts:
    """Reads texts that a run translates or summarizes.

    Args:
        preparation: the run's.
    """

    media, alone = "", True

    def __init__(self, preparation: TextPairPreparation):
        self.preparation = preparation
        self.names = tuple(dict.fromkeys((preparation.source, "text")))

    def parse(self, value: Any, place: str) -> Example:
        """Check one text: a JSON string, or an object with it.

        Raises:
            DataError: no text, or too long a one.
        """
        text = text_in(value, self.names, place)
        read = self.preparation.read
        count = len(read.tokenizer.encode([text])[0])
        cut = {"cut": f"{count - read.length} tokens behind the first {read.length}"}
        return Example(text, cut if count > read.length else {})

    def collate(self, examples: Sequence[Example]) -> tuple[list[str], dict[int, DataError]]:
        """Return the texts."""
        return [each.value for each in examples], {}

    def schema(self) -> dict[str, Any]:
        """Return the schema of one example."""
        return {**made_of({self.names[0]: TEXT}), "description": "or the text alone, as a JSON string"}

    def blank(self) -> Example:
        return Example("a")


class Sentences:
    """Reads sentences: a text, which is cut into words, or the words themselves.

    Args:
        preparation: the run's.
    """

    media, alone = "", False

    def __init__(self, preparation: TaggedPreparation):
        self.preparation = preparation

    def parse(self, value: Any, place: str) -> Example:
        """Check one sentence: a JSON string, `{"text": ...}` or `{"words": [...]}`.

        Raises:
            DataError: no word, or words that are none.
        """
        if not (isinstance(value, Mapping) and "words" in value):
            return Example(words_of(text_in(value, ("text", "words"), place))[0])
        words = value["words"]
        if (
            not isinstance(words, list)
            or not words
            or not all(isinstance(each, str) and each for each in words)
        ):
            raise DataError(f"{place} holds no words", expected='"words": ["one", "or", "more"]')
        if sum(map(len, words)) > LONGEST:
            raise too_long(place)
        return Example(words)

    def collate(self, examples: Sequence[Example]) -> tuple[list[list[str]], dict[int, DataError]]:
        """Return the sentences."""
        return [each.value for each in examples], {}

    def schema(self) -> dict[str, Any]:
        """Return the schema of one example."""
        either = [{"required": ["text"]}, {"required": ["words"]}]
        words = list_of(TEXT, "instead of the text: its words")
        said = "or the text alone, as a JSON string"
        return {**made_of({"text": TEXT, "words": words}, []), "oneOf": either, "description": said}

    def blank(self) -> Example:
        return Example(["a"])


def text_in(value: Any, names: Sequence[str], place: str) -> str:
    """Return the text of an example, which is one or holds it under one of these names.

    Raises:
        DataError: there is none, or one of more than 100,000 characters.

    >>> text_in({"text": "a dog"}, ("de", "text"), "example 1")
    'a dog'
    """
    if isinstance(value, Mapping):
        value = next((value[name] for name in names if name in value), None)
    if not isinstance(value, str):
        raise DataError(f"{place} holds no text", expected=f'a JSON string, or {{"{names[0]}": "..."}}')
    if len(value) > LONGEST:
        raise too_long(place)
    return value.encode("utf-8", "replace").decode("utf-8")


def too_long(place: str) -> DataError:
    """Make the error for a text over the limit."""
    return DataError(f"{place} holds too long a text", expected=f"at most {LONGEST:,} characters")
