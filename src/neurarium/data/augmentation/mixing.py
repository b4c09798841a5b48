"""Mixing: examples that are blends of two, with targets to match."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy
import torch
from torch import Tensor
from torch.nn import functional

from neurarium.core import batches
from neurarium.core.errors import OptionError, RefusalError, ShapeError
from neurarium.data.specs import Classes, Spec


class Mixed(NamedTuple):
    """A mixed batch.

    Args:
        inputs: the blends, shaped like the inputs.
        targets: the targets of the first partners, as they came.
        others: the targets of the second partners.
        share: lambda, how much of each blend is its first partner.
        partners: `(batch,)` int64, the place of each second partner in the batch.
    """

    inputs: Any
    targets: Tensor
    others: Tensor
    share: float
    partners: Tensor

    def soft(self, spec: Spec) -> Tensor:
        """Return one target per blend, lambda y_a + (1 - lambda) y_b, in the form that losses take for the spec.

        Several classes: `(batch, classes)` shares. Two: `(batch,)`, the probability of class 1. Several labels and
        quantities: `(batch, outputs)`. A loss that is linear in its target (cross-entropy without class weights) is then
        the blend of the two losses.
        """
        first, second = self.targets, self.others
        if isinstance(spec, Classes) and spec.outputs > 1 and not spec.several:
            first, second = (functional.one_hot(each, spec.outputs) for each in (first, second))
        return self.share * first.float() + (1 - self.share) * second.float()


def mixup(inputs: Any, targets: Tensor, generator: torch.Generator, *, alpha: float = 0.2) -> Mixed:
    """Blend each example with another one: x = lambda x_a + (1 - lambda) x_b, lambda ~ Beta(alpha, alpha).

    One lambda is drawn per batch, and the pairs are a permutation of it.

    Args:
        inputs: a float tensor `(batch, ...)` or a nest of such.
        targets: `(batch, ...)`.
        generator: a CPU generator.
        alpha: above 0; small values blend little.

    Raises:
        OptionError: alpha not above 0.
        RefusalError: inputs that cannot be averaged (category codes, tokens, masks, lengths).

    Zhang et al., "mixup: beyond empirical risk minimization", arXiv 1710.09412, section 2.

    >>> mixed = mixup(torch.eye(2), torch.tensor([0, 1]), torch.Generator().manual_seed(3), alpha=1.0)
    >>> torch.allclose(mixed.inputs, mixed.soft(Classes(("a", "b", "c")))[:, :2])
    True
    """
    for name, tensor in batches.tensors(inputs):
        if not tensor.is_floating_point():
            raise RefusalError(
                f"mixup cannot average the input {name or 'tensor'}: it holds no real numbers",
                expected="floating point",
                received=tensor.dtype,
                fix="leave out mixup, or mix the features of a network instead of its inputs",
            )
    share, partners = _drawn(batches.size(inputs), alpha, generator)
    blends = batches.map_tensors(
        lambda each: share * each + (1 - share) * each[partners.to(each.device)], inputs
    )
    return Mixed(blends, targets, targets[partners.to(targets.device)], share, partners)


def cutmix(inputs: Tensor, targets: Tensor, generator: torch.Generator, *, alpha: float = 1.0) -> Mixed:
    """Paste a box of another image into each one: x = M x_a + (1 - M) x_b; lambda is the area that is left.

    The box has the share 1 - lambda of the image before it is cut at the border, lambda ~ Beta(alpha, alpha), and a
    uniform centre; afterwards lambda is set to the exact area.

    Args:
        inputs: `(batch, channels, ...)` with one space axis or more.
        targets: `(batch, ...)`.
        generator: a CPU generator.
        alpha: above 0.

    Raises:
        OptionError: alpha not above 0.
        ShapeError: inputs without a space axis.

    Yun et al., "CutMix", arXiv 1905.04899, equations 1 and 2.

    >>> black, white = torch.zeros(1, 1, 8, 8), torch.ones(1, 1, 8, 8)
    >>> mixed = cutmix(torch.cat([black, white]), torch.tensor([0, 1]), torch.Generator().manual_seed(1))
    >>> bool(mixed.partners[0] == 0) or round(1 - mixed.inputs[0].mean().item(), 6) == round(mixed.share, 6)
    True
    """
    if not isinstance(inputs, Tensor) or inputs.ndim < 3:
        received = tuple(inputs.shape) if isinstance(inputs, Tensor) else type(inputs).__name__
        raise ShapeError("cutmix needs images", expected="(batch, channels, ...)", received=received)
    share, partners = _drawn(len(inputs), alpha, generator)
    space = inputs.shape[2:]
    centres = torch.rand(len(space), generator=generator).tolist()
    box: list[slice] = []
    for size, centre in zip(space, centres, strict=True):
        half = 0.5 * size * (1 - share) ** (1 / len(space))
        box.append(slice(max(round(centre * size - half), 0), min(round(centre * size + half), size)))
    area = int(numpy.prod([max(each.stop - each.start, 0) for each in box]))
    pasted, where = inputs.clone(), (slice(None), slice(None), *box)
    pasted[where] = inputs[partners.to(inputs.device)][where]
    others = targets[partners.to(targets.device)]
    return Mixed(pasted, targets, others, 1 - area / int(numpy.prod(space)), partners)


def with_soft_targets(batch: dict[str, Any], mixed: Mixed, spec: Spec) -> dict[str, Any]:
    """Return the batch with blends for inputs and soft targets; sample weights are blended so that they stay right.

    Each partner's target counts with its own weight: w = lambda w_a + (1 - lambda) w_b and
    y = (lambda w_a y_a + (1 - lambda) w_b y_b) / w.
    """
    weights = batch.get("weights")
    if weights is None:
        return {**batch, "inputs": mixed.inputs, "targets": mixed.soft(spec)}
    first, second = mixed.share * weights, (1 - mixed.share) * weights[mixed.partners.to(weights.device)]
    total = first + second
    kept = torch.where(total > 0, first / total.clamp(min=torch.finfo(total.dtype).tiny), mixed.share)
    whole, none = mixed._replace(share=1.0).soft(spec), mixed._replace(share=0.0).soft(spec)
    kept = kept.reshape(-1, *[1] * (whole.ndim - 1))
    return {**batch, "inputs": mixed.inputs, "targets": kept * whole + (1 - kept) * none, "weights": total}


def _drawn(count: int, alpha: float, generator: torch.Generator) -> tuple[float, Tensor]:
    if not alpha > 0:
        raise OptionError(
            "alpha of the Beta distribution is not positive", expected="above 0", received=alpha
        )
    # torch's Beta takes no generator; NumPy's does, seeded by ours.
    seed = int(torch.randint(2**62, (), generator=generator))
    share = float(numpy.random.default_rng(seed).beta(alpha, alpha))
    return share, torch.randperm(count, generator=generator)
