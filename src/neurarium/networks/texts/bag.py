"""TextBag: the mean of a text's tokens beside an attention pooling of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.data.specs import Spec, Tokens
from neurarium.layers.attention_pooling import AttentionPooling
from neurarium.layers.attention_scores import ScoreName
from neurarium.layers.dropout import Dropout
from neurarium.networks.sizing import Distribution, check, head_outputs


@recorded
class TextBag(nn.Module):
    """Embedded tokens, averaged, and pooled by attention; the order of the tokens does not count.

    Z = W [mean_i e_i; sum_i a_i e_i] + b, a = softmax_i(v^T tanh(U e_i + c)), over the real tokens i of a text

    A text without any real token has zeros in place of both.

    Args:
        vocabulary: how many tokens there are.
        outputs: how many numbers are predicted.
        width: numbers per token.
        dropout: the probability that a number of an embedded token is set to zero in training.
        padding: the index of the padding token, whose embedding is zero and stays so.
        score: of the pooling: additive, dot, scaled-dot, cosine or general (`layers.attention_scores`).
        distribution: `gaussian` for a mean and a raw variance per output.

    `forward`: `{"tokens": (batch, length) int64, "mask": (batch, length) bool}` -> `(batch, outputs)`.

    Raises:
        OptionError: an empty vocabulary.

    Joulin et al. 2016, arXiv:1607.01759 (the bag); Yang et al. 2016, "Hierarchical attention networks", eq. 5 to 7.

    >>> tokens = torch.tensor([[5, 2, 0], [0, 0, 0]])
    >>> TextBag(10, 3)({"tokens": tokens, "mask": tokens != 0}).shape
    torch.Size([2, 3])
    """

    any_length = True

    def __init__(
        self,
        vocabulary: int,
        outputs: int,
        width: int = 64,
        dropout: float = 0.2,
        padding: int = 0,
        score: ScoreName = "additive",
        distribution: Distribution = None,
    ):
        super().__init__()
        if vocabulary < 1:
            raise OptionError("the vocabulary is empty", expected="1 token or more", received=vocabulary)
        self.distribution = distribution
        self.embedding = nn.Embedding(vocabulary, width, padding_idx=padding)
        self.dropout = Dropout(dropout) if dropout else nn.Identity()
        self.pool = AttentionPooling(width, score=score)
        self.feature_dim = 2 * width
        self.head = nn.Linear(self.feature_dim, head_outputs(outputs, distribution))
        with torch.no_grad():
            self.embedding.weight.mul_(0.3)

    @classmethod
    def for_data(cls, inputs: Spec, targets: Spec, **options: Any) -> TextBag:
        """Size the network to a dataset's specs (Tokens -> Classes or Quantity)."""
        check("text-bag", inputs, targets, options, (Tokens,))
        return cls(inputs.vocabulary, targets.outputs, padding=inputs.padding, **options)  # type: ignore[attr-defined]

    def features(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return mean and pooled tokens side by side, `(batch, feature_dim)`; zeros for a text without tokens."""
        tokens = self.dropout(self.embedding(inputs["tokens"]))
        real = inputs["mask"].to(tokens.dtype).unsqueeze(-1)
        mean = (tokens * real).sum(dim=1) / real.sum(dim=1).clamp(min=1)
        return torch.cat([mean, self.pool(tokens, inputs["mask"])], dim=1)

    def token_weights(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the weight of each token in the pooling, `(batch, length)`, summing to one over real ones."""
        return self.pool.weights(self.embedding(inputs["tokens"]), inputs["mask"])

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        return self.head(self.features(inputs))
