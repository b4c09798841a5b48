"""Conditional random field: what a network says of each word, and which tags follow one another."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from neurarium.core.errors import OptionError, ShapeError
from neurarium.core.recipe import recorded
from neurarium.data.tag_chains import without_padding


@recorded
class ConditionalRandomField(nn.Module):
    """A linear-chain conditional random field over the tags of a sentence.

    p(y | x) = exp(s(x, y)) / sum_y' exp(s(x, y')),  s(x, y) = b(y_1) + sum_t P_t(y_t) + sum_t A(y_(t-1), y_t) + e(y_n)

    P are the logits of each word, A the scores of transitions, b and e those of a sentence's first and last tag. The layer
    gives the scores of all pairs; `data.tag_chains` computes with them: `log_partition`, `best_path`, `marginals`, and
    `given_before`, by which the loss of a sentence is -log p(y | x).

    Args:
        tags: how many there are.

    `forward`: logits `(batch, length, tags)` and a mask `(batch, length)`, real words first -> scores `(batch, length, tags,
    tags)` in float32 or more, of tag j (last axis) behind tag i. All rows of the first word are b + P_1. What stands behind
    the end changes nothing.

    Raises:
        OptionError: no tag.
        ShapeError: logits of another number of tags.

    Lafferty, McCallum and Pereira 2001; Lample et al. 2016, arXiv:1603.01360, section 2.2.

    >>> field = ConditionalRandomField(3)
    >>> field(torch.zeros(2, 5, 3), torch.ones(2, 5, dtype=torch.bool)).shape
    torch.Size([2, 5, 3, 3])
    """

    def __init__(self, tags: int):
        super().__init__()
        if tags < 1:
            raise OptionError("a conditional random field has no tag", expected="1 or more", received=tags)
        self.tags = tags
        self.transitions = nn.Parameter(torch.empty(tags, tags).uniform_(-0.1, 0.1))
        self.begin = nn.Parameter(torch.empty(tags).uniform_(-0.1, 0.1))
        self.end = nn.Parameter(torch.empty(tags).uniform_(-0.1, 0.1))

    def forward(self, logits: Tensor, mask: Tensor) -> Tensor:
        if logits.ndim != 3 or logits.shape[-1] != self.tags or mask.shape != logits.shape[:2]:
            raise ShapeError(
                "the logits do not fit the tags",
                expected=f"(batch, length, {self.tags}) and a mask of the first two",
                received=f"{tuple(logits.shape)} and {tuple(mask.shape)}",
            )
        logits = logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits
        follows = torch.cat([mask[:, 1:], torch.zeros_like(mask[:, :1])], dim=1)
        own = logits + (mask & ~follows).unsqueeze(-1) * self.end.to(logits.dtype)
        first = torch.zeros_like(mask[:1]).index_fill(
            1, torch.zeros(1, dtype=torch.long, device=mask.device), True
        )
        before = torch.where(first[..., None, None], self.begin, self.transitions).to(logits.dtype)
        return without_padding(own.unsqueeze(2) + before, mask)

    def extra_repr(self) -> str:
        return f"tags={self.tags}"
