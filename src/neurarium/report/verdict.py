"""The verdict: what was asked and what came out, beside the baselines on one scale, with a plain sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from neurarium.data.specs import (
    Boxes,
    Classes,
    Mask,
    Tags,
    Transcript,
)
from neurarium.report import charts
from neurarium.report.question import question
from neurarium.report.svg import round_values, short
from neurarium.report.words import duration, integer, number, said_of, titled, unmeasured

if TYPE_CHECKING:
    from neurarium.studies.evaluation.report import EvaluationReport
    from neurarium.training.run import Run

Reports = Mapping[str, "EvaluationReport"]


def title(run: Run) -> str:
    """Return the page's title: the data, and the network."""
    return f"{said_of(run)['data']} · {said_of(run)['network']}"


def head(run: Run, reports: Reports, found: Mapping[str, Any]) -> str:
    """The first screenful: the question, the headline metric with its interval, the baselines, a few facts."""
    facts = said_of(run)
    report = reports.get("test") or reports.get("validation")
    top = (
        f"<header class=top><p class=eyebrow>Neurarium run {escape(facts['folder'])}</p>"
        f"<h1>{escape(title(run))}</h1><p class=asked>{escape(f'Asked: {question(run)}.')}</p></header>"
    )
    tiles = [
        ("examples to learn from", facts["examples"]),
        ("parameters", facts["parameters"]),
        ("epochs", facts["epochs"]),
        ("training took", duration(run.seconds)),
        ("stopped because", run.reason or "not finished"),
        ("weights kept", facts["kept"]),
    ]
    cells = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(str(value))}</dd></div>" for name, value in tiles
    )
    came_out = _came_out(report, found) if report is not None else _nothing(run)
    return (
        f"{top}<section class='card hero' aria-label='what came out'>{came_out}"
        f"<dl class=tiles>{cells}</dl></section>"
    )


def _nothing(run: Run) -> str:
    return (
        f"<div class=headline><p class=name>not measured</p><p class=said>{escape(unmeasured(run))}</p></div>"
    )


def _came_out(report: EvaluationReport, found: Mapping[str, Any]) -> str:
    """The figure beside the baselines; of several targets one below the other."""
    if not report.parts:
        return _figure(report) + _beside(report, found)
    held = found.get("parts") or {}
    rows = []
    for name, part in report.parts.items():
        own = {**held[name], "split": found.get("split")} if name in held else {}
        rows.append(_figure(part, f"{name}: ") + (_beside(part, own) or "<div class=beside></div>"))
    return "".join(rows)


def _unit(unit: str) -> str:
    return f" <small>{escape(unit)}</small>" if unit else ""


def _figure(report: EvaluationReport, start: str = "") -> str:
    name = report.headline
    value, bounds = report.metrics.get(name, math.nan), report.intervals.get(name)
    whole = isinstance(report.targets, Classes | Mask | Boxes | Tags | Transcript)
    shown = f"{100 * value:.1f}<small>%</small>" if whole else number(value)
    unit = getattr(report.targets, "unit", "")
    better = "" if _rises(name) else "<span class=better>lower is better</span>"
    text = f"<p class=name>{escape(start)}{escape(titled(name))} on {escape(report.split)} {better}</p><p class=figure>{shown}{_unit(unit)}</p>"
    if bounds is not None:
        text += charts.interval(bounds.low, value, bounds.high, whole)
        low, high = (_said(each, whole) for each in (bounds.low, bounds.high))
        text += f"<p class=said>95 % interval {low} to {high}, from {integer(report.examples)} {escape(report.split)} examples.</p>"
    return f"<div class=headline>{text}</div>"


def _rises(name: str) -> bool:
    """Whether more of a metric is better."""
    from neurarium.metrics.choice import goal

    return goal(name) == "max"


def _said(value: float, whole: bool) -> str:
    return f"{100 * value:.1f} %" if whole else number(value)


def _beside(report: EvaluationReport, found: Mapping[str, Any]) -> str:
    """The run and the baselines on one scale, and what that means."""
    rows = found.get("baselines") or []
    if not rows or found.get("split") != report.split:
        return ""
    name, whole = report.headline, isinstance(report.targets, Classes)
    entries = []
    for each in rows:
        value = (each["metrics"] or {}).get(name)
        bounds = (each["intervals"] or {}).get(name)
        entries.append((each["name"], value, bounds, each["note"], False))
    own = report.intervals.get(name)
    entries.append(("this network", report.metrics.get(name), [own.low, own.high] if own else None, "", True))
    lines = "".join(f"<p class=sentence>{escape(each)}</p>" for each in sentences(rows, report))
    return f"<div class=beside>{lines}{_scale(entries, name, whole)}</div>"


