"""Spelling beside loops over letters: filters over a word between zeros, an LSTM's two last states; padding."""

from __future__ import annotations

import pytest
import torch

from neurarium.core.errors import OptionError
from neurarium.layers import Spelling

WORDS = torch.tensor([[[3, 4, 5, 0], [6, 0, 0, 0]], [[7, 8, 0, 0], [0, 0, 0, 0]]])


def test_the_strongest_answer_of_each_filter():
    made = Spelling(10, features=4, embedding=3, window=3).eval()
    found = made(WORDS)
    weight, bias = made.convolution.weight, made.convolution.bias
    for row, column in ((0, 0), (0, 1), (1, 0)):
        letters = [int(each) for each in WORDS[row, column] if each]
        zeros = [torch.zeros(3)] * 2
        signal = [*zeros, *(made.embed.weight[each] for each in letters), *zeros]
        answers = [
            torch.stack([(weight[k].T * torch.stack(signal[i : i + 3])).sum() + bias[k] for k in range(4)])
            for i in range(len(letters) + 2)
        ]
        torch.testing.assert_close(found[row, column], torch.stack(answers).amax(dim=0))
    assert not found[1, 1].any()


def test_the_last_state_of_each_direction():
    made = Spelling(10, features=4, embedding=3, reader="lstm").eval()
    found = made(WORDS)
    word = made.embed(WORDS[0, 0, :3])[None]
    forward = made.recurrent.forwards[0](word)[0, -1]
    backward = made.recurrent.backwards[0](word.flip(1))[0, -1]
    torch.testing.assert_close(found[0, 0], torch.cat([forward, backward]))
    assert not found[1, 1].any()


@pytest.mark.parametrize("reader", ["cnn", "lstm"])
def test_padding_changes_nothing(reader):
    made = Spelling(10, features=4, embedding=3, reader=reader).eval()
    wider = torch.nn.functional.pad(WORDS, (0, 3))
    torch.testing.assert_close(made(wider), made(WORDS), rtol=0, atol=0)
    turned = torch.tensor([[[5, 4, 3, 0]]])
    assert not torch.allclose(made(WORDS)[0, 0], made(turned)[0, 0])


def test_refusals():
    for options in ({"reader": "rnn"}, {"alphabet": 0}, {"window": 0}):
        with pytest.raises(OptionError, match="letters cannot be read"):
            Spelling(**{"alphabet": 5, **options})
    with pytest.raises(OptionError, match="two directions"):
        Spelling(5, 3, reader="lstm")
