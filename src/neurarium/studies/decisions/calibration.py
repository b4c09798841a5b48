"""Calibration: make probabilities mean what they say, with one number fitted on the validation split."""

from __future__ import annotations

import dataclasses
import math
from statistics import NormalDist
from typing import Any

import torch
from torch import Tensor, nn

from neurarium.core.display import Displayed
from neurarium.core.errors import DataError
from neurarium.core.recipe import recorded
from neurarium.data.sources.minibatches import Minibatches
from neurarium.data.specs import Classes
from neurarium.metrics.calibration_error import ExpectedCalibrationError, ReliabilityCurve, Spacing
from neurarium.metrics.checks import finite, tensor, weighting
from neurarium.metrics.log_loss import LogLoss
from neurarium.metrics.regressed import Numeric, Regressed

COLDEST, HOTTEST = 1e-3, 1e3


@dataclasses.dataclass(frozen=True)
class Calibration(Displayed):
    """What temperature scaling found.

    Args:
        temperature: logits are divided by it; above 1 the network was too sure.
        loss_before, loss_after: log-loss on the examples it was fitted on, in nats.
        error_before, error_after: expected calibration error on them.
        examples: how many there were.
        bounded: whether no finite temperature is best: every example is right (1 is kept: certainty would be no honest
            answer), or chance does better (the largest temperature is taken).
    """

    temperature: float
    loss_before: float
    loss_after: float
    error_before: float
    error_after: float
    examples: int
    bounded: bool = False

    def probabilities(self, logits: Tensor) -> Tensor:
        """Return softmax(logits / temperature) of logits `(batch, classes)`."""
        return torch.softmax(logits / self.temperature, dim=1)

    def __str__(self) -> str:
        return (
            f"temperature {self.temperature:.4g} from {self.examples:,} examples: log-loss {self.loss_before:.4g} -> "
            f"{self.loss_after:.4g}, calibration error {self.error_before:.4g} -> {self.error_after:.4g}"
            + ("; no finite temperature is best" if self.bounded else "")
        )


def fit_temperature(logits: Any, targets: Any, weights: Any = None) -> Calibration:
    """Fit the temperature that minimizes the log-loss (Guo et al. 2017, arXiv:1706.04599, section 4.2).

    `min_T sum_i w_i -log softmax(z_i / T)[y_i]` is convex in 1 / T: Newton steps inside a shrinking bracket. The order of
    the logits, and so every predicted class, stays as it is. Fit it on a validation split: on the training split the
    network looks better than it is.

    Args:
        logits: `(batch, classes)`; of a network with one logit `Classes.logits(outputs)`; of several labels `(batch,
            labels)` with targets of that shape.
        targets: `(batch,)` class indices, or `(batch, labels)` of 0 and 1.
        weights: `(batch,)`.

    Raises:
        DataError: no examples, or no weight.
        NotFiniteError: logits that are not finite.

    >>> logits = torch.tensor([[4.0, 0.0]] * 10)
    >>> round(fit_temperature(logits, torch.tensor([0] * 8 + [1] * 2)).temperature, 4)
    2.8854
    """
    logits, targets = tensor(logits, "logits").to(torch.float64), tensor(targets, "targets")
    finite(logits=logits)
    targets, weights = targets.to(logits.device), weighting(weights, len(logits), logits.device)
    if targets.shape == logits.shape and targets.ndim == 2:
        weights = weights.repeat_interleave(logits.shape[1])
        flat = logits.reshape(-1)
        logits, targets = torch.stack([torch.zeros_like(flat), flat], dim=1), targets.reshape(-1)
    targets = targets.to(torch.int64)
    if not weights.sum() > 0:
        raise DataError("there are no examples to calibrate on", expected="one or more", received=len(logits))
    inverse, bounded = _best_inverse(logits, targets, weights)
    before, after = torch.softmax(logits, dim=1), torch.softmax(logits * inverse, dim=1)
    return Calibration(
        temperature=1 / inverse,
        loss_before=LogLoss().value(before, targets, weights),
        loss_after=LogLoss().value(after, targets, weights),
        error_before=ExpectedCalibrationError().value(before, targets, weights),
        error_after=ExpectedCalibrationError().value(after, targets, weights),
        examples=len(logits),
        bounded=bounded,
    )


