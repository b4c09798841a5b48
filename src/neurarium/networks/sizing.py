"""Sizing: what every `for_data` does. It checks the specs, turns them into numbers, builds, fills in bin edges."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, TypeVar

from torch import nn

from neurarium.core.errors import OptionError, RefusalError
from neurarium.data.specs import Array, Classes, Image, Mixed, NextToken, Quantity, Spec, Table, Targets
from neurarium.layers.activations import activation
from neurarium.layers.embeddings import PiecewiseLinearEncoding, spread
from neurarium.layers.ensemble import Combination
from neurarium.layers.table_embedding import BINS
from neurarium.networks.derived import SIZED
from neurarium.networks.usual import such_as

Network = TypeVar("Network", bound=nn.Module)
Distribution = Literal["gaussian"] | None

# Networks for targets of every place of an image, which build upon others.
ON_TRUNKS = {
    "Boxes": "--network centre-detector --set trunk=NAME",
    "Mask": "--network unet --set trunk=NAME",
}


def check(
    name: str,
    inputs: Spec,
    targets: Spec,
    options: Mapping[str, Any],
    takes: tuple[type[Spec], ...],
    gives: tuple[type[Spec], ...] = (Classes, Quantity, Targets),
    fix: str | None = None,
) -> None:
    """Refuse inputs, targets and options that a network cannot take.

    Args:
        name: the network's name on the command line.
        takes: the input specs that it takes.
        gives: the target specs that it can predict.
        fix: what to do about other targets.

    Raises:
        RefusalError: inputs or targets of another kind.
        OptionError: an option that the data decides, or a distribution that the targets do not have.
    """
    if not isinstance(inputs, takes):
        raise RefusalError(
            f"the network '{name}' cannot take {type(inputs).__name__} inputs",
            expected=" or ".join(each.__name__ for each in takes),
            received=type(inputs).__name__,
            fix=such_as(inputs, "choose a network for such inputs")
            if not isinstance(inputs, Mixed)
            else f"--network mixed --set table_trunk={name}; or leave texts and images out: --set drop=COLUMN",
        )
    if not isinstance(targets, gives):
        names = [each.__name__ for each in gives]
        raise RefusalError(
            f"the network '{name}' cannot predict {type(targets).__name__} targets",
            expected=" or ".join(part for part in (", ".join(names[:-1]), names[-1]) if part),
            received=type(targets).__name__,
            fix=fix
            or ON_TRUNKS.get(type(targets).__name__, "").replace("NAME", name)
            or such_as(targets, "choose a network for such targets"),
        )
    for option in set(SIZED) & set(options):
        raise OptionError(
            f"option '{option}' of network '{name}' follows from the data",
            received=f"{option}={options[option]}",
            fix=f"leave out {option}",
        )
    if options.get("distribution") == "gaussian" and not isinstance(targets, Quantity):
        raise OptionError(
            "a Gaussian distribution is one of quantities",
            expected="Quantity targets",
            received=type(targets).__name__,
            fix="leave out distribution=gaussian",
        )


def columns(inputs: Spec) -> dict[str, Any]:
    """Return `features`, `cardinalities` and `bins` of inputs that become one row of numbers and categories.

    >>> columns(Table(("age",), ("sex",), (3,), ((0.0, 1.0, 2.0),)))
    {'features': 1, 'cardinalities': (3,), 'bins': (2,)}
    """
    if isinstance(inputs, Table):
        bins = tuple(len(spread(each)) - 1 for each in inputs.edges)
        features = len(inputs.numeric)
        return {
            "features": features,
            "cardinalities": inputs.cardinalities,
            "bins": bins or (BINS,) * features,
        }
    shape = (inputs.channels, inputs.height, inputs.width) if isinstance(inputs, Image) else inputs.shape  # type: ignore[attr-defined]
    return {"features": math.prod(shape), "cardinalities": (), "bins": ()}


def build_for_columns(
    cls: type[Network],
    name: str,
    inputs: Spec,
    targets: Spec,
    options: Mapping[str, Any],
    takes: tuple[type[Spec], ...] = (Table, Array, Image),
    **sizes: Any,
) -> Network:
    """Build a network whose inputs are a row of columns, and give its bins the edges of the training split.

    Args:
        sizes: further constructor arguments that the data decides.
    """
    check(name, inputs, targets, options, takes)
    network = cls(outputs=targets.outputs, **columns(inputs), **sizes, **options)  # type: ignore[attr-defined]
    if isinstance(inputs, Table) and inputs.edges:
        for module in network.modules():
            if isinstance(module, PiecewiseLinearEncoding):
                module.set_edges(inputs.edges)
    return network


def combination_for(targets: Spec, distribution: Distribution = None) -> Combination:
    """Return how several predictions of the targets combine into one (see `layers.ensemble.combine`).

    >>> combination_for(Classes(("no", "yes"))), combination_for(Classes(("a", "b", "c"))), combination_for(Quantity(("y",)))
    ('sigmoid', 'softmax', 'mean')
    >>> combination_for(Targets((Classes(("a", "b", "c")), Quantity(("y",)))))
    'softmax 3, mean 1'
    """
    if isinstance(targets, NextToken):
        raise RefusalError(
            "several language models are not averaged as one",
            fix="train one, or larger: --set width=, blocks=",
        )
    if isinstance(targets, Targets):
        return ", ".join(f"{combination_for(each)} {each.outputs}" for each in targets.parts)
    if isinstance(targets, Classes):
        return "sigmoid" if targets.several or targets.outputs == 1 else "softmax"
    return "gaussian" if distribution == "gaussian" else "mean"


def head_outputs(outputs: int, distribution: Distribution) -> int:
    """Return how many numbers a head gives: with a Gaussian, a mean and a raw variance per output.

    Raises:
        OptionError: no such distribution.
    """
    if distribution not in (None, "gaussian"):
        raise OptionError("there is no such distribution", expected="gaussian or none", received=distribution)
    return 2 * outputs if distribution else outputs


def elementwise(name: str) -> nn.Module:
    """Return a new activation that gives one number for each it takes.

    Raises:
        OptionError: an unknown name, or an activation that takes several numbers for one.
    """
    found = activation(name)
    if found.widening != 1:
        raise OptionError(
            f"the activation '{name}' does not fit here: it takes {found.widening} numbers for each it gives",
            expected="an activation of one number, such as relu or gelu",
            received=name,
        )
    return found
