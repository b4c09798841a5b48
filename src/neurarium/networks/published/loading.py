"""Loading: weights by name into a network of the same layout; a mismatch names the architecture that they fit."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from neurarium.core.errors import RefusalError
from neurarium.core.members import find, table
from neurarium.core.wording import counted

UNUSED = ("AuxLogits.", "aux1.", "aux2.")  # classifiers in the middle: a network may be built without them
OPTIONS: tuple[dict[str, Any], ...] = ({}, {"normalization": False}, {"auxiliary": True})


class Loaded(NamedTuple):
    """Names of weights: taken over; of the network, and not in the file; of the file, and not in the network."""

    taken: list[str]
    fresh: list[str]
    left: list[str]


def load_weights(network: nn.Module, state: Mapping[str, Tensor], known: str | None = None) -> Loaded:
    """Copy weights into a network, by name.

    All must fit, but for three: the last layer of the head stays fresh where its size differs (another number of classes), all
    of the head where the weights have none, and classifiers in the middle that the network does not have are left out.

    Args:
        network: filled in place.
        state: weights by name, as `read_weights` gives them.
        known: the name of the network that they are of, where it is known.

    Raises:
        RefusalError: weights of another architecture: the first that do not fit, and the network they would fit.

    >>> from neurarium.networks import ResNet18
    >>> published = ResNet18(3, 1000).state_dict()
    >>> load_weights(ResNet18(3, 2), published).fresh
    ['fc.weight', 'fc.bias']
    """
    ours = network.state_dict()
    last = _last_layer(network)
    head = last.partition(".")[0]
    if not any(name.startswith(f"{head}.") for name in state):
        last = head
    wrong = {name for name in ours if name not in state or state[name].shape != ours[name].shape}
    wrong = {name for name in wrong if not name.endswith("num_batches_tracked")}
    extra = [name for name in state if name not in ours and not name.startswith(UNUSED)]
    fresh = [name for name in ours if name in wrong and name.startswith(f"{last}.")]
    bad = [name for name in ours if name in wrong and name not in fresh]
    if bad or extra:
        raise _mismatch(network, state, bad, extra, known)
    taken = [name for name in ours if name in state and name not in fresh]
    network.load_state_dict({**ours, **{name: state[name] for name in taken}})
    return Loaded(taken, fresh, [name for name in state if name not in taken])


def architecture_of(state: Mapping[str, Tensor]) -> tuple[str, dict[str, Any]] | None:
    """Return the name and the options of the network whose weights these are, whatever its number of outputs; None for none.

    >>> from neurarium.networks import MobileNetV2
    >>> architecture_of(MobileNetV2(3, 7).state_dict())
    ('mobilenet-v2', {})
    """
    shapes = {name: tuple(value.shape) for name, value in state.items()}
    for name, options, wanted, last in _known(_channels(shapes)):
        body = {key for key in wanted if not key.startswith(f"{last}.")}
        if body and all(shapes.get(key) == wanted[key] for key in body) and set(shapes) <= set(wanted):
            return name, options
    return None


def nearest_architecture(state: Mapping[str, Tensor]) -> tuple[str, dict[str, Any], float] | None:
    """Return the network that shares most weights, by name and shape, and how many of all; None where it is less than half.

    >>> from neurarium.networks import ResNet18
    >>> state = {name: value for name, value in ResNet18(3, 7).state_dict().items() if "layer4.1" not in name}
    >>> name, options, share = nearest_architecture(state)
    >>> name, options, round(share, 2)
    ('resnet18', {}, 0.89)
    """
    shapes = {name: tuple(value.shape) for name, value in state.items()}
    best: tuple[str, dict[str, Any], float] | None = None
    for name, options, wanted, _ in _known(_channels(shapes)):
        shared = len(shapes.items() & wanted.items()) / len(shapes.keys() | wanted.keys())
        if shared >= 0.5 and (best is None or shared > best[2]):
            best = name, options, shared
    return best


Shapes = Mapping[str, tuple[int, ...]]


def _channels(shapes: Shapes) -> int:
    return next((shape[1] for shape in shapes.values() if len(shape) == 4), 3)


@functools.lru_cache(maxsize=4)
def _known(channels: int) -> list[tuple[str, dict[str, Any], Shapes, str]]:
    """Return the networks of images: name, options, the shapes of their weights, the name of the last layer."""
    found: list[tuple[str, dict[str, Any], Shapes, str]] = []
    names = [name for name, (_, row) in table("network").items() if row.module.startswith("images.")]
    for name in sorted(
        names, key=lambda each: not hasattr(find("network", each), "variant_of")
    ):  # variants first
        for options in OPTIONS:
            try:
                with torch.device("meta"):
                    network = find("network", name)(channels, 2, **options)
            except TypeError:  # it has no such option
                continue
            except Exception:  # a network that cannot be built without memory: none of the published
                break
            wanted = {key: tuple(value.shape) for key, value in network.state_dict().items()}
            found.append((name, options, wanted, _last_layer(network)))
    return found


def _other_channels(ours: Mapping[str, Tensor], state: Mapping[str, Tensor], bad: list[str]) -> int:
    """Return the channels that weights of images want, where nothing but these differs; 0 for any other difference."""
    if len(bad) != 1 or bad[0] not in state:
        return 0
    mine, theirs = ours[bad[0]].shape, state[bad[0]].shape
    alike = len(mine) == len(theirs) == 4 and (mine[0], mine[2:]) == (theirs[0], theirs[2:])
    return theirs[1] if alike else 0


def _last_layer(network: nn.Module) -> str:
    head = getattr(network, "head", None)
    if not isinstance(head, nn.Module):
        return ""
    prefix = next(name for name, module in network.named_modules() if module is head)
    linear = [name for name, each in head.named_modules() if isinstance(each, nn.Linear)]
    return f"{prefix}.{linear[-1]}" if linear and linear[-1] else prefix


def _mismatch(
    network: nn.Module, state: Mapping[str, Tensor], bad: list[str], extra: list[str], known: str | None
) -> RefusalError:
    ours = network.state_dict()
    told = [
        f"{name} is {list(state[name].shape)}, not {list(ours[name].shape)}"
        if name in state
        else f"{name} is missing"
        for name in bad[:3]
    ]
    told += [f"{name} has no place" for name in extra[: 3 - len(told)]]
    if not extra and (channels := _other_channels(ours, state, bad)):
        return RefusalError(
            f"these weights read images of {counted(channels, 'channel')}",
            expected=f"images of {counted(channels, 'channel')}",
            received=f"images of {counted(ours[bad[0]].shape[1], 'channel')}",
            fix=f"--set channels={channels}: grey images are read as colors whose three channels are equal"
            if channels == 3
            else f"--set channels={channels}",
        )
    fix = "they are those of"
    found = (known, {}) if known else architecture_of(state)
    if found is None and (near := nearest_architecture(state)):
        fix, found = f"the nearest, which {near[2]:.0%} of the names and shapes fit", near[:2]
    fitting = found and " ".join([found[0], *(f"--set {key}={value}" for key, value in found[1].items())])
    return RefusalError(
        f"these are not weights of {type(network).__name__}: {len(bad)} of its {len(ours)} are missing or have another shape, "
        f"and {len(extra)} have no place in it",
        expected="the names and shapes of its own",
        received="; ".join(told),
        fix=f"{fix}: --network {fitting}" if fitting else "name the network that they are from",
    )
