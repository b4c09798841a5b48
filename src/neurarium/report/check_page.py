"""The page of a check: findings, columns with their histograms, classes, drift, cost. It loads nothing and runs no script."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurarium.core.files import write_text
from neurarium.report.check_words import (
    cost_line,
    drift_line,
    headline,
    image_rows,
    other_rows,
    values_of,
    verdict,
)
from neurarium.report.svg import element, short, text

if TYPE_CHECKING:
    from neurarium.studies.inspection.finding import Finding
    from neurarium.studies.inspection.result import Inspection

WIDTH, HEIGHT, FOOT = 300, 78, 16
MOST_COLUMNS, MOST_CLASSES, MOST_DRIFT = 200, 60, 30


def write_check(found: Inspection, path: Path | str) -> None:
    """Write the page of a check.

    Args:
        found: what `check_data` returned.
        path: the file.

    Raises:
        UserError: it cannot be written.
    """
    write_text(Path(path), render_check(found))


def render_check(found: Inspection) -> str:
    """Return the page of a check as HTML.

    >>> import neurarium as nr
    >>> render_check(nr.studies.check_data("iris", timing=False)).startswith("<!doctype html>")
    True
    """
    parts = [
        _head(found), _findings(found), _columns(found), _images(found), _others(found), _classes(found), _drift(found), _cost(found),
        _decisions(found),
    ]  # fmt: skip
    folder = resources.files("neurarium.report")
    style = "".join((folder / name).read_text(encoding="utf-8") for name in ("style.css", "check.css"))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(found.name)}: checked before training</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(part for part in parts if part)
        + "\n</main>\n</body>\n</html>\n"
    )


def _head(found: Inspection) -> str:
    counts = "".join(
        f"<li><b>{count}</b> {name}{'s' if count != 1 else ''}</li>" for name, count in found.counts.items()
    )
    return (
        f'<header><p class="eyebrow">Checked before training</p><h1>{escape(found.name)}</h1>'
        f'<p class="muted">{escape(headline(found))}</p><p class="verdict">{verdict(found)}</p><ul class="counts" aria-label="findings">{counts}</ul></header>'
    )


def _section(title: str, body: str) -> str:
    name = title.lower().replace(" ", "-")
    return f'<section aria-labelledby="{name}"><h2 id="{name}">{escape(title)}</h2>{body}</section>'


def _findings(found: Inspection) -> str:
    if not found.findings:
        return _section("Findings", '<div class="card"><p>Nothing was found that is wrong.</p></div>')
    grave = [each for each in found.findings if each.severity != "note"]
    notes = [each for each in found.findings if each.severity == "note"]
    body = "".join(_finding(each) for each in grave)
    if notes:
        listed = "".join(_finding(each) for each in notes)
        opened = " open" if len(notes) <= 8 or not grave else ""
        word = "note" if len(notes) == 1 else "notes"
        body += f"<details{opened}><summary>{len(notes)} {word}: good to know</summary>{listed}</details>"
    return _section("Findings", body)


def _finding(each: Finding) -> str:
    rows = [("why", each.matters), ("help", each.action)]
    if each.where:
        told = ", ".join(str(place) for place in each.where[:20]) + (", ..." if len(each.where) > 20 else "")
        rows.append(("rows" if all(isinstance(place, int) for place in each.where) else "where", told))
    listed = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in rows if value)
    return (
        f'<article class="card finding seen-{each.severity}"><h3><span class="tag">{each.severity}</span>'
        f'{escape(each.subject)} <span class="muted">{escape(each.kind)}</span></h3><p>{escape(each.seen)}</p>'
        f"<dl>{listed}</dl></article>\n"
    )


def _columns(found: Inspection) -> str:
    rows = found.facts.get("columns") or []
    if not rows:
        return ""
    scores = {each["column"]: each["score"] for each in found.facts.get("leakage", [])}
    cards = [_column(each, scores.get(each["name"])) for each in rows[:MOST_COLUMNS]]
    target = found.facts.get("target", {})
    if "histogram" in target:
        named = {
            **target,
            "name": ", ".join(target["columns"]),
            "kind": "target",
            "missing": 0,
            "different": 0,
        }
        cards.insert(0, _column({**named, "rows": 0, "reason": "what is predicted"}, None))
    more = (
        f'<p class="muted foot">and {len(rows) - MOST_COLUMNS} more</p>' if len(rows) > MOST_COLUMNS else ""
    )
    key = '<p class="muted">Bars: training rows. Outline: the rows that test (or validate), to the same area.</p>'
    alone = (
        '<p class="muted">Alone: how well the column predicts the target by itself, from 0 (chance) to 1.</p>'
        if scores
        else ""
    )
    return _section("Columns", f'{key}{alone}<div class="columns">{"".join(cards)}</div>{more}')


def _column(each: Mapping[str, Any], score: float | None) -> str:
    if "histogram" in each:
        picture = histogram(each["histogram"], f"values of {each['name']}")
    elif each.get("top"):
        picture = _top(each)
    else:
        picture = ""
    told = [values_of(dict(each))] if "low" in each else []
    if each["different"]:
        told.append(f"{each['different']:,} different")
    if each["missing"]:
        told.append(f"{each['missing'] / each['rows']:.1%} missing")
    if score is not None:
        told.append(f"alone {score:.2f}")
    plain = each["reason"] in ("", "numbers", "given") or each["reason"].endswith(" different values")
    reason = "" if plain else f" ({escape(each['reason'])})"
    return (
        f'<div class="card"><h3>{escape(each["name"])}</h3><p class="muted">{escape(each["kind"])}{reason}</p>{picture}'
        f"<p>{escape('; '.join(told))}</p></div>\n"
    )


def histogram(held: Mapping[str, Any], label: str) -> str:
    """Return a small SVG: bars of the training rows, and the outline of those that measure, to the same area."""
    edges: Sequence[float] = held["edges"]
    counts: Mapping[str, Sequence[int]] = held["counts"]
    train = counts.get("train", [])
    other = counts.get("test") or counts.get("validation")
    shares = [_shares(train), _shares(other) if other else []]
    top = max([*shares[0], *shares[1], 1e-12])
    step = WIDTH / max(1, len(train))
    marks = []
    for place, value in enumerate(shares[0]):
        tall = HEIGHT * value / top
        tip = element(
            "title", f"{short(edges[place])} to {short(edges[place + 1])}: {train[place]:,} training rows"
        )
        bar = {"x": step * place + 0.5, "y": HEIGHT - tall, "width": step - 1, "height": tall}
        marks.append(element("rect", tip, **bar, class_="train"))
    if shares[1]:
        marks.append(element("path", d=_outline(shares[1], step, top), class_="other"))
    marks.append(text(0, HEIGHT + FOOT - 3, short(edges[0]), anchor="start"))
    marks.append(text(WIDTH, HEIGHT + FOOT - 3, short(edges[-1]), anchor="end"))
    box = f"0 -2 {WIDTH} {HEIGHT + FOOT + 2}"
    return element("svg", "".join(marks), viewBox=box, role="img", aria_label=label, class_="bars")


def _shares(counts: Iterable[int]) -> list[float]:
    listed = list(counts)
    whole = sum(listed) or 1
    return [value / whole for value in listed]


def _outline(shares: Sequence[float], step: float, top: float) -> str:
    parts = [f"M0,{HEIGHT}"]
    for place, value in enumerate(shares):
        height = HEIGHT - HEIGHT * value / top
        parts.append(f"L{step * place:.1f},{height:.1f}L{step * (place + 1):.1f},{height:.1f}")
    return "".join([*parts, f"L{WIDTH},{HEIGHT}"])


def _top(each: Mapping[str, Any]) -> str:
    known = max(1, each["rows"] - each["missing"])
    rows = []
    for value, count in each["top"][:5]:
        width = f"{100 * count / known:.1f}%"
        rows.append(
            f'<li><span title="{escape(value, quote=True)}">{escape(value)}</span>'
            f'<span><i style="width:{width}"></i></span><span class="muted">{count / known:.1%}</span></li>'
        )
    return f'<ul class="sharebars">{"".join(rows)}</ul>'


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    def cells(row: Sequence[str], tag: str) -> str:
        return "".join(
            f"<{tag}{' class=number' if place in numbers else ''}>{escape(value)}</{tag}>"
            for place, value in enumerate(row)
        )

    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
    top = f"<thead><tr>{cells(head, 'th')}</tr></thead>" if any(head) else ""
    return f'<div class="card scroll"><table>{top}<tbody>{body}</tbody></table></div>'


def _others(found: Inspection) -> str:
    """What series, texts and recordings are."""
    rows = other_rows(found.facts)
    return _section("Data", _table(("", ""), rows)) if rows else ""


def _images(found: Inspection) -> str:
    facts = found.facts.get("images")
    if not facts:
        return ""
    body = _table(("", ""), image_rows(facts))
    if facts["broken"]:
        rows = [(each["file"], each["reason"]) for each in facts["broken"][:100]]
        body += f"<h3 class=foot>Files that cannot be read</h3>{_table(('file', 'reason'), rows)}"
    return _section("Images", body)


def _classes(found: Inspection) -> str:
    counts = found.facts.get("target", {}).get("classes")
    if not counts:
        return ""
    names = list(dict.fromkeys(name for each in counts.values() for name in each))
    totals = {split: sum(each.values()) or 1 for split, each in counts.items()}
    rows = [
        (
            name,
            *(
                f"{each.get(name, 0):,} ({each.get(name, 0) / totals[split]:.1%})"
                for split, each in counts.items()
            ),
        )
        for name in names[:MOST_CLASSES]
    ]
    if len(names) > MOST_CLASSES:
        rows.append((f"and {len(names) - MOST_CLASSES} more", *[""] * len(counts)))
    return _section("Classes", _table(("class", *counts), rows, range(1, len(counts) + 1)))


def _drift(found: Inspection) -> str:
    drift = found.facts.get("drift", {})
    if not drift.get("looked_at"):
        return ""
    rows = [
        (
            each["column"],
            each["test"],
            f"{each['statistic']:.3f}",
            f"{each['p']:.2g}",
            f"{each['psi']:.3f}",
            each["said"],
        )
        for each in drift["columns"][:MOST_DRIFT]
    ]
    head = ("column", "test", "statistic", "corrected p", "stability index", "")
    return _section(
        "Drift", f'<p class="muted">{escape(drift_line(drift))}</p>{_table(head, rows, (2, 3, 4))}'
    )


def _cost(found: Inspection) -> str:
    cost = found.facts.get("cost")
    if not cost or "refused" in cost:
        return ""
    return _section("Time and memory", f'<div class="card"><p>{escape(cost_line(cost))}</p></div>')


def _decisions(found: Inspection) -> str:
    rows = [
        (each["subject"], str(each["choice"]), each["reason"], each["override"])
        for each in found.facts.get("decisions", [])
    ]
    if not rows:
        return ""
    body = _table(("what", "choice", "why", "to change it"), rows)
    return _section(
        "What training would decide", f"<details><summary>{len(rows)} decisions</summary>{body}</details>"
    )
