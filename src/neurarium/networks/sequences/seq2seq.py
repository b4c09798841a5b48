"""Sequence to sequence: a recurrent encoder reads both ways, a recurrent decoder writes and looks back at each step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.data.specs import Spec
from neurarium.layers.attention_scores import ScoreName, score_named, weights_of
from neurarium.layers.dropout import Dropout
from neurarium.layers.recurrent import Direction, Recurrent
from neurarium.networks.sequences.encoder_decoder import embedding as embedding_of
from neurarium.networks.sequences.writing import build_for_texts


@recorded
class Seq2SeqLSTM(nn.Module):
    """An LSTM that writes what another one read, aligning both by attention.

    h = BiLSTM(e(x)); for each token written: a_t = softmax_j(score(W s_(t-1), U h_j)), c_t = sum_j a_tj h_j,
    s_t = LSTM(e(y_(t-1)), c_t, s_(t-1)); logits = E tanh(W_o [s_t; c_t; e(y_(t-1))]). With the additive score,
    score(q, k) = v^T tanh(q + k).

    Args:
        vocabulary: how many tokens are read.
        outputs: how many tokens can be written.
        padding: the index of padding in both.
        shared: one embedding for both sides; the vocabularies are then the same.
        tied: the output layer's weights are the embedding of the written tokens.
        embedding: numbers per token.
        width: numbers of a state, of the decoder and of each direction of the encoder.
        layers: of the encoder.
        hidden: numbers in which states are compared; `width` where None.
        dropout: on embedded tokens, on what was read, and before the output layer.
        score: how states are compared: additive, dot, scaled-dot, cosine or general.

    `forward`: `{"tokens", "mask": (batch, source), "decoder_tokens": (batch, length)}` -> logits `(batch, length, outputs)`,
    at each place those of the next token (teacher forcing). Padding changes nothing.

    Raises:
        OptionError: no such score, a shared embedding of two vocabularies.

    Bahdanau, Cho and Bengio 2014, arXiv:1409.0473, section 3 and appendix A (there a GRU and maxout, here an LSTM and tanh; the
    output reads s_t, as in equation 4, where appendix A.2.2 has s_(t-1); writing starts from both directions, there from the
    backward one).

    >>> tokens = torch.tensor([[5, 2, 0], [3, 0, 0]])
    >>> inputs = {"tokens": tokens, "mask": tokens != 0, "decoder_tokens": torch.tensor([[8, 4], [8, 0]])}
    >>> Seq2SeqLSTM(10, 12, width=16)(inputs).shape
    torch.Size([2, 2, 12])
    """

    any_length = True  # shorter texts than the spec says are as good

    def __init__(
        self,
        vocabulary: int,
        outputs: int,
        padding: int = 0,
        shared: bool = False,
        tied: bool = True,
        embedding: int = 256,
        width: int = 256,
        layers: int = 1,
        hidden: int | None = None,
        dropout: float = 0.3,
        score: ScoreName = "additive",
    ):
        super().__init__()
        if shared and vocabulary != outputs:
            raise OptionError(
                "two vocabularies cannot share one embedding", expected=f"{vocabulary} tokens on both sides",
                received=outputs, fix="shared=False",
            )  # fmt: skip
        self.padding = padding
        self.embed_target = embedding_of(outputs, embedding, padding)
        self.embed_source = self.embed_target if shared else embedding_of(vocabulary, embedding, padding)
        self.scale = embedding**0.5
        self.encoder = Recurrent(embedding, width, "lstm", layers, bidirectional=True, dropout=dropout)
        read = self.encoder.outputs
        self.first = nn.Linear(read, width)
        self.query, self.key = nn.Linear(width, hidden or width, bias=False), nn.Linear(read, hidden or width)
        self.score = score_named(score, hidden or width)
        self.cell = Direction(embedding, width, "lstm", "tanh", 1.0, "after", "keep")
        self.context = nn.Linear(read, 4 * width, bias=False)
        self.readout = nn.Linear(width + read + embedding, embedding)
        self.dropout = Dropout(dropout) if dropout else nn.Identity()
        self.feature_dim = embedding
        self.head = nn.Linear(embedding, outputs, bias=False)
        if tied:
            self.head.weight = self.embed_target.weight

    @classmethod
    def for_data(cls, inputs: Spec, targets: Spec, **options: Any) -> Seq2SeqLSTM:
        """Size the network to a dataset's specs (Tokens -> Text)."""
        return build_for_texts(cls, "seq2seq-lstm", inputs, targets, options)

    def encode(self, inputs: Mapping[str, Tensor]) -> Recalled:
        """Return what was read, and the state from which writing starts."""
        mask = inputs["mask"]
        states = self.encoder(self.dropout(self.scale * self.embed_source(inputs["tokens"])), mask)
        start = torch.tanh(self.first(self.encoder.last(states, mask)))
        states = self.dropout(states)
        return Recalled(states, self.key(states).unsqueeze(1), mask, start, torch.zeros_like(start))

    def features(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return what the output layer reads, with dropout, `(batch, length, feature_dim)`."""
        return self._written(inputs)[0]

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        return self.head(self.features(inputs))

    def alignment(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return how much each written token looks at each token read, `(batch, length, source)`."""
        return self._written(inputs)[1]

    def start(self, inputs: Mapping[str, Tensor], longest: int, copies: int = 1) -> Recalled:
        """Read texts, to write step by step; arguments as of `EncoderDecoder.start`."""
        return self.encode(inputs).repeated(copies)

    def step(self, tokens: Tensor, state: Recalled) -> Tensor:
        """Write one token more: the last tokens `(rows,)` -> logits of the next `(rows, outputs)`. The state goes on."""
        embedded = self.dropout(self.scale * self.embed_target(tokens))
        context, _ = self._advance(self.cell.input(embedded), state)
        return self.head(self._read_out(state.state, context, embedded))

    def _written(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        held = self.encode(inputs)
        embedded = self.dropout(self.scale * self.embed_target(inputs["decoder_tokens"]))
        said = self.cell.input(embedded)
        states, contexts, weights = [], [], []
        for place in range(said.shape[1]):
            context, seen = self._advance(said[:, place], held)
            states.append(held.state)
            contexts.append(context)
            weights.append(seen)
        parts = (torch.stack(states, dim=1), torch.stack(contexts, dim=1), embedded)
        return self._read_out(*parts), torch.stack(weights, dim=1)

    def _advance(self, said: Tensor, held: Recalled) -> tuple[Tensor, Tensor]:
        """Look back, and go one step on; return what was seen, and with which weights."""
        scores = self.score(self.query(held.state)[:, None, None], held.keys)[:, 0, 0]
        weights = weights_of(scores, held.mask)
        context = torch.bmm(weights.unsqueeze(1), held.read)[:, 0]
        held.state, held.memory = self.cell.lstm_step(said + self.context(context), held.state, held.memory)
        return context, weights

    def _read_out(self, state: Tensor, context: Tensor, embedded: Tensor) -> Tensor:
        return self.dropout(torch.tanh(self.readout(torch.cat([state, context, embedded], dim=-1))))


class Recalled:
    """What the decoder keeps between steps: what was read, its keys, and its own state and memory."""

    def __init__(self, read: Tensor, keys: Tensor, mask: Tensor, state: Tensor, memory: Tensor):
        self.read, self.keys, self.mask, self.state, self.memory = read, keys, mask, state, memory

    def repeated(self, copies: int) -> Recalled:
        """Return it with so many rows per text, side by side."""
        parts = (self.read, self.keys, self.mask, self.state, self.memory)
        return Recalled(*(each.repeat_interleave(copies, dim=0) for each in parts))

    def take(self, rows: Tensor) -> None:
        """Go on with these rows; each must be one of the same text, whose source stays as it is."""
        self.state, self.memory = self.state[rows], self.memory[rows]
