"""Scenes of a report: images with their masks or boxes, true and found, and the measures of each class."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from neurarium.data.specs import Boxes, Mask
from neurarium.report.parts import card, section, table
from neurarium.report.words import number, titled
from neurarium.studies.pictures.drawing import RIGHT, WRONG, color_of

if TYPE_CHECKING:
    from neurarium.studies.evaluation.report import EvaluationReport

MOST = 30  # classes of a legend
HEADS = {"dice": "Dice", "iou": "IoU", "ap_50": "AP at 0.5", "ap": "AP, 0.5 to 0.95"}


def scenes(found: Mapping[str, Any], targets: Any = None) -> str:
    """Pictures of some images of the split that was measured: what is there beside what was found."""
    held = found.get("scenes")
    if not held:
        return ""
    cards = "".join(
        f'<li class=card><img src="{escape(each["truth"], quote=True)}" alt="what is there"> '
        f'<img src="{escape(each["found"], quote=True)}" alt="what was found">'
        f"<p class=note>{_named(each)}{escape(each['note'])}</p></li>"
        for each in held
    )
    lead = "Some images at equal distances: on the left what is there, on the right what was found."
    shown = f"{_colors(targets)}<ol class='errors pictures pairs'>{cards}</ol>"
    return section("scenes", "What it sees", shown, lead)


def _named(held: Mapping[str, Any]) -> str:
    name = held.get("name")
    return f"<b>{escape(name)}</b>: " if name else ""


def _colors(targets: Any) -> str:
    """A legend: of masks the classes, the first of which is not drawn; of boxes what agrees and what does not."""
    if isinstance(targets, Boxes):
        names = [("both agree", RIGHT), ("missed on the left, wrong on the right", WRONG)]
    elif isinstance(targets, Mask):
        names = [(str(name), color_of(code)) for code, name in enumerate(targets.names[:MOST]) if code]
    else:
        return ""
    marks = "".join(
        f'<span class="key color" style="--mark: rgb{color}">{escape(name)}</span>' for name, color in names
    )
    return f"<p class=legend>{marks}</p>"


def classes_card(report: EvaluationReport) -> list[str]:
    """The measures of each class of masks or boxes."""
    if not report.per_class:
        return []
    keys = list(next(iter(report.per_class.values())))
    rows = [
        [name, *(f"{row[key]:,.0f}" if key in ("pixels", "boxes") else number(row[key]) for key in keys)]
        for name, row in report.per_class.items()
    ]
    heads = ["class", *(HEADS.get(key, titled(key)) for key in keys)]
    made = table(heads, rows, "metrics of each class", right=tuple(range(1, len(heads))))
    note = (
        f"Over all pixels of all images, each brought to {report.targets.height} × {report.targets.width}; pixels are those of the truth."
        if isinstance(report.targets, Mask)
        else "As COCO counts it: a box is found where one of its class overlaps it enough, each box once."
    )
    return [card("Classes", made, note, wide=True)]


def is_scene(targets: Any) -> bool:
    """Return whether targets are masks or boxes."""
    return isinstance(targets, Mask | Boxes)
