"""Findings: one thing that was noticed in the data, why it matters, and what helps."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Iterable
from typing import Any

SEVERITIES = ("error", "warning", "note")


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that was noticed.

    Args:
        severity: "error" (training stops, or its figures mean nothing), "warning" (the model will be worse, or look
            better, than it should), "note" (good to know).
        kind: what it is, in a word that programs can rely on: `leak`, `drift`, `constant`, ...
        subject: the column, the file, the class, or the split.
        seen: what was seen, with its numbers.
        matters: why it matters.
        action: the option or the act that helps.
        numbers: the numbers of `seen`, by name.
        where: some of the rows (counted from 1) or files.

    >>> Finding("note", "constant", "column x", "7 in all 20 rows", "it tells nothing", "drop it").severity
    'note'
    """

    severity: str
    kind: str
    subject: str
    seen: str
    matters: str
    action: str
    numbers: dict[str, Any] = dataclasses.field(default_factory=dict)
    where: tuple[Any, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        return {**dataclasses.asdict(self), "where": list(self.where)}


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings with the gravest first; within a severity by kind and subject."""
    return sorted(findings, key=lambda each: (SEVERITIES.index(each.severity), each.kind, each.subject))


def drop(name: str) -> str:
    """Return the option that leaves a column out, as a shell takes it.

    >>> drop("age"), drop("my column")
    ('--set drop=age', "--set 'drop=my column'")
    """
    return f"--set {shlex.quote(f'drop={name}')}"


def share(part: float, whole: float) -> str:
    """Write a share as a percentage with the digits that count.

    >>> share(1, 3), share(1, 20_000), share(0, 5), share(19_999, 20_000)
    ('33.3 %', '0.005 %', '0 %', '99.995 %')
    """
    percent = 100 * part / whole if whole else 0.0
    if percent in (0.0, 100.0):
        return f"{percent:.0f} %"
    near = min(percent, 100 - percent)
    places = 1 if near >= 0.1 else 2 if near >= 0.01 else 3
    return f"{percent:.{places}f} %"


def listed(values: Iterable[Any], most: int = 5) -> str:
    """Write some of the values, and that there are more."""
    values = list(values)
    shown = ", ".join(str(value) for value in values[:most])
    return shown + (f", ... ({len(values):,} in all)" if len(values) > most else "")


def figure(value: float) -> str:
    """Write a value of a column: whole numbers whole, others with four digits.

    >>> figure(39.0), figure(1234567.0), figure(0.123456)
    ('39', '1,234,567', '0.1235')
    """
    if value == round(value) and abs(value) < 1e15:
        return f"{value:,.0f}"
    return f"{value:,.4g}"
