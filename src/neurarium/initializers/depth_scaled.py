"""Depth-scaled initialization of residual networks."""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from neurarium.core.errors import RefusalError
from neurarium.core.recipe import recorded
from neurarium.initializers.gaussian import Gaussian
from neurarium.initializers.initializer import Fans, Initializer

ENDS = (
    "*out_proj*",
    "*c_proj*",
    "*o_proj*",
    "*down_proj*",
    "*linear2*",
    "*fc2*",
    "*.out.*",
    "*project_out*",
    "*.output.*",
)


@recorded
class DepthScaled(Initializer):
    """Depth-scaled: what each residual branch ends with starts smaller by 1 / sqrt(number of branches).

    A residual stream adds up N branches; with equal variance v each, its own grows like N v. Scaling the last weight of
    each branch by 1 / sqrt(N) keeps the sum level. All other weights start as `base` says.

    Args:
        base: the initializer of every weight; N(0, 0.02^2) as in GPT-2 by default.
        ends: patterns of the names of the last weights of the branches.

    Raises:
        RefusalError: no weight matches the patterns.

    Radford et al., "Language models are unsupervised multitask learners" (2019), section 2.3: 1 / sqrt(N).

    >>> DepthScaled(ends=("*second*",)).factors(["0.first.weight", "0.second.weight", "1.second.weight"])
    {'0.second.weight': 0.7071067811865475, '1.second.weight': 0.7071067811865475}
    """

    def __init__(self, base: Initializer | None = None, ends: tuple[str, ...] = ENDS):
        self.base, self.ends = base or Gaussian(std=0.02), tuple(ends)

    def fill(self, weight: Tensor, fans: Fans, generator: torch.Generator) -> None:
        self.base.fill(weight, fans, generator)

    def finish(self, network: nn.Module, weights: Mapping[str, Tensor], batch: Any = None) -> None:
        with torch.no_grad():
            for name, factor in self.factors(list(weights)).items():
                weights[name].mul_(factor)

    def factors(self, names: list[str]) -> dict[str, float]:
        """Return the factor of each weight that ends a branch."""
        found = [name for name in names if any(fnmatch.fnmatchcase(name, pattern) for pattern in self.ends)]
        if not found:
            raise RefusalError(
                "depth-scaled initialization finds no weight that ends a residual branch",
                expected=f"a name like one of {', '.join(self.ends)}",
                received=", ".join(names[:10]),
                fix="name them: DepthScaled(ends=('*second.weight',))",
            )
        return dict.fromkeys(found, 1 / math.sqrt(len(found)))
