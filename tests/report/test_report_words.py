"""Words: what Python's readers advise, said in the terms of the shell."""

from __future__ import annotations

import ast
from pathlib import Path
from types import SimpleNamespace

import pytest

import neurarium
from neurarium.report.sections import _fact
from neurarium.report.words import duration, in_shell, lengths, number, titled, unmeasured


@pytest.mark.parametrize(
    ("python", "shell"),
    [
        ("task=", "--task"),
        ("split=, group=, time=", "--split, --group, --time"),
        ("split=, seed=, more rows", "--split, --split-seed, more rows"),
        ("separator=", "--set separator="),
        ("types={'education-num': KIND}", "--set types=education-num:KIND"),
        ("types={'a': 'categorical'} keeps it", "--set types=a:categorical keeps it"),
        ("drop=('a',), or spread it", "--set drop=a, or spread it"),
        ("encoding='cp1252' reads this file", "--set encoding=cp1252 reads this file"),
        ("task='classification', or another", "--task classification, or another"),
        ("validation=0.15, test_fraction=0.15", "--validation 0.15, --test 0.15"),
        ("--set widths=VALUE (commas)", "--set widths=VALUE (commas)"),
        ("--set a=, --set b=", "--set a=, --set b="),
        (
            "lower --set learning_rate, or set clip_norm=1; x",
            "lower --set learning_rate, or --set clip_norm=1; x",
        ),
        ("give it with --group COLUMN", "give it with --group COLUMN"),
    ],
)
def test_options_are_those_of_the_shell(python, shell):
    assert in_shell(python) == shell


def test_numbers_times_and_titles():
    assert [number(x) for x in (0.12345, 12.3456, 123456.7, float("nan"))] == [
        "0.1235",
        "12.35",
        "123,457",
        "–",
    ]
    assert [duration(x) for x in (0.04, 61, 7260)] == ["0.0 s", "1 min 1 s", "2 h 1 min"]
    assert [titled(x) for x in ("auc", "median_absolute_error")] == ["AUC", "Median absolute error"]
    assert [titled(x) for x in ("rouge_1", "rouge_l", "OT: mae")] == ["ROUGE-1", "ROUGE-L", "OT: MAE"]


def test_lengths_of_recordings_are_durations():
    assert (
        lengths({"shortest": 0.169875, "longest": 1.313, "total": 4342.5})
        == "0.17 to 1.31 s, 1 h 12 min in all"
    )
    assert lengths({"shortest": 2.0, "longest": 200.0}) == "2.0 s to 3 min 20 s"
    assert _fact("seconds", {"shortest": 0.1, "longest": 2.0, "total": 90.0}) == [
        "lengths",
        "0.10 to 2.00 s, 1 min 30 s in all",
    ]
    assert _fact("rates", {"8000": 420, "44100": 1})[1] == "8,000 (420 recordings), 44,100 (1 recording)"


def overrides():
    """The override of every decision in the sources, as far as it is written there."""
    for path in Path(neurarium.__file__).parent.rglob("*.py"):
        text = path.read_text()
        for call in ast.walk(ast.parse(text)) if "Decision(" in text else ():
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Decision":
                named = [each.value for each in call.keywords if each.arg == "override"]
                for each in (*call.args[3:4], *named):
                    parts = each.values if isinstance(each, ast.JoinedStr) else [each]
                    for part in parts:
                        if isinstance(part, ast.Constant):
                            yield f"{path.name}:{call.lineno}", str(part.value)


def test_the_plan_names_options_of_the_shell_wherever_it_is_read():
    found = list(overrides())
    assert len(found) > 100 and ("partition.py", "--split, --group, --time") in [
        (place.partition(":")[0], text) for place, text in found
    ]
    assert not [(place, text) for place, text in found if in_shell(text) != text]


def test_a_run_without_figures_says_why():
    held = {"train": 90, "validation": 10}
    cut = SimpleNamespace(summary={"splits": held}, folder="runs/a-1")
    assert unmeasured(cut) == "The training ended before anything was measured: neurarium evaluate runs/a-1"
    whole = SimpleNamespace(summary={"splits": {"train": 100}}, folder=None)
    assert unmeasured(whole) == "The data has neither a validation nor a test split."
