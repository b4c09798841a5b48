"""Tag chains: a score for every pair of neighbouring tags, and what follows from all of them: sums, shares, the best path."""

from __future__ import annotations

import torch
from torch import Tensor

from neurarium.core.errors import ShapeError

NEVER = -1e4  # a score whose exponential is zero in every precision, and that is finite in all


def without_padding(scores: Tensor, mask: Tensor) -> Tensor:
    """Let each position behind a sentence's end repeat the tag before it for nothing: it changes no sum and no path.

    Args:
        scores: `(batch, length, tags, tags)`: of tag j at a position (last axis) behind tag i.
        mask: `(batch, length)`, True for real words, which come first.

    >>> without_padding(torch.ones(1, 2, 2, 2), torch.tensor([[True, False]]))[0, 1].tolist()
    [[0.0, -10000.0], [-10000.0, 0.0]]
    """
    stays = torch.eye(scores.shape[-1], dtype=torch.bool, device=scores.device)
    repeated = torch.full_like(scores[:1, :1], NEVER).masked_fill(stays, 0.0)
    return torch.where(mask[:, :, None, None], scores, repeated)


def log_partition(scores: Tensor) -> Tensor:
    """Return log Z = log sum over all paths y of exp(score(y)), `(batch,)`, by the forward algorithm.

    score(y) = sum_t scores[t, y_(t-1), y_t]; before the first word stands tag 0, whose row says how sentences begin.

    Args:
        scores: `(batch, length, tags, tags)`.

    Raises:
        ShapeError: scores of another shape.

    Lafferty, McCallum and Pereira 2001; Lample et al. 2016, arXiv:1603.01360, section 2.2.

    >>> round(log_partition(torch.zeros(1, 3, 2, 2)).exp().item(), 4)          # 2 * 2 * 2 paths
    8.0
    """
    first, *others = _steps(scores)
    alpha = first[:, 0]
    for step in others:
        alpha = torch.logsumexp(alpha.unsqueeze(-1) + step, dim=1)
    return torch.logsumexp(alpha, dim=-1)


def path_score(scores: Tensor, tags: Tensor) -> Tensor:
    """Return the score of a path, `(batch,)`.

    Args:
        scores: `(batch, length, tags, tags)`.
        tags: `(batch, length)`; what is below zero (behind the end) repeats the tag before it.

    >>> path_score(torch.arange(8.0).view(1, 2, 2, 2), torch.tensor([[1, 0]]))
    tensor([7.])
    """
    tags = _filled(tags)
    rows = _behind(scores, tags)
    return rows.gather(-1, tags.unsqueeze(-1)).squeeze(-1).sum(dim=1)


def given_before(scores: Tensor, tags: Tensor) -> Tensor:
    """Return logits of each word's tag, given the sentence and the true tag before it.

    z_t(j) = scores[t, y_(t-1), j] + beta_t(j), where beta_t(j) is the log of the sum over all that may follow j: then
    softmax(z_t) = p(y_t | y_(t-1), x), and the sum of their cross-entropies is -log p(y | x) = log Z - score(y), exactly.
    So every loss of tags is one of chains too.

    Args:
        scores: `(batch, length, tags, tags)`.
        tags: the truth, `(batch, length)`; below zero behind the end.

    Returns:
        `(batch, length, tags)`.

    >>> scores = torch.arange(8.0).view(1, 2, 2, 2)
    >>> nats = torch.nn.functional.cross_entropy(given_before(scores, torch.tensor([[1, 0]]))[0], torch.tensor([1, 0]))
    >>> bool((2 * nats - (log_partition(scores) - 7)).abs() < 1e-5)
    True
    """
    return _behind(scores, _filled(tags)) + _to_come(scores)


def best_path(scores: Tensor) -> Tensor:
    """Return the tags of the highest score, `(batch, length)` int64, by the algorithm of Viterbi (1967).

    Args:
        scores: `(batch, length, tags, tags)`.

    >>> best_path(torch.tensor([[[[0.0, 1.0], [0.0, 0.0]], [[2.0, 0.0], [0.0, 0.5]]]]))    # 0 first, for the sake of 2
    tensor([[0, 0]])
    """
    first, *others = _steps(scores)
    best, came = first[:, 0], []
    for step in others:
        best, places = (best.unsqueeze(-1) + step).max(dim=1)
        came.append(places)
    found = [best.argmax(dim=-1)]
    for places in reversed(came):
        found.append(places.gather(1, found[-1].unsqueeze(-1)).squeeze(-1))
    return torch.stack(found[::-1], dim=1)


def marginals(scores: Tensor) -> Tensor:
    """Return p(y_t = j | x), `(batch, length, tags)`, by the forward and the backward algorithm.

    Args:
        scores: `(batch, length, tags, tags)`.

    >>> marginals(torch.zeros(1, 2, 2, 2)).tolist()
    [[[0.5, 0.5], [0.5, 0.5]]]
    """
    first, *others = _steps(scores)
    found = [first[:, 0]]
    for step in others:
        found.append(torch.logsumexp(found[-1].unsqueeze(-1) + step, dim=1))
    return torch.softmax(torch.stack(found, dim=1) + _to_come(scores), dim=-1)


def _to_come(scores: Tensor) -> Tensor:
    """Return beta, `(batch, length, tags)`: the log of the sum over all that may follow a tag."""
    steps = _steps(scores)
    found = [torch.zeros_like(steps[0][:, 0])]
    for step in reversed(steps[1:]):
        found.append(torch.logsumexp(step + found[-1].unsqueeze(1), dim=-1))
    return torch.stack(found[::-1], dim=1)


def _behind(scores: Tensor, tags: Tensor) -> Tensor:
    """Return the rows of the scores behind the tag before each word, `(batch, length, tags)`."""
    before = torch.cat([torch.zeros_like(tags[:, :1]), tags[:, :-1]], dim=1)
    rows = before[:, :, None, None].expand(-1, -1, 1, scores.shape[-1])
    return scores.gather(2, rows).squeeze(2)


def _filled(tags: Tensor) -> Tensor:
    """Let what is below zero repeat the tag before it."""
    place = torch.arange(tags.shape[1], device=tags.device)
    last = torch.where(tags >= 0, place, 0).cummax(dim=1).values
    return tags.gather(1, last).clamp(min=0)


def _steps(scores: Tensor) -> tuple[Tensor, ...]:
    if scores.ndim != 4 or scores.shape[-1] != scores.shape[-2] or scores.shape[1] < 1:
        raise ShapeError(
            "a chain of tags has a score for each pair of them",
            expected="(batch, length, tags, tags), one word or more", received=tuple(scores.shape),
        )  # fmt: skip
    return scores.unbind(dim=1)  # its gradient is one stack; that of slices is as many whole tensors
