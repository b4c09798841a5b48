"""Recurrent networks of sequences: Elman, LSTM and GRU under one head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import torch  # noqa: F401  # for the examples
from torch import Tensor, nn

from neurarium.core.errors import OptionError, RefusalError
from neurarium.core.recipe import recorded
from neurarium.data.specs import NextToken, Spec, Tokens
from neurarium.layers.attention_pooling import AttentionPooling
from neurarium.layers.attention_scores import ScoreName
from neurarium.layers.dropout import Dropout
from neurarium.layers.recurrent import Recurrent, Reset, Update
from neurarium.networks.sequences.entry import SequenceEntry, build_for_sequences
from neurarium.networks.sequences.pooling import Pooling, mean_of, require_attention, without_attention
from neurarium.networks.sizing import Distribution, head_outputs

LANGUAGE = {"pooling": "none", "bidirectional": False, "width": 512, "dropout": 0.1}


class RecurrentState:
    """What a recurrent network remembers of some texts, in the place of a key-value cache.

    Args:
        values: `(batch, layers, parts, width)`.
    """

    def __init__(self, values: Tensor):
        self.values, self.filled = values, 0

    def take(self, rows: Tensor) -> None:
        """Go on with these texts: row i becomes what row `rows[i]` was, as a beam search needs."""
        self.values = self.values[rows]


class RecurrentNetwork(nn.Module):
    """What the three share: entry, recurrent layers, pooling, head."""

    called = ""
    any_length = causal = True

    def _make(
        self, outputs: int, embedding: int, vocabulary: int, channels: int, padding: int, dropout: float,
        token_dropout: float, pooling: Pooling, score: ScoreName, distribution: Distribution, width: int, **cell: Any,
    ) -> None:  # fmt: skip
        require_attention(pooling, score)
        if pooling not in ("last", "mean", "attention", "none"):
            raise OptionError(
                "there is no such pooling", expected="last, mean, attention or none", received=pooling
            )
        self.distribution, self.pooling = distribution, pooling
        self.entry = SequenceEntry(embedding, vocabulary, channels, padding, dropout, token_dropout)
        self.layers = Recurrent(embedding, width, **{"cell": self.called, "dropout": dropout, **cell})
        self.feature_dim = self.layers.outputs
        self.pool = AttentionPooling(self.feature_dim, score=score) if pooling == "attention" else None
        self.dropout = Dropout(dropout) if dropout else nn.Identity()
        self.head = nn.Linear(self.feature_dim, head_outputs(outputs, distribution))

    @classmethod
    def for_data(cls, inputs: Spec, targets: Spec, **options: Any) -> Self:
        """Size the network to a dataset's specs (Tokens or Series -> Classes, Quantity, Tags or Frames; Tokens -> the next token)."""
        if isinstance(targets, NextToken):
            return cls._language_model(inputs, targets, options)
        return build_for_sequences(cls, cls.called, inputs, targets, options)

    @classmethod
    def _language_model(cls, inputs: Spec, targets: NextToken, options: dict[str, Any]) -> Self:
        """One output per step; nothing may be seen of what comes later."""
        if not isinstance(inputs, Tokens):
            raise RefusalError(
                f"the network '{cls.called}' predicts the next token of texts alone",
                expected="Tokens",
                received=type(inputs).__name__,
            )
        for option in {"vocabulary", "channels", "padding", "outputs"} & set(options):
            raise OptionError(
                f"option '{option}' of network '{cls.called}' follows from the data",
                fix=f"leave out {option}",
            )
        settled = {**LANGUAGE, **options}
        if settled["bidirectional"] or settled["pooling"] != "none":
            raise RefusalError(
                "a language model must not see the token that it is to predict",
                expected="bidirectional=false, pooling=none",
                received=f"bidirectional={settled['bidirectional']}, pooling={settled['pooling']}",
                fix="leave both out",
            )
        return cls(outputs=targets.outputs, vocabulary=inputs.vocabulary, padding=inputs.padding, **settled)

    def states(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return the states `(batch, length, feature_dim)` and the mask of the real ones."""
        sequence, mask = self.entry(inputs)
        return self.layers(sequence, mask), mask

    def features(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the pooled states, with dropout, `(batch, feature_dim)`; with pooling "none" those of every step."""
        states, mask = self.states(inputs)
        if self.pooling == "none":
            return self.dropout(states)
        if self.pool is not None:
            found = self.pool(states, mask)
        else:
            found = self.layers.last(states, mask) if self.pooling == "last" else mean_of(states, mask)
        return self.dropout(found)

    def token_weights(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the weight of each position in the pooling, `(batch, length)`, summing to one over real ones.

        Raises:
            RefusalError: the network does not pool by attention.
        """
        if self.pool is None:
            raise without_attention(self.called, self.pooling)
        sequence, mask = self.entry(inputs)
        return self.pool.weights(self.layers(sequence, mask), mask)

    def read(self, inputs: Mapping[str, Tensor], state: Tensor) -> tuple[Tensor, Tensor]:
        """Read on from a state: the outputs of every step, `(batch, length, outputs)`, and the state behind them.

        Args:
            inputs: all of it real, without padding.
            state: from `new_state`, or of an earlier call.

        Raises:
            RefusalError: the network pools, or reads in both directions.
        """
        if self.pooling != "none":
            raise RefusalError(
                "only a network with an output per step reads on from a state",
                expected="pooling=none",
                received=f"pooling={self.pooling}",
            )
        sequence, _ = self.entry(inputs)
        states, after = self.layers.read(sequence, state)
        return self.head(self.dropout(states)), after

    def new_state(self, batch: int) -> Tensor:
        """Return the state of texts of which nothing was read, `(batch, layers, parts, width)`."""
        return self.layers.new_state(batch)

    def new_cache(self, batch: int, length: int) -> list[RecurrentState]:
        """Return an empty state for `advance`, which needs no more room for a longer text."""
        return [RecurrentState(self.new_state(batch))]

    def advance(self, tokens: Tensor, cache: Sequence[RecurrentState]) -> Tensor:
        """Read further tokens `(batch, new)`; return their logits `(batch, new, outputs)`, and keep the state in the cache."""
        outputs, cache[0].values = self.read({"tokens": tokens}, cache[0].values)
        cache[0].filled += tokens.shape[1]
        return outputs

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        return self.head(self.features(inputs))


@recorded
class RNN(RecurrentNetwork):
    """An Elman network: h_t = tanh(W x_t + b + U h_(t-1) + c), z = pool(h), Z = V dropout(z) + d.

    Args:
        outputs: how many numbers are predicted.
        vocabulary, padding: of the tokens; or channels: of a series.
        embedding: numbers per token or step before the recurrence.
        width: numbers of a state.
        layers, bidirectional: as for `layers.Recurrent`.
        activation: "tanh" or "relu".
        pooling: "last" state, "mean" of the states, or a learned weighted mean ("attention"); "none" gives an output per
            step, `(batch, length, outputs)`.
        dropout: on embedded tokens, between layers and before the head.
        token_dropout: the probability that a whole token is zero in training.
        score: of pooling=attention: additive, dot, scaled-dot, cosine or general (`layers.attention_scores`).
        distribution: `gaussian` for a mean and a raw variance per output.

    `forward`: a dict of tokens or of a series -> `(batch, outputs)`, or `(batch, length, outputs)`. Padding changes nothing.

    Elman 1990, "Finding structure in time".

    >>> tokens = torch.tensor([[5, 2, 0], [0, 0, 0]])
    >>> RNN(3, vocabulary=10)({"tokens": tokens, "mask": tokens != 0}).shape
    torch.Size([2, 3])
    """

    called = "rnn"

    def __init__(
        self, outputs: int, vocabulary: int = 0, channels: int = 0, padding: int = 0, embedding: int = 128,
        width: int = 128, layers: int = 1, bidirectional: bool = True, activation: str = "tanh",
        pooling: Pooling = "attention", dropout: float = 0.3, token_dropout: float = 0.0,
        score: ScoreName = "additive", distribution: Distribution = None,
    ):  # fmt: skip
        super().__init__()
        self._make(outputs, embedding, vocabulary, channels, padding, dropout, token_dropout, pooling, score, distribution,
                   width, layers=layers, bidirectional=bidirectional, activation=activation)  # fmt: skip


@recorded
class LSTM(RecurrentNetwork):
    """An LSTM: gates decide what its memory forgets, takes in and gives out; see `layers.Recurrent`.

    Args:
        forget_bias: where the bias of the forget gate starts; 1 lets a young network remember.
        cell: "lstm", "layer-norm-lstm", "projected-lstm" (whose state is half as wide, or `projection`) or "min-lstm",
            whose steps are computed at once; see `layers.recurrent_variants`.
        projection: of "projected-lstm": numbers of its state.
        outputs, vocabulary, channels, padding, embedding, width, layers, bidirectional, pooling, dropout,
            token_dropout, score, distribution: as for `RNN`.

    `forward`: a dict of tokens or of a series -> `(batch, outputs)`, or `(batch, length, outputs)`. Padding changes nothing.

    Hochreiter and Schmidhuber 1997; Gers et al. 2000; Jozefowicz et al. 2015 on the forget bias.

    >>> series = {"series": torch.zeros(2, 7, 3), "lengths": torch.tensor([7, 4])}
    >>> LSTM(1, channels=3)(series).shape
    torch.Size([2, 1])
    """

    called = "lstm"

    def __init__(
        self, outputs: int, vocabulary: int = 0, channels: int = 0, padding: int = 0, embedding: int = 128,
        width: int = 128, layers: int = 1, bidirectional: bool = True, forget_bias: float = 1.0,
        cell: Literal["lstm", "layer-norm-lstm", "projected-lstm", "min-lstm"] = "lstm", projection: int = 0,
        pooling: Pooling = "attention", dropout: float = 0.3, token_dropout: float = 0.0,
        score: ScoreName = "additive", distribution: Distribution = None,
    ):  # fmt: skip
        super().__init__()
        self._make(outputs, embedding, vocabulary, channels, padding, dropout, token_dropout, pooling, score, distribution,
                   width, layers=layers, bidirectional=bidirectional, forget_bias=forget_bias, cell=cell,
                   projection=projection)  # fmt: skip


@recorded
class GRU(RecurrentNetwork):
    """A GRU: a reset and an update gate instead of the LSTM's three; see `layers.Recurrent` for both conventions.

    Args:
        reset: "after" the recurrent product (torch's kernel, the fast one) or "before" it (Cho et al.).
        cell: "gru", or "min-gru", whose steps are computed at once; see `layers.recurrent_variants`.
        update: whether z says what is kept ("keep") or what is taken in ("take"), one minus the other.
        outputs, vocabulary, channels, padding, embedding, width, layers, bidirectional, pooling, dropout,
            token_dropout, score, distribution: as for `RNN`.

    `forward`: a dict of tokens or of a series -> `(batch, outputs)`, or `(batch, length, outputs)`. Padding changes nothing.

    Cho et al. 2014, arXiv:1406.1078, equations 5 to 8; Chung et al. 2014, arXiv:1412.3555.

    >>> tokens = torch.tensor([[5, 2, 0], [0, 0, 0]])
    >>> GRU(3, vocabulary=10, reset="before")({"tokens": tokens, "mask": tokens != 0}).shape
    torch.Size([2, 3])
    """

    called = "gru"

    def __init__(
        self, outputs: int, vocabulary: int = 0, channels: int = 0, padding: int = 0, embedding: int = 128,
        width: int = 128, layers: int = 1, bidirectional: bool = True, reset: Reset = "after",
        update: Update = "keep", cell: Literal["gru", "min-gru"] = "gru", pooling: Pooling = "attention", dropout: float = 0.3, token_dropout: float = 0.0,
        score: ScoreName = "additive", distribution: Distribution = None,
    ):  # fmt: skip
        super().__init__()
        self._make(outputs, embedding, vocabulary, channels, padding, dropout, token_dropout, pooling, score, distribution,
                   width, layers=layers, bidirectional=bidirectional, reset=reset, update=update, cell=cell)  # fmt: skip
