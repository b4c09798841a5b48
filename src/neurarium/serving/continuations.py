"""Continuations: a language model behind HTTP goes on with prompts, and says how likely it finds texts."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

from neurarium.core.errors import DataError, unknown
from neurarium.core.steps import finish
from neurarium.data.preparation.language import LanguagePreparation
from neurarium.serving.example import Example
from neurarium.serving.records import plain
from neurarium.serving.schemas import NUMBER, TEXT, made_of
from neurarium.serving.texts import text_in
from neurarium.studies.prediction.generation import writing
from neurarium.studies.prediction.language_scores import scoring

MOST_TOKENS, MOST_BEAMS = 1000, 16  # of one answer
WHOLE = {"tokens": (1, MOST_TOKENS), "top_k": (1, 1 << 31), "seed": (0, 1 << 53), "beam": (1, MOST_BEAMS)}
STREAM, STOP = "stream", "stop"
MOST_STOPS, LONGEST_STOP = 16, 200  # texts, characters
REAL = {"temperature": (0.0, 100.0), "top_p": (0.0, 1.0), "repetition_penalty": (0.1, 10.0)}


class Prompts:
    """Reads prompts with the options of `studies.generate`, and texts to score.

    Args:
        preparation: the run's.
    """

    media, alone = "", True

    def __init__(self, preparation: LanguagePreparation):
        self.preparation = preparation

    def parse(self, value: Any, place: str) -> Example:
        """Check one question: a prompt as a JSON string or under `prompt` with options, or a text to score under `text`.

        Raises:
            DataError: neither, an unknown name, an option out of its range.
        """
        if isinstance(value, str):
            value = {"prompt": value}
        if not isinstance(value, Mapping) or ("prompt" in value) == ("text" in value):
            raise DataError(
                f"{place} holds no question to a language model",
                expected='{"prompt": "..."} to go on with, or {"text": "..."} to score',
            )
        name = "text" if "text" in value else "prompt"
        allowed = [name, *(() if name == "text" else (*WHOLE, *REAL, STOP, STREAM))]
        for each in value:
            if each not in allowed:
                raise unknown(f"field of {place}:", str(each)[:80], allowed, error=DataError)
        checked = {
            each: _number(each, value[each], place) for each in value if each not in (name, STOP, STREAM)
        }
        if STOP in value:
            checked[STOP] = _stops(value[STOP], place)
        streamed = value.get(STREAM, False)
        if not isinstance(streamed, bool):
            raise DataError(
                f"'{STREAM}' of {place} is wrong", expected="true or false", received=str(streamed)[:40]
            )
        return Example({name: text_in(value[name], (name,), place), **checked}, streamed=streamed)

    def collate(self, examples: Sequence[Example]) -> tuple[list[Any], dict[int, DataError]]:
        """Return the questions."""
        return [each.value for each in examples], {}

    def schema(self) -> dict[str, Any]:
        """Return the schema of one example."""
        options: dict[str, Any] = {
            name: {"type": "integer", "minimum": low, "maximum": high} for name, (low, high) in WHOLE.items()
        }
        options |= {
            name: {"type": "number", "minimum": low, "maximum": high} for name, (low, high) in REAL.items()
        }
        options["tokens"]["examples"], options["temperature"]["examples"] = [200], [0.8]
        part = {"type": "string", "minLength": 1, "maxLength": LONGEST_STOP}
        options[STOP] = {
            "description": "ends before this text, or the first of several",
            "anyOf": [part, {"type": "array", "items": part, "maxItems": MOST_STOPS}],
        }
        score = {"type": "string", "description": "instead of a prompt: a text to score"}
        pieces = {"type": "boolean", "description": "pieces of the text as lines of JSON while it is written"}
        schema = made_of({"prompt": TEXT, **options, STREAM: pieces, "text": score}, [])
        either = [{"required": ["prompt"]}, {"required": ["text"]}]
        return {**schema, "oneOf": either, "description": "or the prompt alone, as a JSON string"}

    def blank(self) -> Example:
        return Example({"prompt": "", "tokens": 1})


class Continuations:
    """Goes on with prompts as `neurarium generate` does, and scores texts as `neurarium predict` does, step by step.

    Args:
        predictor: the run.
    """

    def __init__(self, predictor: Any):
        self.run = predictor.run

    def __call__(self, questions: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return an answer for each question."""
        return finish(self.begin(questions))

    def begin(self, questions: Sequence[dict[str, Any]]) -> Generator[Any, None, list[dict[str, Any]]]:
        """Answer questions with pauses, in which others can be answered; the value are the answers."""
        answers = []
        for each in questions:
            answers.append((yield from self._scored(each) if "text" in each else self._written(each)))
        return answers

    @staticmethod
    def rows(question: dict[str, Any]) -> int:
        """Return how many texts a question keeps in memory at once."""
        return question.get("beam") or 1

    def schema(self) -> dict[str, Any]:
        """Return the schema of one answer: what was written, or how likely a text is."""
        counted = {"type": "integer"}
        written = made_of({"text": TEXT, "tokens": counted, "ended": {"enum": ["length", "end", "stop"]}})
        parts = {
            "tokens": counted,
            "log_likelihood": NUMBER,
            "perplexity": NUMBER,
            "bits_per_character": NUMBER,
        }
        return {"type": "object", "properties": {}, "oneOf": [written, made_of(parts)]}

    def _written(self, question: dict[str, Any]) -> Generator[str, None, dict[str, Any]]:
        found = (yield from writing(self.run, **question)).to_json()
        kept = ("text", "tokens", "ended", *(("score",) if "beam" in question else ()))
        notes = {name: found[name] for name in ("unseen", "slid") if found[name]}
        return {**{name: plain(found[name]) for name in kept}, **({"notes": notes} if notes else {})}

    def _scored(self, question: dict[str, Any]) -> Generator[None, None, dict[str, Any]]:
        frame, notes = yield from scoring(self.run, [question["text"]])
        row = {name: plain(value) for name, value in frame.row(0, named=True).items()}
        return {**row, **({"notes": {"unseen": notes["unseen"]}} if notes.get("unseen") else {})}


def _stops(value: Any, place: str) -> tuple[str, ...]:
    """Return the texts before which an answer ends."""
    found = [value] if isinstance(value, str) else value
    good = isinstance(found, list) and len(found) <= MOST_STOPS
    if not good or not all(isinstance(each, str) and 0 < len(each) <= LONGEST_STOP for each in found):
        raise DataError(
            f"'{STOP}' of {place} is wrong",
            expected=f"a text of 1 to {LONGEST_STOP} characters, or a list of {MOST_STOPS} of them at most",
            received=str(value)[:40],
        )
    return tuple(found)


def _number(name: str, value: Any, place: str) -> Any:
    low, high = (WHOLE | REAL)[name]
    kind = int if name in WHOLE else (int, float)
    if isinstance(value, bool) or not isinstance(value, kind) or not low <= value <= high:  # type: ignore[arg-type]
        raise DataError(
            f"'{name}' of {place} is out of range",
            expected=f"{'a whole number' if name in WHOLE else 'a number'} from {low:g} to {high:g}",
            received=str(value)[:40],
        )
    return value
