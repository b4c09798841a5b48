"""Words of a check: its facts, each in a line, as the command line and the page say them."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

from neurarium.core.wording import counted
from neurarium.report.words import duration, lengths
from neurarium.studies.inspection.finding import listed

if TYPE_CHECKING:
    from neurarium.studies.inspection.result import Inspection


def headline(found: Inspection) -> str:
    """Return the sizes of the splits and what is predicted, in a line."""
    things = {"images": "images", "table": "rows"}.get(found.kind, "examples")
    parts = [f"{count:,} {name}" for name, count in found.facts.get("splits", {}).items()]
    target = found.facts.get("target", {})
    told = ""
    if "classes" in target:
        count = len(next(iter(target["classes"].values()), {}))
        told = f"; {count} classes" + (f" of {target['columns'][0]}" if target.get("columns") else "")
    elif target:
        told = f"; the quantity {', '.join(target['columns'])}"
    sampled = found.facts.get("sampled")
    drawn = f" ({sampled[0]:,} rows drawn from {sampled[1]:,})" if sampled else ""
    return f"{', '.join(parts)} {things}{drawn}{told}"


def verdict(found: Inspection) -> str:
    """Return the outcome in a sentence."""
    errors, warnings = found.counts["error"], found.counts["warning"]
    if errors:
        return "Do not train on it yet: see the errors first."
    if warnings:
        return "It can be trained on; look at the warnings first."
    return "Nothing was found that is in the way of training."


def values_of(column: dict[str, Any]) -> str:
    """Return the range of a column of numbers, or the most frequent values of text."""
    from neurarium.studies.inspection.finding import figure

    if "low" in column:
        if column["kind"] == "date":
            return f"{_day(column['low'])} to {_day(column['high'])}"
        return f"{figure(column['low'])} to {figure(column['high'])}, median {figure(column['quartiles'][1])}"
    top = column.get("top", [])
    return ", ".join(value for value, _ in top[:3]) + (", ..." if column["different"] > 3 else "")


def _day(days: float) -> str:
    return str((datetime.datetime(1970, 1, 1) + datetime.timedelta(days=days)).date())


def image_rows(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what the images are, as pairs of words."""
    rows = [("looked at", f"{facts['looked_at']:,} of {facts['images']:,}")]
    sizes = [f"{height} x {width} ({count:,})" for height, width, count in facts["sizes"][:3]]
    more = ", ..." if facts["different_sizes"] > 3 else ""
    rows.append(("sizes", f"{facts['different_sizes']:,} different: {', '.join(sizes)}{more}"))
    for name in ("modes", "formats"):
        if facts[name] and list(facts[name]) != ["array"]:
            rows.append((name, ", ".join(f"{key} {count:,}" for key, count in facts[name].items())))
    for split, each in facts["channels"].items():
        mean, spread = (", ".join(f"{value:.0f}" for value in each[key]) for key in ("mean", "deviation"))
        rows.append((f"level, {split}", f"mean {mean}; deviation within an image {spread} (of 255)"))
    near = (
        "and those that look equal"
        if facts["near_duplicates"]
        else "alone: smaller than 32 pixels, they all look alike"
    )
    rows.append(("duplicates", f"equal ones {near}"))
    if facts["broken"]:
        rows.append(("broken", f"{len(facts['broken']):,}"))
    return rows


def other_rows(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what series, pairs of texts, recordings, masks and boxes are, as pairs of words; none where there are no such.

    >>> other_rows({"texts": {"read": {"shortest": 1, "median": 9, "longest": 41}}})
    [('words read', '1 to 41, median 9')]
    """
    rows = []
    if series := facts.get("series"):
        rows.append(("channels", listed(series["channels"])))
        rows.append(
            ("steps forecast", ", ".join(f"{count:,} {name}" for name, count in series["steps"].items()))
        )
        rows.append(
            ("missing", ", ".join(f"{share:.1%} {name}" for name, share in series["missing"].items()))
        )
    if watched := facts.get("traces"):
        rows.append(("traces", f"{watched['traces']:,}, {watched['moments']:,} moments"))
        rows.append(("learned from", f"{watched['learned_from']:.1%}"))
        labels = f"{watched['windows']:,} windows, {watched['labelled']:.1%} of the moments"
        rows.append(("labelled", labels if watched["windows"] else "nothing"))
    for side, each in (facts.get("texts") or {}).items():
        said = f"{each['shortest']:,} to {each['longest']:,}, median {each['median']:,}"
        rows.append((f"words {side}", said))
    if sounds := facts.get("sounds"):
        seconds = sounds.get("seconds") or {}
        if {"shortest", "longest"} <= set(seconds):
            rows.append(("lengths", lengths(seconds)))
        if sounds.get("rates"):
            rates = sorted(sounds["rates"].items(), key=lambda each: -each[1])
            rows.append(("rates", listed([f"{int(rate):,} ({count:,})" for rate, count in rates], 4)))
        silent, clipped = (sounds.get(name) or 0 for name in ("silent", "clipped"))
        rows.append(("silent, clipped", f"{silent:,}, {clipped:,}"))
    if masks := facts.get("masks"):
        empty = f", {masks['empty']:,} of one class alone" if masks.get("empty") else ""
        ignored = f", {masks['ignored']:,} pixels ignored" if masks.get("ignored") else ""
        rows.append(("masks", f"{masks['looked_at']:,} of {masks['images']:,} looked at{empty}{ignored}"))
        if "empty" in masks:
            rows.append(("classes", "counted in pixels"))
    if boxes := facts.get("boxes"):
        said = f"{boxes['boxes']:,} in {boxes['images']:,} images, {boxes['bare']:,} of them without one"
        rows.append(("boxes", f"{said}; median {boxes['median']:g}, at most {boxes['most']:,}"))
        rows.append(("classes", "counted in boxes"))
    if copies := facts.get("copies"):
        rows.append(
            ("looked at for copies", ", ".join(f"{count:,} {name}" for name, count in copies.items()))
        )
    return rows


def drift_line(drift: dict[str, Any]) -> str:
    """Return the drift in a line."""
    top = drift["columns"][0] if drift["columns"] else None
    told = f"from train to {drift['split']}: "
    if drift["auc"] is not None:
        told += f"a classifier tells them apart with an AUC of {drift['auc']:.3f} (0.5 is chance)"
    if top is not None:
        told += f"; the largest stability index is {top['psi']:.3f}, of {top['column']}"
    return told


def cost_line(cost: dict[str, Any]) -> str:
    """Return time and memory of the default training in a line."""
    from neurarium.training.need import readable

    return (
        f"the default network ({cost['network']}, {cost['parameters']:,} parameters) for {counted(cost['epochs'], 'epoch')} "
        f"takes about {duration(cost['seconds'])} and {readable(cost['bytes'])} on {cost['device']} "
        f"({cost['milliseconds_per_step']:,.1f} ms a step; {cost['measured']})"
    )
