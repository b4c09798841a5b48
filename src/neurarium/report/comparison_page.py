"""The page of a comparison: several runs on the same examples, what came out, and what differs between them."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurarium.core.files import write_text
from neurarium.report import charts
from neurarium.report.document import document
from neurarium.report.parts import Html, card, grid, section, table
from neurarium.report.svg import Scale, drawing, element, spanning, text
from neurarium.report.words import duration, integer, number, titled

if TYPE_CHECKING:
    from neurarium.studies.comparison.several import RunComparison

MOST_LINES = 3  # what the page has colors and strokes for
WIDTH, ROW = 640, 34
Pictures = Mapping[int, str]


def write_comparison(found: RunComparison, path: Path | str, *, pictures: Pictures | None = None) -> None:
    """Write the page of a comparison.

    Args:
        found: what `compare_several` found.
        path: of the page.
        pictures: data addresses of pictures of examples, by place (`studies.comparison.several.pictures_of`).
    """
    write_text(Path(path), render_comparison(found, pictures=pictures))


def render_comparison(found: RunComparison, *, pictures: Pictures | None = None) -> str:
    """Return the page as HTML."""
    parts = [
        section("pairs", "Is one better?", _pairs(found), _lead(found)),
        section("differences", "What differs between the runs", _differences(found)),
        section("curves", "How they learned", _curves(found)),
        section("metrics", "All metrics", _metrics(found), "95 % intervals by bootstrap over the examples."),
        section("apart", "Where they part", _apart(found, pictures or {})),
    ]
    title = f"Comparison: {', '.join(found.names)}"
    return document(title, _head(found), parts)


def _head(found: RunComparison) -> str:
    title = f"<h1>{escape(' · '.join(found.names))}</h1>"
    said = f"{len(found.names)} runs on the same {integer(found.examples)} {found.split} examples of {found.reports[0].name}"
    top = (
        f"<header><p class=eyebrow>Neurarium comparison</p>{title}<p class=muted>{escape(said)}</p></header>"
    )
    rows = []
    for name, facts, report in zip(found.names, found.facts, found.reports, strict=True):
        interval = report.intervals.get(found.metric)
        between = f"{number(interval.low)} to {number(interval.high)}" if interval else "–"
        rows.append(
            [name, number(report.metrics[found.metric]), between, facts["network"], integer(facts["parameters"]),
             str(facts["epochs"]), duration(facts["seconds"])]
        )  # fmt: skip
    heads = ["run", titled(found.metric), "95 % interval", "network", "parameters", "epochs", "training took"]
    held = table(heads, rows, f"the runs with {titled(found.metric)}", right=(1, 4, 5, 6))
    return f"{top}<section class=card>{_intervals(found)}{held}</section>"


def _intervals(found: RunComparison) -> str:
    """Each run's metric with its interval, on one scale."""
    bounds = [report.intervals.get(found.metric) for report in found.reports]
    values = [report.metrics[found.metric] for report in found.reports]
    return _ranges(
        [
            (name, each.low if each else value, value, each.high if each else value)
            for name, value, each in zip(found.names, values, bounds, strict=True)
        ],
        f"{titled(found.metric)} of each run with its 95 % interval",
    )


def _ranges(rows: list[tuple[str, float, float, float]], label: str, *, zero: bool = False) -> str:
    """Draw values with their intervals under each other; `zero` marks where two runs are equal."""
    left, right, bottom = 190.0, WIDTH - 24.0, ROW * len(rows) + 10.0
    everything = [value for _, *values in rows for value in values] + ([0.0] if zero else [])
    x = _around(everything, left, right)
    marks = []
    for tick in x.ticks(5):
        marks.append(element("line", x1=x(tick), x2=x(tick), y1=6, y2=bottom, class_="grid"))
        marks.append(text(x(tick), bottom + 18, f"{tick:.4g}"))
    if zero:
        marks.append(element("line", x1=x(0), x2=x(0), y1=6, y2=bottom, class_="best"))
    for place, (name, low, value, high) in enumerate(rows):
        y = ROW * place + 24.0
        shown = name if len(name) <= 24 else f"{name[:23]}…"
        marks.append(text(left - 14, y + 5, shown, anchor="end", class_="label"))
        marks.append(element("line", x1=x(low), x2=max(x(high), x(low) + 2), y1=y, y2=y, class_="range"))
        title = element("title", f"{escape(name)}: {value:.4g}, 95 % interval {low:.4g} to {high:.4g}")
        marks.append(element("circle", title, cx=x(value), cy=y, r=7, class_="here"))
    said = "; ".join(f"{name} {value:.4g} ({low:.4g} to {high:.4g})" for name, low, value, high in rows)
    return drawing("".join(marks), WIDTH, bottom + 26, label, said)


def _around(values: list[float], left: float, right: float) -> Scale:
    """A scale from the least to the largest: intervals are compared, not measured from zero."""
    low, high = min(values), max(values)
    air = 0.06 * (high - low) or abs(high) * 0.05 or 1.0
    return Scale(low - air, high + air, left, right) if low < high else spanning(values, left, right)


def _lead(found: RunComparison) -> str:
    many = len(found.pairs) > 1
    test = "; p-values are corrected for their number (Holm)" if many else ""
    return (
        "Each pair on the same examples"
        f"{test}. The test knows the chance in the choice of examples, not in training: to compare methods, train several "
        "seeds."
    )


