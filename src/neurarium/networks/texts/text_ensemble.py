"""TextEnsemble: naive Bayes over n-grams and characters, convolutions and attention, whose mistakes differ, as a mixture."""

from __future__ import annotations

import math
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurarium.core import batches
from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.data.dataset import Decision
from neurarium.data.specs import Classes, Spec, Tokens
from neurarium.layers.ensemble import Combination, mixture_shares
from neurarium.networks.ensemble import Ensemble
from neurarium.networks.sequences.text_cnn import TextCNN
from neurarium.networks.sizing import Distribution, check, combination_for
from neurarium.networks.texts.bag import TextBag
from neurarium.networks.texts.characters import TextCharacters
from neurarium.networks.texts.ngrams import TextNgrams

READ = 256
PART, PRIOR = 64, 2.0  # examples at once that shares are taken from, and how many each member is ahead by
BUCKETS, FEW = 1 << 17, 8  # places of hashed n-grams, for so many outputs


def places_for(outputs: int) -> int:
    """Return how many places hashed n-grams get: fewer for many classes, for each has weights of its own.

    >>> places_for(1), places_for(20), places_for(1000)
    (131072, 32768, 1024)
    """
    return max(1 << 10, BUCKETS >> max(0, math.ceil(math.log2(outputs / FEW))))


