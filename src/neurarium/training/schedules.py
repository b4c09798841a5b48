"""Learning-rate schedules: functions of the progress of training that give a factor of the base rate.

A schedule is `factor(progress) -> float` with progress in [0, 1]; `schedule(name, ...)` makes one by name, with warm-up
in front. They hold no state: a resumed run needs none.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from neurarium.core.errors import OptionError, unknown
from neurarium.core.members import Member
from neurarium.core.options import coerce

Factor = Callable[[float], float]


def _check(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise OptionError(
            f"the '{name}' of a schedule is out of range", expected=f"{low:g} to {high:g}", received=value
        )


def constant() -> Factor:
    """The base rate throughout.

    >>> constant()(0.5)
    1.0
    """
    return lambda progress: 1.0


def cosine(floor: float = 0.0) -> Factor:
    """Half a cosine from 1 to `floor` (Loshchilov and Hutter, 2017, arXiv:1608.03983, equation 5).

    >>> round(cosine()(0.5), 6)
    0.5
    """
    _check("floor", floor, 0, 1)
    return lambda progress: floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * progress))


def linear(floor: float = 0.0) -> Factor:
    """A straight line from 1 to `floor`.

    >>> linear()(0.25)
    0.75
    """
    _check("floor", floor, 0, 1)
    return lambda progress: 1 + (floor - 1) * progress


def polynomial(power: float = 2.0, floor: float = 0.0) -> Factor:
    """`floor + (1 - floor) (1 - progress)^power`.

    >>> polynomial(2.0)(0.5)
    0.25
    """
    _check("floor", floor, 0, 1)
    _check("power", power, 0, 100)
    return lambda progress: floor + (1 - floor) * (1 - progress) ** power


def exponential(floor: float = 0.01) -> Factor:
    """A geometric decay that ends at `floor`.

    >>> round(exponential(0.01)(0.5), 6)
    0.1
    """
    _check("floor", floor, 1e-12, 1)
    return lambda progress: floor**progress


def step(drops: tuple[float, ...] = (0.5, 0.75), factor: float = 0.1) -> Factor:
    """Multiply by `factor` at each of the given shares of training.

    >>> [round(step()(p), 3) for p in (0.4, 0.6, 0.9)]
    [1.0, 0.1, 0.01]
    """
    _check("factor", factor, 0, 1)
    return lambda progress: factor ** sum(progress >= drop for drop in drops)


def one_cycle(rise: float = 0.3, start: float = 0.04, floor: float = 1e-4) -> Factor:
    """Rise by a cosine from `start` to 1, then fall to `floor` (Smith and Topin, 2019, arXiv:1708.07120).

    >>> [round(one_cycle()(p), 4) for p in (0.0, 0.3, 1.0)]
    [0.04, 1.0, 0.0001]
    """
    _check("rise", rise, 0.001, 0.999)
    _check("start", start, 0, 1)
    _check("floor", floor, 0, 1)

    def factor(progress: float) -> float:
        if progress < rise:
            return start + (1 - start) * 0.5 * (1 - math.cos(math.pi * progress / rise))
        return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * (progress - rise) / (1 - rise)))

    return factor


def inverse_root(scale: float = 0.01) -> Factor:
    """`sqrt(scale / max(progress, scale))`: the transformer's decay (Vaswani et al., 2017, arXiv:1706.03762, eq. 3).

    >>> round(inverse_root(0.01)(1.0), 6)
    0.1
    """
    _check("scale", scale, 1e-12, 1)
    return lambda progress: math.sqrt(scale / max(progress, scale))


def flat_then_cosine(flat: float = 0.7) -> Factor:
    """The base rate for a share of training, then half a cosine to 0.

    >>> [round(flat_then_cosine(0.5)(p), 3) for p in (0.2, 0.75)]
    [1.0, 0.5]
    """
    _check("flat", flat, 0, 0.999)
    return lambda progress: 1.0 if progress < flat else cosine()((progress - flat) / (1 - flat))


def cosine_logarithm(cycles: int = 4) -> Factor:
    r"""`0.5 (1 - cos(2 pi log2(1 + (2^cycles - 1) progress)))`: RealMLP's coslog (arXiv:2407.04491, appendix A).

    >>> round(cosine_logarithm(4)(0.0), 6)
    0.0
    """
    _check("cycles", cycles, 1, 32)
    span = 2**cycles - 1
    return lambda progress: 0.5 * (1 - math.cos(2 * math.pi * math.log2(1 + span * progress)))


def plateau(patience: int = 5, factor: float = 0.3) -> Factor:
    """The base rate, times `factor` each time that `patience` evaluations pass without a better score (see `Plateau`).

    >>> plateau()(1.0)
    1.0
    """
    if patience < 0 or not 0 < factor < 1:
        raise OptionError(
            "this plateau is not possible",
            expected="patience >= 0, 0 < factor < 1",
            received=(patience, factor),
        )
    return constant()


class Plateau:
    """What the plateau schedule remembers of validation.

    Args:
        patience: evaluations without a better score that are waited for.
        factor: what the rate is multiplied by when one more passes.

    >>> seen = Plateau(patience=1, factor=0.5)
    >>> for score in (3.0, 2.0, 2.5, 2.4, 2.3):
    ...     seen.observe(score)
    >>> seen.reached
    0.5
    """

    def __init__(self, patience: int = 5, factor: float = 0.3):
        self.patience, self.factor = patience, factor
        self.reset()

    def reset(self) -> None:
        """Forget all scores."""
        self.best: float | None = None
        self.waited, self.reached = 0, 1.0

    def observe(self, score: float, better: str = "min") -> None:
        """Look at a score; one that is not a number is never better."""
        if math.isfinite(score) and (
            self.best is None or (score < self.best if better == "min" else score > self.best)
        ):
            self.best, self.waited = score, 0
            return
        self.waited += 1
        if self.waited > self.patience:
            self.waited, self.reached = 0, self.reached * self.factor

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best, "waited": self.waited, "factor": self.reached}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.best, self.waited, self.reached = state["best"], state["waited"], state["factor"]


SCHEDULES: dict[str, Callable[..., Factor]] = {
    "constant": constant,
    "cosine": cosine,
    "cosine-logarithm": cosine_logarithm,
    "exponential": exponential,
    "flat-then-cosine": flat_then_cosine,
    "inverse-root": inverse_root,
    "linear": linear,
    "one-cycle": one_cycle,
    "plateau": plateau,
    "polynomial": polynomial,
    "step": step,
}
MEMBERS = {
    each.__name__: Member("", name, (each.__doc__ or "").splitlines()[0], "03")
    for name, each in SCHEDULES.items()
}


def schedule(name: str = "constant", *, warmup: float = 0.0, options: dict[str, Any] | None = None) -> Factor:
    """Make a schedule by name.

    Args:
        name: one of `SCHEDULES`.
        warmup: share of training during which the rate first rises in a straight line from 0 to where the schedule
            begins; the schedule is squeezed into the rest.
        options: of the schedule (`floor`, `rise`, ...).

    Raises:
        OptionError: unknown name or option, a warm-up outside [0, 1).

    >>> rising = schedule("cosine", warmup=0.1)
    >>> rising(0.05), rising(1.0)
    (0.5, 0.0)
    """
    if name not in SCHEDULES:
        raise unknown("schedule", name, SCHEDULES)
    if not 0 <= warmup < 1:
        raise OptionError("the warm-up is a share of training", expected="0 <= warmup < 1", received=warmup)
    shape = SCHEDULES[name](**coerce(SCHEDULES[name], options or {}, what=f"schedule '{name}'"))
    if warmup == 0:
        return shape
    begin = shape(0.0)
    return lambda progress: (
        begin * progress / warmup
        if progress < warmup
        else shape(min((progress - warmup) / (1 - warmup), 1.0))
    )
