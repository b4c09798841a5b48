"""Regularizer: what all regularizers share."""

from __future__ import annotations

import abc
from collections.abc import Iterable
from typing import Literal

import torch
from torch import Tensor

from neurarium.core.errors import OptionError, RefusalError

How = Literal["penalty", "proximal"]


class Regularizer(abc.ABC):
    """The base of all regularizers: loss + R(w), as a penalty in the loss or as a step after the optimizer's.

    `penalty(named_parameters)` is R, to be added to the mean loss. `proximal_(parameters, step_size)` replaces w in place
    by argmin_u |u - w|^2 / 2 + step_size R(u): after each step of size `step_size` along the gradient of the loss alone
    that is proximal gradient descent, which reaches exact zeros where the penalty only comes near them. With an optimizer
    that scales its steps (Adam), the proximal step is the one of its plain rate, and its fixed point is not the one of
    loss + R.

    Which parameters take part is decided outside (`decaying_parameters`): biases and norms do not, by default.

    Attributes:
        how: which of the two a training takes, `penalty` or `proximal`.
    """

    how: How = "penalty"

    def penalty(self, named_parameters: Iterable[tuple[str, Tensor]]) -> Tensor:
        """Return R, the sum over the parameters: a scalar with a gradient.

        Raises:
            RefusalError: the regularizer is a constraint, which no finite number stands for.
        """
        terms = [self.term(parameter) for _, parameter in named_parameters]
        return torch.stack(terms).sum() if terms else torch.zeros(())

    @abc.abstractmethod
    def term(self, parameter: Tensor) -> Tensor:
        """Return R of one parameter, a scalar."""

    @abc.abstractmethod
    def shrunk(self, parameter: Tensor, step_size: float) -> Tensor:
        """Return the proximal point of one parameter, a new tensor of its shape."""

    def proximal_(self, parameters: Tensor | Iterable[tuple[str, Tensor]], step_size: float) -> None:
        """Replace a parameter, or each of some named ones, by its proximal point: in place and unseen by autograd.

        Raises:
            OptionError: a negative step size.
        """
        if step_size < 0:
            raise OptionError(
                "the step size of a proximal step is negative", expected="0 or more", received=step_size
            )
        pairs = [("", parameters)] if isinstance(parameters, Tensor) else parameters
        with torch.no_grad():
            for _, parameter in pairs:
                parameter.copy_(self.shrunk(parameter, float(step_size)))

    def __repr__(self) -> str:
        recipe = getattr(self, "_recipe", None)
        shown = ", ".join(f"{key}={value!r}" for key, value in recipe.options.items()) if recipe else ""
        return f"{type(self).__name__}({shown})"


def checked(value: float) -> float:
    """Return a strength.

    Raises:
        OptionError: it is negative.
    """
    if not value >= 0:
        raise OptionError("the strength of a regularizer is negative", expected="0 or more", received=value)
    return float(value)


def soft_threshold(values: Tensor, threshold: float) -> Tensor:
    """Return sign(w) max(|w| - threshold, 0): exact zeros within the threshold.

    >>> soft_threshold(torch.tensor([-2.0, 0.5, 1.5]), 1.0)
    tensor([-1.0000,  0.0000,  0.5000])
    """
    return values - values.clamp(-threshold, threshold)


def no_penalty(name: str) -> RefusalError:
    """Make the error for a constraint that is asked for its penalty."""
    return RefusalError(
        f"{name} is a constraint: it has no penalty to add to a loss",
        expected='how="proximal", which projects after each step',
        received='how="penalty"',
    )
