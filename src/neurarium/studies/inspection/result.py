"""What an inspection found: findings and facts, as text, as JSON."""

from __future__ import annotations

import dataclasses
from typing import Any

from neurarium.studies.inspection.finding import SEVERITIES, Finding


@dataclasses.dataclass(frozen=True)
class Inspection:
    """What an inspection found.

    Args:
        name: of the data.
        kind: "table", "images" or "other".
        findings: the gravest first.
        facts: what is so, whether good or bad: `splits`, `columns`, `target`, `drift`, `images`, `cost`, ...
    """

    name: str
    kind: str
    findings: list[Finding]
    facts: dict[str, Any]

    @property
    def counts(self) -> dict[str, int]:
        """How many findings there are of each severity."""
        return {name: sum(each.severity == name for each in self.findings) for name in SEVERITIES}

    @property
    def grave(self) -> bool:
        """Whether an error or a warning was found."""
        return any(each.severity != "note" for each in self.findings)

    def of(self, kind: str, subject: str | None = None) -> list[Finding]:
        """Return the findings of a kind, of one subject or of all."""
        return [each for each in self.findings if each.kind == kind and subject in (None, each.subject)]

    def to_json(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return {
            "format_version": 1,
            "data": self.name,
            "kind": self.kind,
            "counts": self.counts,
            "findings": [each.to_json() for each in self.findings],
            "facts": self.facts,
        }

    def __repr__(self) -> str:
        told = ", ".join(f"{count} {name}{'s' if count != 1 else ''}" for name, count in self.counts.items())
        rows = [f"  {each.severity}: {each.subject}: {each.seen}" for each in self.findings]
        return "\n".join([f"Inspection({self.name}: {told})", *rows])