@recorded
class TextEnsemble(Ensemble):
    """A mixture of `TextNgrams`, `TextCharacters`, several `TextCNN` and `TextBag`, each of which learns by its own loss.

    p(c | x) = w_1 p_ngrams(c | x) + w_2 p_characters(c | x) + sum_i w_i p_cnn_i(c | x) + sum_j w_j p_bag_j(c | x)

    The shares w are equal until `settle_on` finds those under which the classes of the validation split are likeliest. The
    attention of the bags is what `neurarium predict --attention` shows.

    Args:
        vocabulary: how many tokens there are.
        outputs: how many numbers are predicted.
        combination: how outputs combine (see `layers.ensemble.combine`); the targets say it.
        cnns, bags: how many of these.
        ngrams, buckets: of `TextNgrams`; `for_data` takes fewer buckets where there are many classes.
        strength: of both that count; each has its own when left out.
        characters: the longest run of `TextCharacters`; 0 leaves it out.
        width, filters, maps, dropout, embedding_dropout, token_dropout: of `TextCNN`; the dropout is that of the bags too.
        read: tokens that `TextCNN` reads of a longer text, its beginning and its end; the others read all of it.
        mixture: where the shares come from: "validation", or "equal" ones.
        padding: the index of the padding token.
        distribution: `gaussian` for a mean and a raw variance per output.

    `forward`: `{"tokens", "mask"}` -> `(batch, outputs)`; `members` -> `(batch, members, outputs)`.

    Raises:
        OptionError: fewer networks than none, or n-grams alone.

    Wang and Manning 2012 (naive Bayes over n-grams); Kim 2014, arXiv:1408.5882; Lakshminarayanan et al. 2017,
    arXiv:1612.01474 (the mixture).

    >>> tokens = torch.tensor([[5, 2, 0], [5, 3, 0]])
    >>> network = TextEnsemble(10, 3, width=4, maps=2, buckets=8)
    >>> network.members({"tokens": tokens, "mask": tokens != 0}).shape
    torch.Size([2, 4, 3])
    """

    def __init__(
        self,
        vocabulary: int,
        outputs: int,
        combination: Combination = "softmax",
        cnns: int = 1,
        bags: int = 1,
        ngrams: int = 2,
        buckets: int = BUCKETS,
        strength: float | None = None,
        characters: int = 6,
        width: int = 300,
        filters: tuple[int, ...] = (3, 4, 5),
        maps: int = 100,
        dropout: float = 0.5,
        embedding_dropout: float = 0.0,
        token_dropout: float = 0.0,
        read: int | None = READ,
        mixture: Literal["validation", "equal"] = "validation",
        padding: int = 0,
        distribution: Distribution = None,
    ):
        if min(cnns, bags, characters) < 0 or cnns + bags + characters == 0:
            raise OptionError(
                "a mixture needs networks beside its n-grams",
                expected="cnns, bags or characters of 1 or more",
                received=f"cnns={cnns}, bags={bags}, characters={characters}",
            )
        if mixture not in ("validation", "equal"):
            raise OptionError("there is no such mixture", expected="validation or equal", received=mixture)
        common: dict[str, Any] = {"padding": padding, "distribution": distribution}
        start: dict[str, Any] = {} if strength is None else {"strength": strength}
        found: list[nn.Module] = [TextNgrams(vocabulary, outputs, ngrams, buckets, **start, **common)]
        if characters:
            shortest = min(2, characters)
            found.append(
                TextCharacters(
                    vocabulary,
                    outputs,
                    shortest,
                    characters,
                    4 * buckets,
                    **start,
                    distribution=distribution,
                )
            )
        found += [
            TextCNN(
                outputs, vocabulary=vocabulary, width=width, filters=filters, maps=maps, dropout=dropout,
                embedding_dropout=embedding_dropout, token_dropout=token_dropout, read=read, **common,
            )
            for _ in range(cnns)
        ]  # fmt: skip
        found += [TextBag(vocabulary, outputs, dropout=dropout, **common) for _ in range(bags)]
        super().__init__(found, combination)
        self.bags, self.mixture = bags, mixture
        self.register_buffer("shares", torch.full((len(found),), 1 / len(found)))
        self.shares: Tensor

    def rate_factors(self) -> dict[str, float]:
        """Return the multiples of the learning rate by parameter: bags have little to learn per token, and take more."""
        first = len(self.networks) - self.bags
        return {
            f"networks.{place}.{name}": 3.0
            for place in range(first, len(self.networks))
            for name, _ in self.networks[place].named_parameters()
        }

    def member_shares(self) -> Tensor | None:
        """Return the shares of the members, `(members,)`; None where all count alike."""
        return self.shares if self.combination in ("softmax", "sigmoid") else None

    @torch.no_grad()
    def settle_on(self, examples: Any, targets: Spec) -> Decision | None:
        """Take the shares from examples that were not learned from; None where they stay equal."""
        if self.mixture == "equal" or not isinstance(targets, Classes) or self.member_shares() is None:
            return None
        found = []
        for first in range(0, len(examples), PART):
            batch = batches.to(examples.take(slice(first, first + PART)), self.shares.device)
            found.append(
                _likelihoods(self.members(batch["inputs"]).float(), batch["targets"], self.combination)
            )
        self.shares.copy_(mixture_shares(torch.cat(found), PRIOR))
        names = (type(each).__name__ for each in self.networks)
        shown = ", ".join(
            f"{name} {share:.2f}" for name, share in zip(names, self.shares.tolist(), strict=True)
        )
        reason = f"under these shares the {len(examples):,} validation examples are likeliest, where each member is {PRIOR:g} ahead"
        return Decision("mixture", shown, reason, "--set mixture=equal")

    @classmethod
    def for_data(cls, inputs: Spec, targets: Spec, **options: Any) -> TextEnsemble:  # type: ignore[override]
        """Size the network to a dataset's specs (Tokens -> Classes or Quantity)."""
        check("text-ensemble", inputs, targets, options, (Tokens,))
        sizes = {"vocabulary": inputs.vocabulary, "padding": inputs.padding}  # type: ignore[attr-defined]
        if "buckets" not in options:
            options["buckets"] = places_for(targets.outputs)  # type: ignore[attr-defined]
        return cls(
            outputs=targets.outputs,  # type: ignore[attr-defined]
            combination=combination_for(targets, options.get("distribution")),
            **sizes,
            **options,
        )  # type: ignore[attr-defined]


def _likelihoods(logits: Tensor, targets: Tensor, combination: Combination) -> Tensor:
    """Return how likely each member finds the classes, `(examples, members)`; of several labels each is an example."""
    if combination == "softmax":
        return functional.softmax(logits, dim=-1)[
            torch.arange(len(targets), device=targets.device), :, targets
        ]
    given = targets.to(logits.dtype).reshape(len(logits), 1, -1)
    return torch.where(given > 0.5, logits.sigmoid(), (-logits).sigmoid()).transpose(1, 2).flatten(0, 1)
