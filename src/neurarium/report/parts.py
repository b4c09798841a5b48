"""Parts of a page: sections, cards, tables and figures as HTML. All text from outside is escaped where it enters."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from html import escape
from typing import Any

from neurarium.report.svg import BOTTOM, HEIGHT, TOP


class Html(str):
    """Text that is HTML already, and is not escaped again."""


def section(name: str, title: str, body: str, lead: str = "") -> str:
    """Return a section with its heading; nothing where there is no body."""
    if not body:
        return ""
    said = f"<p class=lead>{escape(lead)}</p>" if lead else ""
    return f'<section id="{name}" aria-labelledby="{name}-title"><h2 id="{name}-title">{escape(title)}</h2>{said}{body}</section>'


def renamed(made: str, name: str, number: int) -> str:
    """Return a section under the name of one of several targets, with an id of its own.

    >>> renamed(section("errors", "Worst errors", "<p>none</p>"), "price", 2)[:66]
    '<section id="errors-2" aria-labelledby="errors-2-title"><h2 id="er'
    """
    found = re.match(r'<section id="([\w-]+)"', made)
    if found is None:
        return made
    own = f"{found[1]}-{number}"
    made = made.replace(f'id="{found[1]}"', f'id="{own}"', 1).replace(f'"{found[1]}-title"', f'"{own}-title"')
    return re.sub(r"(<h2[^>]*>)", lambda each: f"{each[1]}{escape(name)}: ", made, count=1)


def card(title: str, body: str, note: str = "", *, wide: bool = False) -> str:
    """Return a card: a heading, a line of explanation, and what it holds."""
    said = f"<p class=note>{escape(note)}</p>" if note else ""
    return f"<div class='card{' wide' if wide else ''}'><h3>{escape(title)}</h3>{said}{body}</div>"


def grid(*cards: str) -> str:
    """Return cards beside each other; one that would stand alone in its row takes all of it."""
    held = [each for each in cards if each]
    wide, column = "<div class='card wide'>", 0
    for place, each in enumerate(held):
        if each.startswith(wide):
            column = 0
            continue
        alone = column == 0 and (place + 1 == len(held) or held[place + 1].startswith(wide))
        held[place] = each.replace("<div class='card'>", wide, 1) if alone else each
        column = 0 if alone else 1 - column
    return f"<div class=grid>{''.join(held)}</div>" if held else ""


def table(
    heads: Sequence[str],
    rows: Sequence[Sequence[Any]],
    caption: str,
    *,
    right: Sequence[int] = (),
    class_: str = "",
) -> str:
    """Return a table with scopes; the first cell of a row is its heading. A cell is text, or `Html`.

    >>> "<th scope=row>a" in table(["name", "count"], [["a", 1]], "counts")
    True
    """
    numbers = set(right)
    top = "".join(
        f"<th scope=col{' class=number' if place in numbers else ''}>{escape(each) or '<span class=quiet>–</span>'}</th>"
        for place, each in enumerate(heads)
    )
    body = "".join(
        f"<tr>{''.join(_cell(place, each, numbers) for place, each in enumerate(row))}</tr>" for row in rows
    )
    named = f"<caption class=quiet>{escape(caption)}</caption>"
    held = f"<table{f' class={class_!r}' if class_ else ''}>{named}<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class=scroll tabindex=0 role=region aria-label="{escape(caption, quote=True)}">{held}</div>'


def _cell(place: int, value: Any, numbers: set[int]) -> str:
    shown = value if isinstance(value, Html) else escape(str(value))
    tag = "th scope=row" if place == 0 else "td"
    return f"<{tag}{' class=number' if place in numbers else ''}>{shown}</{tag.split()[0]}>"


def figure(
    svg: str,
    points: Sequence[tuple[float, float, str]] = (),
    *,
    mode: str = "x",
    heads: Sequence[str] = (),
    rows: Sequence[Sequence[Any]] = (),
    caption: str = "",
) -> str:
    """Return a chart whose values can be read by pointer, by keyboard, and as a table.

    Args:
        svg: the picture.
        points: places in it with the words that are shown there.
        mode: "x": the nearest along the x-axis; "xy": the nearest of all.
        heads, rows, caption: the same values as a table; at most sixty rows are kept.
    """
    held = json.dumps(
        [[round(x, 1), round(y, 1), words] for x, y, words in points],
        ensure_ascii=False,
        separators=(",", ":"),
    )
    reach = f"data-top={TOP} data-bottom={HEIGHT - BOTTOM}"
    plot = (
        f'<div class=plot data-mode={mode} {reach} data-points="{escape(held, quote=True)}">{svg}</div>'
        if points
        else svg
    )
    if not rows:
        return plot
    step = -(-len(rows) // 60)
    shown = list(rows)[::step]
    some = f" ({len(shown)} of {len(rows)} rows)" if step > 1 else ""
    values = table(heads, shown, caption, right=range(1, len(heads)))
    return f"{plot}<details><summary>Values as a table{some}</summary>{values}</details>"


def keys(names: Sequence[tuple[str, str]]) -> str:
    """Return a legend of (class of the mark, name)."""
    shown = "".join(f'<span class="key {kind}">{escape(name)}</span>' for kind, name in names)
    return f"<p class=legend>{shown}</p>"
