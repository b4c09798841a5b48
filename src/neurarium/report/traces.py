"""Traces of a report: what was found odd, beside the labelled windows, and what that is worth by the NAB score."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from neurarium.report.parts import section, table
from neurarium.report.words import number

PROFILES = {"standard": "standard", "reward_low_fp": "few false alarms", "reward_low_fn": "few misses"}


def traces(found: Mapping[str, Any]) -> str:
    """The scores of the detector beside the windowed Gaussian's, and pictures of some traces."""
    held = found.get("traces")
    if not held:
        return ""
    cards = "".join(
        f'<li class=card><img class=wide src="{escape(each["picture"], quote=True)}" alt="{escape(each["note"], quote=True)}">'
        f"<p class=note>{escape(each['note'])}</p></li>"
        for each in held
    )
    labelled = any("labelled" in each["note"] for each in held)
    lead = (
        f"Blue: the values; dots: alarms; {'orange: labelled windows; ' if labelled else ''}darker on the left: what was learned from. "
        "Below: the score of each moment, and the threshold."
    )
    return section("traces", "What is odd", f"{_scores(found)}<ol class='errors traces'>{cards}</ol>", lead)


def _scores(found: Mapping[str, Any]) -> str:
    judged = found.get("anomalies") or {}
    if "nab_standard" not in judged:
        return ""
    rows = [
        [words, number(judged[f"nab_{name}"]), number(judged[f"windowed_gaussian_{name}"])]
        for name, words in PROFILES.items()
    ]
    told = (
        f"{judged['windows_found']} of {judged['windows']} labelled windows found with {judged['false_alarms']} false alarms, at the one "
        "threshold that is best for the standard profile, as the benchmark does. 0 is saying nothing, 100 is perfect."
    )
    shown = table(["NAB score", "this run", "windowed Gaussian"], rows, "NAB scores", right=(1, 2))
    return f"<div class=card>{shown}<p class=note>{escape(told)}</p></div>"
