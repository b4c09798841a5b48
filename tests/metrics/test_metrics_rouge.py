"""ROUGE beside values by hand, a plain table of the longest common subsequence, and Google's implementation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurarium.core.errors import OptionError, ShapeError
from neurarium.metrics import ROUGE1, ROUGE2, ROUGEL, make_metric
from neurarium.metrics.rouge import longest_common

SUMMARIES = ["The cat sat on the mat.", "police killed the gunman", "", "It's 3.5 degrees, warm"]
REFERENCES = [
    "A cat was sitting on the mat",
    "the gunman police killed",
    "something",
    "It is 3.5 degrees warm",
]


def value(metric, said, wanted):
    return metric.value([said], [wanted])


def test_the_examples_of_the_paper():
    """Lin 2004, section 3.1: ROUGE-L tells S2 from S3, ROUGE-2 does not."""
    reference, second, third = "police killed the gunman", "police kill the gunman", "the gunman kill police"
    assert value(ROUGEL(), second, reference) == 0.75
    assert value(ROUGEL(), third, reference) == 0.5
    assert value(ROUGE2(), second, reference) == value(ROUGE2(), third, reference) == pytest.approx(1 / 3)


def test_counts_are_clipped_and_both_lengths_count():
    """Summary `a a a b`, reference `a b c`: two words in common, of 4 and of 3."""
    assert value(ROUGE1(), "a a a b", "a b c") == pytest.approx(2 * 2 / 7)
    assert value(ROUGE2(), "a a a b", "a b c") == pytest.approx(2 * 1 / 5)
    assert value(ROUGEL(), "a a a b", "a b c") == pytest.approx(2 * 2 / 7)


def test_case_and_marks_do_not_count_and_letters_of_any_script_do():
    assert value(ROUGE1(), "Hund, KATZE!", "hund katze") == 1.0
    assert value(ROUGEL(), "собака бежит", "собака спит") == 0.5


def test_the_best_of_several_references_counts():
    assert value(ROUGE1(), "a b", ["c d", "a b"]) == 1.0


def test_the_mean_over_texts():
    metric = make_metric("rouge_l")
    metric.update(["a b", "c"], ["a b", "d"])
    assert metric.compute() == 0.5


def table(first, second):
    rows = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]
    for i, a in enumerate(first):
        for j, b in enumerate(second):
            rows[i + 1][j + 1] = rows[i][j] + 1 if a == b else max(rows[i][j + 1], rows[i + 1][j])
    return rows[-1][-1]


@given(st.text("abcd", max_size=90), st.text("abcd", max_size=90))
def test_the_bits_give_what_the_table_gives(first, second):
    assert longest_common(first, second) == table(first, second)


@pytest.mark.parametrize(("name", "metric"), [("rouge1", ROUGE1), ("rouge2", ROUGE2), ("rougeL", ROUGEL)])
def test_it_is_googles(name, metric):
    scorer = pytest.importorskip("rouge_score.rouge_scorer").RougeScorer([name])
    for said, wanted in zip(SUMMARIES, REFERENCES, strict=True):
        assert value(metric(), said, wanted) == pytest.approx(
            scorer.score(wanted, said)[name].fmeasure, abs=1e-12
        )


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(OptionError, match="weights"):
        ROUGE1().update(["a"], ["a"], [1.0])
    with pytest.raises(ShapeError, match="as many"):
        ROUGE1().update(["a"], ["a", "b"])
    with pytest.raises(ShapeError, match="one string"):
        ROUGE1().update("a", ["a"])
