"""BiLSTM-CRF: words and their letters, an LSTM in both directions, a conditional random field over the tags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.data.specs import Spec, Tags, Tokens, Words
from neurarium.layers.conditional_random_field import ConditionalRandomField
from neurarium.layers.dropout import Dropout
from neurarium.layers.recurrent import Recurrent
from neurarium.layers.spelling import Spelling
from neurarium.networks.sequences.entry import SequenceEntry
from neurarium.networks.sizing import check


@recorded
class BiLSTMCRF(nn.Module):
    """A tagger: what each word is and how it is spelled, what stands around it, and which tags follow one another.

    e_t = [E(word_t), spelling(letters_t)];  h = BiLSTM(dropout(e));  P_t = W dropout(h_t) + b;  s = CRF(P)

    Args:
        outputs: how many tags there are.
        vocabulary, padding: of the words.
        alphabet: how many letters there are; 0 for words whose letters are not known.
        embedding: numbers per word.
        width: numbers of a state, of each direction.
        layers: of the LSTM.
        characters: how letters are read: "cnn", "lstm" or "none"; see `layers.Spelling`.
        character_features: numbers per word that they give.
        character_embedding: numbers per letter.
        window: letters that a filter of the convolution sees.
        crf: whether tags are scored as a chain; else each for itself.
        dropout: on the embedded words, between layers and before the head.
        token_dropout: the probability that a whole word (not its letters) is zero in training: the letters have to say it.

    `forward`: `{"tokens", "mask"}` and, with an alphabet, `"letters"` -> scores `(batch, length, outputs, outputs)`; without a
    CRF logits `(batch, length, outputs)`. Padding changes nothing.

    Raises:
        OptionError: a size below 1, no such reader of letters.

    Huang, Xu and Yu 2015, arXiv:1508.01991; Lample et al. 2016, arXiv:1603.01360 (characters=lstm); Ma and Hovy 2016,
    arXiv:1603.01354 (cnn).

    >>> tokens = torch.tensor([[5, 2, 0], [3, 0, 0]])
    >>> BiLSTMCRF(4, vocabulary=10)({"tokens": tokens, "mask": tokens != 0}).shape
    torch.Size([2, 3, 4, 4])
    """

    any_length = True

    def __init__(
        self, outputs: int, vocabulary: int, padding: int = 0, alphabet: int = 0, embedding: int = 100,
        width: int = 100, layers: int = 1, characters: Literal["cnn", "lstm", "none"] = "cnn",
        character_features: int = 50, character_embedding: int = 30, window: int = 3, crf: bool = True,
        dropout: float = 0.5, token_dropout: float = 0.0,
    ):  # fmt: skip
        super().__init__()
        if characters not in ("cnn", "lstm", "none"):
            raise OptionError("letters are not read so", expected="cnn, lstm or none", received=characters)
        if min(outputs, vocabulary, embedding) < 1:
            raise OptionError(
                "a tagger is too small", expected="1 tag, word and number of a word or more",
                received=f"outputs={outputs}, vocabulary={vocabulary}, embedding={embedding}",
            )  # fmt: skip
        self.entry = SequenceEntry(embedding, vocabulary, padding=padding, token_dropout=token_dropout)
        self.spelling = None
        if alphabet and characters != "none":
            self.spelling = Spelling(
                alphabet, character_features, character_embedding, characters, window, dropout
            )
        size = embedding + (character_features if self.spelling is not None else 0)
        self.embedding_dropout = Dropout(dropout) if dropout else nn.Identity()
        self.layers = Recurrent(size, width, "lstm", layers, bidirectional=True, dropout=dropout)
        self.dropout = Dropout(dropout) if dropout else nn.Identity()
        self.feature_dim = self.layers.outputs
        self.head = nn.Linear(self.feature_dim, outputs)
        self.field = ConditionalRandomField(outputs) if crf else None

    @classmethod
    def for_data(cls, inputs: Spec, targets: Spec, **options: Any) -> BiLSTMCRF:
        """Size the network to a dataset's specs (Tokens or Words -> Tags)."""
        check("bilstm-crf", inputs, targets, options, (Tokens,), (Tags,))
        words: Any = inputs
        sizes = {"vocabulary": words.vocabulary, "padding": words.padding}
        if isinstance(inputs, Words):
            sizes["alphabet"] = inputs.alphabet
        return cls(targets.outputs, **sizes, **options)  # type: ignore[attr-defined]

    def states(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return the states `(batch, length, feature_dim)` and the mask of the real words."""
        words, mask = self.entry(inputs)
        if self.spelling is not None:
            words = torch.cat([words, self.spelling(inputs["letters"]).to(words.dtype)], dim=-1)
        return self.layers(self.embedding_dropout(words), mask), mask

    def features(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the states of every word, with dropout, `(batch, length, feature_dim)`."""
        return self.dropout(self.states(inputs)[0])

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        states, mask = self.states(inputs)
        logits = self.head(self.dropout(states))
        return logits if self.field is None else self.field(logits, mask)
