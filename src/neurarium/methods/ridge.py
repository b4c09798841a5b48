"""Ridge: the linear head of a network solved in closed form, its penalty chosen by leaving one out."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurarium.core import batches
from neurarium.core.errors import OptionError, RefusalError
from neurarium.core.recipe import recorded
from neurarium.data.dataset import Decision
from neurarium.data.specs import Classes, Quantity, Spec
from neurarium.losses import loss_for
from neurarium.methods.closed_form import ClosedForm
from neurarium.methods.supervised import said
from neurarium.training.context import Context
from neurarium.training.method import Evaluation

AT_ONCE = 256  # examples whose features are computed together
MOST = 2**29  # features of all examples together: 4 GB in float64


@recorded
class Ridge(ClosedForm):
    r"""Solve the head of a network whose features stay as they are.

    .. math:: \min_{W, b} \sum_i \| W \phi(x_i) + b - y_i \|^2 + \lambda \| W \|^2

    y is 1 for the true class and -1 for the others (of two classes one number, of labels one each), or the standardized
    quantities; :math:`\phi` the features, standardized over the training examples. One step over all of them. Of the penalties
    that one is taken whose errors on each example, left out of the fit, have the least mean square: they follow from one
    eigendecomposition. The scores of classes are then multiplied by what makes those left-out ones the best logits, so
    that probabilities mean something.

    Args:
        network: a trunk with `features(inputs) -> (batch, feature_dim)` and a `head`, a linear layer. What it takes from data
            (`adapt_to`) it takes first.
        penalties: values of lambda.
        targets: their spec; `fit` gives the dataset's where None.
        **descent: nothing: a solution has no rate and no optimizer.

    Raises:
        RefusalError: a network without such parts, targets of another kind, or too many examples to hold their features.
        OptionError: options of a descent, or no penalty.

    Hoerl and Kennard 1970; with the features of MiniROCKET as in arXiv:2012.08791, section 3.3.

    >>> import neurarium as nr
    >>> iris = nr.data.load("iris")
    >>> network = nr.networks.MLP.for_data(iris.inputs, iris.targets, widths=(128,))
    >>> run = nr.fit(Ridge(network), iris, epochs=1, progress=False)  # random features, solved head
    >>> run.best["validation"]["accuracy"] > 0.8
    True
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        penalties: tuple[float, ...] = (1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3, 1e4, 1e5),
        targets: Spec | None = None,
        **descent: Any,
    ):
        super().__init__()
        self.refuse(descent, penalties, "penalties alone")
        if not hasattr(network, "features") or not isinstance(getattr(network, "head", None), nn.Linear):
            raise RefusalError(
                f"{type(network).__name__} has no linear head on features",
                expected="features(inputs) and a head that is nn.Linear", fix="--method supervised",
            )  # fmt: skip
        self.network: Any = network
        self.penalties, self.targets = tuple(penalties), targets
        self.loss: Any = None
        self.decisions: list[Decision] = []

    def begin(self, context: Context) -> None:
        self.targets = self.targets or context.targets
        if not isinstance(self.targets, Classes | Quantity):
            raise RefusalError(
                "a closed form is of classes or quantities", received=type(self.targets).__name__,
                fix="--method supervised",
            )  # fmt: skip
        if self.network.head.out_features != self.targets.outputs:
            raise OptionError(
                "the head gives more numbers than there are targets",
                expected=self.targets.outputs,
                received=self.network.head.out_features,
                fix="leave out distribution=",
            )
        self.loss, self.decisions = loss_for(self.targets, None).to(context.device), context.decisions
        super().begin(context)

    @torch.no_grad()
    def step(self, batch: Any) -> dict[str, Tensor]:
        self.network.eval()  # features as in prediction
        inputs = batch["inputs"]
        if hasattr(self.network, "adapt_to"):
            self.network.adapt_to(inputs)
        features = self._features(inputs)
        mean, spread = features.mean(dim=0), features.std(dim=0, unbiased=False)
        scale = torch.where(spread > 1e-8, spread, torch.ones_like(spread))
        wanted = self._wanted(batch["targets"])
        solution = solve(features.sub_(mean).div_(scale), wanted, self.penalties)
        sharpness = 1.0
        if isinstance(self.targets, Classes):
            sharpness = sharpen(solution.left_out, wanted, several=self.targets.several)
        weight = sharpness * solution.weight / scale[:, None]
        head = self.network.head
        head.weight.copy_(weight.T)
        head.bias.copy_(sharpness * solution.bias - mean @ weight)
        listed = ", ".join(f"{each:g}" for each in self.penalties)
        reason = f"the least error on examples left out, of {listed}"
        self.decisions[:] = [each for each in self.decisions if each.subject != "ridge penalty"]
        self.decisions.append(Decision("ridge penalty", f"{solution.penalty:g}", reason, "--set penalties="))
        return {"loss": self.loss(self.network(inputs), batch["targets"])[0] / len(features)}

    def _features(self, inputs: Any) -> Tensor:
        count = batches.size(inputs)
        if count * self.network.head.in_features > MOST:
            raise RefusalError(
                "the features of all training examples do not fit into memory",
                expected=f"{MOST // self.network.head.in_features:,} examples or fewer", received=f"{count:,}",
                fix="train the head in steps: --method supervised",
            )  # fmt: skip
        parts = [
            self.network.features(batches.take(inputs, slice(start, start + AT_ONCE))).double()
            for start in range(0, count, AT_ONCE)
        ]
        return torch.cat(parts)

    def _wanted(self, targets: Tensor) -> Tensor:
        """Return what the outputs should be, `(batch, outputs)` float64."""
        if isinstance(self.targets, Quantity):
            return targets.double().reshape(len(targets), -1)
        if self.targets.several:  # type: ignore[union-attr]
            return 2 * targets.double() - 1
        if self.targets.outputs == 1:  # type: ignore[union-attr]
            return 2 * targets.double()[:, None] - 1
        return 2 * functional.one_hot(targets, len(self.targets.names)).double() - 1  # type: ignore[union-attr]

    def evaluate(self, batch: Any) -> Evaluation:
        with torch.no_grad():
            outputs = self.network(batch["inputs"])
            loss = self.loss(outputs, batch["targets"], batch.get("weights"))
            predictions, targets = said(self.targets, self.loss, outputs, batch["targets"])
        return Evaluation(predictions, targets, batch.get("weights"), loss)


