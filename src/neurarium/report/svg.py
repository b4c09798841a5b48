"""SVG by hand: elements, scales with round ticks, a frame with axes. Colors are CSS classes, so that a page has two themes."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT = 480, 300
LEFT, RIGHT, TOP, BOTTOM = 66, 14, 12, 50
Points = Sequence[tuple[float, float]]


def element(name: str, content: str = "", **attributes: object) -> str:
    """Return an element; `class_` is class, `stroke_width` is stroke-width; values are escaped.

    >>> element("circle", cx=1, cy=2.5, class_="dot")
    '<circle cx="1" cy="2.5" class="dot"/>'
    """
    written = []
    for key, value in attributes.items():
        if value is not None:
            shown = f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
            written.append(f' {key.rstrip("_").replace("_", "-")}="{escape(shown, quote=True)}"')
    head = f"<{name}{''.join(written)}"
    return f"{head}>{content}</{name}>" if content else f"{head}/>"


def text(x: float, y: float, words: str, *, anchor: str = "middle", class_: str = "tick") -> str:
    """Return a text element; the words are escaped."""
    return element("text", escape(words), x=float(x), y=float(y), text_anchor=anchor, class_=class_)


@dataclasses.dataclass(frozen=True)
class Scale:
    """Maps values between `low` and `high` to places between `start` and `end`, linearly or by logarithm; `whole` gives
    ticks at whole numbers alone."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False
    whole: bool = False

    def __call__(self, value: float) -> float:
        if self.logarithmic:
            low, high, value = math.log10(self.low), math.log10(self.high), math.log10(max(value, self.low))
        else:
            low, high = self.low, self.high
        return self.start + (self.end - self.start) * (value - low) / (high - low)

    def ticks(self, count: int = 5) -> list[float]:
        """Return about `count` round values between low and high."""
        if self.logarithmic:
            first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
            powers = [10.0**power for power in range(first, last + 1)]
            if len(powers) >= 2:
                return powers[:: max(1, math.ceil(len(powers) / count))]
            between = [factor * 10.0**power for power in range(first - 1, last + 1) for factor in (1, 2, 5)]
            return [round(value, 12) for value in between if self.low <= value <= self.high]
        values = round_values(self.low, self.high, count)
        return [value for value in values if value == round(value)] if self.whole else values


def round_values(low: float, high: float, count: int = 5) -> list[float]:
    """Return multiples of 1, 2 or 5 times a power of ten between two bounds.

    >>> round_values(0, 1), round_values(3, 47)
    ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [10, 20, 30, 40])
    """
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    values = [number * step for number in range(first, math.floor(high / step + 1e-9) + 1)]
    places = max(0, -math.floor(math.log10(step)))
    return [round(value, places) if places else round(value) for value in values]


def spanning(
    values: Sequence[float], start: float, end: float, *, zero: bool = False, log: bool = False
) -> Scale:
    """Return a scale that shows all values with a little air; `log` where they span more than a factor of 30."""
    known = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(known), max(known)
    if log and low > 0 and high / low > 30:
        return Scale(low / 1.15, high * 1.15, start, end, logarithmic=True)
    low = min(low, 0.0) if zero or (0 < low < 0.25 * high) else low
    air = 0.05 * (high - low) or max(abs(high), 1.0) * 0.05
    return Scale(low if low == 0 else low - air, high + air, start, end)


def short(value: float) -> str:
    """Write a tick: 1,000 as 1k.

    >>> short(1500), short(0.25), short(2_000_000), short(0.00001), short(3.0)
    ('1.5k', '0.25', '2M', '1e-5', '3')
    """
    size = abs(value)
    for bound, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if size >= bound:
            return f"{value / bound:.4g}{letter}"
    if 0 < size < 1e-4:
        mantissa, _, power = f"{value:.0e}".partition("e")
        return f"{mantissa}e{int(power)}"
    return f"{value:.4g}"


def path(points: Points, class_: str) -> str:
    """Return a line through places; gaps where a place is not finite."""
    parts, down = [], False
    for x, y in points:
        if not (math.isfinite(x) and math.isfinite(y)):
            down = False
            continue
        parts.append(f"{'L' if down else 'M'}{x:.1f},{y:.1f}")
        down = True
    return element("path", d="".join(parts), class_=class_) if parts else ""


def frame(x: Scale, y: Scale, marks: str, *, x_label: str, y_label: str, label: str) -> str:
    """Put axes around marks: a complete SVG.

    Args:
        x, y: the scales; their places lie inside the frame (`inside`).
        marks: what is drawn.
        x_label, y_label: under and beside the axes.
        label: what the picture shows, for those who do not see it.
    """
    grid = []
    for value in y.ticks():
        place = y(value)
        grid.append(element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=place, y2=place, class_="grid"))
        grid.append(text(LEFT - 8, place + 4, short(value), anchor="end"))
    for value in x.ticks(5):
        grid.append(text(x(value), HEIGHT - BOTTOM + 21, short(value)))
    base = element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=HEIGHT - BOTTOM, y2=HEIGHT - BOTTOM, class_="axis")
    names = text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, x_label, class_="label")
    turned = (
        ""
        if not y_label
        else element(
            "text",
            escape(y_label),
            transform=f"translate(13,{(TOP + HEIGHT - BOTTOM) / 2:.0f}) rotate(-90)",
            text_anchor="middle",
            class_="label",
        )
    )
    body = "".join([*grid, base, marks, names, turned])
    return drawing(body, WIDTH, HEIGHT, label, f"x: {x_label}" + (f"; y: {y_label}" if y_label else ""))


def drawing(
    body: str, width: float, height: float, label: str, description: str = "", class_: str = "chart"
) -> str:
    """Return a picture with a title and a description for those who do not see it."""
    name = "c" + hashlib.blake2b((label + description).encode(), digest_size=5).hexdigest()
    title = element("title", escape(label), id=f"{name}-t")
    said = element("desc", escape(description), id=f"{name}-d") if description else ""
    return element(
        "svg",
        title + said + body,
        viewBox=f"0 0 {width:g} {height:g}",
        role="img",
        aria_labelledby=f"{name}-t",
        aria_describedby=f"{name}-d" if said else None,
        class_=class_,
    )


def inside() -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the places of the frame: (left, right) and (bottom, top)."""
    return (float(LEFT), float(WIDTH - RIGHT)), (float(HEIGHT - BOTTOM), float(TOP))
