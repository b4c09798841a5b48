"""Start several processes that run `ranks.py` together, as torchrun would."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from neurarium.core.codec import load_tree

WORKER = Path(__file__).parent / "ranks.py"


@contextlib.contextmanager
def started(folder: Path, world: int, *registries: str) -> Iterator[list[subprocess.Popen]]:
    """Start the processes, and end those that are left in the end; each has a log in the folder."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "WORLD_SIZE": str(world),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    command = [sys.executable, "-W", "ignore", str(WORKER), str(folder), *registries]
    with contextlib.ExitStack() as stack:
        processes = []
        for rank in range(world):
            log = stack.enter_context((folder / f"log-{rank}").open("w"))
            process = subprocess.Popen(
                command, env={**environment, "RANK": str(rank)}, stdout=log, stderr=log
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            processes.append(process)
        yield processes


def results(folder: Path, processes: list[subprocess.Popen], timeout: float = 240) -> list[dict[str, Any]]:
    """Wait for the processes; return the results of each rank, or fail with their logs."""
    for process in processes:
        process.wait(timeout=timeout)
    if any(process.returncode for process in processes):
        pytest.fail("\n".join(path.read_text()[-3000:] for path in sorted(folder.glob("log-*"))))
    return [load_tree(folder / str(rank)) for rank in range(len(processes))]


def furthest(one: Any, other: Any) -> float:
    """Return the greatest difference between two results."""
    if isinstance(one, list):
        return max(furthest(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        return max(furthest(one[name], other[name]) for name in one)
    a, b = torch.as_tensor(one), torch.as_tensor(other)
    return float((a.double() - b.double()).abs().max()) if a.numel() else 0.0


def bitwise(one: Any, other: Any) -> bool:
    """Tell whether two results are the same, bit by bit."""
    if isinstance(one, dict):
        return all(bitwise(one[name], other[name]) for name in one)
    if isinstance(one, list):
        return all(bitwise(a, b) for a, b in zip(one, other, strict=True))
    return torch.equal(torch.as_tensor(one), torch.as_tensor(other))
