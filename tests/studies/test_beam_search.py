"""Beam search beside greedy search and an exhaustive one on a small random language."""

from __future__ import annotations

import itertools

import pytest
import torch

from neurarium.core.errors import OptionError
from neurarium.studies.decoding.beam_search import search_beams

PADDING, BEGIN, END, WORDS, LONGEST = 0, 1, 2, (3, 4, 5), 4


class Language:
    """Each text has a table of its own: the logits of the next token depend on the last two."""

    def __init__(self, texts, seed):
        self.table = 2 * torch.randn(texts, 6, 6, 6, generator=torch.Generator().manual_seed(seed))
        self.text = self.before = torch.zeros(0, dtype=torch.int64)
        self.steps = 0

    def rows(self, width):
        self.text = torch.arange(len(self.table)).repeat_interleave(width)
        self.before = torch.full_like(self.text, BEGIN)
        return self

    def take(self, rows):
        assert torch.equal(self.text[rows], self.text)  # rows of one text stay with it
        self.before = self.before[rows]

    def step(self, tokens, state):
        assert state is self
        self.steps += 1
        said = self.table[self.text, self.before, tokens]
        self.before = tokens
        return said

    def log_p(self, text, words):
        """The log-probability of words and their end."""
        before, last, total = BEGIN, BEGIN, 0.0
        for word in [*words, END]:
            total += float(torch.log_softmax(self.table[text, before, last], dim=0)[word])
            before, last = last, word
        return total


def search(language, width, penalty=1.0, longest=LONGEST):
    return search_beams(
        language.step, language.rows(width), len(language.table), begin=BEGIN, end=END, padding=PADDING,
        longest=longest, width=width, length_penalty=penalty,
    )  # fmt: skip


def words(row):
    return [each for each in row.tolist() if each != PADDING]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("penalty", [0.0, 0.7, 1.0])
def test_a_wide_beam_is_exhaustive_search(seed, penalty):
    language = Language(5, seed)
    found = search(language, 60, penalty)
    every = [w for n in range(LONGEST) for w in itertools.product(WORDS, repeat=n)]
    for text in range(5):
        scores = {w: language.log_p(text, w) / (len(w) + 1) ** penalty for w in every}
        ordered = sorted(scores.values(), reverse=True)
        assert tuple(words(found.tokens[text, 0])) == max(scores, key=scores.get)
        torch.testing.assert_close(found.scores[text, :5], torch.tensor(ordered[:5]), atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_one_beam_is_greedy(seed):
    language = Language(7, seed)
    found = search(language, 1)
    for text in range(7):
        before, last, said = BEGIN, BEGIN, []
        while len(said) < LONGEST - 1:
            logits = language.table[text, before, last].clone()
            logits[[PADDING, BEGIN]] = -torch.inf
            word = int(logits.argmax())
            if word == END:
                break
            said.append(word)
            before, last = last, word
        assert words(found.tokens[text, 0]) == said
        assert float(found.scores[text, 0]) == pytest.approx(
            language.log_p(text, said) / (len(said) + 1), abs=1e-5
        )


def test_texts_do_not_disturb_one_another():
    language = Language(6, 9)
    together = search(language, 3)
    for text in range(6):
        alone = Language(1, 0)
        alone.table = language.table[text : text + 1]
        found = search(alone, 3)
        assert torch.equal(found.tokens[0], together.tokens[text])


def test_it_stops_when_all_have_ended_and_at_the_longest():
    language = Language(2, 0)
    language.table[..., END] += 100
    found = search(language, 1)
    assert language.steps == 1 and found.tokens.abs().max() == 0
    language = Language(2, 0)
    language.table[..., END] -= 100
    assert [len(words(row)) for row in search(language, 2).tokens[:, 0]] == [LONGEST - 1] * 2


def test_more_beams_find_no_worse_texts_in_the_mean():
    language = Language(40, 3)
    scores = [float(search(language, width).scores[:, 0].mean()) for width in (1, 2, 8)]
    assert scores[0] < scores[1] <= scores[2] + 1e-6


def test_a_search_without_a_beam_is_refused():
    with pytest.raises(OptionError, match="beam"):
        search(Language(1, 0), 0)
