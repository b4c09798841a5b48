"""Capsules: what networks of capsules share. Scores from lengths, and the decoder that draws what a capsule says."""

from __future__ import annotations

from typing import Any, Literal, cast

import torch
from torch import Tensor, nn

from neurarium.core.errors import OptionError, RefusalError, ShapeError
from neurarium.data.specs import Classes, Image, Spec
from neurarium.layers.capsules import AttentionRouting, CapsuleRouting, DynamicRouting
from neurarium.layers.expectation_maximization import EMRouting
from neurarium.networks.sizing import Distribution, check, head_outputs

Readout = Literal["length", "vector"]
Routing = Literal["dynamic", "em", "attention"]
MOST = 96  # pixels a side: a capsule per place has a matrix per class, far too many on photographs
HALF = (torch.bfloat16, torch.float16)
LEAST = 1e-6  # lengths nearer to 0 or 1 have the logit of this one


def routing_for(
    name: Routing, parts: int, part_dim: int, wholes: int, dim: int, iterations: int
) -> CapsuleRouting:
    """Return the routing of that name; that by attention is done in one pass.

    Raises:
        OptionError: an unknown name.
    """
    if name == "attention":
        return AttentionRouting(parts, part_dim, wholes, dim)
    if name == "em":
        return EMRouting(parts, part_dim, wholes, dim, iterations)
    if name == "dynamic":
        return DynamicRouting(parts, part_dim, wholes, dim, iterations)
    raise OptionError(
        "there is no such routing", expected="dynamic, em or attention", received=name, fix="--set routing=em"
    )


class CapsuleHead(nn.Module):
    """Routes to one capsule per class, and reads each as a number.

    By `length`, z_k = ln(|v_k| / (1 - |v_k|)): sigmoid(z) is the length again, softmax(z) are the odds in shares. Two
    classes of one output: z = z_1 - z_0, which has the same probabilities. By `vector` (quantities), z_k = w_k . v_k + b_k.

    Args:
        routing: from the parts.
        outputs: how many numbers.
        readout: `length` or `vector`.

    `forward`: `(batch, parts * part_dim)` -> `(batch, outputs)`.
    """

    def __init__(self, routing: CapsuleRouting, outputs: int, readout: Readout):
        super().__init__()
        self.routing, self.outputs, self.readout = routing, outputs, readout
        if readout == "vector":
            self.weight = nn.Parameter(torch.randn(routing.wholes, routing.whole_dim))
            self.bias = nn.Parameter(torch.zeros(routing.wholes))

    def capsules(self, features: Tensor) -> Tensor:
        """Return the capsules of the classes, `(batch, classes, dim)`; routed in full precision, since lengths near 1 decide."""
        parts = features.unflatten(-1, (self.routing.parts, self.routing.part_dim))
        with torch.autocast(parts.device.type, enabled=False):
            return self.routing(parts.float() if parts.dtype in HALF else parts)

    def each(self, capsules: Tensor) -> Tensor:
        """Return one number per capsule, `(batch, classes)`."""
        if self.readout == "vector":
            return (capsules * self.weight).sum(-1) + self.bias
        return torch.logit(torch.linalg.vector_norm(capsules, dim=-1), eps=LEAST)

    def scores(self, capsules: Tensor) -> Tensor:
        """Return the outputs, `(batch, outputs)`."""
        numbers = self.each(capsules)
        return numbers if numbers.shape[-1] == self.outputs else numbers[..., 1:] - numbers[..., :1]

    def forward(self, features: Tensor) -> Tensor:
        return self.scores(self.capsules(features))


class Decoder(nn.Module):
    """Draws an image from the capsules that are left: two layers, then a number per pixel, before its sigmoid.

    `forward`: `(batch, classes, dim)` -> `(batch, channels, height, width)`.
    """

    low: Tensor
    high: Tensor

    def __init__(self, numbers: int, shape: tuple[int, int, int], widths: tuple[int, int] = (512, 1024)):
        super().__init__()
        channels, height, width = shape
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Linear(numbers, widths[0]),
            nn.ReLU(),
            nn.Linear(widths[0], widths[1]),
            nn.ReLU(),
            nn.Linear(widths[1], channels * height * width),
            nn.Unflatten(1, shape),
        )
        # The darkest and the brightest value of an image in the units of the inputs, which are standardized.
        self.register_buffer("low", torch.zeros(channels, 1, 1))
        self.register_buffer("high", torch.ones(channels, 1, 1))

    def set_range(self, images: Tensor) -> None:
        """Take the darkest and the brightest value of each channel from images `(batch, channels, height, width)`."""
        low, high = images.amin(dim=(0, 2, 3)), images.amax(dim=(0, 2, 3))
        self.low.copy_(low[:, None, None])
        self.high.copy_(torch.where(high > low, high, low + 1)[:, None, None])

    def forward(self, capsules: Tensor) -> Tensor:
        return self.layers(capsules)


