"""Memory: training does not grow with time."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import numpy
import pytest

import neurarium as nr
from neurarium.training.callbacks.callback import Callback

STATUS = Path("/proc/self/statm")


class Resident(Callback):
    """Notes the resident memory, in MB, after every fifth epoch: looking for garbage takes longer than an epoch."""

    def __init__(self) -> None:
        self.epochs: list[int] = []
        self.megabytes: list[float] = []

    def evaluate(self, loop: Any, row: dict[str, Any]) -> None:
        if loop.epoch % 5:
            return
        gc.collect()
        pages = int(STATUS.read_text().split()[1])
        self.epochs.append(loop.epoch)
        self.megabytes.append(pages * 4096 / 1024**2)


def slope(epochs: int, warm: int) -> float:
    """Train on digits; return by how many MB per 100 epochs the memory grows after a warm-up (least squares)."""
    data = nr.data.load("digits")
    network = nr.networks.MLP.for_data(data.inputs, data.targets, widths=(32,))
    watch = Resident()
    nr.fit(
        nr.methods.Supervised(network), data, epochs=epochs, batch_size=256, progress=False, callbacks=[watch]
    )
    at, held = (numpy.array(each) for each in (watch.epochs, watch.megabytes))
    at, held = at[at > warm], held[at > warm]
    return float(numpy.polyfit(at, held, 1)[0] * 100)


@pytest.mark.skipif(not STATUS.exists(), reason="resident memory is read from /proc")
@pytest.mark.slow
def test_eighty_epochs_are_nearly_flat():
    assert slope(80, 30) < 8.0


@pytest.mark.slow
@pytest.mark.skipif(not STATUS.exists(), reason="resident memory is read from /proc")
def test_a_thousand_epochs_are_flat():
    assert slope(1000, 100) < 1.0
