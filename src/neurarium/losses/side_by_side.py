"""Side by side: the loss of several targets of different kinds, the sum of each one's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from neurarium.core.errors import OptionError, ShapeError
from neurarium.losses.base import Loss


class SideBySide(Loss):
    """The sum of the losses of several targets, each divided by its scale.

    v_i = sum_p v_i^p / s_p, with v_i^p the value of part p for example i. The scale that `loss_for` takes is what a blind
    guess costs, so that no target outweighs the others by its unit: log C for C classes (log 2 for two, and for several
    labels), 1 for a quantity, which is standardized.

    Args:
        names: of the parts.
        losses: one per part.
        outputs: how many numbers the network gives for each part; they stand side by side.
        scales: s_p, above zero.

    Shapes: outputs `(batch, sum of outputs)`; targets `{name: what the part's loss takes}`. Values `(batch,)`.

    Raises:
        OptionError: numbers of parts that differ, or a scale that is not above zero.
        ShapeError: outputs of another width, targets that lack a part.

    >>> import math
    >>> from neurarium.losses import BinaryCrossEntropy, MeanSquaredError
    >>> both = SideBySide(("sold", "price"), (BinaryCrossEntropy(), MeanSquaredError()), (1, 1), (math.log(2), 1.0))
    >>> targets = {"sold": torch.tensor([0, 1]), "price": torch.zeros(2, 1)}
    >>> round(both.mean(torch.tensor([[0.0, 1.0], [0.0, 3.0]]), targets).item(), 4)
    6.0
    """

    def __init__(
        self, names: Sequence[str], losses: Sequence[Loss], outputs: Sequence[int], scales: Sequence[float]
    ):
        super().__init__()
        if not len(names) == len(losses) == len(outputs) == len(scales) or not all(
            each > 0 for each in scales
        ):
            raise OptionError(
                "the parts of the loss do not fit together",
                expected="a name, a loss, a number of outputs and a scale above zero for each part",
                received=f"{len(names)} names, {len(losses)} losses, outputs {tuple(outputs)}, scales {tuple(scales)}",
            )
        self.names, self.widths, self.scales = tuple(names), tuple(outputs), tuple(scales)
        self.losses = nn.ModuleList(losses)

    def align(self, outputs: Tensor, targets: Any) -> tuple[Tensor, Any]:
        fits = isinstance(targets, Mapping) and set(targets) >= set(self.names)
        if outputs.ndim != 2 or outputs.shape[1] != sum(self.widths) or not fits:
            shown = list(targets) if isinstance(targets, Mapping) else type(targets).__name__
            raise ShapeError(
                "the outputs and targets do not fit the parts",
                expected=f"outputs (batch, {sum(self.widths)}), targets {', '.join(self.names)}",
                received=f"outputs {tuple(outputs.shape)}, targets {shown}",
            )
        return outputs, targets

    def values(self, outputs: Tensor, targets: Any) -> Tensor:
        return torch.stack(list(self.each(outputs, targets).values())).sum(dim=0)

    def each(self, outputs: Tensor, targets: Any) -> dict[str, Tensor]:
        """Return every part's values `(batch,)` after its scale, by name."""
        cut = outputs.split(list(self.widths), dim=1)
        return {
            name: loss.elementwise(part, targets[name]) / scale  # type: ignore[operator]
            for name, loss, part, scale in zip(self.names, self.losses, cut, self.scales, strict=True)
        }
