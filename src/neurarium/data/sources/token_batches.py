"""Token batches: windows of a long text that begin anywhere, resumable at any batch, the same with any number of ranks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from neurarium.core.errors import OptionError, RefusalError
from neurarium.core.seeds import generator
from neurarium.data.sources.place import place_of, share_of
from neurarium.data.token_windows import TokenWindows


class TokenBatches:
    """Yield windows of a text in batches.

    Each epoch cuts the text into windows from another first token on, and reads them in another order: every token is seen
    once an epoch, with another past each time. First token and order are drawn from (seed, epoch).

    Args:
        examples: the text.
        batch_size: windows per batch over all ranks together; the last batch of an epoch may be shorter.
        seed: of all chance.
        rank, world: which part of every batch is this process's; by default those of torch.distributed.
        device: where batches go.

    Raises:
        OptionError: a batch size below 1.

    >>> text = TokenWindows(torch.arange(9, dtype=torch.int32), 4)
    >>> batch = next(iter(TokenBatches(text, batch_size=2, seed=0)))
    >>> bool((batch["targets"] == batch["inputs"]["tokens"] + 1).all()), batch["targets"].shape
    (True, torch.Size([2, 4]))
    """

    def __init__(
        self, examples: TokenWindows, batch_size: int = 32, *, seed: int = 0,
        rank: int | None = None, world: int | None = None, device: torch.device | str | None = None,
    ):  # fmt: skip
        if batch_size < 1:
            raise OptionError("the batch size is too small", expected="1 or more", received=batch_size)
        self.examples, self.batch_size, self.seed = examples, batch_size, seed
        self.rank, self.world = place_of(rank, world)
        self.device = torch.device(device) if device is not None else torch.device("cpu")
        self.epoch = self.position = 0
        self._tokens: Tensor | None = None

    def __len__(self) -> int:
        return -(-len(self.examples) // self.batch_size)

    def state_dict(self) -> dict[str, Any]:
        return {"epoch": self.epoch, "position": self.position}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.epoch, self.position = state["epoch"], state["position"]

    def starts(self) -> Tensor:
        """Return at which token each window of the current epoch begins, in their order, `(windows,)`."""
        length, last = self.examples.length, len(self.examples.tokens) - 1 - self.examples.length
        chance = generator(self.seed, "windows", self.epoch)
        first = (
            torch.randint(0, min(length, last + 1), (1,), generator=chance) if last >= 0 else torch.zeros(1)
        )
        order = torch.randperm(len(self.examples), generator=chance)
        return (first + length * order).clamp(max=max(last, 0)).long()

    def latest(self) -> Tensor:
        """Return at which token the windows of the batch that was yielded last begin."""
        return self.starts()[slice(*self._bounds(self.position - 1))]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        starts = self.starts()
        length = min(self.examples.length, len(self.examples.tokens) - 1)
        if self._tokens is None:
            self._tokens = self.examples.tokens.to(self.device)
        places = torch.arange(length + 1)
        for number in range(self.position, len(self)):
            chosen = starts[slice(*self._bounds(number))]
            taken = self._tokens[(chosen[:, None] + places).to(self.device)].long()
            self.position = number + 1
            yield {"inputs": {"tokens": taken[:, :-1]}, "targets": taken[:, 1:]}
        self.epoch, self.position = self.epoch + 1, 0

    def _bounds(self, number: int) -> tuple[int, int]:
        """Return where this rank's part of batch `number` lies in the order."""
        first = number * self.batch_size
        low, high = share_of(min(self.batch_size, len(self.examples) - first), self.rank, self.world)
        return first + low, first + high


def token_batches(
    examples: TokenWindows, batch_size: int, seed: int, options: Mapping[str, Any], source: Any = TokenBatches
) -> Any:
    """Return a source of a text from the options that `fit` gives to any source.

    Raises:
        RefusalError: augmentation was asked for.
    """
    if options.get("augment") is not None:
        raise RefusalError(
            "augmentation changes images, and a language model reads text", fix="leave out --augment"
        )
    return source(examples, batch_size, seed=seed, device=options.get("device"))
