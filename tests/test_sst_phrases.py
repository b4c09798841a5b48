"""What a script writes of the sentiment trees: every phrase of the training part once, sentences alone of the others."""

from __future__ import annotations

import csv
import runpy
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "sst_phrases.py"
TREES = {
    "train": ["(3 (2 a) (4 gem))", "(1 (2 (2 a) (2 film)) (0 (2 -LRB-) (1 bad)))", "(4 (4 sheer) (3 joy))"],
    "dev": ["(4 (2 Sheer) (4 joy))", "(2 (2 a) (2 film))"],
    "test": ["(0 (1 bad) (2 film))"],
}


def test_phrases_teach_and_sentences_measure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for part, trees in TREES.items():
        (tmp_path / f"{part}.txt").write_text("\n".join(trees) + "\n")
    monkeypatch.setattr(sys, "argv", ["sst_phrases.py", str(tmp_path), str(tmp_path / "out")])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    found = {
        part: list(csv.reader((tmp_path / "out" / f"{part}.tsv").open(), delimiter="\t")) for part in TREES
    }
    assert found["train"][0] == ["text", "sentiment"]
    assert set(map(tuple, found["train"][1:])) == {
        ("gem", "positive"), ("a gem", "positive"), ("bad", "negative"), ("( bad", "negative"),
        ("a film ( bad", "negative"), ("sheer", "positive"), ("joy", "positive"),  # "sheer joy" is a sentence of dev
    }  # fmt: skip
    assert found["dev"][1:] == [["Sheer joy", "positive"]]  # the neutral one is left out
    assert found["test"][1:] == [["bad film", "negative"]]
