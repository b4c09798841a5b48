"""Seeds by name: each use of chance has its own stream, derived from (seed, names), never from the order of calls."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import numpy
import torch


def derive(seed: int, *keys: str | int) -> int:
    """Derive a 63-bit seed for a named use; the same everywhere, on every machine.

    >>> derive(0, "shuffle", 3) == derive(0, "shuffle", 3) != derive(0, "shuffle", 4)
    True
    """
    digest = hashlib.blake2b(repr((int(seed), *keys)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def generator(seed: int, *keys: str | int) -> torch.Generator:
    """Return a CPU torch generator for a named use."""
    return torch.Generator().manual_seed(derive(seed, *keys))


def numpy_generator(seed: int, *keys: str | int) -> numpy.random.Generator:
    """Return a NumPy generator for a named use."""
    return numpy.random.default_rng(derive(seed, *keys))


def seed_everything(seed: int, *keys: str | int) -> None:
    """Seed the global generators of Python, NumPy and torch (dropout and initialization draw from torch's)."""
    value = derive(seed, *keys) if keys else int(seed)
    random.seed(value)
    numpy.random.seed(value % 2**32)
    torch.manual_seed(value)


def random_state() -> dict[str, Any]:
    """Return the state of the global generators as a tree of tensors and plain values."""
    name, keys, position, has_gauss, cached = numpy.random.get_state()  # type: ignore[misc]
    version, internal, gauss = random.getstate()
    state: dict[str, Any] = {
        "torch": torch.get_rng_state(),
        "numpy": {
            "name": name,
            "keys": torch.from_numpy(numpy.asarray(keys, dtype=numpy.int64)),
            "position": int(position),
            "has_gauss": int(has_gauss),
            "cached": float(cached),
        },
        "python": {"version": version, "internal": torch.tensor(internal), "gauss": gauss},
    }
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state_all()
    return state


def set_random_state(state: dict[str, Any]) -> None:
    """Put the global generators back to a state of `random_state`."""
    torch.set_rng_state(state["torch"].to(torch.uint8))
    held = state["numpy"]
    keys = held["keys"].numpy().astype(numpy.uint32)
    numpy.random.set_state((held["name"], keys, held["position"], held["has_gauss"], held["cached"]))
    python = state["python"]
    random.setstate((python["version"], tuple(python["internal"].tolist()), python["gauss"]))
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state_all([each.to(torch.uint8).cpu() for each in state["cuda"]])
