"""CTC decoding: from logits of frames to what was said: the best path, or a search over beginnings of transcripts."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import NamedTuple

import torch
from torch import Tensor

from neurarium.core.errors import OptionError, ShapeError
from neurarium.data.specs import Transcript
from neurarium.data.transcripts import BLANK, best_path, real_frames
from neurarium.losses.ctc import CTC

LEAST = -25.0  # symbols of a lower log-probability in a frame start no new beginning


class Decoded(NamedTuple):
    """What was said in one recording.

    Args:
        symbols: indices, without blanks.
        log_probability: the logarithm of the sum over all alignments that the search saw, in nats.
    """

    symbols: tuple[int, ...]
    log_probability: float


def prefix_beam(logits: Tensor, width: int = 8) -> list[list[Decoded]]:
    r"""Search for the likeliest transcripts, summing over their alignments.

    Each beginning l holds two sums over the paths that say it: P_b(l) of those that end in a blank, P_n(l) of those that do
    not. With y_t the probabilities of a frame,

        P_b'(l) = y_t(blank) (P_b(l) + P_n(l)),
        P_n'(l) = y_t(last of l) P_n(l),
        P_n'(l + s) = y_t(s) (P_b(l) + P_n(l)) for s other than the last of l, y_t(s) P_b(l) for a repeat;

    after each frame the `width` likeliest beginnings are kept.

    Args:
        logits: `(batch, frames, classes)`, the blank first.
        width: how many beginnings are kept.

    Returns:
        For each recording the transcripts that were kept, the likeliest first.

    Raises:
        OptionError: a beam of no width.
        ShapeError: other logits.

    Graves et al. 2006, section 3.2; Hannun et al., arXiv:1408.2873, algorithm 1 without a language model.

    >>> found = prefix_beam(torch.tensor([[[0.4, 0.6], [0.6, 0.4]]]).log(), width=4)[0]
    >>> found[0].symbols, round(math.exp(found[0].log_probability), 4)
    ((1,), 0.76)
    """
    if width < 1:
        raise OptionError("the beam is too narrow", expected="1 or more", received=width)
    if logits.ndim != 3:
        raise ShapeError(
            "logits of frames are read", expected="(batch, frames, classes)", received=tuple(logits.shape)
        )
    logs, lengths = logits.double().log_softmax(dim=-1), real_frames(logits).sum(dim=1).tolist()
    return [_searched(rows[:count].tolist(), width) for rows, count in zip(logs, lengths, strict=True)]


def _searched(frames: list[list[float]], width: int) -> list[Decoded]:
    beam: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, -math.inf)}
    for frame in frames:
        fresh: dict[tuple[int, ...], list[float]] = defaultdict(lambda: [-math.inf, -math.inf])
        likely = [symbol for symbol, log in enumerate(frame) if symbol != BLANK and log > LEAST]
        for said, (blank, other) in beam.items():
            both = _plus(blank, other)
            own = fresh[said]
            own[0] = _plus(own[0], both + frame[BLANK])
            if said:
                own[1] = _plus(own[1], other + frame[said[-1]])
            for symbol in likely:
                longer = fresh[(*said, symbol)]
                before = blank if said and said[-1] == symbol else both
                longer[1] = _plus(longer[1], before + frame[symbol])
        possible = [each for each in fresh.items() if max(each[1]) > -math.inf]
        ranked = sorted(possible, key=lambda each: (-_plus(*each[1]), each[0]))[:width]
        beam = {said: (blank, other) for said, (blank, other) in ranked}
    found = [Decoded(said, _plus(*sums)) for said, sums in beam.items()]
    return sorted(found, key=lambda each: (-each.log_probability, each.symbols))


def _plus(one: float, other: float) -> float:
    """Return log(exp(one) + exp(other))."""
    high, low = (one, other) if one > other else (other, one)
    return high if low == -math.inf else high + math.log1p(math.exp(low - high))


def transcribed(logits: Tensor, targets: Transcript, *, beam: int = 1) -> tuple[list[str], list[float]]:
    """Return what was said in each recording, and the probability of that: the sum over all of its alignments.

    Args:
        logits: `(batch, frames, classes)`.
        targets: the spec.
        beam: how many beginnings are kept; 1 reads the likeliest class of each frame.

    Raises:
        OptionError: a beam of no width.

    >>> spec = Transcript(("a", "b"), 4)
    >>> said, probabilities = transcribed(torch.tensor([[[0.0, 3.0, 0.0], [0.0, 0.0, 3.0]]]), spec)
    >>> said, [round(each, 2) for each in probabilities]
    (['ab'], [0.83])
    """
    if beam == 1:
        found = best_path(logits)
    else:
        rows = [torch.tensor(each[0].symbols, dtype=torch.int64) for each in prefix_beam(logits, beam)]
        found = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=-1)
    values = _likelihoods(logits, found)
    return [targets.text(row) for row in found.tolist()], values


def _likelihoods(logits: Tensor, symbols: Tensor) -> list[float]:
    longest = max(int((symbols >= 0).sum(dim=1).max()) if symbols.numel() else 0, 1)
    said = torch.nn.functional.pad(symbols, (0, max(0, longest - symbols.shape[1])), value=-1)[:, :longest]
    loss = CTC()
    values = loss.elementwise(logits.double(), said)
    return torch.exp(-values).clamp(max=1.0).tolist()
