"""The choice of a network: by name, or the default for what one example is."""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import nn

from neurarium.core.errors import OptionError
from neurarium.core.members import find
from neurarium.core.options import coerce
from neurarium.data.specs import Array, Horizon, Spec, Waveform, Window
from neurarium.networks.usual import DEFAULTS, member_for

MOST_KNOWN = 2000  # numbers of a window: a solution takes their cube
SOLVED = (
    "window-linear",
    "a linear forecast has a solution: no seed, no rate, and over rolling origins no more error than descent "
    "(arXiv:2403.14587)",
)


class Choice(NamedTuple):
    """A network, its name, and why it was taken."""

    network: nn.Module
    name: str
    reason: str


def network_for(inputs: Spec, targets: Spec, name: str | None = None, **options: Any) -> Choice:
    """Build a network for a dataset's specs.

    Args:
        inputs, targets: the specs.
        name: its name on the command line; None for the default.
        options: of the network; text is turned into values.

    Raises:
        OptionError: an unknown name or option, or no default for such inputs.
        RefusalError: the network cannot take such inputs or targets.

    >>> from neurarium.data.specs import Array, Classes
    >>> choice = network_for(Array((4,)), Classes(("no", "yes")), widths="8,8")
    >>> choice.name, choice.network.feature_dim
    ('mlp', 8)
    """
    if name is None:
        name, reason = default(inputs, targets)
    else:
        name, own, reason = member_for(name, inputs, targets)
        options = {**own, **options}
    builder = find("network", name)
    values = coerce(builder, options, what=f"network '{name}'")
    if isinstance(inputs, Waveform) and not getattr(builder, "hears", False):
        from neurarium.networks.sounds.listener import Listener  # it looks networks up by name itself

        listener = Listener.for_data(inputs, targets, network=name, **values)
        return Choice(listener, name, f"{reason}; it sees the log-mel frames of sound")
    return Choice(builder.for_data(inputs, targets, **values), name, reason)


def default(inputs: Spec, targets: Spec | None = None, *, descends: bool = False) -> tuple[str, str]:
    """Return the name of the default network for such inputs and targets, and the reason.

    Args:
        inputs, targets: the specs.
        descends: something was asked for that only a training in steps has.

    Raises:
        OptionError: there is none.
    """
    if isinstance(inputs, Array) and len(inputs.shape) == 4:
        return "cnn", "places of a volume that are near each other belong together"
    if (
        isinstance(inputs, Window)
        and isinstance(targets, Horizon)
        and not descends
        and _solvable(inputs, targets)
    ):
        return SOLVED
    kinds = (type(targets).__name__, type(inputs).__name__)
    found = next((DEFAULTS[each] for each in kinds if each in DEFAULTS), None)
    if found is None:
        raise OptionError(
            f"there is no default network for {kinds[1]} inputs",
            expected="a network's name",
            fix="name one with --network",
        )
    return found


def _solvable(inputs: Window, targets: Horizon) -> bool:
    """Return whether a value is to be said, and what is known of it is little enough for a solution.

    >>> _solvable(Window(1, 48, 24, future=("price",)), Horizon(("y",), 24))
    True
    """
    beforehand = [name for name in inputs.future if not name.endswith((" sine", " cosine"))]
    known = inputs.lookback * (1 + len(inputs.past)) + inputs.horizon * len(beforehand)
    return not targets.quantiles and known <= MOST_KNOWN