def _best_inverse(logits: Tensor, targets: Tensor, weights: Tensor) -> tuple[float, bool]:
    """Return the inverse temperature of least log-loss, and whether it lies at a bound."""
    weights = weights / weights.sum()
    # Relative to the right class every sign is exact: examples that are all right never give a slope above 0.
    margins = logits - logits.gather(1, targets[:, None])

    def slopes(inverse: float) -> tuple[float, float]:
        shares = torch.softmax(margins * inverse, dim=1)
        mean = (shares * margins).sum(dim=1)
        spread = (shares * (margins - mean[:, None]).square()).sum(dim=1)
        return float(weights @ mean), float(weights @ spread)

    low, high, inverse = 1 / HOTTEST, 1 / COLDEST, 1.0
    if slopes(high)[0] <= 0:
        return 1.0, True
    if slopes(low)[0] >= 0:
        return low, True
    for _ in range(200):
        slope, bend = slopes(inverse)
        low, high = (low, inverse) if slope > 0 else (inverse, high)
        step = inverse - slope / bend if bend > 0 else math.inf
        # Newton where it stays inside the bracket, else its geometric middle.
        following = step if low < step < high else math.sqrt(low * high)
        if abs(following - inverse) <= 1e-12 * inverse:
            break
        inverse = following
    return inverse, False


@recorded
class Temperature(nn.Module):
    """A network whose outputs are divided by a temperature: the same classes, calibrated probabilities.

    `outputs = network(inputs) / temperature`, `(batch, outputs)`; it is saved and rebuilt as any network is.

    Args:
        network: the trained network.
        temperature: above 0.

    >>> Temperature(nn.Identity(), 2.0)(torch.tensor([[4.0, 2.0]]))
    tensor([[2., 1.]])
    """

    def __init__(self, network: nn.Module, temperature: float = 1.0):
        super().__init__()
        if not temperature > 0:
            raise DataError(
                "a temperature must be above 0", expected="a positive number", received=temperature
            )
        self.network = network
        self.register_buffer("temperature", torch.tensor(float(temperature)))

    def forward(self, inputs: Any) -> Tensor:
        outputs = self.network(inputs)
        return outputs / self.temperature.to(outputs.dtype)  # type: ignore[operator]

    def features(self, inputs: Any) -> Tensor:
        """Return the network's features."""
        return self.network.features(inputs)  # type: ignore[operator]

    @property
    def feature_dim(self) -> int:
        return self.network.feature_dim  # type: ignore[return-value]


def calibrate(
    network: nn.Module, examples: Any, targets: Classes, *, batch_size: int = 1024
) -> tuple[Temperature, Calibration]:
    """Fit a temperature on a split and return the calibrated network with what was found.

    Args:
        network: outputs `(batch, targets.outputs)`; it stays as it is.
        examples: the validation split (or any split that it was not trained on).
        targets: the spec of the classes.
        batch_size: examples per forward pass.

    >>> from neurarium.data.examples import Examples
    >>> sure = nn.Linear(1, 1, bias=False)
    >>> _ = nn.init.constant_(sure.weight, 9.0)
    >>> truth = torch.tensor([1, 1, 1, 0])  # three in four: the logit of 3/4 is log 3
    >>> split = Examples({"inputs": torch.ones(4, 1), "targets": truth})
    >>> calibrated, found = calibrate(sure, split, Classes(("no", "yes")))
    >>> round(float(torch.sigmoid(calibrated(torch.ones(1, 1)).detach())), 3)
    0.75
    """
    device = next((each.device for each in network.parameters()), torch.device("cpu"))
    training, outputs, truth, weights = network.training, [], [], []
    network.eval()
    try:
        with torch.no_grad():
            for batch in Minibatches(examples, batch_size, shuffle=False, device=device):
                outputs.append(network(batch["inputs"]).float().cpu())
                truth.append(batch["targets"].cpu())
                if batch.get("weights") is not None:
                    weights.append(batch["weights"].cpu())
    finally:
        network.train(training)
    logits = torch.cat(outputs) if targets.several else targets.logits(torch.cat(outputs))
    found = fit_temperature(logits, torch.cat(truth), torch.cat(weights) if weights else None)
    return Temperature(network, found.temperature), found


