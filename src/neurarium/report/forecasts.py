"""Forecasts of a report: windows with their past, the forecast with its band, and what came; errors by step."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from neurarium.report import charts
from neurarium.report.heat_map import heat_map
from neurarium.report.parts import card, figure, grid, keys, section
from neurarium.report.svg import Points, Scale, element, frame, inside, path, spanning

if TYPE_CHECKING:
    from neurarium.studies.evaluation.report import EvaluationReport

STEPS = {
    "mse": "this network",
    "naive: mse": "last value repeated",
    "seasonal naive: mse": "last season repeated",
}

LINES = 4  # parts that are drawn
FAR = 8.0  # times the largest error of the network: a scale of logarithms keeps it readable beside such a one


def forecasts(reports: Mapping[str, EvaluationReport], found: Mapping[str, Any]) -> str:
    """Pictures of some windows, and how the error grows with the horizon."""
    held = found.get("forecasts") or []
    cards = [card(*_window(each)) for each in held]
    report = reports.get("test") or reports.get("validation")
    if report is not None and report.steps:
        curves: dict[str, Points] = {
            name: list(enumerate(report.steps[key], start=1))
            for key, name in STEPS.items()
            if key in report.steps
        }
        held_values = [[value for _, value in each] for each in curves.values()]
        apart = max(map(max, held_values)) > FAR * max(held_values[0]) and min(map(min, held_values)) > 0
        drawn = charts.curves(
            curves, x_label="step of the horizon", y_label="mean squared error", log=apart, zero=not apart
        )
        cards.append(
            card("Error by step", drawn, f"On standardized values of all {report.split} windows.", wide=True)
        )
    cards.append(attention_card(found.get("channel attention") or {}))
    lead = f"Windows of the {found.get('split', 'test')} part at equal distances; the band holds 90 % of what came in validation, or lies between the outer quantiles."
    return section("forecasts", "What it forecasts", grid(*cards), lead)


def attention_card(held: Mapping[str, Any]) -> str:
    """Return which channels look at which, a picture per block; nothing where it is not known."""
    if not held:
        return ""
    names = held["names"]
    drawn = [
        f"<div><p class=note>block {number}</p>"
        + heat_map(f"block {number}: how much each channel looks at each", rows, names[: len(rows)], names)
        + "</div>"
        for number, rows in held["blocks"].items()
    ]
    note = "A row is a channel that is forecast; the darker a square, the more it looks at the channel of that column, in the mean over windows and heads."
    return card(
        "Which channels it reads together", f"<div class=sides>{''.join(drawn)}</div>", note, wide=True
    )


def _window(held: Mapping[str, Any]) -> tuple[str, str]:
    start = f", from {held['from']}" if held.get("from") else ""
    return f"{held['name']}{start}", window_chart(held) + components_chart(held)


def components_chart(held: Mapping[str, Any]) -> str:
    """Return the parts that a forecast is the sum of, around the level of its window; nothing where they are not known."""
    parts = dict(held.get("components") or {})
    level = parts.pop("level", None)
    if level is None or len(level) < 2:
        return ""
    sizes = {name: sum(map(abs, values)) for name, values in parts.items()}
    shown = sorted(sorted(parts, key=lambda name: -sizes[name])[:LINES], key=list(parts).index)
    curves: dict[str, Points] = {
        name.replace("_", " "): list(enumerate(parts[name], start=1)) for name in shown
    }
    less = "" if len(shown) == len(parts) else f"; the {LINES} largest of {len(parts)}"
    words = f"The forecast is {level[0]:,.5g}, the level of the window, plus these parts{less}."
    drawn = charts.curves(curves, x_label="step of the horizon", y_label="what is added", log=False)
    return f"<p class=note>{escape(words)}</p>{drawn}"


def window_chart(held: Mapping[str, Any]) -> str:
    """Return the past, what came, and the forecast with its band, over steps from the forecast on."""
    (left, right), (bottom, top) = inside()
    past, truth, point = held["past"], held["truth"], held["forecast"]
    low, high = held.get("low"), held.get("high")
    if any(
        value is None for value in [*(low or ()), *(high or ())]
    ):  # too few windows to calibrate: no finite band
        low = high = None
    x = Scale(float(1 - len(past)), float(max(len(truth), 1)), left, right, whole=True)
    y = spanning([*past, *truth, *point, *(low or ()), *(high or ())], bottom, top)
    before = [(float(step - len(past) + 1), value) for step, value in enumerate(past)]
    after = {name: [(step + 1.0, value) for step, value in enumerate(values)] for name, values in
             (("came", truth), ("forecast", point))}  # fmt: skip
    marks = [element("line", x1=x(0.5), x2=x(0.5), y1=top, y2=bottom, class_="best")]
    if low is not None and high is not None:
        edge = [(x(step + 1.0), y(value)) for step, value in enumerate(high)]
        edge += [(x(step + 1.0), y(value)) for step, value in reversed(list(enumerate(low)))]
        marks.append(element("polygon", points=" ".join(f"{a:.1f},{b:.1f}" for a, b in edge), class_="band"))
    marks.append(path([(x(a), y(b)) for a, b in [*before, *after["came"]]], "line series-0"))
    marks.append(path([(x(a), y(b)) for a, b in [before[-1], *after["forecast"]]], "line series-1"))
    step = held.get("step", "a step")
    label = f"forecast of {held['name']}"
    picture = frame(
        x, y, "".join(marks), x_label=f"steps of {step} from the forecast on", y_label="", label=label
    )
    places, rows = [], []
    for number, ((a, came), (_, said)) in enumerate(zip(after["came"], after["forecast"], strict=True)):
        bounds = f"{low[number]:,.5g} to {high[number]:,.5g}" if low is not None and high is not None else "–"
        places.append((x(a), y(said), f"step {a:.0f}\ncame {came:,.5g}\nforecast {said:,.5g}\n{bounds}"))
        rows.append([f"{a:.0f}", f"{came:,.5g}", f"{said:,.5g}", bounds])
    drawn = figure(picture, places, heads=["step", "came", "forecast", "band"], rows=rows, caption=label)
    return keys([("series-0", "what came"), ("series-1", "forecast, with its band")]) + drawn
