"""The learning-rate finder: the loss while the rate rises, and the rate at which it falls fastest."""

from __future__ import annotations

import copy
import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy

from neurarium.core.display import Displayed
from neurarium.core.errors import NotFiniteError, OptionError
from neurarium.core.files import write_atomically
from neurarium.core.seeds import random_state, set_random_state
from neurarium.data.dataset import Dataset
from neurarium.training.callbacks.callback import Callback
from neurarium.training.fitting import fit
from neurarium.training.method import Method

WARM = 10  # steps at rates that change nothing: what the loss is at the start


@dataclasses.dataclass(frozen=True)
class LearningRateReport(Displayed):
    """What a sweep of the rate found.

    Args:
        rates: of the steps, rising.
        losses: of the steps.
        smoothed: their mean over neighbouring steps, weighed by a Gaussian.
        suggestion: the rate at which `smoothed` falls fastest.
        largest: the rate at which `smoothed` is least: above it training is unstable.
        diverged: whether the loss exploded before the last rate was reached.
    """

    rates: list[float]
    losses: list[float]
    smoothed: list[float]
    suggestion: float
    largest: float
    diverged: bool

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        return dataclasses.asdict(self)

    def __str__(self) -> str:
        end = "the loss exploded" if self.diverged else "the loss never exploded"
        return (
            f"learning rate {self.suggestion:.2g}: the loss falls fastest there\n"
            f"  tried {self.rates[0]:.2g} to {self.rates[-1]:.2g} in {len(self.rates)} steps; {end}\n"
            f"  least loss at {self.largest:.2g}: larger rates are unstable"
        )

    def plot(self, path: Path | str) -> None:
        """Draw the loss over the rate, with the suggestion."""
        from matplotlib.figure import Figure

        path = Path(path)
        figure = Figure(figsize=(7.0, 4.2), layout="constrained", facecolor="white")
        axes = figure.subplots()
        axes.semilogx(self.rates, self.losses, color="#9ca3af", lw=0.8, label="each step")
        axes.semilogx(self.rates, self.smoothed, color="#2563eb", lw=1.8, label="smoothed")
        axes.axvline(self.suggestion, color="#ea580c", lw=1.2, label=f"suggestion {self.suggestion:.2g}")
        low, start = min(self.smoothed), self.smoothed[0]
        axes.set_ylim(low - 0.1 * abs(start - low), start + 0.6 * abs(start - low) + 1e-12)
        axes.set_xlabel("learning rate")
        axes.set_ylabel("training loss")
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
        kind = path.suffix.lstrip(".") or "png"
        write_atomically(path, lambda temporary: figure.savefig(temporary, format=kind, dpi=150))


def find_learning_rate(
    method: Method,
    data: Dataset | Any,
    *,
    low: float = 1e-6,
    high: float = 10.0,
    steps: int = 100,
    width: float = 3.0,
    explosion: float = 4.0,
    metric: str = "loss",
    **fitting: Any,
) -> LearningRateReport:
    r"""Raise the learning rate step by step and look at the loss (Smith, 2017, arXiv:1506.01186, section 3.3).

    .. math:: rate_t = low \, (high / low)^{(t + 1/2) / steps}

    A copy of the method is trained; the method, the source and the global generators stay bitwise as they are. Groups and
    descents with rates of their own keep their ratio to the first.

    Args:
        method: how to learn.
        data: a dataset (its training split is used) or a source of batches.
        low, high: the first and the last rate.
        steps: how many.
        width: of the Gaussian that smooths, in steps.
        explosion: the sweep ends when the loss has risen from its least value by so many times the most of what it
            had fallen, a quarter of the first loss, and the noise of the first ten.
        metric: what `step` calls the loss.
        **fitting: further arguments of `fit` (`batch_size`, `seed`, `device`, ...).

    Raises:
        OptionError: rates or steps that cannot be, a method without a descent or such a metric.

    >>> import neurarium as nr
    >>> iris = nr.data.load("iris")
    >>> method = nr.methods.Supervised(nr.networks.MLP.for_data(iris.inputs, iris.targets))
    >>> 1e-4 < nr.studies.find_learning_rate(method, iris).suggestion < 1
    True
    """
    if not 0 < low < high or steps < 20 or width <= 0:
        raise OptionError(
            "this sweep of the rate is not possible",
            expected="0 < low < high, steps >= 20, width > 0",
            received=f"low={low:g}, high={high:g}, steps={steps}, width={width:g}",
        )
    if not method.descents():
        raise OptionError(
            f"{type(method).__name__} has no learning rate",
            expected="a method that descends",
            received="a method whose weights are solved for in one step",
            fix="learn in steps instead: --method supervised (of a forecast that is dlinear), or another --network, such as patch-tst",
        )
    sweep = _Sweep(low, high, width, explosion, metric)
    source: Any = None if isinstance(data, Dataset) else data
    held, place = random_state(), None if source is None else source.state_dict()
    train = Dataset(data.name, data.inputs, data.targets, data.train) if isinstance(data, Dataset) else data
    try:
        fit(copy.deepcopy(method), train, steps=steps, callbacks=[sweep], progress=False, **fitting)
    except NotFiniteError:
        sweep.diverged = True
    finally:
        set_random_state(held)
        if source is not None:
            source.load_state_dict(place)
    return sweep.report()