def reliability(
    probabilities: Any,
    targets: Any,
    weights: Any = None,
    *,
    bins: int = 15,
    spacing: Spacing = "width",
    positive: int | None = None,
) -> dict[str, Any]:
    """Return the data of a reliability plot: `confidence`, `frequency`, `weight` `(bins,)`, `edges` `(bins + 1,)`, `error`.

    The arguments are those of `ReliabilityCurve`; `error` is the expected calibration error over the same bins.

    >>> data = reliability(torch.tensor([[0.9, 0.1], [0.2, 0.8]]), torch.tensor([0, 0]), bins=2)
    >>> round(data["error"], 4)
    0.35
    """
    options: dict[str, Any] = {"bins": bins, "spacing": spacing, "positive": positive}
    curve = ReliabilityCurve(**options).value(probabilities, targets, weights)
    return {**curve, "error": ExpectedCalibrationError(**options).value(probabilities, targets, weights)}


def fit_spread(predictions: Any, targets: Any, weights: Any = None) -> tuple[float, ...]:
    """Return, per quantity, the factor on predicted standard deviations that maximizes the Gaussian likelihood.

    `sqrt(mean(((y - mean) / std)^2))`: for quantities what the temperature is for classes. Above 1 the network was too
    sure. Predictions: a dict with `mean` and `std` `(batch, quantities)`, targets `(batch, quantities)`.

    >>> fit_spread({"mean": torch.zeros(2), "std": torch.ones(2)}, torch.tensor([2.0, -2.0]))
    (2.0,)
    """
    examples, scores = _standardized(predictions, targets, weights)
    total = examples.weights.sum(dim=0)
    return tuple(((examples.weights * scores.square()).sum(dim=0) / total).sqrt().tolist())


def quantile_reliability(
    predictions: Any,
    targets: Any,
    weights: Any = None,
    *,
    levels: tuple[float, ...] = (0.05, 0.25, 0.5, 0.75, 0.95),
) -> dict[str, Any]:
    """Return how often targets lie below the predicted quantiles of each level.

    Predictions: a dict with `mean` and `std` `(batch, quantities)`. The result holds `levels` `(levels,)` and `frequency`
    `(levels, quantities)`: equal to the levels for a calibrated prediction.

    >>> predicted = {"mean": torch.zeros(4), "std": torch.ones(4)}
    >>> quantile_reliability(predicted, torch.tensor([-1.0, 1.0, 2.0, -3.0]), levels=(0.5,))["frequency"].item()
    0.5
    """
    examples, scores = _standardized(predictions, targets, weights)
    total = examples.weights.sum(dim=0)
    below = [
        (examples.weights * (scores <= NormalDist().inv_cdf(level))).sum(dim=0) / total for level in levels
    ]
    return {"levels": torch.tensor(levels, dtype=torch.float64), "frequency": torch.stack(below)}


def _standardized(predictions: Any, targets: Any, weights: Any) -> tuple[Regressed, Tensor]:
    examples = Numeric().check(predictions, targets, weights)
    mean, std = examples.part("mean", "std")
    return examples, (examples.targets - mean) / std
