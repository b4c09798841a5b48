"""CapsNet: parts vote for wholes, and the votes that agree are heard."""

from __future__ import annotations

from torch import Tensor, nn

from neurarium.core.recipe import recorded
from neurarium.layers.capsules import squash
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

LEAST = 17  # two convolutions of 9x9, the second with stride 2, leave one place


@recorded
class CapsNet(CapsuleNetwork):
    """A convolution, primary capsules at every place, routing by agreement to a capsule per class, a decoder.

    A primary capsule is 8 numbers of a 9x9 convolution with stride 2, squashed: the pose of a part. Each predicts the 16 numbers
    of each class's capsule; dynamic routing finds whose predictions agree (`layers.capsules.dynamic_routing`). The length of
    a class's capsule is its probability; its direction is the pose, from which `reconstruct` draws the image.

    Args:
        channels, image_height, image_width: of an image; up to 96 pixels a side, below 17 with a frame of zeros.
        outputs: how many numbers are predicted.
        filters: of the first convolution.
        types, part_dim: kinds of primary capsules and their numbers.
        dim: numbers of a class's capsule.
        iterations: of the routing.
        routing: `dynamic`, by agreement; `em`, by fitting a Gaussian per class (`layers.em_routing`); `attention`, in one pass.
        readout: `length` for classes, `vector` for quantities.
        distribution: `gaussian` for a mean and a raw variance per quantity.

    `forward`: `(batch, channels, height, width)` -> `(batch, outputs)`, logits of the lengths (see `CapsuleHead`).

    Raises:
        OptionError: a size below 1, an unknown readout or routing.
        ShapeError: images above 96 pixels a side, or of another shape than it was built for.

    Sabour, Frosst and Hinton, arXiv:1710.09829, section 4: 8.2 million weights on 28x28 pixels, of which the decoder has 1.4.

    >>> import torch
    >>> network = CapsNet(1, 28, 28, 10, filters=16, types=2)
    >>> network.capsules(torch.zeros(2, 1, 28, 28)).shape
    torch.Size([2, 10, 16])
    """

    command = "capsnet"

    def __init__(
        self,
        channels: int,
        image_height: int,
        image_width: int,
        outputs: int,
        filters: int = 256,
        types: int = 32,
        part_dim: int = 8,
        dim: int = 16,
        iterations: int = 3,
        routing: Routing = "dynamic",
        readout: Readout = "length",
        distribution: Distribution = None,
    ):
        super().__init__()
        self.shape, self.distribution = (channels, image_height, image_width), distribution
        self.types, self.part_dim = types, part_dim
        high, wide = sides(image_height, image_width, LEAST)
        places = ((high - 17) // 2 + 1) * ((wide - 17) // 2 + 1)
        self.body = nn.Sequential(
            nn.Conv2d(channels, filters, 9), nn.ReLU(), nn.Conv2d(filters, types * part_dim, 9, stride=2)
        )
        wholes = read_as(outputs, readout, distribution)
        route = routing_for(routing, types * places, part_dim, wholes, dim, iterations)
        self.feature_dim = types * places * part_dim
        self.head = CapsuleHead(route, wholes if readout == "vector" else outputs, readout)
        self.decoder = Decoder(wholes * dim, self.shape)
        lay_out(self)

    def features(self, images: Tensor) -> Tensor:
        """Return the primary capsules, `(batch, feature_dim)`."""
        maps = self.body(channels_last(framed(images, self.shape, LEAST)))
        parts = maps.flatten(2).unflatten(1, (self.types, self.part_dim)).transpose(2, 3)
        return squash(parts).flatten(1)