class _Sweep(Callback):
    """Sets the rates of a copy's descents, and writes down what comes of it."""

    def __init__(self, low: float, high: float, width: float, explosion: float, metric: str):
        self.low, self.high, self.width, self.explosion = low, high, width, explosion
        self.metric = metric
        self.rates: list[float] = []
        self.losses: list[float] = []
        self.diverged = False
        self._recent = 0.0

    def start(self, loop: Any) -> None:
        descents = loop.method.descents()
        base = descents[0].rate
        for descent in descents:
            descent.schedule_name = "exponential"
            descent.factor = lambda progress: self.low / base * (self.high / self.low) ** progress

    def step(self, loop: Any, metrics: dict[str, Any]) -> None:
        if self.metric not in metrics:
            raise OptionError(
                f"the method has no metric '{self.metric}'",
                expected=f"one of {', '.join(metrics)}",
                fix="metric=",
            )
        loss = float(metrics[self.metric])
        self.rates.append(loop.method.descents()[0].rate)
        self.losses.append(loss)
        self._recent = loss if len(self.losses) == 1 else 0.5 * (self._recent + loss)
        if len(self.losses) > WARM and self._exploded():
            self.diverged = True
            loop.stop("the loss exploded")

    def _exploded(self) -> bool:
        first = numpy.array(self.losses[:WARM])
        start, least = float(first.mean()), min(min(self.losses), float(first.mean()))
        scale = max(start - least, 0.25 * abs(start), float(first.std()))
        return not math.isfinite(self._recent) or self._recent - least > self.explosion * scale

    def report(self) -> LearningRateReport:
        """Smooth, and take the steepest fall before the least loss."""
        if len(self.rates) < WARM:
            raise OptionError(
                f"the loss exploded within {WARM} steps",
                expected="a first rate at which it falls",
                received=f"low={self.low:g}",
                fix=f"low={self.low / 1000:g}",
            )
        if not math.isfinite(self.losses[-1]):
            del self.rates[-1], self.losses[-1]
        smoothed = _smoothed(numpy.array(self.losses), self.width)
        least = max(int(smoothed.argmin()), 2)
        slopes = numpy.gradient(smoothed, numpy.log(self.rates))
        steepest = int(slopes[: least + 1].argmin())
        return LearningRateReport(
            self.rates, self.losses, smoothed.tolist(), self.rates[steepest], self.rates[least], self.diverged
        )


def _smoothed(values: numpy.ndarray, width: float) -> numpy.ndarray:
    places = numpy.arange(len(values))
    weights = numpy.exp(-0.5 * ((places[:, None] - places[None, :]) / width) ** 2)
    return weights @ values / weights.sum(axis=1)
