"""The key-value cache: what a causal attention has computed for earlier positions, kept for those that follow."""

from __future__ import annotations

from torch import Tensor

from neurarium.core.errors import OptionError, ShapeError


class KeyValueCache:
    """Keys and values of the positions that one causal attention has read.

    Generating n tokens then costs n times one position instead of 1 + 2 + ... + n. The memory is taken once, for the
    longest text, at the first keys: they say its type and device.

    Args:
        batch: how many texts.
        length: the most positions.

    Raises:
        OptionError: no text, or no position.

    >>> import torch
    >>> cache = KeyValueCache(1, 4)
    >>> keys, values = cache.append(torch.zeros(1, 2, 3, 8), torch.zeros(1, 2, 3, 8))
    >>> keys, values = cache.append(torch.ones(1, 2, 1, 8), torch.ones(1, 2, 1, 8))
    >>> keys.shape, keys[0, 0, :, 0].tolist(), cache.filled
    (torch.Size([1, 2, 4, 8]), [0.0, 0.0, 0.0, 1.0], 4)
    """

    def __init__(self, batch: int, length: int):
        if batch < 1 or length < 1:
            raise OptionError(
                "a cache holds too little",
                expected="1 text of 1 position or more",
                received=f"batch={batch}, length={length}",
            )
        self.batch, self.length, self.filled = batch, length, 0
        self.keys: Tensor | None = None
        self.values: Tensor | None = None

    def append(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Add the keys and values of further positions; return those of all.

        Args:
            keys, values: `(batch, key_heads, new, dim)`.

        Returns:
            `(batch, key_heads, filled, dim)` each: views, which the next call leaves as they are.

        Raises:
            ShapeError: more positions than there is room for, or another number of texts.
        """
        total = self.filled + keys.shape[2]
        if keys.shape[0] != self.batch or total > self.length:
            raise ShapeError(
                "the cache has no place for these positions",
                expected=f"{self.batch} texts, {self.length - self.filled} more positions at most",
                received=f"{keys.shape[0]} texts, {keys.shape[2]} positions",
                fix="make a new, longer cache: new_cache(batch, length)",
            )
        if self.keys is None or self.values is None:
            self.keys = keys.new_zeros(self.batch, keys.shape[1], self.length, keys.shape[3])
            self.values = values.new_zeros(self.batch, values.shape[1], self.length, values.shape[3])
        self.keys[:, :, self.filled : total] = keys.detach()
        self.values[:, :, self.filled : total] = values.detach()
        self.filled = total
        return self.keys[:, :, :total], self.values[:, :, :total]

    def take(self, rows: Tensor) -> None:
        """Go on with these texts: row i becomes what row `rows[i]` was, as a beam search needs.

        Args:
            rows: int64 `(new batch,)`.
        """
        self.batch = len(rows)
        if self.keys is not None and self.values is not None:
            self.keys, self.values = self.keys[rows], self.values[rows]

    def __repr__(self) -> str:
        return f"KeyValueCache({self.batch}, {self.length}): {self.filled} filled"
