"""The question: one sentence for every kind of inputs and targets."""

from __future__ import annotations

import types

import pytest

from neurarium.data.specs import (
    Boxes,
    Classes,
    Expectation,
    Frames,
    Horizon,
    Image,
    Mask,
    NextToken,
    Quantity,
    Series,
    Table,
    Tags,
    Targets,
    Text,
    Tokens,
    Transcript,
    Unlabeled,
    Waveform,
    Window,
)
from neurarium.report.question import question

PICTURE, TEXT = Image(3, 32, 48), Tokens(100, 8)
MANY = tuple(f"class number {n}" for n in range(9))


@pytest.mark.parametrize(
    ("inputs", "targets", "summary", "said"),
    [
        (Table(("a",)), Classes(("no", "yes"), column="sold"), {"kinds": {"numeric": ["a"], "drop": ["b"]}},
         "to tell, from one column, which of 2 classes “sold” it is (no, yes)"),
        (Table(("a", "b")), Quantity(tuple("abcdefg")), {"kinds": {"numeric": ["a", "b"]}},
         "to tell, from 2 columns, the value of a, b, c, d, e, f, ..."),
        (PICTURE, Classes(MANY), {}, "to tell, from an image of 32 × 48 pixels, which of 9 classes it is"),
        (PICTURE, Classes(("a", "b"), several=True), {},
         "to tell, from an image of 32 × 48 pixels, which of 2 labels apply (a, b)"),
        (PICTURE, Mask(("sky", "sea"), 32, 48), {},
         "to tell, from an image of 32 × 48 pixels, which of 2 classes each pixel is (sky, sea)"),
        (PICTURE, Boxes(("cat",), 32, 48, 3), {},
         "to tell, from an image of 32 × 48 pixels, where things of one class are (cat)"),
        (PICTURE, Unlabeled(), {}, "to learn what an image of 32 × 48 pixels looks like"),
        (TEXT, Classes(("bad", "good")), {"kinds": {"text": ["review"]}},
         "to tell, from a text, which of 2 classes it is (bad, good)"),
        (TEXT, NextToken(1000, 8), {}, "to tell, from a text, which of 1,000 tokens comes next"),
        (TEXT, Tags(("O", "B"), 8), {}, "to tell, from a text, which of 2 tags each of its words has (O, B)"),
        (TEXT, Text(100, 8), {}, "to read a text and write its translation"),
        (TEXT, Text(100, 8, task="summarization"), {}, "to read a text and write its summary"),
        (Series(1, 8), Frames(("c", "d"), 8), {},
         "to tell, from a series, which of 2 notes the next frame holds, at every step"),
        (Series(1, 8), Expectation(("v",)), {"traces": 1},
         "to tell, from a series, what comes next in one trace, and so what is odd in it"),
        (Window(1, 36, 12), Horizon(("load",), 12), {"step": "1 h"}, "to tell, from 36 steps of 1 h, the next 12 of load"),
        (Waveform(1, 8000, 8000), Transcript(("a", "b"), 4), {}, "to tell, from a recording, what is said, in 2 symbols"),
        (Table(("a",)), Targets((Classes(("n", "y"), column="sold"), Quantity(("price",)))), {"kinds": {"numeric": ["a"]}},
         "to tell, from one column, sold and price"),
    ],
)  # fmt: skip
def test_the_question_is_one_sentence(inputs, targets, summary, said):
    assert question(types.SimpleNamespace(inputs=inputs, targets=targets, summary=summary)) == said
