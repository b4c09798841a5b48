"""Typed errors: what was expected, what was received, what to do.

A `UserError` is a mistake that its user can mend: the command line prints its message alone (no traceback) and exits
with 2. Any other exception is ours, and exits with 1.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib
import signal
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any

LONGEST = 2000  # characters of one line of a message
SHOWN = 48  # names of a list; a reader who needs the others asks the command that lists them
ABBREVIATIONS = {
    "lr": "learning_rate",
    "wd": "weight_decay",
    "bs": "batch_size",
    "hidden": "widths",
    "hidden_sizes": "widths",
}


class NeurariumError(Exception):
    """The root of all errors that the library raises on purpose."""

    exit_code = 1


class UserError(NeurariumError):
    """A mistake of the user.

    Args:
        problem: one sentence that names the thing at fault.
        expected: what would have been right.
        received: what was found instead.
        fix: what to do now.

    >>> print(UserError("the rate is negative", expected="a number above 0", received=-1, fix="use --set rate=0.001"))
    the rate is negative
      expected: a number above 0
      received: -1
      to fix:   use --set rate=0.001
    """

    exit_code = 2

    def __init__(self, problem: str, *, expected: Any = None, received: Any = None, fix: str | None = None):
        self.problem, self.expected, self.received, self.fix = problem, expected, received, fix
        rows = (("expected: ", expected), ("received: ", received), ("to fix:   ", fix))
        shown = [f"  {label}{_cut(value)}" for label, value in rows if value is not None]
        super().__init__("\n".join([_cut(problem), *shown]))


def _cut(value: Any) -> str:
    """A name in a damaged file may be as long as the file: a message is not."""
    text = str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ... ({len(text):,} characters)"


class DataError(UserError):
    """The data cannot be read, or does not hold what was asked for."""

    placed = False  # whether the message names a file (see `naming`)


class OptionError(UserError):
    """An option, a name or a combination of options is wrong."""


class UnknownOptionError(OptionError, TypeError):
    """A keyword that a class does not take (`unknown_option` makes it); a `TypeError` too, as Python's own."""

    name: str = ""
    allowed: tuple[str, ...] = ()


class ShapeError(UserError):
    """A tensor has another shape or type than the network or the method takes."""


class ArtifactError(UserError):
    """A file that the library wrote is missing, damaged, or from another version."""


class RefusalError(UserError):
    """A technique cannot work with this network or method; the message says which part refuses and why."""


class NotFiniteError(UserError):
    """A loss, a gradient or a weight became NaN or infinite; the message names the first one and the batch."""


class MissingDependencyError(UserError):
    """An optional package is not installed; the message holds the exact install line."""


class Terminated(SystemExit):
    """SIGTERM came while a network was trained: this process ends (code 143), and `run` is written and can be resumed.

    >>> Terminated(None).code
    143
    """

    code: int

    def __init__(self, run: Any):
        self.run = run
        super().__init__(128 + signal.SIGTERM)


@contextlib.contextmanager
def naming(place: Any) -> Iterator[None]:
    """Put the name of a file before the message of a `DataError` that does not hold it; the innermost name counts.

    >>> with naming("digits.npz"):
    ...     raise DataError("the inputs are no numbers")
    Traceback (most recent call last):
    neurarium.core.errors.DataError: digits.npz: the inputs are no numbers
    """
    try:
        yield
    except DataError as error:
        if error.placed or str(place) in str(error):
            error.placed = True
            raise
        held = {name: getattr(error, name) for name in ("expected", "received", "fix")}
        told = type(error)(f"{place}: {error.problem}", **held)
        told.placed = True
        raise told from error


def nearest(name: str, allowed: Iterable[str]) -> str | None:
    """Return the allowed name most like `name`, or None when none is near.

    >>> nearest("incme", ["age", "income"])
    'income'
    >>> nearest("lr", ["learning_rate", "clip_norm"])
    'learning_rate'
    """
    allowed = [str(each) for each in allowed]
    if ABBREVIATIONS.get(str(name).lower()) in allowed:
        return ABBREVIATIONS[str(name).lower()]
    lowered = {each.lower(): each for each in allowed}
    found = difflib.get_close_matches(str(name).lower(), list(lowered), n=1, cutoff=0.6)
    return lowered[found[0]] if found else None


def unknown(
    kind: str,
    name: str,
    allowed: Iterable[str],
    *,
    error: type[UserError] = OptionError,
    fix: str | None = None,
) -> UserError:
    """Make the error for a name that is none of the allowed ones, with the nearest match.

    >>> print(unknown("network", "mpl", ["mlp", "cnn"]))
    there is no network 'mpl'
      expected: one of cnn, mlp
      received: mpl
      to fix:   did you mean 'mlp'?
    """
    allowed = sorted(str(each) for each in allowed)
    near = nearest(name, allowed)
    shown = ", ".join(allowed[:SHOWN]) + (f", ... ({len(allowed)} in all)" if len(allowed) > SHOWN else "")
    hint = f"did you mean '{near}'?" if near else fix
    return error(f"there is no {kind} '{name}'", expected=f"one of {shown}", received=name, fix=hint)


def unknown_option(kind: str, name: str, allowed: Iterable[str]) -> UnknownOptionError:
    """Make the error for a keyword that a class does not take, with the nearest match.

    >>> print(unknown_option("Descent", "lr", ["learning_rate", "warmup"]))
    Descent has no option 'lr'
      expected: one of learning_rate, warmup
      received: lr
      to fix:   did you mean 'learning_rate'?
    """
    allowed = tuple(sorted(allowed))
    near = nearest(name, allowed)
    error = UnknownOptionError(
        f"{kind} has no option '{name}'",
        expected=f"one of {', '.join(allowed)}",
        received=name,
        fix=f"did you mean '{near}'?" if near else "leave it out",
    )
    error.name, error.allowed = name, allowed
    return error


def require(package: str, *, extra: str) -> ModuleType:
    """Import an optional package, or say how to install it.

    Raises:
        MissingDependencyError: the package is not there.
    """
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"this needs the package '{package}', which is not installed",
            fix=f'pip install "neurarium[{extra}]"',
        ) from error
