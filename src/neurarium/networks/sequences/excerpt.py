"""Excerpt: of a long text its beginning and its end, for networks whose cost grows with every token."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from neurarium.core.errors import OptionError


def excerpt(inputs: Mapping[str, Tensor], longest: int | None) -> Mapping[str, Tensor]:
    """Keep the first and the last half of what `longest` allows of each longer text; shorter ones stay as they are.

    Args:
        inputs: `{"tokens": (batch, length) int64, "mask": (batch, length) bool}`, the real tokens first.
        longest: tokens of a text that are kept; None for all.

    Returns:
        Inputs of the same form.

    Sun et al. 2019, arXiv:1905.05583, section 5.3.1: head and tail said more of reviews than either alone.

    >>> tokens = torch.tensor([[1, 2, 3, 4, 5, 6], [7, 8, 9, 0, 0, 0]])
    >>> excerpt({"tokens": tokens, "mask": tokens != 0}, 4)["tokens"].tolist()
    [[1, 2, 5, 6], [7, 8, 9, 0]]
    """
    tokens, mask = inputs["tokens"], inputs["mask"]
    if longest is None or tokens.shape[1] <= longest:
        return inputs
    place = torch.arange(longest, device=tokens.device).expand(len(tokens), -1)
    behind = (mask.sum(dim=1, keepdim=True) - longest).clamp(min=0)  # so many tokens are left out
    place = place + torch.where(place < longest - longest // 2, 0, behind)
    return {"tokens": tokens.gather(1, place), "mask": mask.gather(1, place)}


def require_read(read: int | None) -> int | None:
    """Return the option `read` of a network, how much of a text it reads.

    Raises:
        OptionError: it is less than 2, a beginning and an end.
    """
    if read is not None and read < 2:
        raise OptionError(
            "a network must read something of a text", expected="read of 2 tokens or more", received=read
        )
    return read
