"""Spelling: a vector for each word from its letters, by convolutions or an LSTM in both directions."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.layers.dropout import Dropout
from neurarium.layers.recurrent import Recurrent

Reader = Literal["cnn", "lstm"]


@recorded
class Spelling(nn.Module):
    """What the letters of a word say.

    `cnn`: z_k = max_i (w_k . e_(i:i+window-1) + b_k), the strongest answer of each filter over the word between zeros.
    `lstm`: the last state of each direction of an LSTM over the letters. A word without letters has zeros.

    Args:
        alphabet: how many letters there are; 0 is none, the padding behind a word.
        features: numbers per word.
        embedding: numbers per letter.
        reader: "cnn" or "lstm".
        window: letters that a filter of "cnn" sees.
        dropout: of the embedded letters, in training.

    `forward`: letters `(batch, length, letters)` integers, 0 behind a word's end -> `(batch, length, features)`.

    Raises:
        OptionError: no letter, no such reader, an odd number of features of an LSTM, which has two directions.

    Ma and Hovy 2016, arXiv:1603.01354, section 2.1 (cnn); Lample et al. 2016, arXiv:1603.01360, section 4.1 (lstm).

    >>> Spelling(30, 8)(torch.tensor([[[3, 4, 0], [5, 0, 0]]])).shape
    torch.Size([1, 2, 8])
    """

    def __init__(
        self, alphabet: int, features: int = 30, embedding: int = 30, reader: Reader = "cnn", window: int = 3,
        dropout: float = 0.0,
    ):  # fmt: skip
        super().__init__()
        if alphabet < 1 or min(features, embedding, window) < 1 or reader not in ("cnn", "lstm"):
            raise OptionError(
                "letters cannot be read so",
                expected="cnn or lstm; an alphabet, features, an embedding and a window of 1 or more",
                received=f"reader={reader}, alphabet={alphabet}, features={features}, embedding={embedding}, window={window}",
            )
        if reader == "lstm" and features % 2:
            raise OptionError(
                "an LSTM over letters has two directions",
                expected="an even number of features",
                received=features,
            )
        self.embed = nn.Embedding(alphabet, embedding, padding_idx=0)
        bound = (3 / embedding) ** 0.5  # arXiv:1603.01354, section 3.1
        with torch.no_grad():
            self.embed.weight.uniform_(-bound, bound)[0].zero_()
        self.dropout = Dropout(dropout) if dropout else nn.Identity()
        self.convolution = self.recurrent = None
        self.window = window
        if reader == "cnn":
            self.convolution = nn.Conv1d(embedding, features, window, padding=window - 1)
        else:
            self.recurrent = Recurrent(embedding, features // 2, "lstm", bidirectional=True)

    def forward(self, letters: Tensor) -> Tensor:
        batch, length, most = letters.shape
        letters = letters.reshape(batch * length, most)
        mask = letters != 0
        embedded = self.dropout(self.embed(letters)) * mask.unsqueeze(-1)
        if self.recurrent is not None:
            found = self.recurrent.last(self.recurrent(embedded, mask), mask)
        else:
            answers = self.convolution(embedded.transpose(1, 2))  # type: ignore[misc]
            # answer j saw letters j - window + 1 to j: behind the last one plus window - 1 it saw zeros alone
            count = mask.sum(dim=1, keepdim=True) + self.window - 1
            seen = torch.arange(answers.shape[-1], device=letters.device) < count
            lowest = torch.finfo(answers.dtype).min
            found = answers.masked_fill(~seen.unsqueeze(1), lowest).amax(dim=-1)
        found = found * mask[:, :1]
        return found.reshape(batch, length, -1)
