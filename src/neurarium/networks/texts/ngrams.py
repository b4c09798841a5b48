"""TextNgrams: a linear sum over the words and word pairs of a text, weighed by how they are spread over the classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.data.specs import Classes, Spec, Tokens
from neurarium.networks.sizing import Distribution, check, head_outputs

PART = 4096  # texts that are counted at once
PRIMES = (1_000_003, 7_919, 104_729)


@recorded
class TextNgrams(nn.Module):
    """Naive Bayes made learnable: each n-gram that a text holds counts once, by its log-count ratio and a learned weight.

    Z_c = b_c + sum_(j in text) r_(j,c) w_(j,c),   r_c = log((a + n_c) / |a + n_c|) - log((a + m_c) / |a + m_c|)

    n_(j,c) is how many training texts of class c hold n-gram j, m_(j,c) how many others; `start_from` counts them and sets
    w = `strength`. Before that r = 1 and w = 0: a plain linear bag. Longer n-grams share `buckets` places by a hash.

    Args:
        vocabulary: how many tokens there are.
        outputs: how many numbers are predicted.
        ngrams: up to how many tokens in a row, 1 to 3.
        buckets: places for n-grams of two tokens and more.
        smoothing: a.
        strength: where w starts; 1 is naive Bayes itself, which is too sure of itself.
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

    any_length = True

    def __init__(
        self,
        vocabulary: int,
        outputs: int,
        ngrams: int = 2,
        buckets: int = 1 << 17,
        smoothing: float = 0.5,
        strength: float = 0.2,
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
        self.smoothing, self.strength, self.distribution = smoothing, strength, distribution
        places = vocabulary + (buckets if ngrams > 1 else 0) + 1  # the last stands for nothing
        numbers = head_outputs(outputs, distribution)
        self.weight = nn.Parameter(torch.zeros(places, numbers))
        self.bias = nn.Parameter(torch.zeros(numbers))
        self.register_buffer("ratio", torch.ones(places, numbers))
        self.ratio: Tensor

    @classmethod
    def for_data(cls, inputs: Spec, targets: Spec, **options: Any) -> TextNgrams:
        """Size the network to a dataset's specs (Tokens -> Classes or Quantity)."""
        check("text-ngrams", inputs, targets, options, (Tokens,))
        return cls(inputs.vocabulary, targets.outputs, padding=inputs.padding, **options)  # type: ignore[attr-defined]

    def places(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the places of a text's n-grams, `(batch, many)`; each different one once, the last place for nothing."""
        tokens, mask = inputs["tokens"], inputs["mask"]
        nothing = len(self.weight) - 1
        found = [torch.where(mask, tokens, nothing)]
        code, real = tokens * PRIMES[0], mask
        for size in range(2, self.ngrams + 1):
            if tokens.shape[1] < size:
                break
            code = code[:, :-1] * PRIMES[1] + tokens[:, size - 1 :] * PRIMES[2]
            real = real[:, :-1] & mask[:, size - 1 :]
            found.append(torch.where(real, self.vocabulary + code.remainder(self.buckets), nothing))
        ordered = torch.cat(found, dim=1).sort(dim=1).values
        again = functional.pad(ordered[:, 1:] == ordered[:, :-1], (1, 0), value=False)
        return ordered.masked_fill(again, nothing)

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        places = self.places(inputs)
        said = functional.embedding(places, self.weight) * functional.embedding(places, self.ratio)
        return self.bias + (said * (places < len(self.weight) - 1).unsqueeze(-1)).sum(dim=1)

    def start_from(self, examples: Any, targets: Spec) -> str | None:
        """Count the n-grams of training texts by class; return what was done, None where there are no classes."""
        if not isinstance(targets, Classes) or self.distribution is not None:
            return None
        counts = [torch.zeros_like(self.weight) for _ in range(2)]
        for first in range(0, len(examples), PART):
            batch = examples.take(slice(first, first + PART))
            self._add(counts, batch["inputs"], _shares(targets, batch["targets"]))
        self._settle(counts)
        return f"log-count ratios of the n-grams of {len(examples):,} training texts"

    def count(self, inputs: Mapping[str, Tensor], shares: Tensor) -> None:
        """Take the ratios from texts and what they belong to, `(batch, outputs)` of zeros and ones."""
        counts = [torch.zeros_like(self.weight) for _ in range(2)]
        self._add(counts, inputs, shares)
        self._settle(counts)

    @torch.no_grad()
    def _add(self, counts: list[Tensor], inputs: Mapping[str, Tensor], shares: Tensor) -> None:
        places = self.places(inputs)
        many = places.shape[1]
        for total, belongs in zip(counts, (shares, 1 - shares), strict=True):
            total.index_add_(0, places.flatten(), belongs.to(total.dtype).repeat_interleave(many, dim=0))

    @torch.no_grad()
    def _settle(self, counts: list[Tensor]) -> None:
        smooth = [each[:-1] + self.smoothing for each in counts]
        inside, outside = (torch.log(each / each.sum(dim=0)) for each in smooth)
        seen = sum(counts)[:-1] > 0  # type: ignore[index]
        self.ratio[:-1] = torch.where(seen, inside - outside, 0.0)
        self.weight.fill_(self.strength)


def _shares(targets: Classes, given: Tensor) -> Tensor:
    """What belongs to each output, `(batch, outputs)`: one column for two classes."""
    if targets.several:
        return given.float()
    if targets.outputs == 1:
        return given.float().unsqueeze(1)
    return functional.one_hot(given, targets.outputs).float()
