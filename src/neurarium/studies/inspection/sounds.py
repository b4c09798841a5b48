"""Sounds: recordings that are broken, silent, clipped, very short, of other rates, or twice in the data."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from neurarium.data.dataset import Dataset
from neurarium.studies.inspection.finding import Finding, listed, share

SHORT = 0.05  # seconds below which hardly anything can be told
CLIPPED = 0.05  # the share of recordings from which clipping is said


def findings(dataset: Dataset, facts: dict[str, Any], most: int) -> Iterator[Finding]:
    """Yield what was noticed in recordings.

    Args:
        dataset: of `Waveform` inputs.
        facts: what is told beside the findings goes there, as `sounds`.
        most: recordings per split that are compared with each other.
    """
    known = dataset.summary
    facts["sounds"] = {
        name: known.get(name) for name in ("examples", "seconds", "rates", "silent", "clipped")
    }
    count = known.get("examples", 0)
    broken = known.get("quarantined") or []
    if broken:
        shown = listed([f"{each['file']}: {each['reason']}" for each in broken], 3)
        yield Finding(
            "warning", "broken", "files", f"{len(broken):,} files cannot be read: {shown}",
            "they are left out of training", "copy them again, or remove them", {"files": len(broken)},
            tuple(each["file"] for each in broken[:20]),
        )  # fmt: skip
    if known.get("silent"):
        yield Finding(
            "warning", "silent", "recordings", f"{known['silent']:,} of {count:,} recordings are silent: all samples are zero",
            "their targets teach what silence is called", "remove them, unless silence is a class", {"recordings": known["silent"]},
        )  # fmt: skip
    if known.get("clipped", 0) > CLIPPED * count:
        yield Finding(
            "note", "clipped", "recordings",
            f"{known['clipped']:,} of {count:,} recordings ({share(known['clipped'], count)}) reach the largest value there is",
            "loud parts were probably cut off when they were recorded", "record at a lower level", {"recordings": known["clipped"]},
        )  # fmt: skip
    rates = known.get("rates") or {}
    if len(rates) > 1:
        shown = listed(
            [
                f"{number:,} of {int(rate):,}"
                for rate, number in sorted(rates.items(), key=lambda each: -each[1])
            ],
            4,
        )
        yield Finding(
            "note", "rates", "recordings", f"there are {len(rates)} rates: {shown} samples per second",
            "all become one; where the rate goes with the class, a network learns that", "look at their classes", {"rates": len(rates)},
        )  # fmt: skip
    shortest = (known.get("seconds") or {}).get("shortest", SHORT)
    if shortest < SHORT:
        yield Finding(
            "note", "short", "recordings", f"the shortest recording has {shortest:.3f} s", "hardly anything is said in it",
            "look at the shortest ones", {"seconds": shortest},
        )  # fmt: skip
    yield from _twice(dataset, most)


def _twice(dataset: Dataset, most: int) -> Iterator[Finding]:
    """Recordings that are in two splits, sample for sample."""
    places: dict[bytes, list[tuple[str, int]]] = defaultdict(list)
    for name, split in dataset.splits.items():
        for first in range(0, min(len(split), most), 64):
            inputs = split.take(slice(first, min(first + 64, len(split), most)))["inputs"]
            pairs = zip(inputs["waveform"], inputs["lengths"].tolist(), strict=True)
            for number, (waveform, length) in enumerate(pairs):
                if bool(waveform[:length].any()):
                    digest = hashlib.blake2b(waveform[:length].numpy().tobytes(), digest_size=16).digest()
                    places[digest].append((name, first + number))
    across = [each for each in places.values() if len({name for name, _ in each}) > 1]
    if across:
        shown = listed(
            [" and ".join(f"{name} {place + 1}" for name, place in each[:2]) for each in across], 3
        )
        yield Finding(
            "warning", "duplicates", "splits", f"{len(across):,} recordings are in two splits, sample for sample: {shown}",
            "figures of validation and test look better than they are", "remove the copies, or --split grouped",
            {"recordings": len(across)},
        )  # fmt: skip
