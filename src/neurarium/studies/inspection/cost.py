"""Cost: how long the default training takes and how much memory, from a few steps that are really taken."""

from __future__ import annotations

import math
import statistics
import time
from typing import Any

from neurarium.core.errors import NeurariumError
from neurarium.core.seeds import random_state, set_random_state
from neurarium.core.wording import counted
from neurarium.data.dataset import Dataset, Decision
from neurarium.networks.choice import default
from neurarium.studies.inspection.finding import Finding
from neurarium.studies.planning.assignment import assign, owners_of
from neurarium.studies.planning.construction import Chosen, build
from neurarium.studies.planning.owners import usual_method
from neurarium.training.callbacks.callback import Callback
from neurarium.training.fitting import fit
from neurarium.training.need import estimate_need

WARM, STEPS, SECONDS = 3, 20, 3.0  # steps before the clock, steps measured at most, and for how long
FEWEST = 3  # steps in all, however slow


class _Clock(Callback):
    """Notes when each step ended; the first ones, which prepare kernels and caches, are left out."""

    def __init__(self) -> None:
        self.ends: list[float] = []
        self.length, self.begun = 0, 0.0

    def start(self, loop: Any) -> None:
        self.length, self.begun = int(loop.length or 0), time.perf_counter()

    def step(self, loop: Any, metrics: dict[str, Any]) -> None:
        float(next(iter(metrics.values())))  # waits for the device
        self.ends.append(time.perf_counter())
        if len(self.ends) >= FEWEST and self.ends[-1] - self.begun > SECONDS:
            loop.stop("measured")

    @property
    def took(self) -> list[float]:
        """Seconds of each step that counts: without the first three, or the first alone where there are few."""
        first = WARM if len(self.ends) >= 2 * WARM else 1
        return [
            after - before for before, after in zip(self.ends[first - 1 :], self.ends[first:], strict=False)
        ]


def estimate(dataset: Dataset) -> dict[str, Any]:
    """Estimate time and memory of `neurarium train` with nothing said.

    The default network takes up to 20 steps on real batches after three that are not counted; the median step times
    the steps of all epochs is the time, without the evaluations. Memory is that of `estimate_need`.

    Returns:
        `network`, `parameters`, `epochs`, `batch_size`, `steps`, `milliseconds_per_step`, `seconds`, `bytes`,
        `device`, and in words how it was measured; or `refused` with the reason.
    """
    state = random_state()
    try:
        return _measured(dataset)
    except NeurariumError as error:
        return {"refused": str(error)}
    finally:
        set_random_state(state)


def _measured(dataset: Dataset) -> dict[str, Any]:
    name, reason = default(dataset.inputs, dataset.targets)
    chosen = Chosen(name, None, usual_method(name), assign({}, owners_of(name, None)))
    chosen.decisions.insert(0, Decision("network", name, reason, "--network"))
    asked = dict.fromkeys(("epochs", "steps", "batch_size", "device"))
    method, given, decisions = build(dataset, chosen, asked, 0, None)
    alone = Dataset(
        dataset.name, dataset.inputs, dataset.targets, dataset.train, preparation=dataset.preparation
    )
    epochs = int(given.pop("epochs"))
    clock = _Clock()
    begun = time.perf_counter()
    count = 1 if getattr(method, "closed_form", False) else WARM + STEPS
    run = fit(method, alone, steps=count, callbacks=[clock], progress=False, keep="last", **given)
    took = clock.took
    median = statistics.median(took) if took else (time.perf_counter() - begun) / max(1, len(clock.ends))
    plan = {each.subject: each.choice for each in [*run.decisions, *decisions]}
    whole = clock.length == 1  # one step over all examples
    batch = len(dataset.train) if whole else int(given.get("batch_size") or plan.get("batch size") or 32)
    length = clock.length or math.ceil(len(dataset.train) / batch)
    need = estimate_need(method, alone, batch_size=min(batch, len(dataset.train)))
    parameter = next(method.parameters())
    return {
        "network": str(plan.get("network", "")),
        "parameters": sum(each.numel() for each in method.parameters() if each.requires_grad),
        "epochs": epochs,
        "batch_size": batch,
        "steps_per_epoch": length,
        "steps": epochs * length,
        "milliseconds_per_step": round(1000 * median, 3),
        "seconds": round(median * epochs * length, 2),
        "bytes": int(need.total),
        "device": str(parameter.device),
        "measured": _taken_over(len(took), len(clock.ends) - len(took), batch),
    }  # fmt: skip


def _taken_over(took: int, before: int, batch: int) -> str:
    """Say of what the time is.

    >>> _taken_over(0, 1, 245)
    'the one step over all 245 examples; a busy machine changes it'
    """
    if not took:
        return f"the one step over all {batch:,} examples; a busy machine changes it"
    return (
        f"median of {counted(took, 'step')} with batches of {batch} after {before} that do not count; evaluations, "
        "early stopping and a busy machine change it"
    )


def finding(found: dict[str, Any]) -> Finding | None:
    """Return what keeps training from beginning."""
    if "refused" not in found:
        return None
    return Finding(
        "error", "training", "the default training", found["refused"].splitlines()[0], "training would stop there",
        "see the message of `neurarium train`", {},
    )  # fmt: skip
