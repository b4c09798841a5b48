"""Out of memory: split the batch finer and go on."""

from __future__ import annotations

import gc
from typing import Any

import torch

from neurarium.core import batches
from neurarium.core.errors import UserError
from neurarium.training import distributed


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that memory ran out, on a GPU or on the processor."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and "allocate memory" in str(error)


def finer(error: BaseException, accumulate: int, batch: Any) -> int:
    """Return twice the number of micro-batches, where that can help; else raise the error again.

    Raises:
        UserError: a single example does not fit; or there are several ranks, which could not agree in time.
    """
    if not is_out_of_memory(error):
        raise error
    if distributed.world() > 1:  # the other ranks cannot know, and wait in the middle of this batch
        raise UserError(
            "a batch does not fit into memory",
            received=str(error).splitlines()[0],
            fix=f"start again with --set accumulate={accumulate * 2}",
        ) from error
    if accumulate >= batches.size(batch):
        raise UserError(
            "one example alone does not fit into memory",
            received=str(error).splitlines()[0],
            fix="take a smaller network, shorter or smaller inputs, or precision=bfloat16",
        ) from error
    error.__traceback__ = None  # it holds the frames that hold the tensors
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return accumulate * 2