class Solution:
    """A ridge regression: `weight` `(features, outputs)`, `bias` `(outputs,)`, the chosen `penalty`, and `left_out`, what is said
    of each example by the fit without it `(examples, outputs)`."""

    def __init__(self, weight: Tensor, bias: Tensor, penalty: float, left_out: Tensor):
        self.weight, self.bias, self.penalty, self.left_out = weight, bias, penalty, left_out


def solve(features: Tensor, wanted: Tensor, penalties: tuple[float, ...]) -> Solution:
    """Solve a ridge regression for the penalty of least leave-one-out error.

    Args:
        features: `(examples, features)` float64 with mean zero.
        wanted: `(examples, outputs)`.
        penalties: values to choose among; of equal ones the largest.

    e_i = (y_i - y_hat_i) / (1 - H_ii - 1/n), H = X (X'X + lambda)^-1 X'

    >>> x = torch.tensor([[-1.0], [0.0], [1.0]], dtype=torch.float64)
    >>> found = solve(x, 2 * x + 1, (1e-6,))
    >>> [round(float(each), 4) for each in (found.weight, found.bias)]
    [2.0, 1.0]
    """
    count = len(features)
    bias = wanted.mean(dim=0)
    centred = wanted - bias
    wide = features.shape[1] >= count
    gram = features @ features.T if wide else features.T @ features
    values, vectors = torch.linalg.eigh(gram)
    values = values.clamp(min=0)
    rows = vectors if wide else features @ vectors  # wide: H = U s/(s+a) U'; tall: H = (XV) 1/(s+a) (XV)'
    projected = rows.T @ centred
    best: tuple[float, float, Tensor] | None = None
    for penalty in sorted(penalties, reverse=True):
        shrink = (values if wide else torch.ones_like(values)) / (values + penalty)
        fitted = rows @ (shrink[:, None] * projected)
        leverage = (rows.square() @ shrink + 1 / count).clamp(max=1 - 1e-9)
        errors = (centred - fitted) / (1 - leverage)[:, None]
        size = float(errors.square().mean())
        if best is None or size < best[0]:
            best = (size, penalty, errors)
    _, penalty, errors = best  # type: ignore[misc]
    solved = vectors @ (projected / (values + penalty)[:, None])
    return Solution(features.T @ solved if wide else solved, bias, penalty, wanted - errors)


def sharpen(scores: Tensor, wanted: Tensor, *, several: bool = False) -> float:
    """Return the factor that makes scores of left-out examples the best logits: least log-loss, by golden section.

    The truth is smoothed to (n + 1) / (n + 2), so that scores without an error have no infinite factor (Platt 1999).

    Args:
        scores, wanted: `(examples, outputs)`; `wanted` is 1 or -1.
        several: each output is a label by itself.
    """
    count, classes = wanted.shape
    doubt = 1 / (count + 2)

    def loss(power: float) -> float:
        logits = scores * math.exp(power)
        if several or classes == 1:
            truth = (wanted + 1) / 2 * (1 - 2 * doubt) + doubt
            return float(functional.binary_cross_entropy_with_logits(logits, truth))
        truth = (wanted + 1) / 2 * (1 - doubt * classes / (classes - 1)) + doubt / (classes - 1)
        return float(functional.cross_entropy(logits, truth))

    low, high, ratio = -4.0, 6.0, (math.sqrt(5) - 1) / 2
    while high - low > 1e-3:
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        low, high = (low, right) if loss(left) <= loss(right) else (left, high)
    return math.exp((low + high) / 2)
