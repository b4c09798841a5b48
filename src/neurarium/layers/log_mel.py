"""Log-mel features: how loud each band of pitch is, frame by frame, on a scale near to hearing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurarium.core.errors import OptionError, ShapeError
from neurarium.core.recipe import recorded

Scale = Literal["slaney", "htk"]
Normalization = Literal["utterance", "bands", "training", "none"]
STEP, LINEAR, TOP = 200 / 3, 1000.0, math.log(6.4) / 27  # of the Slaney scale
EPSILON = 1e-5


@recorded
class LogMel(nn.Module):
    r"""Turn sound into log-mel frames.

    Frame t is the window around sample t hop: X_t(k) = sum_n w(n) x(t hop - window/2 + n) exp(-2 pi i k n / points) with the
    periodic Hann window w(n) = sin^2(pi n / window); its bands are s_t(b) = log(floor + sum_k M(b, k) |X_t(k)|^2), M being
    triangles evenly spaced on the mel scale (see `mel_filters`). Then they are standardized, z = (s - mean) / deviation, with mean
    and deviation over all real frames and bands of a recording ("utterance": how loud it is does not matter, which bands are
    does), over its frames band by band ("bands": nor does what is always there, such as the microphone), or over the frames of
    the training recordings band by band, which `adapt_to` takes ("training").

    Args:
        rate: samples per second.
        mels: bands.
        window, hop: seconds.
        low, high: hertz; `high` is half the rate by default.
        scale: of mel: "slaney" or "htk".
        normalization: "utterance", "bands", "training" or "none".
        floor: what is added before the logarithm.

    `forward`: `{"waveform": (batch, length[, channels]), "lengths": (batch,)}` -> frames `(batch, frames, mels)` and a mask
    `(batch, frames)` of the real ones, `ceil(length / hop)` per recording; the others are zero, and how much silence is padded
    changes nothing. Differentiable with respect to the waveform. Where `hidden_frames` and `hidden_bands` `(batch, count, 2)`
    say so (see `data.augmentation.SpecAugment`; shares of the frames and bands, from and to), they are zero: the mean.

    Raises:
        OptionError: bands, times or pitches that are not possible.
        ShapeError: other inputs.

    Davis and Mermelstein 1980; Slaney, "Auditory toolbox" (1998) and the HTK book for the scales; Park et al.,
    arXiv:1904.08779, for the hidden parts.

    >>> sound = {"waveform": torch.sin(torch.arange(2, 4000) / 2.0)[None], "lengths": torch.tensor([3998])}
    >>> frames, mask = LogMel(8000, mels=40)(sound)
    >>> frames.shape, int(mask.sum())
    (torch.Size([1, 50, 40]), 50)
    """

    filters: Tensor
    hann: Tensor
    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        rate: int,
        mels: int = 64,
        window: float = 0.025,
        hop: float = 0.01,
        low: float = 20.0,
        high: float | None = None,
        scale: Scale = "slaney",
        normalization: Normalization = "utterance",
        floor: float = 1e-6,
    ):
        super().__init__()
        top = rate / 2 if high is None else high
        self.window, self.hop = round(window * rate), round(hop * rate)
        if min(self.window, self.hop, mels) < 1 or not 0 <= low < top <= rate / 2 or floor <= 0:
            raise OptionError(
                "there are no such features of sound",
                expected="bands, a window and a hop of some length, 0 <= low < high <= rate / 2, a floor above 0",
                received=f"mels={mels}, window={window}, hop={hop}, low={low}, high={top}, floor={floor}",
            )
        if normalization not in ("utterance", "bands", "training", "none"):
            raise OptionError("there is no such normalization", expected="utterance, bands, training or none", received=normalization)  # fmt: skip
        self.rate, self.mels, self.normalization, self.floor = rate, mels, normalization, floor
        self.points = 2 ** math.ceil(math.log2(self.window))
        self.register_buffer(
            "filters", mel_filters(mels, self.points, rate, low, top, scale), persistent=False
        )
        self.register_buffer("hann", torch.hann_window(self.window), persistent=False)
        if normalization == "training":
            self.register_buffer("mean", torch.zeros(mels))
            self.register_buffer("deviation", torch.ones(mels))

    def frames(self, lengths: Tensor | int) -> Any:
        """Return how many real frames recordings of so many samples have."""
        return (lengths + self.hop - 1) // self.hop

    def forward(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        logs, mask = self.logs(inputs)
        real = mask.unsqueeze(-1).to(logs.dtype)
        if self.normalization in ("utterance", "bands"):
            axes = (1, 2) if self.normalization == "utterance" else (1,)
            count = real.sum(dim=1, keepdim=True).clamp(min=1) * (self.mels if len(axes) == 2 else 1)
            mean = (logs * real).sum(dim=axes, keepdim=True) / count
            variance = ((logs - mean).square() * real).sum(dim=axes, keepdim=True) / count
            logs = (logs - mean) * torch.rsqrt(variance + EPSILON)
        elif self.normalization == "training":
            logs = (logs - self.mean.to(logs.dtype)) / self.deviation.to(logs.dtype)
        return logs * real * self._shown(inputs, mask, logs), mask

    def logs(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return the logarithms before they are standardized, and the mask."""
        waveform, lengths = inputs["waveform"], inputs["lengths"]
        if waveform.ndim == 3:
            waveform = waveform.mean(dim=2)
        if waveform.ndim != 2 or lengths.ndim != 1:
            raise ShapeError(
                "sound has another shape than the layer takes",
                expected="waveform (batch, length) or (batch, length, channels), lengths (batch,)",
                received=f"{tuple(inputs['waveform'].shape)}, {tuple(lengths.shape)}",
            )
        real = torch.arange(waveform.shape[1], device=waveform.device) < lengths[:, None]
        count = self.frames(waveform.shape[1])
        # Silence around, so that the last frame has as many samples behind it whatever the batch holds.
        room = (count - 1) * self.hop + self.points - waveform.shape[1] - self.points // 2
        sound = functional.pad(waveform * real.to(waveform.dtype), (self.points // 2, max(room, 0)))
        with torch.autocast(sound.device.type, enabled=False):  # powers span many orders: no place for 8 bits
            sound = sound if sound.dtype == torch.float64 else sound.float()
            found = torch.stft(sound, self.points, self.hop, self.window, self.hann.to(sound.dtype), center=False, return_complex=True)  # fmt: skip
            power = torch.view_as_real(found[..., :count]).square().sum(dim=-1)
            bands = power.transpose(1, 2) @ self.filters.to(sound.dtype)
            logs = (bands + self.floor).log()
        return logs, torch.arange(count, device=lengths.device) < self.frames(lengths)[:, None]

    def adapt_to(self, inputs: Any) -> None:
        """Take mean and deviation of each band over the real frames of training recordings, where they are wanted."""
        if self.normalization != "training":
            return
        with torch.no_grad():
            logs, mask = self.logs(inputs)
            real = logs[mask]
            self.mean.copy_(real.mean(dim=0))
            self.deviation.copy_(real.std(dim=0, correction=0).clamp(min=EPSILON))

    def _shown(self, inputs: Mapping[str, Tensor], mask: Tensor, logs: Tensor) -> Tensor:
        """Return 0 where frames or bands are hidden, else 1: `(batch, frames, mels)`, or 1 alone."""
        shown = torch.ones((), dtype=logs.dtype, device=logs.device)
        if "hidden_frames" in inputs:
            place = torch.arange(mask.shape[1], device=logs.device)
            bounds = inputs["hidden_frames"] * mask.sum(dim=1)[:, None, None]
            shown = shown * outside(place, bounds).unsqueeze(2).to(logs.dtype)
        if "hidden_bands" in inputs:
            place = torch.arange(self.mels, device=logs.device)
            shown = shown * outside(place, inputs["hidden_bands"] * self.mels).unsqueeze(1).to(logs.dtype)
        return shown


def outside(places: Tensor, bounds: Tensor) -> Tensor:
    """Return which places `(count,)` lie in none of the spans `(batch, spans, 2)` [from, to): `(batch, count)`."""
    inside = (places >= bounds[..., :1]) & (places < bounds[..., 1:])
    return ~inside.any(dim=1)


def mel_filters(
    mels: int, points: int, rate: int, low: float, high: float, scale: Scale = "slaney"
) -> Tensor:
    r"""Return triangles over the frequencies of a transform, evenly spaced on the mel scale, `(points // 2 + 1, mels)`.

    Band b rises from f_b to f_(b+1) and falls to f_(b+2), where f are `mels + 2` pitches evenly spaced in mel:
    M(b, f) = max(0, min((f - f_b) / (f_(b+1) - f_b), (f_(b+2) - f) / (f_(b+2) - f_(b+1)))). With "slaney" each is divided by half
    its width in hertz, so that noise is equally loud in all bands. Float32, computed in float64.

    Raises:
        OptionError: no such scale.

    >>> mel_filters(8, 256, 8000, 0.0, 4000.0).shape
    torch.Size([129, 8])
    """
    if scale not in ("slaney", "htk"):
        raise OptionError("there is no such mel scale", expected="slaney or htk", received=scale)
    edges = hertz(
        torch.linspace(float(mel(low, scale)), float(mel(high, scale)), mels + 2, dtype=torch.float64), scale
    )
    places = torch.linspace(0, rate / 2, points // 2 + 1, dtype=torch.float64)[:, None]
    left, middle, right = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (places - left) / (middle - left), (right - places) / (right - middle)
    filters = torch.minimum(rising, falling).clamp(min=0)
    if scale == "slaney":
        filters = filters * 2 / (right - left)
    return filters.float()


def mel(frequency: Tensor | float, scale: Scale = "slaney") -> Tensor:
    """Return hertz as mel.

    "htk": 2595 log10(1 + f / 700). "slaney": 3 f / 200 below 1000 Hz, above it 15 + 27 log(f / 1000) / log(6.4).

    >>> round(float(mel(1000.0)), 6), round(float(mel(1000.0, "htk")), 2)
    (15.0, 999.99)
    """
    f = torch.as_tensor(frequency, dtype=torch.float64)
    if scale == "htk":
        return 2595 * torch.log10(1 + f / 700)
    return torch.where(f < LINEAR, f / STEP, LINEAR / STEP + (f.clamp(min=1e-9) / LINEAR).log() / TOP)


def hertz(mels: Tensor | float, scale: Scale = "slaney") -> Tensor:
    """Return mel as hertz: the inverse of `mel`.

    >>> round(float(hertz(mel(440.0, "htk"), "htk")), 6)
    440.0
    """
    m = torch.as_tensor(mels, dtype=torch.float64)
    if scale == "htk":
        return 700 * (10 ** (m / 2595) - 1)
    return torch.where(m < LINEAR / STEP, m * STEP, LINEAR * torch.exp(TOP * (m - LINEAR / STEP)))
