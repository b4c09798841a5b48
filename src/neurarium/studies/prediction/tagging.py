"""Tagging: the tag of each word of new sentences, as a table with a row per word."""

from __future__ import annotations

import re
from typing import Any

import polars

from neurarium.core import batches
from neurarium.core.errors import DataError, OptionError
from neurarium.data.sources.buckets import cut_sequences
from neurarium.data.specs import Tags
from neurarium.studies.prediction.learner import learner_of
from neurarium.training.run import Run

WORD = re.compile(r"\w+(?:[-'’.]\w+)*|[^\w\s]")


def is_tagged(run: Run) -> bool:
    """Return whether a run gives each word a tag."""
    return isinstance(run.targets, Tags)


def words_of(text: str) -> list[list[str]]:
    """Cut a literal text into one sentence of words and punctuation.

    Raises:
        DataError: no word.

    >>> words_of("Anna lives in New-York.")
    [['Anna', 'lives', 'in', 'New-York', '.']]
    """
    found = WORD.findall(text)
    if not found:
        raise DataError("the text is empty", expected="at least one word", received=repr(text))
    return [found]


def predict_tags(run: Run, raw: Any, *, batch_size: int = 256) -> tuple[polars.DataFrame, dict[str, Any]]:
    """Tag the words of new sentences.

    Args:
        run: trained on tagged sentences.
        raw: a file as of the training (its tags may be absent), or lists of words.
        batch_size: sentences per batch.

    Returns:
        A row per word: `sentence` (from 1), `word`, `prediction`, `probability` of that tag; and the notes of the
        preparation.

    Raises:
        OptionError: the run gives no tags.

    >>> import neurarium as nr
    >>> rows = {"tokens": [["Anna", "sings"], ["a", "dog", "barks"]] * 9, "tags": [["N", "V"], ["D", "N", "V"]] * 9}
    >>> options = {"width": 16, "dropout": 0.0, "learning_rate": 0.01}
    >>> run = nr.studies.train(nr.data.tagged(rows), epochs=30, options=options, progress=False)
    >>> nr.studies.predict_tags(run, [["a", "dog", "sings"]])[0]["prediction"].to_list()
    ['D', 'N', 'V']
    """
    from neurarium.studies.prediction.study import outputs_of

    if not is_tagged(run):
        raise OptionError("the run gives no tags", expected="a run on tagged sentences", received=run.targets)
    batch, notes = run.preparation.apply(raw)  # type: ignore[union-attr]
    learner, targets, inputs = learner_of(run), run.targets, batch["inputs"]
    rows: dict[str, list[Any]] = {"sentence": [], "word": [], "prediction": [], "probability": []}
    for first in range(0, len(notes["words"]), batch_size):
        some = notes["words"][first : first + batch_size]
        part = {"inputs": batches.take(inputs, slice(first, first + batch_size))}
        part = cut_sequences(part, max(map(len, some)))
        outputs = outputs_of(learner, part["inputs"], batch_size=batch_size).float()
        codes = targets.decided(outputs)  # type: ignore[union-attr]
        shares = targets.probabilities(outputs).gather(-1, codes.unsqueeze(-1)).squeeze(-1)  # type: ignore[union-attr]
        for number, words in enumerate(some):
            count = len(words)
            rows["sentence"] += [first + number + 1] * count
            rows["word"] += words
            rows["prediction"] += [targets.names[code] for code in codes[number, :count].tolist()]  # type: ignore[union-attr]
            rows["probability"] += shares[number, :count].tolist()
    return polars.DataFrame(rows), {key: value for key, value in notes.items() if key != "words"}
