"""Tag examples: the sentences of a split with the most wrong tags, and the usual tag of each word as a baseline."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from neurarium.data.dataset import Dataset
from neurarium.data.specs import ABSENT, Tags
from neurarium.studies.comparison.baselines import Baseline, measure
from neurarium.studies.prediction.seen import Seen

SHOWN = 8
AT_ONCE = 4096  # sentences
LONGEST = 60  # words of a sentence that are shown


def usual_tags(
    data: Dataset, split: str, seen: Seen, *, resamples: int = 1000, seed: int = 0
) -> list[dict[str, Any]]:
    """Return what the tag that each word has most often in training reaches, as the report shows baselines.

    A word that training has not is known by its looks, as the network knows it, and else has the tag that is usual for rare
    words. Of equally frequent tags it is the first.

    Args:
        data: `Tokens` -> `Tags`.
        split: what is measured.
        seen: what the network said of it.

    Returns:
        A row: `kind`, `name`, `note`, `metrics`, `intervals`, and the `difference` of the network with its 95 % interval under
        the same resamples of the sentences.
    """
    targets, inputs = data.targets, data.inputs
    tags = len(targets.names)  # type: ignore[attr-defined]
    table = torch.zeros(inputs.vocabulary * tags, dtype=torch.int64)  # type: ignore[attr-defined]
    words, truth = _flat(data.train)
    table += torch.bincount(words * tags + truth, minlength=len(table))
    counts = table.reshape(-1, tags)
    usual = torch.where(counts.sum(dim=1) > 0, counts.argmax(dim=1), counts.sum(dim=0).argmax())
    batch = data.splits[split].take(slice(None))  # type: ignore[union-attr]
    found = [Baseline("naive", "the usual tag of each word", "the tag that it has most often in training")]
    said = {"naive": usual[batch["inputs"]["tokens"]]}
    measure(found, said, batch["targets"], seen, data, split, resamples, seed)
    return [each.to_json() for each in found]


def _flat(examples: Any) -> tuple[Tensor, Tensor]:
    """Return the words and the tags of all sentences, one behind the other."""
    words, tags = [], []
    for first in range(0, len(examples), AT_ONCE):
        batch = examples.take(slice(first, first + AT_ONCE))
        there = batch["targets"] != ABSENT
        words.append(batch["inputs"]["tokens"][there])
        tags.append(batch["targets"][there])
    return torch.cat(words), torch.cat(tags)


def worst_sentences(
    examples: Any, seen: Seen, targets: Tags, rows: Any = None, *, count: int = SHOWN
) -> list[dict[str, Any]]:
    """Return the sentences with the most wrong tags; of equally many the shortest.

    Args:
        examples: the split, with its `words`.
        seen: what was said of it.
        targets: the spec of the tags.
        rows: the places of the sentences in the source, where they are known.

    Returns:
        For each `words`, `truth` and `said` (a name per word, of the first 60), `wrong` (how many), and `note`.
    """
    if not hasattr(examples, "words"):
        return []
    known = seen.targets != ABSENT
    wrong = ((seen.predictions != seen.targets) & known).sum(dim=1)
    sizes = known.sum(dim=1)
    order = sorted(range(len(wrong)), key=lambda place: (-int(wrong[place]), int(sizes[place])))
    found = []
    for place in [each for each in order if wrong[each]][:count]:
        size = min(int(sizes[place]), LONGEST)
        names = [
            [targets.names[code] for code in codes[place, :size].tolist()]
            for codes in (seen.targets, seen.predictions)
        ]
        found.append(
            {
                "words": examples.words[place][:size],
                "truth": names[0],
                "said": names[1],
                "wrong": int(wrong[place]),
                "note": f"sentence {int(rows[place]) + 1} of the source"
                if rows is not None and len(rows) > place
                else "",
            }
        )
    return found
