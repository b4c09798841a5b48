"""Quarantine: files that cannot be read are left out, and the plan names the first of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from neurarium.core.wording import counted
from neurarium.data.dataset import Decision

SHOWN = 3


def named(quarantined: Sequence[Mapping[str, str]]) -> str:
    """Name the first files with their reasons, and say how many more there are.

    >>> named([{"file": f"{number}.png", "reason": "empty"} for number in range(5)])
    '0.png: empty; 1.png: empty; 2.png: empty; and 2 more'
    """
    shown = [f"{each['file']}: {each['reason']}" for each in quarantined[:SHOWN]]
    return "; ".join(shown + ([f"and {len(quarantined) - SHOWN} more"] if len(quarantined) > SHOWN else []))


def left_out(quarantined: Sequence[Mapping[str, str]]) -> list[Decision]:
    """Return the decision that some files count for nothing, if there are such files.

    >>> left_out([{"file": "a.png", "reason": "empty"}])[0].choice
    '1 file'
    """
    if not quarantined:
        return []
    reason = f"unreadable: {named(quarantined)}"
    return [Decision("quarantine", counted(len(quarantined), "file"), reason, "mend or remove the files")]
