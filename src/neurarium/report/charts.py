"""Charts of a run: curves over training, ROC and precision-recall, reliability, thresholds, residuals, importance."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from neurarium.report.parts import figure, keys
from neurarium.report.svg import Points, Scale, drawing, element, frame, inside, path, short, spanning, text

NAMES = {"train": "training", "validation": "validation", "rate": "learning rate"}


def curves(
    series: Mapping[str, Points],
    *,
    x_label: str,
    y_label: str,
    best: float | None = None,
    log: bool = True,
    best_name: str = "kept",
    zero: bool = False,
) -> str:
    """Return lines with a legend, values on hover, and a table.

    Args:
        series: name to (x, y) pairs; the color goes by the order.
        best: an x that is marked, with `best_name` in the legend.
        log: take a logarithmic scale where the values span much.
        zero: let the scale begin at 0.
    """
    (left, right), (bottom, top) = inside()
    everything = [pair for points in series.values() for pair in points]
    if not everything:
        return ""
    first, last = min(x for x, _ in everything), max(x for x, _ in everything)
    whole = all(float(x).is_integer() for x, _ in everything)
    x = Scale(first, last if last > first else first + 1, left, right, whole=whole)
    y = spanning([value for _, value in everything], bottom, top, log=log, zero=zero)
    marks = []
    if best is not None and first <= best <= last:
        marks.append(element("line", x1=x(best), x2=x(best), y1=top, y2=bottom, class_="best"))
    for number, points in enumerate(series.values()):
        placed = [(x(a), y(b)) if math.isfinite(b) else (x(a), b) for a, b in points]
        if len(placed) <= 60 and whole:
            marks += [
                _dot(place, f"series-{number}", f"{short(a)}: {b:.4g}")
                for place, (a, b) in zip(placed, points, strict=True)
            ]
        marks.append(path(placed, f"line series-{number}"))
    picture = frame(x, y, "".join(marks), x_label=x_label, y_label="", label=f"{y_label} over {x_label}")
    held, rows = _together(series, x, y, x_label)
    heads = [x_label, *(NAMES.get(name, name) for name in series)]
    drawn = figure(picture, held, heads=heads, rows=rows, caption=f"{y_label} over {x_label}")
    return _legend(list(series), best_name if best is not None else "") + drawn


def _together(
    series: Mapping[str, Points], x: Scale, y: Scale, x_label: str
) -> tuple[list[tuple[float, float, str]], list[list[str]]]:
    """All series at each x: a place with words, and a row of a table."""
    found: dict[float, dict[str, float]] = {}
    for name, points in series.items():
        for a, b in points:
            if math.isfinite(b):
                found.setdefault(float(a), {})[name] = b
    places, rows = [], []
    for a, values in sorted(found.items()):
        lines = [f"{x_label} {short(a)}", *(f"{NAMES.get(k, k)} {v:.4g}" for k, v in values.items())]
        places.append((x(a), y(next(iter(values.values()))), "\n".join(lines)))
        rows.append([short(a), *(f"{values[name]:.4g}" if name in values else "–" for name in series)])
    return places, rows


def roc(points: Points, area: float) -> str:
    """Return the ROC curve of one class: hits over false alarms at every threshold."""
    return rates([{"name": "", "roc": points, "auc": area}], "roc")


def rates(classes: Sequence[Mapping[str, Any]], kind: str) -> str:
    """Return ROC or precision-recall curves; of several classes the three worst in color.

    Args:
        classes: each with `name`, `auc` or `average_precision`, and the points of `kind`.
        kind: "roc" or "pr".
    """
    (left, right), (bottom, top) = inside()
    x, y = Scale(0.0, 1.0, left, right), Scale(0.0, 1.0, bottom, top)
    area, short_name, long_name = (
        ("auc", "AUC", "ROC curve")
        if kind == "roc"
        else ("average_precision", "AP", "precision-recall curve")
    )
    ordered = sorted(classes, key=lambda each: each[area])
    single = len(ordered) == 1
    marks, held, rows = [], [], []
    legend: list[tuple[str, str]] = []
    level = ordered[0].get("share", 0.0) if single else None  # of positives: the precision of chance
    if kind == "roc":
        marks.append(element("line", x1=x(0), y1=y(0), x2=x(1), y2=y(1), class_="chance"))
    elif level is not None:
        marks.append(element("line", x1=x(0), x2=x(1), y1=y(level), y2=y(level), class_="chance"))
    for number, each in reversed(list(enumerate(ordered))):
        points = each[kind]
        placed = [(x(a), y(b)) for a, b in points]
        if single and kind == "roc":
            under = " ".join(f"{a:.1f},{b:.1f}" for a, b in [*placed, (x(1), y(0))])
            marks.append(element("polygon", points=under, class_="area"))
        marks.append(path(placed, f"line series-{number}" if number < 3 else "line other"))
        axes = ("false positives", "true positives") if kind == "roc" else ("recall", "precision")
        if number < 3:
            name = f"{each['name']}\n" if each["name"] and not single else ""
            held += [(x(a), y(b), f"{name}{axes[0]} {a:.1%}\n{axes[1]} {b:.1%}") for a, b in points]
            legend.insert(0, (f"series-{number}", f"{each['name']} {each[area]:.3f}"))
        rows += [
            [each["name"] or "curve", f"{a:.3f}", f"{b:.3f}"] for a, b in points[:: max(1, len(points) // 12)]
        ]
    if single:
        at, anchor = (0.97, "end") if kind == "roc" else (0.03, "start")
        words = f"{short_name} {ordered[0][area]:.4f}"
        marks.append(text(x(at), y(0.06), words, anchor=anchor, class_="value"))
    labels = ("false positive rate", "true positive rate") if kind == "roc" else ("recall", "precision")
    label = f"{long_name}, {short_name} " + (
        f"{ordered[0][area]:.4f}" if single else "of each class against the rest"
    )
    picture = frame(x, y, "".join(marks), x_label=f"{labels[0]} (y: {labels[1]})", y_label="", label=label)
    if len(ordered) > 3:
        legend.append(("other", f"{len(ordered) - 3} others, up to {ordered[-1][area]:.3f}"))
    top_keys = "" if single else keys(legend)
    drawn = figure(picture, held, mode="xy", heads=["class", labels[0], labels[1]], rows=rows, caption=label)
    return top_keys + drawn


def reliability(held: Mapping[str, Any], after: Mapping[str, Any] | None = None) -> str:
    """Return how often what was said with a confidence came true; on the diagonal the two agree."""
    (left, right), (bottom, top) = inside()
    x, y = Scale(0.0, 1.0, left, right), Scale(0.0, 1.0, bottom, top)
    largest = max((each or 0.0 for each in held["weight"]), default=1.0) or 1.0
    marks = [element("line", x1=x(0), y1=y(0), x2=x(1), y2=y(1), class_="chance")]
    for low, high, weight in zip(held["edges"][:-1], held["edges"][1:], held["weight"], strict=True):
        if weight:  # how many examples a bin holds, at the foot
            size = 46 * weight / largest
            marks.append(
                element(
                    "rect",
                    x=x(low) + 1,
                    y=bottom - size,
                    width=max(x(high) - x(low) - 2, 0.5),
                    height=size,
                    class_="weight",
                )
            )
    places, rows, total = [], [], sum(each or 0.0 for each in held["weight"]) or 1.0
    for number, (name, each) in enumerate((("as trained", held), ("with the temperature", after))):
        if each is None:
            continue
        known = [
            (a, b, w)
            for a, b, w in zip(each["confidence"], each["frequency"], each["weight"], strict=True)
            if a is not None and b is not None and w
        ]
        marks.append(path([(x(a), y(b)) for a, b, _ in known], f"line series-{number}"))
        marks += [_dot((x(a), y(b)), f"series-{number}", f"said {a:.0%}, was {b:.0%}") for a, b, _ in known]
        places += [
            (x(a), y(b), f"{name}\nsaid {a:.1%}, was {b:.1%}\n{w / total:.1%} of the examples")
            for a, b, w in known
        ]
        rows += [[name, f"{a:.1%}", f"{b:.1%}", f"{w:,.0f}"] for a, b, w in known]
    label = f"reliability: how often it was so over what was said; calibration error {held['error']:.4f}"
    picture = frame(
        x, y, "".join(marks), x_label="probability said (y: how often it was so)", y_label="", label=label
    )
    legend = [("series-0", f"as trained, ECE {held['error']:.3f}")]
    legend += [("series-1", f"with the temperature, ECE {after['error']:.3f}")] if after else []
    drawn = figure(
        picture, places, mode="xy", heads=["", "said", "was", "examples"], rows=rows, caption=label
    )
    return keys(legend) + drawn


def against_truth(pairs: Points, name: str) -> str:
    """Return predictions over true values; on the diagonal they agree."""
    (left, right), (bottom, top) = inside()
    values = [value for pair in pairs for value in pair]
    along = spanning(values, left, right)
    x, y = along, Scale(along.low, along.high, bottom, top)
    diagonal = element("line", x1=x(x.low), y1=y(y.low), x2=x(x.high), y2=y(y.high), class_="chance")
    dots = "".join(element("circle", cx=x(a), cy=y(b), r=2.4, class_="point") for a, b in pairs)
    label = f"predicted over true {name}, {len(pairs)} examples"
    picture = frame(
        x, y, diagonal + dots, x_label=f"true {_cut(name)} (y: predicted)", y_label="", label=label
    )
    held = [(x(a), y(b), f"true {a:,.5g}\npredicted {b:,.5g}") for a, b in sorted(pairs)]
    rows = [[f"{a:,.5g}", f"{b:,.5g}"] for a, b in sorted(pairs)]
    return figure(picture, held, mode="xy", heads=["true", "predicted"], rows=rows, caption=label)


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
    marks, held, rows = [], [], []
    for bar, count in sorted(counts.items()):
        start, middle = x(-reach + bar * width), -reach + (bar + 0.5) * width
        title = element("title", f"{short(middle)}: {count}")
        size = {"width": x(width) - x(0) - 1.0, "height": bottom - y(count)}
        marks.append(element("rect", title, x=start + 0.5, y=y(count), **size, class_="bar"))
        held.append((x(middle), y(count), f"error about {short(float(f'{middle:.3g}'))}\n{count:,} examples"))
        rows.append([short(float(f"{middle:.3g}")), f"{count:,}"])
    zero = element("line", x1=x(0), x2=x(0), y1=top, y2=bottom, class_="best")
    label = f"histogram of the errors of {name}"
    picture = frame(
        x, y, "".join(marks) + zero, x_label="predicted minus true (y: examples)", y_label="", label=label
    )
    return figure(picture, held, heads=["error", "examples"], rows=rows, caption=label)


def tenths(rows: Sequence[Mapping[str, Any]], name: str) -> str:
    """Return the mean error, and the mean absolute error, over tenths of the prediction."""
    middle = [(each["low"] + each["high"]) / 2 for each in rows]
    series = {
        "mean absolute error": [(a, each["mae"]) for a, each in zip(middle, rows, strict=True)],
        "mean error (bias)": [(a, each["bias"]) for a, each in zip(middle, rows, strict=True)],
    }
    return curves(series, x_label=f"predicted {_cut(name)}", y_label="error", log=False, zero=True)


def importance(held: Mapping[str, Any], most: int = 20) -> str:
    """Return bars with their spread: how much worse the metric gets without each column."""
    names, means, spreads = held["columns"][:most], held["means"][:most], held["spreads"][:most]
    reach = max((m + s for m, s in zip(means, spreads, strict=True)), default=0.0) or 1.0
    low = min(0.0, *(m - s for m, s in zip(means, spreads, strict=True)))
    x = Scale(low, reach * 1.02, 0.0, 100.0)
    rows = []
    for name, mean, spread in zip(names, means, spreads, strict=True):
        zero, end = x(0.0), x(mean)
        bar = f"<span class=bar style='left:{min(zero, end):.2f}%;width:{abs(end - zero):.2f}%'></span>"
        bar += f"<span class=whisker style='left:{x(mean - spread):.2f}%;width:{x(mean + spread) - x(mean - spread):.2f}%'></span>"
        shown = f"{mean:+.4f}" if reach < 10 else f"{mean:+,.0f}"
        said = f"{spread:.4f}" if reach < 10 else f"{spread:,.0f}"
        rows.append(
            f"<tr><th scope=row>{escape(name)}</th><td class=bars><span class=track>{bar}</span></td>"
            f"<td class=number>{shown}<small>± {said}</small></td></tr>"
        )
    head = "<thead class=quiet><tr><th scope=col>column</th><th scope=col>bar</th><th scope=col>worse by</th></tr></thead>"
    more = len(held["columns"]) - most
    rest = f"<p class=note>and {more} more columns of less weight</p>" if more > 0 else ""
    return f"<table class=shares><caption class=quiet>permutation importance</caption>{head}<tbody>{''.join(rows)}</tbody></table>{rest}"


def heat(matrix: Sequence[Sequence[float]], names: Sequence[str]) -> str:
    """Return the confusion matrix of many classes as a picture: shares of each true class in six shades."""
    count, side, left = len(names), 460.0, 10.0
    cell = (side - left) / count
    shades: dict[int, list[str]] = {}
    held: list[tuple[float, float, float, str]] = []
    for truth, row in enumerate(matrix):
        total = sum(row) or 1.0
        for said, value in enumerate(row):
            if value:
                share = value / total
                at = (left + said * cell, left + truth * cell)
                shades.setdefault(min(5, int(6 * share)), []).append(
                    f"M{at[0]:.1f},{at[1]:.1f}h{cell:.2f}v{cell:.2f}h-{cell:.2f}z"
                )
                words = f"{names[truth]} taken for {names[said]}\n{value:,.0f} times, {share:.1%}"
                held.append((at[0] + cell / 2, at[1] + cell / 2, value, words))
    back = element("rect", x=left, y=left, width=side - left, height=side - left, class_="back")
    marks = "".join(
        element("path", d="".join(parts), class_=f"shade-{shade}") for shade, parts in sorted(shades.items())
    )
    label = f"confusion matrix of {count} classes: rows are the truth, columns what was predicted"
    picture = drawing(
        back + marks, side + 6, side + 6, label, "dark cells are large shares of a true class", "chart heat"
    )
    kept = sorted(held, key=lambda each: -each[2])[:3000]
    kept.sort(key=lambda each: (each[1], each[0]))
    return figure(picture, [(x, y, words) for x, y, _, words in kept], mode="xy")


def shares(counts: Mapping[str, float], most: int = 20) -> str:
    """Return horizontal bars, one per class, as HTML that wraps on a narrow page."""
    largest = max(counts.values(), default=0) or 1
    rows = []
    for name, count in list(counts.items())[:most]:
        bar = f'<span class="bar" style="width:{100 * count / largest:.1f}%"></span>'
        rows.append(
            f"<tr><th scope=row>{escape(str(name))}</th><td class=bars>{bar}</td><td class=number>{count:,.0f}</td></tr>"
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
        start = max(start, 0.0) if low >= 0 else start  # what is not below zero hardly can be
    x = Scale(start, end, 8.0, 292.0)
    names = [f"{100 * each:.0f} %" if share else short(float(f"{each:.3g}")) for each in (start, end)]
    marks = [
        element("line", x1=8, x2=292, y1=12, y2=12, class_="rail"),
        element("line", x1=x(low), x2=max(x(high), x(low) + 2), y1=12, y2=12, class_="range"),
        element("circle", cx=x(value), cy=12, r=7, class_="here"),
        text(4, 36, names[0], anchor="start"),
        text(296, 36, names[1], anchor="end"),
    ]
    return drawing(
        "".join(marks), 300, 42, f"{value:.4g}, 95 % interval {low:.4g} to {high:.4g}", "", "interval"
    )


def spark(counts: Sequence[float]) -> str:
    """Return a tiny histogram."""
    largest = max(counts, default=0) or 1
    bars = "".join(
        element(
            "rect",
            x=float(4 * place),
            y=24 - 24 * count / largest,
            width=3,
            height=24 * count / largest,
            class_="bar",
        )
        for place, count in enumerate(counts)
        if count
    )
    return element("svg", bars, viewBox=f"0 0 {4 * len(counts)} 24", aria_hidden="true", class_="spark")


def _cut(name: str, most: int = 28) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"


def _dot(place: tuple[float, float], class_: str, words: str) -> str:
    if not all(map(math.isfinite, place)):
        return ""
    return element(
        "circle", element("title", escape(words)), cx=place[0], cy=place[1], r=2.6, class_=f"dot {class_}"
    )


def _legend(names: Sequence[str], best: str) -> str:
    shown = [(f"series-{number}", NAMES.get(name, name)) for number, name in enumerate(names)]
    return keys([*shown, *([("kept", best)] if best else [])])
