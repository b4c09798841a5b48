"""Language samples: some text of a language model, for its report."""

from __future__ import annotations

from typing import Any

from neurarium.data.dataset import Dataset
from neurarium.studies.prediction.generation import generate, preparation_of
from neurarium.training.run import Run

TOKENS, PROMPT = 300, 40
TEMPERATURES = (0.8, 0.0)


def language_samples(run: Run, data: Dataset) -> list[dict[str, Any]]:
    """Let a run go on with the first words that it was not trained on, once drawn and once with the likeliest token.

    Returns:
        For each `name`, `prompt` and `text`.
    """
    preparation = preparation_of(run)
    split = "validation" if "validation" in data.splits else "train"
    tokens: Any = data.splits[split]
    first = [int(each) for each in tokens.tokens[:PROMPT].tolist() if each not in preparation.barred]
    prompt = preparation.decode(first) if preparation.exact else " ".join(preparation.decode(first).split())
    found = []
    for temperature in TEMPERATURES:
        name = f"at temperature {temperature:g}" if temperature else "the likeliest token each time"
        told = generate(run, prompt, tokens=TOKENS, temperature=temperature)
        found.append(
            {"name": f"After the beginning of the {split} text, {name}", "prompt": prompt, "text": told.text}
        )
    return found
