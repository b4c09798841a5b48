"""CountedBag: what naive Bayes made learnable is over, whatever is counted in a text."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurarium.data.dataset import Dataset
from neurarium.data.specs import Classes
from neurarium.networks.sizing import Distribution, head_outputs

PART = 4096  # texts that are counted at once


class CountedBag(nn.Module, abc.ABC):
    """The root of linear sums over what a text holds, each weighed by its log-count ratio and a learned weight.

    Z_c = b_c + 1/sqrt(k) sum_(j in text) r_(j,c) w_(j,c),   r_c = log((a + n_c) / |a + n_c|) - log((a + m_c) / |a + m_c|)

    k is how much the text holds: what it holds overlaps, so that k times the evidence is not k times as sure. n_(j,c) is how
    many training texts of class c hold j, m_(j,c) how many others; `start_from` counts them and sets w = `strength`. Before
    that r = 1 and w = 0: a plain linear bag. A member calls `_make` first, and defines `places`.
    """

    any_length = True
    counted = ""  # what is counted, for the plan

    def _make(
        self, places: int, outputs: int, smoothing: float, strength: float, distribution: Distribution
    ) -> None:
        self.smoothing, self.strength, self.distribution = smoothing, strength, distribution
        numbers = head_outputs(outputs, distribution)
        self.nothing = places  # the last place stands for nothing
        self.weight = nn.Parameter(torch.zeros(places + 1, numbers))
        self.bias = nn.Parameter(torch.zeros(numbers))
        self.register_buffer("ratio", torch.ones(places + 1, numbers))
        self.ratio: Tensor

    @abc.abstractmethod
    def places(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the places of what each text holds, `(batch, many)`; each once, the last place for nothing."""

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        places = self.places(inputs)
        said = functional.embedding(places, self.weight) * functional.embedding(places, self.ratio)
        real = (places < self.nothing).unsqueeze(-1).to(said.dtype)
        return self.bias + (said * real).sum(dim=1) * real.sum(dim=1).clamp(min=1).rsqrt()

    def once(self, found: Tensor) -> Tensor:
        """Keep the first of equal places in each row, `(batch, many)`, and put nothing in place of the others."""
        ordered = found.sort(dim=1).values
        again = functional.pad(ordered[:, 1:] == ordered[:, :-1], (1, 0), value=False)
        return ordered.masked_fill(again, self.nothing)

    start_said = ("n-grams start as naive Bayes has them", "--set strength=0")

    def start_from(self, data: Dataset) -> str | None:
        """Count what training texts hold by class; return what was done, None where there are no classes."""
        examples: Any = data.train
        if not isinstance(data.targets, Classes) or self.distribution is not None:
            return None
        counts = [torch.zeros_like(self.weight) for _ in range(2)]
        for first in range(0, len(examples), PART):
            batch = examples.take(slice(first, first + PART))
            self._add(counts, batch["inputs"], _shares(data.targets, batch["targets"]))
        self._settle(counts)
        return f"log-count ratios of the {self.counted} of {len(examples):,} training texts"

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
