"""Where it is worst: slices, single errors with their inputs, and what each column is worth."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from neurarium.report import charts
from neurarium.report.parts import card, section, table
from neurarium.report.words import integer, number, titled

FIELDS = 14
# what the worst errors are sorted by
LEADS = {
    "loss": "The wrong ones of the highest loss: first that to whose true class it gave the least probability.",
    "edits": "Those with the most characters to change, for each that was said; of equal ones first the surest.",
}


def slices(found: Mapping[str, Any]) -> str:
    """The groups of examples on which it does worst."""
    held = found.get("slices")
    if not held or not held["tried"]:  # too few examples for a group
        return ""
    share = held["measure"] != "mean absolute error"
    rows = []
    for each in held["worst"]:
        low, high = _value(each["low"], share), _value(each["high"], share)
        chance = "below 0.001" if each["p_value"] < 0.001 else f"{each['p_value']:.3f}"
        rows.append(
            [each["name"], f"{each['examples']:,}", _value(each["value"], share), f"{low} to {high}", chance]
        )
    told = sum(each["p_value"] < 0.05 for each in held["worst"])
    overall = (
        f"{_value(held['overall'], share)} ({_value(held['low'], share)} to {_value(held['high'], share)})"
    )
    lead = (
        f"The {held['measure']} over all {integer(held['examples'])} {held['split']} examples is {overall}."
    )
    note = (
        f"{integer(held['tried'])} {'group' if held['tried'] == 1 else 'groups'} of at least {held['least']} examples {'was' if held['tried'] == 1 else 'were'} looked at: classes, categories, quarters "
        f"of numbers, and pairs of the worst. The p-values are multiplied by that number; {told} of these {len(rows)} "
        "differ from the rest by more than chance explains (below 0.05)."
    )
    if not rows:
        body = f"<p class=note>{escape(note.split('.')[0])}. None of them is worse than the whole.</p>"
    else:
        heads = ["group", "examples", held["measure"], "95 % interval", "p-value"]
        body = (
            table(heads, rows, "the groups with the largest errors", right=(1, 2, 3, 4))
            + f"<p class='note foot'>{escape(note)}</p>"
        )
    return section("slices", "Where it does worst", f"<div class=card>{body}</div>", lead)


def _value(value: float | None, share: bool) -> str:
    return "–" if value is None else f"{100 * value:.1f} %" if share else number(value)


def errors(found: Mapping[str, Any]) -> str:
    """The worst single errors, with their inputs."""
    held = found.get("errors")
    if not held:
        return ""
    first = [name for name in (found.get("importance") or {}).get("columns", [])][:FIELDS]
    cards = "".join(_error(each, first) for each in held)
    kind = "pictures" if any(each["picture"] for each in held) else ""
    lead = LEADS.get(held[0].get("measure", ""), "The largest errors.")
    return section(
        "errors",
        "Worst errors",
        f"<ol class='errors {kind}'>{cards}</ol>",
        lead + " Look for wrong labels too.",
    )


def _error(held: Mapping[str, Any], first: list[str]) -> str:
    values = held["values"]
    order = [name for name in first if name in values] + [name for name in values if name not in first]
    fields = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(values[name])}</dd></div>" for name in order[:FIELDS]
    )
    more = f"<p class=note>and {len(order) - FIELDS} more columns</p>" if len(order) > FIELDS else ""
    drawn = ""
    if held["picture"]:
        words = escape(f"{held['truth']}, taken for {held['said']}", quote=True)
        drawn = f'<img src="{escape(held["picture"], quote=True)}" alt="{words}">'
    sure = f" <span class=sure>{held['sure']:.0%} sure</span>" if held["sure"] is not None else ""
    said = (
        f"<p class=told><span class=label>true</span> <b>{escape(held['truth'])}</b></p>"
        f"<p class=told><span class=label>predicted</span> <b>{escape(held['said'])}</b>{sure}</p>"
    )
    note = f"<p class=note>{escape(held['note'])}</p>" if held["note"] else ""
    listed = f"<dl class=fields>{fields}</dl>" if fields else ""
    return f"<li class=card>{drawn}<div class=telling>{said}{listed}{more}{note}</div></li>"


def importance(found: Mapping[str, Any]) -> str:
    """What each column is worth."""
    held = found.get("importance")
    if not held or not held["columns"]:
        return ""
    repeats = len(held["drops"][0])
    note = (
        f"By how much {titled(held['metric'])} gets worse when the values of a column are exchanged at random among "
        f"{integer(held['examples'])} {held['split']} examples: the mean of {repeats} exchanges, and their spread. Columns "
        "that say the same share their importance. It tells what the network uses, not what causes what."
    )
    late = held.get("left_out") or []
    if late:
        note += f" The time did not reach {', '.join(late[:8])}; --report full takes it."
    return section(
        "importance",
        "What it looks at",
        f"<div class=card>{charts.importance(held)}<p class='note foot'>{escape(note)}</p></div>",
    )


def left_out(found: Mapping[str, Any]) -> str:
    """The parts that this report does not have, and why."""
    rows = [[name, reason] for name, reason in (found.get("left_out") or {}).items()]
    skipped = [each for each in found.get("baselines") or [] if not each.get("metrics")]
    rows += [[each["name"], each["note"]] for each in skipped]
    if not rows:
        return ""
    return section(
        "left-out",
        "Not in this report",
        card("Parts that are not here", table(["part", "why"], rows, "parts that are not here")),
    )
