"""What the tests of inspections share."""

from __future__ import annotations

from neurarium.studies.inspection.result import Inspection


def kinds(found: Inspection) -> list[tuple[str, str]]:
    """Return (severity, kind) of all findings that are more than notes."""
    return [(each.severity, each.kind) for each in found.findings if each.severity != "note"]
