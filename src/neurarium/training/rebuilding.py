"""Rebuilding: what a run folder says is built, without believing the numbers and names in it."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode

from neurarium.core.errors import ArtifactError, NeurariumError
from neurarium.core.trust import keeping_out

MAKERS = {
    "empty", "empty_strided", "zeros", "ones", "full", "rand", "randn", "randint", "randperm", "arange", "eye", "linspace",
}  # fmt: skip
SPARE_BYTES, SPARE_TENSORS, SPARE_SIDE = 512 * 1024**2, 2_000, 2**24
TENSOR_BYTES = 8  # a stored tensor takes 50 bytes and more of its file, and a few others to be made


class Budget(TorchDispatchMode):
    """Refuses tensors that a file of so many bytes cannot fill: a width of 10^12 is refused before memory is asked for.

    Args:
        size: bytes of the weights' file; twice as much and a constant may be made.
        place: how messages call the folder.
    """

    def __init__(self, size: int, place: Any):
        super().__init__()
        self.bytes: float = 2 * size + SPARE_BYTES
        self.tensors, self.place = size // TENSOR_BYTES + SPARE_TENSORS, place

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing is compiled while a network is built: to keep torch's compiler out it would be loaded, which takes seconds."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func.overloadpacket.__name__ in MAKERS and args:
            sides = [each for arg in args for each in (arg if isinstance(arg, list | tuple) else [arg])]
            numbers = math.prod(args[0]) if isinstance(args[0], list | tuple) else max(map(_number, sides))
            self.bytes -= numbers * getattr((kwargs or {}).get("dtype"), "itemsize", 4)
            self.tensors -= 1
            if self.bytes < 0 or self.tensors < 0:
                raise ArtifactError(
                    f"the network that {self.place} describes is larger than its weights",
                    expected="options that fit weights.safetensors",
                    received=f"a tensor of {numbers:,} numbers" if self.bytes < 0 else "far more tensors",
                    fix="restore config.yaml from a copy, or train again",
                )
        return func(*args, **(kwargs or {}))


def _number(value: Any) -> float:
    return abs(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0


def require_sizes(options: Any, weights: Path, name: str = "options") -> None:
    """Refuse a size that is larger than the file of weights: a list of 10^9 layers would fill the memory without a tensor.

    Raises:
        ArtifactError: the option and its value.
    """
    parts = (
        options.items()
        if isinstance(options, dict)
        else enumerate(options)
        if isinstance(options, list)
        else ()
    )
    for key, value in parts:
        place = f"{name}.{key}"
        if (
            isinstance(value, int)
            and abs(value) > max(weights.stat().st_size, SPARE_SIDE)
            and "seed" not in place
        ):
            raise ArtifactError(
                f"the network that {weights.parent} describes is larger than its weights",
                expected="options that fit weights.safetensors",
                received=f"{place} = {value:.3g}"
                if abs(value) < 10**300
                else f"{place} of {value.bit_length():,} bits",
                fix="restore config.yaml from a copy, or train again",
            )
        require_sizes(value, weights, place)


@contextlib.contextmanager
def rebuilding(folder: Path | None, weights: Path | None = None) -> Iterator[None]:
    """Build what a folder describes: within what its weights fill, from no module inside it, and with one kind of error.

    Raises:
        ArtifactError: whatever goes wrong but for our own typed errors.
    """
    size = weights.stat().st_size if weights is not None and weights.is_file() else 0
    try:
        with keeping_out(folder), Budget(size, folder) if weights is not None else contextlib.nullcontext():
            yield
    except NeurariumError:
        raise
    except (Exception, RecursionError) as error:
        raise ArtifactError(
            f"what {folder} describes cannot be built: {type(error).__name__}: {str(error)[:200]}",
            expected="the files as training wrote them",
            fix="restore the folder from a copy, or train again",
        ) from error
