"""The examples of docs/own are what is tested: they are imported from there."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

OWN = Path(__file__).parents[2] / "docs" / "own"
sys.path[:0] = [str(OWN), str(Path(__file__).parent)]


@pytest.fixture(autouse=True)
def _one_thread():
    """Tiny networks: threads would only wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)
