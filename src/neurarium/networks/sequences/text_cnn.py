"""TextCNN: convolutions of several widths over a text, the strongest answer of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.data.specs import Spec
from neurarium.layers.attention_pooling import AttentionPooling
from neurarium.layers.attention_scores import ScoreName
from neurarium.layers.dropout import Dropout
from neurarium.networks.sequences.entry import SequenceEntry, build_for_sequences
from neurarium.networks.sequences.excerpt import excerpt, require_read
from neurarium.networks.sequences.pooling import require_attention, without_attention
from neurarium.networks.sizing import Distribution, elementwise, head_outputs


@recorded
class TextCNN(nn.Module):
    """Convolutions over n-grams, maximum over time.

    c_(k,i) = relu(w_k . e_(i:i+h-1) + b_k), z_k = max_i c_(k,i), Z = W dropout(z) + b

    A window counts where it touches a real position; the text stands between zeros. A text of nothing has z = 0.

    Args:
        outputs: how many numbers are predicted.
        vocabulary, padding: of the tokens; or channels: of a series.
        width: numbers per token; 300 in the paper.
        filters: h, the widths of the windows.
        maps: convolutions of each width.
        dropout: the probability that a number of z is set to zero in training.
        embedding_dropout: the same for the embedded tokens; the paper has none.
        token_dropout: the same for whole tokens.
        read: tokens that are read of a longer text, its beginning and its end; None for all.
        pooling: "max" over time; "attention", a learned weighted mean of the positions, each answered by the windows around it
            (see `states`); or "none": their answers at every position in place of z_k.
        score: of pooling=attention: additive, dot, scaled-dot, cosine or general (`layers.attention_scores`).
        distribution: `gaussian` for a mean and a raw variance per output.

    `forward`: a dict of tokens or of a series -> `(batch, outputs)`, or `(batch, length, outputs)`.

    Raises:
        OptionError: a window of no token, no window at all, a score without attention.

    Kim 2014, arXiv:1408.5882, equations 1 to 4 (CNN-rand). The paper bounds the norm of the head's weights by 3:
    a training does, `--set regularizer=max-norm --set regularized=head`.

    >>> tokens = torch.tensor([[5, 2, 0], [0, 0, 0]])
    >>> TextCNN(3, vocabulary=10)({"tokens": tokens, "mask": tokens != 0}).shape
    torch.Size([2, 3])
    """

    any_length = True  # shorter sequences than the spec says are as good

    def __init__(
        self,
        outputs: int,
        vocabulary: int = 0,
        channels: int = 0,
        padding: int = 0,
        width: int = 300,
        filters: tuple[int, ...] = (3, 4, 5),
        maps: int = 100,
        dropout: float = 0.5,
        embedding_dropout: float = 0.0,
        token_dropout: float = 0.0,
        read: int | None = None,
        pooling: Literal["max", "attention", "none"] = "max",
        score: ScoreName = "additive",
        distribution: Distribution = None,
    ):
        super().__init__()
        if not filters or min(filters) < 1:
            raise OptionError("the windows are wrong", expected="widths of 1 or more", received=filters)
        if pooling not in ("max", "attention", "none"):
            raise OptionError("there is no such pooling", expected="max, attention or none", received=pooling)
        require_attention(pooling, score)
        if read is not None and (pooling != "max" or not vocabulary):
            raise OptionError(
                "read leaves out tokens, and an answer is asked for at each", expected="pooling=max of a text",
                received=f"read={read}, pooling={pooling}", fix="leave out read",
            )  # fmt: skip
        self.distribution, self.pooling, self.read = distribution, pooling, require_read(read)
        self.entry = SequenceEntry(width, vocabulary, channels, padding, embedding_dropout, token_dropout)
        self.convolutions = nn.ModuleList(nn.Conv1d(width, maps, size, padding=size - 1) for size in filters)
        self.activations = nn.ModuleList(elementwise("relu") for _ in filters)
        self.dropout = Dropout(dropout) if dropout else nn.Identity()
        self.feature_dim = maps * len(filters)
        self.pool = AttentionPooling(self.feature_dim, score=score) if pooling == "attention" else None
        self.head = nn.Linear(self.feature_dim, head_outputs(outputs, distribution))

    @classmethod
    def for_data(cls, inputs: Spec, targets: Spec, **options: Any) -> TextCNN:
        """Size the network to a dataset's specs (Tokens or Series -> Classes, Quantity or Tags)."""
        return build_for_sequences(cls, "text-cnn", inputs, targets, options)

    def states(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return the answers of the windows around each position, `(batch, length, feature_dim)`, and the mask.

        A window of an even width reaches one position further back than ahead.
        """
        sequence, mask = self.entry(inputs)
        signal, found = sequence.transpose(1, 2), []
        for convolution, activate in zip(self.convolutions, self.activations, strict=True):
            answers = activate(convolution(signal))
            first = (answers.shape[-1] - mask.shape[1]) // 2
            found.append(answers[..., first : first + mask.shape[1]])
        return torch.cat(found, dim=1).transpose(1, 2), mask

    def features(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the strongest answers, or their weighted mean, with dropout, `(batch, feature_dim)`; with pooling "none"
        those at each position."""
        if self.pooling == "none":
            return self.dropout(self.states(inputs)[0])
        if self.pool is not None:
            return self.dropout(self.pool(*self.states(inputs)))
        sequence, mask = self.entry(inputs if self.read is None else excerpt(inputs, self.read))
        signal, found = sequence.transpose(1, 2), []
        for convolution, activate in zip(self.convolutions, self.activations, strict=True):
            answers = activate(convolution(signal))
            # answer j saw positions j - h + 1 to j: behind the last real one plus h - 1 it saw zeros alone
            behind = answers.shape[-1] - mask.shape[1]
            real = _widened(mask, behind).unsqueeze(1).to(answers.dtype)
            found.append((answers * real).amax(dim=-1))  # no answer is below zero
        return self.dropout(torch.cat(found, dim=1))

    def token_weights(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the weight of each position in the pooling, `(batch, length)`, summing to one over real ones.

        Raises:
            RefusalError: the network does not pool by attention.
        """
        if self.pool is None:
            raise without_attention("text-cnn", self.pooling)
        return self.pool.weights(*self.states(inputs))

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        return self.head(self.features(inputs))


def _widened(mask: Tensor, more: int) -> Tensor:
    """Return whether any of the last `more + 1` positions is real, `(batch, length + more)`."""
    shifted = [functional.pad(mask, (each, more - each)) for each in range(more + 1)]
    return torch.stack(shifted).any(dim=0)
