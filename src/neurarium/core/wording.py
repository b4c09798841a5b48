"""Wording: counts as a person says them, in messages, plans and reports."""

from __future__ import annotations


def counted(count: int, what: str) -> str:
    """Write how many of a thing there are.

    >>> counted(1, "epoch"), counted(1200, "step")
    ('1 epoch', '1,200 steps')
    """
    return f"{count:,} {what}{'' if count == 1 else 's'}"