class CapsuleNetwork(nn.Module):
    """A trunk to parts, a routing head to one capsule per class, a decoder back to the image.

    A member sets `head` (`CapsuleHead`), `decoder` and `feature_dim`, and defines `features(images)`, the parts flattened.
    """

    head: Any
    decoder: Decoder
    command: str

    @classmethod
    def for_data(cls, inputs: Spec, targets: Spec, **options: Any) -> Any:
        """Size the network to a dataset's specs (Image -> Classes by lengths, or Quantity by vectors)."""
        check(cls.command, inputs, targets, options, (Image,))
        image, readout = cast(Image, inputs), "length" if isinstance(targets, Classes) else "vector"
        sizes = (image.channels, image.height, image.width, cast(Any, targets).outputs)
        return cls(*sizes, **{"readout": readout, **options})

    def features(self, images: Tensor) -> Tensor:
        """Return the capsules of the parts, `(batch, feature_dim)`."""
        raise RefusalError(f"{type(self).__name__} has no parts", fix="define features(images)")

    def capsules(self, images: Tensor) -> Tensor:
        """Return the capsules of the classes, `(batch, classes, dim)`; their lengths are below 1.

        Raises:
            RefusalError: the head was exchanged for one without capsules.
        """
        return self._routed().capsules(self.features(images))

    def scores(self, capsules: Tensor) -> Tensor:
        """Return the outputs that capsules stand for, `(batch, outputs)`."""
        return self._routed().scores(capsules)

    def each(self, capsules: Tensor) -> Tensor:
        """Return one number per capsule, `(batch, classes)`: with two classes both, where the outputs are their difference."""
        return self._routed().each(capsules)

    def unit_reconstruction(self, capsules: Tensor, chosen: Tensor | None = None) -> Tensor:
        """Draw what capsules say, 0 for the darkest and 1 for the brightest value.

        Args:
            capsules: `(batch, classes, dim)`.
            chosen: the class whose capsule is drawn, `(batch,)`; None for the longest; or shares `(batch, classes)`: each
                capsule is drawn by itself, and what is drawn comes together as 1 - prod_k (1 - r_k)^share_k, so that of
                several labels each explains its part of the image.

        Returns:
            `(batch, channels, height, width)`.
        """
        if chosen is None:
            chosen = torch.linalg.vector_norm(capsules, dim=-1).argmax(-1)
        classes = capsules.shape[1]
        if not chosen.is_floating_point():
            mask = nn.functional.one_hot(chosen, classes).to(capsules.dtype)
            return torch.sigmoid(self.decoder(capsules * mask.unsqueeze(-1)))
        rows, kinds = chosen.nonzero(as_tuple=True)
        mask = nn.functional.one_hot(kinds, classes).to(capsules.dtype)
        drawn = nn.functional.softplus(self.decoder(capsules[rows] * mask.unsqueeze(-1)))
        shares = chosen[rows, kinds].to(drawn.dtype)
        empty = drawn.new_zeros(len(capsules), *drawn.shape[1:])
        return -torch.expm1(-empty.index_add(0, rows, drawn * shares[:, None, None, None]))

    def reconstruct(self, capsules: Tensor, chosen: Tensor | None = None) -> Tensor:
        """Draw what capsules say, in the units of the inputs; the arguments are those of `unit_reconstruction`."""
        low, high = self.decoder.low, self.decoder.high
        return low + (high - low) * self.unit_reconstruction(capsules, chosen)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images))

    def _routed(self) -> CapsuleHead:
        if not isinstance(self.head, CapsuleHead):
            raise RefusalError(
                f"the head of this {type(self).__name__} has no capsules",
                expected="CapsuleHead",
                received=type(self.head).__name__,
                fix="train it with --method supervised",
            )
        return self.head


def read_as(outputs: int, readout: Readout, distribution: Distribution) -> int:
    """Return how many capsules give so many outputs: two classes of one output have two.

    Raises:
        OptionError: an unknown readout, or lengths for quantities of a distribution.
    """
    if readout not in ("length", "vector"):
        raise OptionError("capsules are not read so", expected="length or vector", received=readout)
    if readout == "length" and distribution:
        raise OptionError("a Gaussian is not read from lengths", fix="readout=vector")
    return max(2, outputs) if readout == "length" else head_outputs(outputs, distribution)


def framed(images: Tensor, shape: tuple[int, int, int], least: int) -> Tensor:
    """Return images with a frame of zeros (the mean) up to `least` pixels a side.

    Raises:
        ShapeError: images of another shape than the network was built for.
    """
    if tuple(images.shape[1:]) != shape:
        raise ShapeError(
            "the images do not fit the network",
            expected=f"(batch, {', '.join(map(str, shape))})",
            received=tuple(images.shape),
        )
    high, wide = (max(0, least - side) for side in shape[1:])
    return nn.functional.pad(images, (wide // 2, wide - wide // 2, high // 2, high - high // 2))


def sides(height: int, width: int, least: int) -> tuple[int, int]:
    """Return the sides of framed images.

    Raises:
        ShapeError: images above 96 pixels a side.
    """
    if max(height, width) > MOST:
        raise ShapeError(
            "networks of capsules read small images",
            expected=f"up to {MOST} pixels a side",
            received=f"{height} x {width}",
            fix="read them smaller: --set size=32",
        )
    return max(height, least), max(width, least)
