"""TCN: dilated causal convolutions over a sequence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch  # noqa: F401  # for the examples
from torch import Tensor, nn

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.data.specs import Spec
from neurarium.layers.attention_scores import ScoreName
from neurarium.layers.causal_convolution import CausalBlock, receptive_field
from neurarium.networks.sequences.entry import SequenceEntry, build_for_sequences
from neurarium.networks.sequences.pooling import (
    Pooling,
    SequencePooling,
    require_attention,
    without_attention,
)
from neurarium.networks.sizing import Distribution, head_outputs


@recorded
class TCN(nn.Module):
    """A temporal convolutional network: blocks of causal convolutions whose dilation doubles.

    h_0 = entry(x); h_l = block_l(h_(l-1)) with dilation 2^(l-1), see `layers.CausalBlock`; Z = W pool(h_L) + b, or
    Z_t = W h_(L,t) + b at every step.

    The state of step t has seen steps t - r + 1 to t, r = 1 + 2 (k - 1) (2^L - 1): `receptive_field`. Nothing that stands
    behind a step changes it.

    Args:
        outputs: how many numbers are predicted.
        vocabulary, padding: of the tokens; or channels: of a series.
        embedding: numbers per token, or per step of a series, before the first block; 0 takes a series as it is.
        width: numbers per state.
        levels: L, how many blocks.
        kernel: k, how many steps a convolution sees.
        pooling: the "last" state, the "mean" of the states, or a learned weighted mean ("attention"); "none" gives an output
            for every step instead of one for the sequence.
        score: of pooling=attention: additive, dot, scaled-dot, cosine or general (`layers.attention_scores`).
        dropout: after each convolution, in training.
        token_dropout: the probability that a whole token is zero in training.
        weight_norm: of the convolutions; as published.
        distribution: `gaussian` for a mean and a raw variance per output.

    `forward`: a dict of tokens or of a series -> `(batch, outputs)`, or `(batch, length, outputs)`. Padding changes
    nothing at real steps.

    Raises:
        OptionError: no level, a kernel below 2, or a score without attention.

    Bai, Kolter and Koltun 2018, arXiv:1803.01271, section 3. Weights start as torch starts them (in the authors' program those
    of skips at N(0, 0.01)).

    >>> series = {"series": torch.zeros(2, 7, 3), "lengths": torch.tensor([7, 4])}
    >>> network = TCN(1, channels=3, levels=3, kernel=2)
    >>> network(series).shape, network.receptive_field
    (torch.Size([2, 1]), 15)
    """

    any_length = causal = True

    def __init__(
        self,
        outputs: int,
        vocabulary: int = 0,
        channels: int = 0,
        padding: int = 0,
        embedding: int = 0,
        width: int = 64,
        levels: int = 4,
        kernel: int = 3,
        pooling: Pooling = "last",
        dropout: float = 0.2,
        token_dropout: float = 0.0,
        weight_norm: bool = True,
        score: ScoreName = "additive",
        distribution: Distribution = None,
    ):
        super().__init__()
        if levels < 1 or kernel < 2:
            raise OptionError(
                "a TCN is too small",
                expected="1 level and a kernel of 2 or more",
                received=f"levels={levels}, kernel={kernel}",
            )
        self.distribution, self.pooling = distribution, pooling
        size = embedding or (width if vocabulary else channels)
        self.entry = SequenceEntry(
            size, vocabulary, channels, padding, 0.0, token_dropout, plain=not (embedding or vocabulary)
        )
        dilations = tuple(2**level for level in range(levels))
        sizes = (size, *[width] * (levels - 1))
        self.blocks = nn.ModuleList(
            CausalBlock(size, width, kernel, dilation, dropout, weight_norm)
            for size, dilation in zip(sizes, dilations, strict=True)
        )
        self.receptive_field = receptive_field(kernel, dilations)
        self.feature_dim = width
        require_attention(pooling, score)
        self.pool = None if pooling == "none" else SequencePooling(width, pooling, score)
        self.head = nn.Linear(width, head_outputs(outputs, distribution))

    @classmethod
    def for_data(cls, inputs: Spec, targets: Spec, **options: Any) -> TCN:
        """Size the network to a dataset's specs (Tokens or Series -> Classes, Quantity, Tags or Frames)."""
        return build_for_sequences(cls, "tcn", inputs, targets, options)

    def states(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return the last block's states `(batch, length, feature_dim)` and the mask of the real ones."""
        sequence, mask = self.entry(inputs)
        signal = sequence.transpose(1, 2)
        for block in self.blocks:
            signal = block(signal)
        return signal.transpose(1, 2), mask

    def token_weights(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the weight of each position in the pooling, `(batch, length)`, summing to one over real ones.

        Raises:
            RefusalError: the network does not pool by attention.
        """
        if self.pool is None or self.pool.attention is None:
            raise without_attention("tcn", self.pooling)
        return self.pool.attention.weights(*self.states(inputs))

    def features(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the pooled states, `(batch, feature_dim)`, or all of them where there is an output for every step."""
        states, mask = self.states(inputs)
        return states if self.pool is None else self.pool(states, mask)

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        return self.head(self.features(inputs))
