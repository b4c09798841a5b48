"""ViT: a transformer over the patches of an image."""

from __future__ import annotations

import math
from typing import Any, Literal

import torch
from torch import Tensor, nn

from neurarium.core.errors import OptionError, ShapeError
from neurarium.core.recipe import recorded
from neurarium.data.specs import Image, Spec
from neurarium.layers.attention import Attention
from neurarium.layers.dropout import Dropout
from neurarium.networks.sizing import Distribution, check, elementwise, head_outputs


class EncoderBlock(nn.Module):
    """x = x + attention(norm(x)); x = x + W_2 g(W_1 norm(x))."""

    def __init__(self, width: int, heads: int, hidden: int, dropout: float, activation: str):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attention = Attention(width, heads)
        self.drop1 = Dropout(dropout)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.widen = nn.Linear(width, hidden)
        self.activate = elementwise(activation)
        self.drop_inside = Dropout(dropout)
        self.narrow = nn.Linear(hidden, width)
        self.drop2 = Dropout(dropout)

    def forward(self, places: Tensor) -> Tensor:
        places = places + self.drop1(self.attention(self.norm1(places)))
        return places + self.drop2(
            self.narrow(self.drop_inside(self.activate(self.widen(self.norm2(places)))))
        )


@recorded
class ViT(nn.Module):
    """A vision transformer: patches become vectors, positions are added, an encoder of attention, one vector is read out.

    Z_0 = [class; E x_1 + P_1; ...; E x_n + P_n]; Z_l by blocks of attention and perceptron, each after a normalization

    The paper adds a learned position to the class's vector too: the sum of two learned vectors is one learned vector.

    Args:
        channels: colours of an image.
        image_height, image_width: in pixels; other sizes are framed at the right and below to whole patches.
        outputs: how many numbers are predicted.
        patch: pixels per side of a patch.
        width: numbers per patch.
        blocks: how many.
        heads: of the attention; divide `width`.
        expansion: the inner layer of the perceptrons has `expansion * width` numbers.
        pooling: `class`: a learned vector among the patches is read out; `mean`: the mean of all patches.
        positions: `learned`, or `sinusoidal` in two dimensions.
        dropout: after every dense layer but queries, keys and values, and after the positions (appendix B.1).
        activation: of the perceptrons.
        distribution: `gaussian` for a mean and a raw variance per output.

    `forward`: `(batch, channels, height, width)` -> `(batch, outputs)`.

    Raises:
        OptionError: an unknown pooling or positions.
        ShapeError: images of another size than the positions were made for.

    Dosovitskiy et al. 2020, arXiv:2010.11929, equations 1 to 4.

    >>> ViT(3, 32, 32, 10, width=16, heads=2, blocks=1)(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self,
        channels: int,
        image_height: int,
        image_width: int,
        outputs: int,
        patch: int = 4,
        width: int = 192,
        blocks: int = 9,
        heads: int = 3,
        expansion: float = 4.0,
        pooling: Literal["class", "mean"] = "class",
        positions: Literal["learned", "sinusoidal"] = "learned",
        dropout: float = 0.0,
        activation: str = "gelu",
        distribution: Distribution = None,
    ):
        super().__init__()
        if pooling not in ("class", "mean") or positions not in ("learned", "sinusoidal"):
            raise OptionError(
                "there is no such transformer of images",
                expected="pooling class or mean, positions learned or sinusoidal",
                received=f"pooling={pooling}, positions={positions}",
            )
        self.distribution = distribution
        self.size, self.patch = (image_height, image_width), patch
        self.grid = (math.ceil(image_height / patch), math.ceil(image_width / patch))
        self.embed = nn.Conv2d(channels, width, patch, patch)
        self.read_out = nn.Parameter(torch.zeros(1, 1, width)) if pooling == "class" else None
        count = self.grid[0] * self.grid[1]
        if positions == "learned":
            self.positions = nn.Parameter(0.02 * torch.randn(1, count, width))
        else:
            self.register_buffer("positions", waves(self.grid, width)[None])
        self.drop = Dropout(dropout)
        self.blocks = nn.ModuleList(
            EncoderBlock(width, heads, round(expansion * width), dropout, activation) for _ in range(blocks)
        )
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.feature_dim = width
        self.map_dims = (width,)
        self.head = nn.Linear(width, head_outputs(outputs, distribution))
        for module in self.blocks.modules():  # as the authors' program
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)

    @classmethod
    def for_data(cls, inputs: Spec, targets: Spec, **options: Any) -> ViT:
        """Size the network to a dataset's specs (Image -> Classes or Quantity); patches of 4 pixels, 16 of large images."""
        check("vit", inputs, targets, options, (Image,))
        side = max(inputs.height, inputs.width)  # type: ignore[attr-defined]
        options = {"patch": 2 if side <= 16 else 4 if side <= 64 else 16} | options
        return cls(inputs.channels, inputs.height, inputs.width, targets.outputs, **options)  # type: ignore[attr-defined]

    def places(self, images: Tensor) -> Tensor:
        """Return the last vector of each place, the class's first where there is one: `(batch, places, width)`."""
        if tuple(images.shape[-2:]) != self.size:
            raise ShapeError(
                "the positions were made for images of another size",
                expected=f"{self.size[0]} x {self.size[1]}",
                received=tuple(images.shape),
            )
        high, wide = (cells * self.patch - side for cells, side in zip(self.grid, self.size, strict=True))
        patches = self.embed(nn.functional.pad(images, (0, wide, 0, high)))
        x = patches.flatten(2).transpose(1, 2) + self.positions
        if self.read_out is not None:
            x = torch.cat([self.read_out.expand(len(x), -1, -1).to(x.dtype), x], 1)
        x = self.drop(x)
        for block in self.blocks:
            x = block(x)
        return self.norm(x)

    def maps(self, images: Tensor) -> list[Tensor]:
        """Return the last vectors of the patches as one map, `[(batch, width, grid height, grid width)]`."""
        patches = self.places(images)[:, self.read_out is not None :]
        return [patches.transpose(1, 2).unflatten(2, self.grid)]

    def features(self, images: Tensor) -> Tensor:
        """Return what is read out, `(batch, width)`."""
        places = self.places(images)
        return places[:, 0] if self.read_out is not None else places.mean(1)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images))


def waves(grid: tuple[int, int], dim: int) -> Tensor:
    """Return sines and cosines of each place's row and column, `(rows * columns, dim)`.

    Half of the numbers tell the row, half the column: sin(p / 10000^(i / k)) and its cosine, i = 0 ... k - 1, k = dim / 4.

    Raises:
        OptionError: a dim that four does not divide.

    >>> waves((2, 3), 8).shape
    torch.Size([6, 8])
    """
    if dim % 4:
        raise OptionError(
            "sinusoidal positions in two dimensions need four parts", expected="a multiple of 4", received=dim
        )
    rates = 1 / 10000 ** (torch.arange(dim // 4) / (dim // 4))
    row, column = torch.meshgrid(*(torch.arange(float(side)) for side in grid), indexing="ij")
    angles = [place.reshape(-1, 1) * rates for place in (row, column)]
    return torch.cat([part for angle in angles for part in (angle.sin(), angle.cos())], 1)
