"""The report of a run: one page that stands alone, light and dark, wide and narrow; it loads nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from neurarium.core.errors import OptionError
from neurarium.core.files import write_text
from neurarium.report import (
    findings,
    forecasts,
    quality,
    samples,
    scenes,
    sections,
    sentences,
    texts,
    traces,
    verdict,
)
from neurarium.report.card import card
from neurarium.report.document import document
from neurarium.report.parts import renamed

if TYPE_CHECKING:
    from neurarium.studies.evaluation.report import EvaluationReport
    from neurarium.training.run import Run


def write_report(run: Run, *, command: str | None = None) -> None:
    """Write report.html and card.md into the folder of a run.

    What `studies.examine` found stands in it (baselines, slices, worst errors, importance); nothing is computed here.

    Args:
        run: in memory or loaded.
        command: the line that reruns it.

    Raises:
        OptionError: the run has no folder.
        UserError: it cannot be written.
    """
    if run.folder is None:
        raise OptionError(
            "a run in memory has no folder for a report",
            fix="train with out=FOLDER, or use report.render(run)",
        )
    write_text(run.folder / "report.html", render(run, command=command))
    write_text(run.folder / "card.md", card(run, command=command))


def render(run: Run, *, command: str | None = None) -> str:
    """Return the report as HTML.

    >>> import neurarium as nr
    >>> run = nr.studies.train(nr.data.load("iris"), "mlp", epochs=2, progress=False)
    >>> render(run).startswith("<!doctype html>")
    True
    """
    from neurarium.studies.evaluation.report import reports_of
    from neurarium.studies.examination.study import examination_of

    reports, found = reports_of(run), examination_of(run)
    parts = [
        sections.data(run, found),
        sections.training(run),
        *_told(reports, found),
        quality.metrics(reports, found),
        sections.plan(run),
        findings.left_out(found),
        sections.rerun(run, command),
    ]
    return document(verdict.title(run), verdict.head(run, reports, found), parts)


def _told(reports: Mapping[str, EvaluationReport], found: Mapping[str, Any]) -> list[str]:
    """What it gets right and wrong, and where; of several targets each in its turn."""
    parts = found.get("parts") or {}
    last = next(iter(reports.values()), None)
    if last is not None and last.parts:
        held = []
        for number, name in enumerate(last.parts, start=1):
            own = {split: report.parts[name] for split, report in reports.items()}
            held += [renamed(each, name, number) for each in _told(own, parts.get(name) or {})]
        return held
    return [
        traces.traces(found),
        quality.outcome(reports, found),
        scenes.scenes(found, None if last is None else last.targets),
        samples.samples(found),
        sentences.sentences(found),
        forecasts.forecasts(reports, found),
        texts.texts(reports, found),
        quality.calibration(found),
        quality.thresholds(found),
        findings.slices(found),
        findings.errors(found),
        findings.importance(found),
    ]
