"""Colors: changes of images in [0, 1], `(batch, 3 or 1, height, width)`, each with one strength per image, `(batch,)`.

Each equals Pillow's operation of the same name but for its rounding to bytes. Sums over pixels are sums of whole numbers
and filters sums of shifted images, so that an image gets the same bits in any batch.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from neurarium.data.augmentation.augmentation import per_image

LUMA = (0.299, 0.587, 0.114)  # ITU-R 601-2, as Pillow's conversion to grey


def grey(images: Tensor) -> Tensor:
    """Return the brightness of each pixel, `(batch, 1, height, width)`."""
    if images.shape[1] != 3:
        return images[:, :1]
    red, green, blue = images.unbind(1)
    return (LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue).unsqueeze(1)


def blend(ground: Tensor, images: Tensor, strength: Tensor) -> Tensor:
    """Return ground + strength (images - ground), within [0, 1]."""
    return torch.lerp(ground.expand_as(images), images, per_image(strength, images).expand_as(images)).clamp(
        0, 1
    )


def brightness(images: Tensor, strength: Tensor) -> Tensor:
    """Return strength x; 0 is black, 1 the image."""
    return (images * per_image(strength, images)).clamp(0, 1)


def contrast(images: Tensor, strength: Tensor) -> Tensor:
    """Return the blend with the image's mean brightness; 0 is flat grey, 1 the image."""
    total = (grey(images) * 255).round().to(torch.int64).sum(dim=(1, 2, 3))
    count = images[0, 0].numel()
    mean = (2 * total + count) // (2 * count) / 255  # rounded: Pillow's mean is a whole number too
    return blend(per_image(mean, images), images, strength)


def saturation(images: Tensor, strength: Tensor) -> Tensor:
    """Return the blend with the grey image; 0 has no color, 1 is the image."""
    return blend(grey(images), images, strength)


def sharpness(images: Tensor, strength: Tensor) -> Tensor:
    """Return the blend with the smoothed image; 0 is blurred, 1 the image, 2 sharpened. The outermost pixels stay."""
    if min(images.shape[2:]) < 3:
        return images
    inner = images[:, :, 1:-1, 1:-1]
    height, width = inner.shape[2:]
    total = 4 * inner
    for down in range(3):
        for across in range(3):
            total = total + images[:, :, down : down + height, across : across + width]
    smooth = images.clone()
    smooth[:, :, 1:-1, 1:-1] = total / 13
    return blend(smooth, images, strength)


def posterize(images: Tensor, bits: Tensor) -> Tensor:
    """Return images whose bytes keep their upper bits alone."""
    step = torch.exp2(8 - per_image(bits.round().clamp(0, 8), images))
    return torch.floor((images * 255).round() / step) * step / 255


def solarize(images: Tensor, threshold: Tensor) -> Tensor:
    """Return images with everything as bright as the threshold or brighter turned into its negative."""
    return torch.where(
        (images * 255).round() >= (per_image(threshold, images) * 255).round(), 1 - images, images
    )


def autocontrast(images: Tensor) -> Tensor:
    """Return images stretched per channel, so that the darkest pixel is 0 and the brightest 1."""
    low, high = images.amin(dim=(2, 3), keepdim=True), images.amax(dim=(2, 3), keepdim=True)
    flat = high - low < 1 / 510
    return torch.where(flat, images, (images - low) / torch.where(flat, 1.0, high - low))


def equalize(images: Tensor) -> Tensor:
    """Return images with all levels equally frequent, per channel (histogram equalization as Pillow does it)."""
    batch, channels = images.shape[:2]
    codes = (images * 255).round().clamp(0, 255).to(torch.int64).reshape(batch * channels, -1)
    counts = torch.zeros(batch * channels, 256, dtype=torch.int64, device=images.device)
    counts.scatter_add_(1, codes, torch.ones_like(codes))
    last = 255 - (counts > 0).flip(1).to(torch.int64).argmax(dim=1, keepdim=True)
    step = (counts.sum(1, keepdim=True) - counts.gather(1, last)) // 255
    before = functional.pad(counts.cumsum(1)[:, :-1], (1, 0))
    table = ((before + step // 2) // step.clamp(min=1)).clamp(max=255)
    table = torch.where(step == 0, torch.arange(256, device=images.device), table)
    return (table.gather(1, codes).to(images.dtype) / 255).reshape(images.shape)


def hue(images: Tensor, turn: Tensor) -> Tensor:
    """Return images with each color moved around the circle of hues; a turn of 1 is once around. Grey ones stay."""
    if images.shape[1] != 3:
        return images
    red, green, blue = images.unbind(1)
    value, least = images.amax(1), images.amin(1)
    spread = value - least
    safe = torch.where(spread > 0, spread, 1.0)
    sector = torch.where(value == red, ((green - blue) / safe) % 6, (blue - red) / safe + 2)
    sector = torch.where(
        (value == blue) & (value != red) & (value != green), (red - green) / safe + 4, sector
    )
    sector = (torch.where(spread > 0, sector, 0.0) + 6 * per_image(turn, images)[:, 0]) % 6
    parts = []
    for number in (5, 3, 1):  # f(n) = v - s max(0, min(k, 4 - k, 1)), k = (n + h) mod 6
        k = (number + sector) % 6
        parts.append(value - spread * torch.minimum(torch.minimum(k, 4 - k), torch.ones_like(k)).clamp(min=0))
    return torch.stack(parts, dim=1)


def blur(images: Tensor, sigma: Tensor, radius: int) -> Tensor:
    """Return images smoothed by a Gaussian of deviation `sigma` pixels per image, cut at `radius`; edges are mirrored."""
    places = torch.arange(-radius, radius + 1, device=images.device, dtype=images.dtype)
    spread = sigma.to(images.device, images.dtype)[:, None]
    weights = torch.exp(-0.5 * (places / spread.clamp(min=1e-3)) ** 2)
    total = weights[:, 0]
    for place in range(1, 2 * radius + 1):
        total = total + weights[:, place]
    for axis in (2, 3):
        size = images.shape[axis]
        index = torch.arange(-radius, size + radius, device=images.device)
        period = max(2 * (size - 1), 1)
        index = (size - 1) - ((index % period) - (size - 1)).abs()  # ... 2 1 0 1 2 ...
        padded, smoothed = images.index_select(axis, index), torch.zeros_like(images)
        for place in range(2 * radius + 1):
            share = (weights[:, place] / total).reshape(-1, 1, 1, 1)
            smoothed = smoothed + share * padded.narrow(axis, place, size)
        images = smoothed
    return images
