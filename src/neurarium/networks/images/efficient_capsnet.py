"""Efficient-CapsNet: capsules with a fortieth of the weights, routed in one pass."""

from __future__ import annotations

from torch import Tensor, nn

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.layers.capsules import exponential_squash
from neurarium.networks.images.capsules import (
    CapsuleHead,
    CapsuleNetwork,
    Decoder,
    Readout,
    Routing,
    framed,
    read_as,
    routing_for,
    sides,
)
from neurarium.networks.images.trunk import channels_last, lay_out
from neurarium.networks.sizing import Distribution

LEAST = 11  # convolutions of 5x5, 3x3, 3x3 and 3x3 with stride 2 leave one place


def _convolution(before: int, after: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    layer = nn.Conv2d(before, after, kernel, stride)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return [layer, nn.ReLU(), nn.BatchNorm2d(after)]


@recorded
class EfficientCapsNet(CapsuleNetwork):
    """Four convolutions, one depthwise convolution over all places for the primary capsules, self-attention routing.

    Args:
        channels, image_height, image_width: of an image; up to 96 pixels a side, below 11 with a frame of zeros.
        outputs: how many numbers are predicted.
        widths: channels of the four convolutions; the last are the primary capsules' numbers.
        part_dim: numbers of a primary capsule.
        dim: numbers of a class's capsule.
        routing: `attention`, in one pass, as published; `dynamic` or `em`.
        iterations: of the latter two.
        readout, distribution: as for `CapsNet`.

    `forward`: `(batch, channels, height, width)` -> `(batch, outputs)`, logits of the lengths (see `CapsuleHead`).

    Raises:
        OptionError: a size below 1, capsules that do not divide the last width, an unknown readout or routing.
        ShapeError: images above 96 pixels a side, or of another shape than it was built for.

    Mazzia, Salvetti and Chiaberge, arXiv:2101.12491, section 3: 161 thousand weights on 28x28 pixels, and a decoder.

    >>> import torch
    >>> network = EfficientCapsNet(1, 28, 28, 10)
    >>> sum(each.numel() for name, each in network.named_parameters() if not name.startswith("decoder"))
    161824
    >>> network.capsules(torch.zeros(2, 1, 28, 28)).shape
    torch.Size([2, 10, 16])
    """

    command = "efficient-capsnet"

    def __init__(
        self,
        channels: int,
        image_height: int,
        image_width: int,
        outputs: int,
        widths: tuple[int, int, int, int] = (32, 64, 64, 128),
        part_dim: int = 8,
        dim: int = 16,
        routing: Routing = "attention",
        iterations: int = 3,
        readout: Readout = "length",
        distribution: Distribution = None,
    ):
        super().__init__()
        self.shape, self.distribution, self.part_dim = (
            (channels, image_height, image_width),
            distribution,
            part_dim,
        )
        if len(widths) != 4 or widths[-1] % part_dim:
            raise OptionError(
                "the widths do not make primary capsules",
                expected=f"four numbers, the last a multiple of part_dim={part_dim}",
                received=widths,
            )
        places = [(side - 8 - 3) // 2 + 1 for side in sides(image_height, image_width, LEAST)]
        first, second, third, last = widths
        self.body = nn.Sequential(
            *_convolution(channels, first, 5),
            *_convolution(first, second, 3),
            *_convolution(second, third, 3),
            *_convolution(third, last, 3, stride=2),
            nn.Conv2d(last, last, (places[0], places[1]), groups=last),
            nn.Flatten(),
        )
        wholes = read_as(outputs, readout, distribution)
        self.feature_dim = last
        self.head = CapsuleHead(
            routing_for(routing, last // part_dim, part_dim, wholes, dim, iterations),
            wholes if readout == "vector" else outputs,
            readout,
        )
        self.decoder = Decoder(wholes * dim, self.shape)
        lay_out(self)

    def features(self, images: Tensor) -> Tensor:
        """Return the primary capsules, `(batch, feature_dim)`."""
        parts = self.body(channels_last(framed(images, self.shape, LEAST)))
        return exponential_squash(parts.unflatten(1, (-1, self.part_dim))).flatten(1)
