"""TextCharacters: a linear sum over the runs of characters that a text's tokens spell, weighed as naive Bayes does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.data.dataset import Dataset
from neurarium.data.preparation.spelling import spelled_by
from neurarium.data.specs import Spec, Tokens
from neurarium.networks.sizing import Distribution, check
from neurarium.networks.texts.counting import CountedBag

BLANK = 32
STEPS = (1_000_003, 0x9E3779B1)  # of the hash: a polynomial, and what mixes its bits


@recorded
class TextCharacters(CountedBag):
    """Naive Bayes made learnable over runs of `shortest` to `longest` characters, blanks between words among them.

    Z_c = b_c + 1/sqrt(k) sum_(j in text) r_(j,c) w_(j,c), with the ratios r that `CountedBag` counts; each run counts once. So forms of
    a word help one another, and neighbouring words count together. Runs share `buckets` places by a hash. `start_from` looks
    up what tokens spell; before that each token is a character of its own. A token that is unknown is a blank.

    Args:
        vocabulary: how many tokens there are.
        outputs: how many numbers are predicted.
        shortest, longest: characters of a run.
        buckets: places for runs.
        smoothing: a.
        strength: where w starts.
        letters: characters of a token that count; those behind are left out.
        distribution: `gaussian` for a mean and a raw variance per output.

    `forward`: `{"tokens": (batch, length) int64, "mask": (batch, length) bool}` -> `(batch, outputs)`.

    Raises:
        OptionError: no token, no run, no bucket.

    Wang and Manning 2012, "Baselines and bigrams: simple, good sentiment and topic classification", section 2 (the ratios);
    Joulin et al. 2016, arXiv:1607.01759, section 2.3 (the hash).

    >>> network = TextCharacters(5, 1, shortest=1, longest=2, buckets=64)
    >>> network.spell(["", "", "so ", "sore ", "fit "])
    >>> tokens = torch.tensor([[2, 4], [4, 0]])
    >>> network.count({"tokens": tokens, "mask": tokens != 0}, torch.tensor([[1.0], [0.0]]))
    >>> said = network({"tokens": torch.tensor([[3]]), "mask": torch.tensor([[True]])})
    >>> bool(said > 0)  # "sore" begins as "so" does
    True
    """

    counted = "runs of characters"

    def __init__(
        self,
        vocabulary: int,
        outputs: int,
        shortest: int = 2,
        longest: int = 6,
        buckets: int = 1 << 19,
        smoothing: float = 0.5,
        strength: float = 0.8,
        letters: int = 24,
        distribution: Distribution = None,
    ):
        super().__init__()
        if vocabulary < 1 or not 1 <= shortest <= longest or min(buckets, letters) < 1 or smoothing <= 0:
            raise OptionError(
                "runs of characters cannot be counted so",
                expected="a vocabulary, shortest of 1 to longest, buckets and letters of 1 or more, smoothing above 0",
                received=f"vocabulary={vocabulary}, shortest={shortest}, longest={longest}, buckets={buckets}, "
                f"letters={letters}, smoothing={smoothing}",
            )
        self.shortest, self.longest, self.buckets, self.letters = shortest, longest, buckets, letters
        self._make(buckets, outputs, smoothing, strength, distribution)
        spelling = torch.zeros(vocabulary, letters, dtype=torch.int32)
        spelling[:, 0] = 256 + torch.arange(vocabulary)  # until tokens are spelled
        self.register_buffer("spelling", spelling)
        self.spelling: Tensor

    @classmethod
    def for_data(cls, inputs: Spec, targets: Spec, **options: Any) -> TextCharacters:
        """Size the network to a dataset's specs (Tokens -> Classes or Quantity)."""
        check("text-characters", inputs, targets, options, (Tokens,))
        return cls(inputs.vocabulary, targets.outputs, **options)  # type: ignore[attr-defined]

    def spell(self, pieces: Sequence[str]) -> None:
        """Take what each token spells; one that spells nothing is a blank."""
        codes = [[ord(each) for each in piece[: self.letters]] or [BLANK] for piece in pieces]
        for row, found in zip(self.spelling, codes, strict=True):
            row.zero_()[: len(found)] = torch.tensor(found, dtype=torch.int32)

    def start_from(self, data: Dataset) -> str | None:
        """Look up what tokens spell, and count the runs of training texts by class."""
        pieces = spelled_by(data.preparation)
        if len(pieces) == len(self.spelling):
            self.spell(pieces)
        return super().start_from(data)

    def characters(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the characters that texts spell behind a blank, `(batch, many)` int64; zeros behind them."""
        letters = self.spelling[inputs["tokens"]].long() * inputs["mask"].unsqueeze(-1)
        letters = letters.flatten(1)
        real = letters != 0
        place = torch.where(real, real.long().cumsum(dim=1), 0)
        found = functional.pad(torch.zeros_like(letters), (1, 0)).scatter(
            1, place, torch.where(real, letters, BLANK)
        )
        found[:, 0] = BLANK
        if torch.compiler.is_compiling() or torch._C._are_functorch_transforms_active():
            return found  # shapes must not depend on what texts hold
        return found[:, : int(real.sum(dim=1).max()) + 1]

    def places(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the places of a text's runs, `(batch, many)`; each different one once, the last place for nothing."""
        characters = self.characters(inputs)
        found, code = [], characters
        for size in range(1, self.longest + 1):
            if size > characters.shape[1]:
                break
            if size > 1:
                code = code[:, :-1] * STEPS[0] + characters[:, size - 1 :]
            if size >= self.shortest:
                mixed = (code * STEPS[1]) ^ ((code * STEPS[1]) >> 29)
                real = characters[:, size - 1 :] != 0
                found.append(torch.where(real, mixed.remainder(self.buckets), self.nothing))
        if not found:
            return characters.new_full((len(characters), 1), self.nothing)
        return self.once(torch.cat(found, dim=1))
