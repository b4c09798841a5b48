"""Traces of a report: what was found odd, beside the labelled windows, and what that is worth by the NAB score."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from neurarium.report.parts import section, table
from neurarium.report.words import integer, number

PROFILES = {"standard": "standard", "reward_low_fp": "few false alarms", "reward_low_fn": "few misses"}


def traces(found: Mapping[str, Any]) -> str:
    """The scores of the detector beside those of the value before and of the windowed Gaussian, and pictures of some traces."""
    held = found.get("traces")
    if not held:
        return ""
    cards = "".join(
        f'<li class=card><img class=wide src="{escape(each["picture"], quote=True)}" alt="{escape(each["note"], quote=True)}">'
        f"<p class=note>{escape(each['note'])}</p>{_alarms(each)}</li>"
        for each in held
    )
    labelled = any("labelled" in each["note"] for each in held)
    lead = (
        f"Blue: the values; dots: alarms; {'orange: labelled windows; ' if labelled else ''}darker on the left: what was learned from. "
        "Below: the score of each moment, and the threshold."
    )
    return section("traces", "What is odd", f"{_scores(found)}<ol class='errors traces'>{cards}</ol>", lead)


def _alarms(shown: Mapping[str, Any]) -> str:
    """When a trace is odd: its alarms of the highest scores, behind a summary where there are several."""
    held = shown.get("alarms")
    if not held:
        return ""
    labelled = "labelled windows found" in shown["note"]
    heads = ["alarm", "value", "expected", "score", *(["labelled"] if labelled else [])]
    rows = [
        [each["time"], *(number(each[name]) for name in heads[1:4]), *(["yes" if each["labelled"] else "no"] if labelled else [])]
        for each in held
    ]  # fmt: skip
    many = shown["count"]
    told = "The alarm" if many == 1 else "The alarms"
    if len(held) < many:
        told = f"The {len(held)} highest of {integer(many)} alarms"
    return f"<details open><summary>{told}</summary>{table(heads, rows, 'alarms', right=(1, 2, 3))}</details>"


def _scores(found: Mapping[str, Any]) -> str:
    judged = found.get("anomalies") or {}
    if "nab_standard" not in judged:
        return _counts(judged)
    rows = [
        [
            words,
            *(number(judged.get(f"{each}_{name}")) for each in ("nab", "value_before", "windowed_gaussian")),
        ]
        for name, words in PROFILES.items()
    ]
    told = (
        f"{judged['windows_found']} of {judged['windows']} labelled windows found with {judged['false_alarms']} false alarms, at the one "
        "threshold that is best for the standard profile, as the benchmark does. 0 is saying nothing, 100 is perfect."
    )
    shown = table(
        ["NAB score", "this run", "the value before", "windowed Gaussian"],
        rows,
        "NAB scores",
        right=(1, 2, 3),
    )
    return f"<div class=card>{shown}<p class=note>{escape(told)}</p></div>"


def _counts(judged: Mapping[str, Any]) -> str:
    """Without labels: how many alarms there are, and how many the value before would give."""
    if "alarms" not in judged:
        return ""
    told = f"{integer(judged['alarms'])} alarms in {integer(judged['moments'])} moments, at a score of {number(judged['threshold'])}"
    if "value_before_alarms" in judged:
        told += f"; the value before in place of the network gives {integer(judged['value_before_alarms'])}"
    return f"<p class=note>{escape(told)}. Nothing is labelled, so no one knows which are right.</p>"
