"""Transcripts: the frames of sound in which symbols are said, and how frames are read as symbols."""

from __future__ import annotations

import torch
from torch import Tensor

from neurarium.core.errors import ShapeError

SURE = 2.0**15  # exact in every precision, and finite in all; softmax makes it a probability of exactly 1
BLANK = 0


def certain_of_blank(logits: Tensor, mask: Tensor) -> Tensor:
    """Let the frames behind the end of each example be certain of the blank, `p(blank) = 1`.

    Such frames change no likelihood and no decoded symbol: padding counts for nothing in whatever reads the logits.

    Args:
        logits: `(batch, frames, classes)`, the blank first.
        mask: `(batch, frames)`, True for real frames, which come first.

    >>> certain_of_blank(torch.zeros(1, 2, 2), torch.tensor([[True, False]])).tolist()
    [[[0.0, 0.0], [32768.0, -32768.0]]]
    """
    padded = torch.full_like(logits, -SURE)
    padded[..., BLANK] = SURE
    return torch.where(mask.unsqueeze(-1), logits, padded)


def real_frames(logits: Tensor) -> Tensor:
    """Return which frames are not those of `certain_of_blank`, `(batch, frames)` bool."""
    others = torch.cat([logits[..., :BLANK], logits[..., BLANK + 1 :]], dim=-1)
    return ~((logits[..., BLANK] == SURE) & (others == -SURE).all(dim=-1))


def best_path(logits: Tensor) -> Tensor:
    """Read the likeliest class of each frame: repeats are one symbol, blanks none.

    Args:
        logits: `(batch, frames, classes)`, the blank first.

    Returns:
        `(batch, frames)` int64, the symbols first, padded with -1.

    Graves et al. 2006, section 3.2 ("best path decoding").

    >>> path = torch.tensor([[1, 1, 0, 1, 2]])
    >>> best_path(torch.nn.functional.one_hot(path, 3).float()).tolist()
    [[1, 1, 2, -1, -1]]
    """
    if logits.ndim != 3:
        raise ShapeError(
            "logits of frames are read", expected="(batch, frames, classes)", received=tuple(logits.shape)
        )
    path = logits.argmax(dim=-1)
    before = torch.cat([torch.full_like(path[:, :1], BLANK), path[:, :-1]], dim=1)
    said = (path != BLANK) & (path != before)
    place = torch.where(said, said.cumsum(dim=1) - 1, path.shape[1])
    found = torch.full((len(path), path.shape[1] + 1), -1, dtype=torch.int64, device=path.device)
    return found.scatter(1, place, path)[:, :-1].contiguous() if path.shape[1] else path


def edits(said: list[int] | str | list[str], truth: list[int] | str | list[str]) -> int:
    """Return the Levenshtein distance: the fewest insertions, deletions and replacements that turn one into the other.

    >>> edits("kitten", "sitting"), edits([], [1, 2])
    (3, 2)
    """
    if not truth or not said:
        return len(truth) + len(said)
    row = list(range(len(truth) + 1))
    for number, symbol in enumerate(said, start=1):
        corner, row[0] = row[0], number
        for place, other in enumerate(truth, start=1):
            corner, row[place] = (
                row[place],
                min(row[place] + 1, row[place - 1] + 1, corner + (symbol != other)),
            )
    return row[-1]
