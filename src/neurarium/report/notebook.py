"""Notebook: datasets, networks, runs and reports as small HTML. Colors come from the notebook's text: light and dark."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

from neurarium.report.words import duration, integer, number

MOST = 12
STYLE = (
    "<style>.neurarium{font:13px/1.45 system-ui,sans-serif;color:inherit;max-width:62em}"
    ".neurarium table{font:inherit;border-collapse:collapse;margin:.3em 0;color:inherit;background:transparent}"
    ".neurarium th,.neurarium td{padding:.15em .9em .15em 0;text-align:left;background:transparent;color:inherit;"
    "border:0;border-bottom:1px solid color-mix(in srgb,currentColor 18%,transparent)}"
    ".neurarium td.n,.neurarium th.n{text-align:right;font-variant-numeric:tabular-nums}"
    ".neurarium th{font-weight:600}.neurarium small{opacity:.7}.neurarium summary{cursor:pointer}"
    ".neurarium pre{font-size:12px;margin:.3em 0;white-space:pre-wrap;color:inherit;background:transparent}</style>"
)


def render(thing: Any) -> str | None:
    """Return a thing as HTML, or None where its class is not known: then its `repr` is shown.

    >>> import neurarium as nr
    >>> "train" in render(nr.data.load("iris"))
    True
    >>> render(3) is None
    True
    """
    for kind in type(thing).__mro__:
        if kind.__name__ in RENDERERS and kind.__module__.split(".")[0] in ("neurarium", "torch"):
            return f"<div class=neurarium>{STYLE}{RENDERERS[kind.__name__](thing)}</div>"
    return None


def _dataset(data: Any) -> str:
    rows = [[name, integer(len(split))] for name, split in data.splits.items()]
    facts = {"inputs": _spec(data.inputs), "targets": _spec(data.targets)}
    facts |= {
        key: value for key, value in data.summary.items() if isinstance(value, int | str) and key != "sha256"
    }
    decided = [[each.subject, each.choice, each.reason] for each in data.decisions]
    return (
        _title(data.name, "dataset")
        + _table(["split", "examples"], rows, numbers=(1,))
        + _facts(facts)
        + _folded(
            f"{len(decided)} decisions", _table(["decided", "choice", "why"], decided) if decided else ""
        )
    )


def _spec(spec: Any) -> str:
    names = [str(each) for each in getattr(spec, "names", ())]
    shown = ", ".join(names[:MOST]) + (", ..." if len(names) > MOST else "")
    shape = [str(getattr(spec, side)) for side in ("channels", "height", "width") if hasattr(spec, side)]
    return " ".join(part for part in (type(spec).__name__, shown and f"({shown})", "×".join(shape)) if part)


def _network(network: Any) -> str:
    rows = []
    for name, child in network.named_children():
        rows.append([name, type(child).__name__, integer(sum(each.numel() for each in child.parameters()))])
    every = sum(each.numel() for each in network.parameters())
    learned = sum(each.numel() for each in network.parameters() if each.requires_grad)
    said = f"{integer(every)} parameters" + (
        "" if every == learned else f", {integer(learned)} of them learned"
    )
    shown = _table(["part", "kind", "parameters"], rows[:40], numbers=(2,)) if rows else ""
    return (
        _title(type(network).__name__, said)
        + shown
        + _folded("all modules", f"<pre>{escape(repr(network))}</pre>")
    )


def _run(run: Any) -> str:
    place = str(run.folder) if run.folder is not None else "in memory"
    state = (
        f"{run.reason or 'not finished'}, {duration(run.seconds)}"
        if run.seconds
        else run.reason or "not finished"
    )
    splits = {name: values for name, values in run.results.items() if isinstance(values, Mapping)}
    if not splits and run.best.get("validation"):
        splits = {"validation": run.best["validation"]}
    names = list(dict.fromkeys(name for values in splits.values() for name in values))
    rows = [[name, *(number(values.get(name)) for values in splits.values())] for name in names]
    decided = [[each.subject, each.choice, each.reason, each.override] for each in run.decisions]
    plan = _table(["decided", "choice", "why", "to override"], decided) if decided else ""
    return (
        _title(place, f"run; {state}")
        + (_table(["", *splits], rows, numbers=range(1, 9)) if rows else "")
        + _folded(f"{len(decided)} decisions", plan)
    )


def _evaluation(report: Any) -> str:
    rows = [
        [name, number(value), _between(report.intervals.get(name))] for name, value in report.metrics.items()
    ]
    classes = [
        [name, *(number(row[key]) for key in ("precision", "recall", "f1")), integer(row["examples"])]
        for name, row in list(report.per_class.items())[:40]
    ]
    heads = ["class", "precision", "recall", "F1", "examples"]
    return (
        _title(report.name, f"{report.split}, {integer(report.examples)} examples")
        + _table(["metric", "value", "95 % interval"], rows, numbers=(1,))
        + _folded(
            f"{len(report.per_class)} classes", _table(heads, classes, numbers=range(1, 5)) if classes else ""
        )
    )


def _comparison(found: Any) -> str:
    rows = [
        [
            name,
            number(report.metrics[found.metric]),
            _between(report.intervals.get(found.metric)),
            facts["network"],
        ]
        for name, report, facts in zip(found.names, found.reports, found.facts, strict=True)
    ]
    pairs = [
        [" − ".join(pair.names), f"{pair.difference.estimate:+.4g}", _between(pair.difference), f"{p:.2g}",
         f"{found.better(place)} is better" if found.better(place) else "no difference shown"]
        for place, (pair, p) in enumerate(zip(found.pairs, found.corrected, strict=True))
    ]  # fmt: skip
    return (
        _title("comparison", f"{found.split}, the same {integer(found.examples)} examples")
        + _table(["run", found.metric, "95 % interval", "network"], rows, numbers=(1,))
        + _table(["pair", "difference", "95 % interval", "p", "verdict"], pairs, numbers=(1, 3))
    )


def _folds(found: Any) -> str:
    rows = []
    for name in found.report.intervals:
        if name in found.folds[0]:
            mean = found.interval(name)
            together = found.report.intervals[name]
            shown = f"{number(mean.estimate)} ± {number(mean.high - mean.estimate)}"
            rows.append([name, number(together.estimate), _between(together), shown])
    title = _title(
        found.report.name, f"{len(found.folds)} folds, {found.how}; {integer(len(found.rows))} examples"
    )
    return title + _table(
        ["metric", "all together", "95 % interval", "mean of folds ± 95 %"], rows, numbers=(1, 3)
    )


def _text(thing: Any) -> str:
    return _title(type(thing).__name__, "") + f"<pre>{escape(str(thing))}</pre>"


def _title(name: str, said: str) -> str:
    return f"<div><strong>{escape(str(name))}</strong> <small>{escape(said)}</small></div>"


def _between(interval: Any) -> str:
    if interval is None or not math.isfinite(interval.low):
        return ""
    return f"{number(interval.low)} to {number(interval.high)}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[Any]], *, numbers: Sequence[int] = ()) -> str:
    def cell(tag: str, place: int, value: Any) -> str:
        return f"<{tag}{' class=n' if place in numbers else ''}>{escape(str(value))}</{tag}>"

    top = "".join(cell("th", place, each) for place, each in enumerate(heads))
    body = "".join(
        f"<tr>{''.join(cell('th' if not place else 'td', place, each) for place, each in enumerate(row))}</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _facts(facts: Mapping[str, Any]) -> str:
    rows = [[name.replace("_", " "), value] for name, value in list(facts.items())[:MOST]]
    return _table(["", ""], rows) if rows else ""


def _folded(name: str, body: str) -> str:
    return f"<details><summary>{escape(name)}</summary>{body}</details>" if body else ""


RENDERERS: dict[str, Callable[[Any], str]] = {
    "Dataset": _dataset,
    "Module": _network,
    "Run": _run,
    "EvaluationReport": _evaluation,
    "RunComparison": _comparison,
    "CrossValidation": _folds,
    **dict.fromkeys(
        ("Comparison", "Calibration", "LearningRateReport", "SignalReport", "Profile", "DecisionRule"), _text
    ),
}
