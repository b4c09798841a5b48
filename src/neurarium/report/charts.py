"""Charts of a run: curves over training, the ROC curve, predictions against truth, residuals."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape

from neurarium.report.svg import Points, Scale, element, frame, inside, path, short, spanning, text

NAMES = {"train": "training", "validation": "validation", "rate": "learning rate"}


def curves(
    series: Mapping[str, Points], *, x_label: str, y_label: str, best: float | None = None, log: bool = True
) -> str:
    """Return lines over training with a legend.

    Args:
        series: name to (x, y) pairs; the color goes by the order.
        best: the x of the weights that were kept.
        log: take a logarithmic scale where the values span much.
    """
    (left, right), (bottom, top) = inside()
    everything = [pair for points in series.values() for pair in points]
    if not everything:
        return ""
    first, last = min(x for x, _ in everything), max(x for x, _ in everything)
    x = Scale(first, last if last > first else first + 1, left, right, whole=True)
    y = spanning([value for _, value in everything], bottom, top, log=log)
    marks = []
    if best is not None and first <= best <= last:
        marks.append(element("line", x1=x(best), x2=x(best), y1=top, y2=bottom, class_="best"))
    for number, points in enumerate(series.values()):
        placed = [(x(a), y(b)) if math.isfinite(b) else (x(a), b) for a, b in points]
        if len(placed) <= 60:
            marks += [
                _dot(place, f"series-{number}", f"{short(a)}: {b:.4g}")
                for place, (a, b) in zip(placed, points, strict=True)
            ]
        marks.append(path(placed, f"line series-{number}"))
    picture = frame(x, y, "".join(marks), x_label=x_label, y_label="", label=f"{y_label} over {x_label}")
    return _legend(list(series), best is not None) + picture


def roc(points: Points, area: float) -> str:
    """Return the ROC curve: hits over false alarms at every threshold."""
    (left, right), (bottom, top) = inside()
    x, y = Scale(0.0, 1.0, left, right), Scale(0.0, 1.0, bottom, top)
    placed = [(x(a), y(b)) for a, b in points]
    under = element(
        "polygon", points=" ".join(f"{a:.1f},{b:.1f}" for a, b in [*placed, (x(1), y(0))]), class_="area"
    )
    chance = element("line", x1=x(0), y1=y(0), x2=x(1), y2=y(1), class_="chance")
    words = text(x(0.97), y(0.06), f"AUC {area:.4f}", anchor="end", class_="value")
    marks = under + chance + path(placed, "line series-0") + words
    return frame(
        x,
        y,
        marks,
        x_label="false positive rate",
        y_label="true positive rate",
        label=f"ROC curve, AUC {area:.4f}",
    )


def against_truth(pairs: Points, name: str) -> str:
    """Return predictions over true values; on the diagonal they agree."""
    (left, right), (bottom, top) = inside()
    values = [value for pair in pairs for value in pair]
    along = spanning(values, left, right)
    x, y = along, Scale(along.low, along.high, bottom, top)
    diagonal = element("line", x1=x(x.low), y1=y(y.low), x2=x(x.high), y2=y(y.high), class_="chance")
    dots = "".join(element("circle", cx=x(a), cy=y(b), r=2.4, class_="point") for a, b in pairs)
    label = f"predicted over true {name}, {len(pairs)} examples"
    return frame(x, y, diagonal + dots, x_label=f"true {name}", y_label="predicted", label=label)


def residuals(pairs: Points, name: str, bars: int = 31) -> str:
    """Return a histogram of predicted minus true."""
    (left, right), (bottom, top) = inside()
    found = sorted(said - truth for truth, said in pairs)
    reach = (
        max(abs(found[int(0.005 * len(found))]), abs(found[min(len(found) - 1, int(0.995 * len(found)))]))
        or 1.0
    )
    width = 2 * reach / bars
    counts = Counter(min(bars - 1, max(0, int((value + reach) / width))) for value in found)
    x = Scale(-reach, reach, left, right)
    y = Scale(0.0, max(counts.values()) * 1.08, bottom, top)
    marks = []
    for bar, count in counts.items():
        start = x(-reach + bar * width)
        title = element("title", f"{short(-reach + (bar + 0.5) * width)}: {count}")
        marks.append(
            element(
                "rect",
                title,
                x=start + 0.5,
                y=y(count),
                width=x(width) - x(0) - 1.0,
                height=bottom - y(count),
                class_="bar",
            )
        )
    zero = element("line", x1=x(0), x2=x(0), y1=top, y2=bottom, class_="best")
    label = f"histogram of the errors of {name}"
    return frame(x, y, "".join(marks) + zero, x_label="predicted minus true", y_label="examples", label=label)


def shares(counts: Mapping[str, float], most: int = 20) -> str:
    """Return horizontal bars, one per class, as HTML that wraps on a narrow page."""
    largest = max(counts.values(), default=0) or 1
    rows = []
    for name, count in list(counts.items())[:most]:
        bar = f'<span class="bar" style="width:{100 * count / largest:.1f}%"></span>'
        rows.append(
            f"<tr><th>{escape(str(name))}</th><td class=bars>{bar}</td><td class=number>{count:,.0f}</td></tr>"
        )
    if len(counts) > most:
        rows.append(f"<tr><td colspan=3 class=muted>and {len(counts) - most} more</td></tr>")
    return f"<table class=shares>{''.join(rows)}</table>"


def interval(low: float, value: float, high: float, share: bool) -> str:
    """Return a small bar: a value in its interval; a share on the way to 100 %."""
    if share:
        start, end = next((each for each in (0.99, 0.95, 0.9, 0.8, 0.5) if low >= each), 0.0), 1.0
    else:
        air = (high - low) * 1.5 or abs(value) * 0.05 or 1.0
        start, end = low - air, high + air
    x = Scale(start, end, 8.0, 292.0)
    names = [f"{100 * each:.0f} %" if share else short(float(f"{each:.3g}")) for each in (start, end)]
    marks = [
        element("line", x1=8, x2=292, y1=12, y2=12, class_="rail"),
        element("line", x1=x(low), x2=max(x(high), x(low) + 2), y1=12, y2=12, class_="range"),
        element("circle", cx=x(value), cy=12, r=7, class_="here"),
        text(4, 36, names[0], anchor="start"),
        text(296, 36, names[1], anchor="end"),
    ]
    label = f"{value:.4g}, 95 % interval {low:.4g} to {high:.4g}"
    return element(
        "svg", "".join(marks), viewBox="0 0 300 42", role="img", aria_label=label, class_="interval"
    )


def _dot(place: tuple[float, float], class_: str, words: str) -> str:
    if not all(map(math.isfinite, place)):
        return ""
    return element(
        "circle", element("title", escape(words)), cx=place[0], cy=place[1], r=2.6, class_=f"dot {class_}"
    )


def _legend(names: Sequence[str], best: bool) -> str:
    parts = [
        f'<span class="key series-{number}">{escape(NAMES.get(name, name))}</span>'
        for number, name in enumerate(names)
    ]
    if best:
        parts.append('<span class="key kept">kept</span>')
    return f"<p class=legend>{''.join(parts)}</p>"