def sentences(rows: Sequence[Mapping[str, Any]], report: EvaluationReport) -> list[str]:
    """Say how the run stands beside each baseline, the strongest first; plainly too where it is worse."""
    name, whole = report.headline, isinstance(report.targets, Classes)
    known = [each for each in rows if each.get("metrics") and each.get("difference")]
    sign = 1.0 if _rises(name) else -1.0
    known.sort(key=lambda each: -sign * each["metrics"][name])
    learned = [each for each in known if each["kind"] != "naive"][:1] or known[:1]
    others = [each for each in known if each not in learned]
    found = [_sentence(each, report, sign, whole) for each in learned]
    short_ones = [_brief(each, sign, whole) for each in others]
    if short_ones:
        found.append(f"Beside the others: {'; '.join(short_ones)}.")
    return found


def _gap(value: float, whole: bool) -> str:
    if whole:
        return f"{100 * value:.1f}"
    return integer(value) if abs(value) >= 100 else number(value)


def _sentence(row: Mapping[str, Any], report: EvaluationReport, sign: float, whole: bool) -> str:
    estimate, low, high = (sign * each for each in row["difference"])
    low, high = min(low, high), max(low, high)
    unit = " points" if whole else ""
    bounds = f"95 % interval {_gap(low, whole)} to {_gap(high, whole)}"
    where = f"on the same {integer(report.examples)} {report.split} examples"
    if low > 0:
        return f"Better than {row['name']} by {_gap(estimate, whole)}{unit} ({bounds}), {where}."
    if high < 0:
        return (
            f"Worse than {row['name']} by {_gap(-estimate, whole)}{unit} (95 % interval {_gap(-high, whole)} to "
            f"{_gap(-low, whole)}), {where}: on this data {row['name']} does better."
        )
    way = "better" if estimate > 0 else "worse" if estimate < 0 else "apart"
    return f"No clear difference from {row['name']}: {_gap(abs(estimate), whole)}{unit} {way} ({bounds}), {where}."


def _brief(row: Mapping[str, Any], sign: float, whole: bool) -> str:
    estimate = sign * row["difference"][0]
    way = "better than" if estimate >= 0 else "worse than"
    return f"{_gap(abs(estimate), whole)}{' points' if whole else ''} {way} {row['name']}"


def _scale(entries: Sequence[tuple[str, Any, Any, str, bool]], name: str, whole: bool) -> str:
    values = [
        each for _, value, bounds, _, _ in entries if value is not None for each in (value, *(bounds or ()))
    ]
    values = [each for each in values if each is not None and math.isfinite(each)]
    if not values:
        return ""
    low, high = min(values), max(values)
    air = 0.06 * (high - low) or 0.05 * abs(high) or 1.0
    low, high = low - air, min(high + air, 1.0) if whole else high + air

    def place(value: float) -> float:
        return 100 * (value - low) / (high - low)

    rows = []
    for label, value, bounds, note, own in entries:
        kind = " class=own" if own else ""
        tip = f" title='{escape(note, quote=True)}'" if note else ""
        if value is None:
            rows.append(
                f"<tr class=skipped><th scope=row>{escape(label)}</th><td colspan=2 class=note>{escape(note)}</td></tr>"
            )
            continue
        start, end = bounds if bounds and None not in bounds else (value, value)
        bar = f"<span class=range style='left:{place(start):.2f}%;width:{max(place(end) - place(start), 0.4):.2f}%'></span>"
        bar += f"<span class=dot style='left:{place(value):.2f}%'></span>"
        shown = f"{_said(value, whole)}<small>{_said(start, whole)} to {_said(end, whole)}</small>"
        rows.append(
            f"<tr{kind}{tip}><th scope=row>{escape(label)}</th><td class=bars><span class=track>{bar}</span></td>"
            f"<td class=number>{shown}</td></tr>"
        )
    ticks = [each for each in round_values(low, high, 5) if 4 < place(each) < 96]
    marks = "".join(
        f"<span style='left:{place(each):.2f}%'>{f'{100 * each:.4g} %' if whole else short(each)}</span>"
        for each in ticks
    )
    foot = f"<tfoot aria-hidden=true><tr><td></td><td><span class=ticks>{marks}</span></td><td></td></tr></tfoot>"
    caption = f"<caption class=quiet>{escape(titled(name))} of the baselines and of this network</caption>"
    heads = "<thead class=quiet><tr><th scope=col>model</th><th scope=col>on one scale</th><th scope=col>value</th></tr></thead>"
    return f"<table class=scale>{caption}{heads}<tbody>{''.join(rows)}</tbody>{foot}</table>"
