"""SpeechCTC: convolutions and recurrent layers over log-mel frames, which say a symbol or the blank in each frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from neurarium.core.recipe import recorded
from neurarium.data.specs import Spec, Transcript, Waveform
from neurarium.data.transcripts import certain_of_blank
from neurarium.layers.dropout import Dropout
from neurarium.layers.log_mel import LogMel, Normalization
from neurarium.layers.recurrent import Cell, Recurrent
from neurarium.networks.sizing import check
from neurarium.networks.sounds.speech_cnn import Ear


@recorded
class SpeechCTC(nn.Module):
    """Write down what is said: log-mel frames, separable convolutions, recurrent layers both ways, logits for each frame.

    Z_t = W h_t + b with h of `layers.Recurrent` over the stages of `SpeechCNN`; learned by the CTC loss, which sums over all
    ways to lay the symbols on the frames. Each stage halves the frames: with two of them and a hop of 10 ms there is one frame
    for 40 ms. Frames behind the end of a recording are certain of the blank: padding changes nothing.

    Args:
        outputs: symbols and the blank.
        rate: samples per second.
        mels, window, hop, normalization: of `layers.LogMel`.
        widths, depth, kernel, expansion: of the convolutions, as for `SpeechCNN`.
        cell: "gru", "lstm" or "rnn".
        width: numbers of a state.
        layers: recurrent layers.
        dropout: before, between and behind the recurrent layers.

    `forward`: `{"waveform": (batch, length), "lengths": (batch,)}` -> `(batch, frames, outputs)`, the blank first.

    Graves et al., "Connectionist temporal classification" (2006); Amodei et al., arXiv:1512.02595, for convolutions below
    recurrent layers.

    >>> import torch
    >>> sound = {"waveform": torch.randn(2, 4000), "lengths": torch.tensor([4000, 900])}
    >>> SpeechCTC(11, rate=8000, widths=(8, 8), width=8)(sound).shape
    torch.Size([2, 13, 11])
    """

    any_length = True
    hears = True
    at_once = 128

    def __init__(
        self,
        outputs: int,
        rate: int,
        mels: int = 64,
        window: float = 0.025,
        hop: float = 0.01,
        normalization: Normalization = "utterance",
        widths: tuple[int, ...] = (32, 64),
        depth: int = 1,
        kernel: int = 5,
        expansion: int = 2,
        cell: Cell = "gru",
        width: int = 128,
        layers: int = 2,
        dropout: float = 0.2,
    ):
        super().__init__()
        features = LogMel(rate, mels, window, hop, normalization=normalization)
        self.ear = Ear(features, widths, depth, kernel, expansion)
        bands = mels
        for _ in widths:
            bands = (bands + 1) // 2
        self.norm = nn.LayerNorm(bands * widths[-1])
        self.enter = nn.Linear(bands * widths[-1], 2 * width)
        self.dropout = Dropout(dropout) if dropout else nn.Identity()
        self.layers = Recurrent(2 * width, width, cell, layers=layers, bidirectional=True, dropout=dropout)
        self.feature_dim = self.layers.outputs
        self.head = nn.Linear(self.feature_dim, outputs)

    @classmethod
    def for_data(cls, inputs: Spec, targets: Spec, **options: Any) -> SpeechCTC:
        """Size the network to a dataset's specs (Waveform -> Transcript).

        Raises:
            RefusalError: other inputs or targets.
            OptionError: an option that the data decides.
        """
        fix = "--network speech-cnn; or give transcripts: --target COLUMN --task transcription"
        check("speech-ctc", inputs, targets, options, (Waveform,), (Transcript,), fix)
        return cls(targets.outputs, inputs.rate, **options)  # type: ignore[attr-defined]

    def frames(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return the states of all frames, with dropout, `(batch, frames, feature_dim)`, and which frames are real."""
        maps, mask = self.ear(inputs)
        entered = self.dropout(self.enter(self.norm(maps.transpose(2, 3).flatten(2)))) * mask.unsqueeze(2)
        return self.dropout(self.layers(entered, mask)), mask

    def features(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the states of all frames, with dropout, `(batch, frames, feature_dim)`."""
        return self.frames(inputs)[0]

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        states, mask = self.frames(inputs)
        return certain_of_blank(self.head(states), mask)
