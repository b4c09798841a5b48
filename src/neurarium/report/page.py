"""The report of a run: one page that stands alone, light and dark, wide and narrow. It loads nothing and runs no script."""

from __future__ import annotations

from html import escape
from importlib import resources
from typing import TYPE_CHECKING

from neurarium.core.errors import OptionError
from neurarium.core.files import write_text
from neurarium.report import sections
from neurarium.report.card import card

if TYPE_CHECKING:
    from neurarium.training.run import Run


def write_report(run: Run, *, command: str | None = None) -> None:
    """Write report.html and card.md into the folder of a run.

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
    from neurarium.studies.evaluation import reports_of

    reports = reports_of(run)
    parts = [
        sections.head(run, reports),
        sections.training(run),
        sections.outcome(reports),
        sections.metrics(reports),
        sections.plan(run),
        sections.data(run),
        sections.rerun(run, command),
    ]
    style = (resources.files("neurarium.report") / "style.css").read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(sections.title(run))}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(part for part in parts if part)
        + "\n</main>\n</body>\n</html>\n"
    )