def _pairs(found: RunComparison) -> str:
    rows, ranges = [], []
    for place, (pair, corrected) in enumerate(zip(found.pairs, found.corrected, strict=True)):
        difference, better = pair.difference, found.better(place)
        verdict = f"{better} is better" if better else "no difference is shown"
        name = f"{pair.names[0]} − {pair.names[1]}"
        p = f"{corrected:.2g}" + (f" (alone {pair.p_value:.2g})" if len(found.pairs) > 1 else "")
        between = f"{difference.low:+.4g} to {difference.high:+.4g}"
        bold = Html(f"<strong>{escape(verdict)}</strong>") if better else verdict
        rows.append([name, f"{difference.estimate:+.4g}", between, p, bold])
        ranges.append((name, difference.low, difference.estimate, difference.high))
    heads = ["pair", f"difference in {titled(found.metric)}", "95 % interval", "p-value", "verdict"]
    drawn = _ranges(ranges, "differences with their intervals; the dashed line is no difference", zero=True)
    told = table(heads, rows, "paired differences", right=(1, 2, 3))
    return f"<div class=card>{drawn}{told}<p class=note>{escape(_test(found))}</p></div>"


def _test(found: RunComparison) -> str:
    from neurarium.studies.comparison.pair import TESTS

    way = {"max": "More is better", "min": "Less is better"}.get(found.goal or "", "")
    pair = found.pairs[0]
    return f"{TESTS[pair.test][0].upper()}{TESTS[pair.test][1:]}; intervals by paired bootstrap. {way}. No difference shown is no proof of equality."


def _differences(found: RunComparison) -> str:
    if not found.differences:
        return "<div class=card><p class=muted>Nothing: the same options, and the same decisions.</p></div>"
    rows = []
    for name, values in found.differences.items():
        first = str(values[0])
        cells = [
            Html("<span class=muted>–</span>") if value is None
            else Html(f"<mark>{escape(str(value))}</mark>") if place and str(value) != first
            else Html(escape(str(value)))
            for place, value in enumerate(values)
        ]  # fmt: skip
        rows.append([Html(f"<code>{escape(name)}</code>"), *cells])
    style = "<style>mark{background:color-mix(in srgb,var(--accent) 22%,transparent);color:var(--ink);border-radius:4px;padding:1px 4px}</style>"
    held = table(
        ["option or decision", *found.names], rows, "options and decisions that differ", class_="plan"
    )
    return f"{style}<div class=card>{held}</div>"


def _curves(found: RunComparison) -> str:
    shown = [f"validation/{found.metric}", "validation/loss", "train/loss"]
    cards = []
    for key in dict.fromkeys(shown):
        part, _, name = key.partition("/")
        known = {
            run: held[key]
            for run, held in zip(found.names, found.curves, strict=True)
            if len(held.get(key, [])) > 1
        }
        if known:
            few = dict(list(known.items())[:MOST_LINES])
            drawn = charts.curves(few, x_label="epoch", y_label=titled(name), log=name == "loss")
            note = f"the first {MOST_LINES} of {len(known)} runs" if len(known) > MOST_LINES else ""
            cards.append(card(f"{titled(name)}, {'training' if part == 'train' else part}", drawn, note))
    return grid(*cards)


def _metrics(found: RunComparison) -> str:
    rows = []
    for name in found.reports[0].metrics:
        cells = []
        for report in found.reports:
            bounds = report.intervals.get(name)
            low = f"<small>{number(bounds.low)} to {number(bounds.high)}</small>" if bounds else ""
            cells.append(Html(f"{number(report.metrics.get(name))}{low}"))
        rows.append([titled(name), *cells])
    heads = ["metric", *found.names]
    return f"<div class=card>{table(heads, rows, 'all metrics', right=range(1, len(heads)))}</div>"


def _apart(found: RunComparison, pictures: Pictures) -> str:
    cards = []
    for held in found.disagreements:
        one, two = held["names"]
        classes = held["both_wrong"] is not None
        for key, winner, loser in (("first", one, two), ("second", two, one)):
            count = held.get(f"{key}_count", 0)
            if not count:
                continue
            what = (
                f"right in {winner}, wrong in {loser}"
                if classes
                else f"nearer to the truth in {winner} than in {loser}"
            )
            order = f"where {loser} was most sure" if classes else "where the errors differ most"
            note = f"{integer(count)} examples; {min(count, len(held[key]))} of them, {order}"
            cards.append(card(what, _examples(held[key], (one, two), pictures), note))
    return grid(*cards)


def _examples(rows: list[dict[str, Any]], names: tuple[str, str], pictures: Pictures) -> str:
    shown = []
    for row in rows:
        chances = row["chances"] or [None, None]
        said = [
            f"{words}" if chance is None else f"{words} ({100 * chance:.0f} %)"
            for words, chance in zip(row["said"], chances, strict=True)
        ]
        name: Any = f"row {row['row']}" if row["row"] is not None else f"example {row['place']}"
        if row["place"] in pictures:
            source = pictures[row["place"]]
            name = Html(
                f'<img src="{source}" alt="{escape(name)}" height=44 style="image-rendering:pixelated">'
            )
        shown.append([name, row["truth"], *said])
    return table(["example", "truth", *names], shown, "examples on which the two part")
