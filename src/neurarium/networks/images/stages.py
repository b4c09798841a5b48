"""Stages: any trunk of images as a list of feature maps, for networks that answer for every place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from neurarium.core.errors import OptionError, RefusalError
from neurarium.core.members import find
from neurarium.core.options import coerce
from neurarium.data.specs import Classes, Image, Spec
from neurarium.networks.usual import such_as


class Stages(nn.Module):
    """A network's feature maps, without its head: `(batch, channels, height, width)` -> a list of maps, largest first.

    Args:
        trunk: the name of a network with `maps`.
        options: of that network, as `blocks=1,1;widths=8,16`.
        image: what it is sized to.

    Raises:
        OptionError: a network without maps of several sizes.
    """

    def __init__(self, trunk: str, options: str, image: Image):
        super().__init__()
        builder = find("network", trunk)
        if not hasattr(builder, "maps"):
            raise OptionError(
                f"the network '{trunk}' gives no feature maps of several sizes",
                expected="a trunk with maps, such as resnet18",
                received=trunk,
                fix="--set trunk=resnet18",
            )
        values = coerce(builder, read_options(options), what=f"trunk '{trunk}'")
        made = builder.for_data(image, Classes(("a", "b")), **values)
        made.head = nn.Identity()
        self.inside = made
        self.dims = tuple(made.map_dims)

    def forward(self, images: Tensor) -> list[Tensor]:
        return list(self.inside.maps(images))


def read_options(options: str) -> dict[str, str]:
    """Read `widths=64,64;dropout=0.1`.

    Raises:
        OptionError: not of that form.

    >>> read_options("blocks=1,1; widths=8,16")
    {'blocks': '1,1', 'widths': '8,16'}
    """
    pairs = [each.partition("=") for each in options.split(";") if each.strip()]
    if not all(mark for _, mark, _ in pairs):
        raise OptionError(
            "options of a trunk are given as key=value", expected="blocks=1,1;widths=8,16", received=options
        )
    return {key.strip(): value.strip() for key, _, value in pairs}


def check_dense(
    name: str, inputs: Spec, targets: Spec, options: Mapping[str, Any], kind: type[Spec], how: str
) -> None:
    """Refuse inputs, targets and options that a network of maps cannot take.

    Args:
        name: the network's.
        kind: the targets that it takes.
        how: what gives such targets on the command line.

    Raises:
        RefusalError: inputs that are no images, or targets of another kind.
        OptionError: an option that the data decides.
    """
    if not isinstance(inputs, Image):
        raise RefusalError(
            f"the network '{name}' cannot take {type(inputs).__name__} inputs",
            expected="Image",
            received=type(inputs).__name__,
            fix=such_as(inputs, "choose a network for such inputs"),
        )
    if not isinstance(targets, kind):
        raise RefusalError(
            f"the network '{name}' cannot predict {type(targets).__name__} targets",
            expected=kind.__name__,
            received=type(targets).__name__,
            fix=how,
        )
    for option in {"channels", "outputs", "image_height"} & set(options):
        raise OptionError(
            f"option '{option}' of network '{name}' follows from the data", fix=f"leave out {option}"
        )
