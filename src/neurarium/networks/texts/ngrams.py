"""TextNgrams: a linear sum over the words and word pairs of a text, weighed by how they are spread over the classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.data.specs import Spec, Tokens
from neurarium.networks.sizing import Distribution, check
from neurarium.networks.texts.counting import CountedBag

PRIMES = (1_000_003, 7_919, 104_729)


@recorded
class TextNgrams(CountedBag):
    """Naive Bayes made learnable: each n-gram that a text holds counts once, by its log-count ratio and a learned weight.

    Z_c = b_c + 1/sqrt(k) sum_(j in text) r_(j,c) w_(j,c), with the ratios r that `CountedBag` counts. Longer n-grams share `buckets`
    places by a hash.

    Args:
        vocabulary: how many tokens there are.
        outputs: how many numbers are predicted.
        ngrams: up to how many tokens in a row, 1 to 3.
        buckets: places for n-grams of two tokens and more.
        smoothing: a.
        strength: where w starts.
        padding: the index of the padding token.
        distribution: `gaussian` for a mean and a raw variance per output.

    `forward`: `{"tokens": (batch, length) int64, "mask": (batch, length) bool}` -> `(batch, outputs)`.

    Raises:
        OptionError: no token, another length of n-grams, no bucket.

    Wang and Manning 2012, "Baselines and bigrams: simple, good sentiment and topic classification", section 2.

    >>> tokens = torch.tensor([[5, 2, 0], [5, 3, 0]])
    >>> network = TextNgrams(10, 1, buckets=64)
    >>> network.count({"tokens": tokens, "mask": tokens != 0}, torch.tensor([[1.0], [0.0]]))
    >>> network({"tokens": tokens, "mask": tokens != 0}).sign().flatten().tolist()
    [1.0, -1.0]
    """

    counted = "n-grams"

    def __init__(
        self,
        vocabulary: int,
        outputs: int,
        ngrams: int = 2,
        buckets: int = 1 << 17,
        smoothing: float = 0.5,
        strength: float = 1.5,
        padding: int = 0,
        distribution: Distribution = None,
    ):
        super().__init__()
        if vocabulary < 1 or not 1 <= ngrams <= 3 or buckets < 1 or smoothing <= 0:
            raise OptionError(
                "n-grams cannot be counted so",
                expected="a vocabulary, ngrams of 1 to 3, buckets of 1 or more, smoothing above 0",
                received=f"vocabulary={vocabulary}, ngrams={ngrams}, buckets={buckets}, smoothing={smoothing}",
            )
        self.vocabulary, self.ngrams, self.buckets, self.padding = vocabulary, ngrams, buckets, padding
        self._make(vocabulary + (buckets if ngrams > 1 else 0), outputs, smoothing, strength, distribution)

    @classmethod
    def for_data(cls, inputs: Spec, targets: Spec, **options: Any) -> TextNgrams:
        """Size the network to a dataset's specs (Tokens -> Classes or Quantity)."""
        check("text-ngrams", inputs, targets, options, (Tokens,))
        return cls(inputs.vocabulary, targets.outputs, padding=inputs.padding, **options)  # type: ignore[attr-defined]

    def places(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the places of a text's n-grams, `(batch, many)`; each different one once, the last place for nothing."""
        tokens, mask = inputs["tokens"], inputs["mask"]
        found = [torch.where(mask, tokens, self.nothing)]
        code, real = tokens * PRIMES[0], mask
        for size in range(2, self.ngrams + 1):
            if tokens.shape[1] < size:
                break
            code = code[:, :-1] * PRIMES[1] + tokens[:, size - 1 :] * PRIMES[2]
            real = real[:, :-1] & mask[:, size - 1 :]
            found.append(torch.where(real, self.vocabulary + code.remainder(self.buckets), self.nothing))
        return self.once(torch.cat(found, dim=1))
