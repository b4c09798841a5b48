"""VGG: many small convolutions, one after the other."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.data.specs import Image, Spec
from neurarium.layers.dropout import Dropout
from neurarium.networks.images.trunk import Published, Staged, is_small, lay_out
from neurarium.networks.sizing import Distribution, check, head_outputs
from neurarium.networks.variants import variant


class Grid(Staged):
    """Layers over images, then the mean over the cells of a grid: -> `(batch, channels * grid * grid)`."""

    def __init__(self, *layers: nn.Module, grid: int):
        super().__init__(*layers)
        self.grid = grid

    def forward(self, images: Tensor) -> Tensor:
        return nn.functional.adaptive_avg_pool2d(self.maps(images), self.grid).flatten(1)


@recorded
class VGG(Published):
    """Stages of 3x3 convolutions, each stage ended by a 2x2 maximum, then three fully connected layers.

    The names of all weights are torchvision's (`features.0`, `classifier.6`). The head is the whole `classifier`.

    Args:
        channels: colours of an image.
        outputs: how many numbers are predicted.
        blocks: convolutions per stage.
        widths: channels of each stage.
        normalization: batch normalization after each convolution.
        hidden: width of the two hidden layers of the classifier.
        grid: cells of the grid, per side, over which the maps are averaged before the classifier.
        dropout: after each hidden layer of the classifier.
        distribution: `gaussian` for a mean and a raw variance per output.

    `forward`: `(batch, channels, height, width)` -> `(batch, outputs)`; sides of at least 2 ** stages pixels.

    Raises:
        OptionError: stages without a width or without a convolution.

    Simonyan and Zisserman 2014, arXiv:1409.1556, table 1.

    >>> import torch
    >>> VGG(3, 10, blocks=(1, 1), widths=(8, 16), hidden=32, grid=1)(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    head_name = "classifier"

    def __init__(
        self,
        channels: int,
        outputs: int,
        blocks: tuple[int, ...] = (2, 2, 3, 3, 3),
        widths: tuple[int, ...] = (64, 128, 256, 512, 512),
        normalization: bool = True,
        hidden: int = 4096,
        grid: int = 7,
        dropout: float = 0.5,
        distribution: Distribution = None,
    ):
        super().__init__()
        if len(blocks) != len(widths) or not blocks or min(blocks) < 1:
            raise OptionError(
                "the stages do not fit",
                expected="one width for each number of convolutions, each 1 or more",
                received=f"blocks={tuple(blocks)}, widths={tuple(widths)}",
            )
        self.distribution = distribution
        layers: list[nn.Module] = []
        self.ends: tuple[int, ...] = ()
        before = channels
        for count, width in zip(blocks, widths, strict=True):
            for _ in range(count):
                layers.append(nn.Conv2d(before, width, 3, padding=1))
                layers += [nn.BatchNorm2d(width)] if normalization else []
                layers.append(nn.ReLU())
                before = width
            layers.append(nn.MaxPool2d(2))
            self.ends = (*self.ends, len(layers) - 1)
        self.features = Grid(*layers, grid=grid)
        self.feature_dim = before * grid * grid
        # A quarter of the size is where other trunks begin: the first stage's maps are left out where there are others.
        self.ends, self.map_dims = self.ends[1:] or self.ends, tuple(widths[1:] or widths)
        self.classifier = nn.Sequential(
            nn.Linear(self.feature_dim, hidden),
            nn.ReLU(),
            Dropout(dropout),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            Dropout(dropout),
            nn.Linear(hidden, head_outputs(outputs, distribution)),
        )
        _start(self)
        lay_out(self)

    @classmethod
    def for_data(cls, inputs: Spec, targets: Spec, **options: Any) -> VGG:
        """Size the network to a dataset's specs (Image -> Classes or Quantity); small images get a grid of one cell."""
        check("vgg", inputs, targets, options, (Image,))
        if is_small(inputs):
            options = {"grid": 1, "hidden": 512} | options
        return cls(inputs.channels, targets.outputs, **options)  # type: ignore[attr-defined]

    def maps(self, images: Tensor) -> list[Tensor]:
        """Return the feature maps of each stage from the second on, a quarter of the size, an eighth, ..."""
        return self.features.stages(images, self.ends)

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))


def _start(network: nn.Module) -> None:
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            nn.init.zeros_(module.bias)  # type: ignore[arg-type]
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0.0, 0.01)
            nn.init.zeros_(module.bias)


_BLOCKS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}

VGG11 = variant(
    VGG, "VGG11", "VGG of 11 layers, with batch normalization unless turned off.", blocks=_BLOCKS[11]
)
VGG13 = variant(
    VGG, "VGG13", "VGG of 13 layers, with batch normalization unless turned off.", blocks=_BLOCKS[13]
)
VGG16 = variant(
    VGG, "VGG16", "VGG of 16 layers, with batch normalization unless turned off.", blocks=_BLOCKS[16]
)
VGG19 = variant(
    VGG, "VGG19", "VGG of 19 layers, with batch normalization unless turned off.", blocks=_BLOCKS[19]
)
