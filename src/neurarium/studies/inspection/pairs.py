"""Pairs of texts: sides that are empty, equal, of very different lengths, or in two splits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from neurarium.data.dataset import Dataset
from neurarium.data.preparation.text_pairs import TextExamples
from neurarium.studies.inspection.finding import Finding, listed, share

RATIO = 9.0  # words of one side over those of the other, above which they hardly say the same (Moses' clean-corpus)
SOME, MANY = 0.01, 0.1


def findings(dataset: Dataset, facts: dict[str, Any]) -> Iterator[Finding]:
    """Yield what was noticed in pairs of texts.

    Args:
        dataset: of `Text` targets, whose splits hold the raw texts.
        facts: what is told beside the findings goes there, as `texts`.
    """
    sides = {
        name: (split.sources, split.goals)
        for name, split in dataset.splits.items()
        if isinstance(split, TextExamples)
    }
    if "train" not in sides:
        return
    sources, goals = sides["train"]
    counts = [sorted(len(text.split()) for text in side) for side in (sources, goals)]
    facts["texts"] = {
        name: {"shortest": each[0], "median": each[len(each) // 2], "longest": each[-1]}
        for name, each in zip(("read", "written"), counts, strict=True)
    }
    total = len(sources)
    empty = [
        place for place, pair in enumerate(zip(sources, goals, strict=True)) if not all(map(str.strip, pair))
    ]
    equal = [
        place
        for place, (a, b) in enumerate(zip(sources, goals, strict=True))
        if a.strip() and a.strip() == b.strip()
    ]
    yield from _told(
        "empty", empty, total, "have an empty side", "they teach to write nothing", "remove them"
    )
    yield from _told(
        "equal",
        equal,
        total,
        "are equal on both sides",
        "they teach to copy",
        "remove them, or translate them",
    )
    if getattr(dataset.targets, "task", "") == "translation":
        far = [place for place, pair in enumerate(zip(sources, goals, strict=True)) if _ratio(*pair) > RATIO]
        said = f"have over {RATIO:g} times as many words on one side"
        yield from _told(
            "lengths", far, total, said, "such sides hardly say the same", "look at them: are lines missing?"
        )
    yield from _across(sides)


def _ratio(one: str, other: str) -> float:
    a, b = len(one.split()), len(other.split())
    return max(a, b) / min(a, b) if a and b else 1.0


def _told(
    kind: str, found: Sequence[int], total: int, said: str, matters: str, action: str
) -> Iterator[Finding]:
    if found:
        shown = listed([place + 1 for place in found], 5)
        yield Finding(
            "warning" if len(found) >= SOME * total else "note", kind, "train",
            f"{len(found):,} of {total:,} pairs ({share(len(found), total)}) {said}: {shown}", matters, action,
            {"pairs": len(found)}, tuple(place + 1 for place in found[:20]),
        )  # fmt: skip


def _across(sides: Mapping[str, tuple[Sequence[str], Sequence[str]]]) -> Iterator[Finding]:
    """Texts that are read in training and measured with: a translation that was learned by heart."""
    known = set(sides["train"][0])
    measured = [
        (name, place, text)
        for name, (texts, _) in sides.items()
        if name != "train"
        for place, text in enumerate(texts)
    ]
    again = [(name, place) for name, place, text in measured if text in known]
    if again:
        part = len(again) / len(measured)
        shown = listed([f"{name} {place + 1}" for name, place in again], 4)
        yield Finding(
            "error" if part >= MANY else "warning" if part >= SOME else "note", "duplicates across splits", "splits",
            f"{len(again):,} of {len(measured):,} validation and test texts ({share(len(again), len(measured))}) are read in "
            f"training too: {shown}",
            "what was learned by heart counts as understood: the measured quality is too high", "remove them from one side",
            {"examples": len(again), "measured": len(measured)},
        )  # fmt: skip
