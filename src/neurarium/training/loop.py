"""The one loop: steps, evaluations, checkpoints, and every reason to stop."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from neurarium.core import batches
from neurarium.core.errors import NotFiniteError, OptionError
from neurarium.core.seeds import random_state, set_random_state
from neurarium.data.sources.source import Source
from neurarium.training import distributed, sharding
from neurarium.training.callbacks.callback import Callback
from neurarium.training.checkpoint import Checkpoints
from neurarium.training.finiteness import bad_statistic, first_bad
from neurarium.training.method import Method
from neurarium.training.recorder import Recorder
from neurarium.training.stopping import Best, Convergence

GATHERED = 256  # single numbers that are kept before they become one tensor


class Loop:
    """Runs a method over a source.

    Args:
        method, source: what learns, from what.
        epochs, steps: where training ends; one of them may be None.
        evaluate: `evaluate() -> metrics of the validation split`, or None.
        evaluate_every: steps between evaluations; None for once an epoch.
        best: keeps the best weights; None keeps none.
        convergence: tells when the training loss stands still.
        callbacks: lookers-on.
        recorder: the logs.
        checkpoints: where checkpoints go; None for none.
        checkpoint_seconds, checkpoint_steps: how often.
        time_limit: seconds, over all resumed parts together.
        run: what callbacks see as `loop.run`.
    """

    def __init__(
        self,
        method: Method,
        source: Source,
        *,
        epochs: int | None,
        steps: int | None,
        evaluate: Callable[[], dict[str, float]] | None = None,
        evaluate_every: int | None = None,
        best: Best | None = None,
        convergence: Convergence | None = None,
        callbacks: Sequence[Callback] = (),
        recorder: Recorder | None = None,
        checkpoints: Checkpoints | None = None,
        checkpoint_seconds: float = 30.0,
        checkpoint_steps: int | None = None,
        time_limit: float | None = None,
        run: Any = None,
    ):
        self.method, self.source, self.run = method, source, run
        self.epochs, self.steps = epochs, steps
        self.length = len(source)
        self.total = steps if steps is not None else (epochs * self.length if epochs is not None else None)
        self.evaluate_split, self.evaluate_every = evaluate, evaluate_every
        self.best, self.convergence = best, convergence or Convergence(None)
        self.callbacks, self.recorder = list(callbacks), recorder or Recorder(None)
        self.checkpoints = checkpoints
        self.checkpoint_seconds, self.checkpoint_steps = checkpoint_seconds, checkpoint_steps
        self.time_limit = time_limit
        self.epoch = self.step = 0
        self.elapsed = 0.0
        self.reason = ""
        self.interrupted = self.terminated = False
        self.measured = 0  # the step of the last evaluation
        self._inside = self._closing = False
        self._sums: dict[str, list[Tensor]] = {}

    # ------------------------------------------------------------------------------------------------ the loop

    def stop(self, reason: str) -> None:
        """Ask the loop to end after the current step."""
        self.reason = self.reason or reason

    def train(self) -> None:
        """Run until something says stop."""
        self._resumed_at, self._saved_at = time.monotonic(), time.monotonic()
        self._before, self._ranks = self.elapsed, distributed.world()
        for callback in self.callbacks:
            callback.start(self)
        try:
            with self._signals():
                while self._closing or not self._agreed(self._ended())[0]:
                    self._closing = False
                    self._epoch()
            self.stop("another process stopped")
            self.save()  # first, so that a longer run resumed from here is the same as one that never stopped
            if self.measured != self.step and not self._agreed(self.interrupted)[0]:
                self.evaluate()
        finally:
            for callback in self.callbacks:
                callback.stop(self)

    def _epoch(self) -> None:
        self.method.train()
        step, every = self.method.step, self.evaluate_every
        self._inside = True
        for batch in self.source:
            try:
                metrics = step(batch)
            except NotFiniteError as error:
                raise self._located(error) from error
            self.step += 1
            self._note(metrics)
            for callback in self.callbacks:
                callback.step(self, metrics)
            if every is not None and self.step % every == 0:
                self.evaluate()
            due, ended = self._agreed(self._due(), self._ended())
            if due:
                self.save()
            if ended and self.step % self.length:  # at an epoch's end the source closes it first
                break
        else:
            self.epoch += 1
            self._inside = False
            if every is None:
                self.evaluate()
        self._inside = False

    def _note(self, metrics: dict[str, Any]) -> None:
        """Keep the metrics of a step, in few tensors: thousands of single numbers would pin the memory around them."""
        for name, value in metrics.items():
            values = self._sums.setdefault(name, [])
            values.append(value)
            if len(values) >= GATHERED:
                self._sums[name] = [_gathered(values)]

    def _located(self, error: NotFiniteError) -> NotFiniteError:
        """Add to a failure of the guard in which batch, and at which example, it happened."""
        place = f"batch {self.step % self.length + 1} of {self.length} in epoch {self.epoch + 1}"
        row, latest = getattr(error, "row", None), getattr(self.source, "latest", None)
        if row is not None and latest is not None:
            place += f", example {int(latest()[row])} of the split"
        return NotFiniteError(f"{error.problem} ({place})", fix=error.fix)

    def _ended(self) -> bool:
        self.elapsed = self._before + time.monotonic() - self._resumed_at
        if self.time_limit is not None and self.elapsed >= self.time_limit:
            self.stop("the time limit is reached")
        if self.total is not None and self.step >= self.total:
            self.stop("done")
        return bool(self.reason)

    def _agreed(self, *wishes: bool) -> tuple[bool, ...]:
        """Ranks have clocks, signals and callbacks of their own: all do what one of them wants."""
        if self._ranks == 1:
            return wishes
        return tuple((distributed.total(torch.tensor(wishes, dtype=torch.int64)) > 0).tolist())

    # ---------------------------------------------------------------------------------------------- evaluation

    def evaluate(self) -> None:
        """Measure, log, keep the best, and see whether to stop."""
        self.measured = self.step
        row: dict[str, Any] = {"epoch": self.epoch, "step": self.step, "train": self._training_means()}
        rates = [descent.rate for descent in self.method.descents()]
        if rates:
            row["rate"] = rates[0]
        began = time.monotonic()
        with self._averaged():
            if self.evaluate_split is not None:
                row["validation"] = self._validation()
            if self.best is not None:
                self.best.consider(row, self.method.deployed)
        self.method.train()
        timing = {
            "step": self.step,
            "seconds": round(self.elapsed, 3),
            "evaluation": round(time.monotonic() - began, 3),
        }
        self.recorder.add(row, timing)
        for callback in self.callbacks:
            callback.evaluate(self, row)
        self._judge(row)

    def _validation(self) -> dict[str, float]:
        """Measure; running statistics take no part in a training step, and that they are spoiled shows here."""
        try:
            return self.evaluate_split()  # type: ignore[misc]
        except NotFiniteError as error:
            found = self._spoiled()
            if not found:
                raise
            raise NotFiniteError(
                f"{error.problem} after step {self.step}; it comes from {found}", fix=error.fix
            ) from error

    def _judge(self, row: dict[str, Any]) -> None:
        score, better = row["train"].get("loss"), "min"
        if self.best is not None:
            score, better = row.get("validation", {}).get(self.best.monitor), self.best.better
        if score is not None:
            for descent in self.method.descents():
                descent.observe(score, better=better)
        if self.best is not None and self.best.exhausted:
            self.stop(f"validation {self.best.monitor} has not improved for {self.best.waited} evaluations")
        if self.convergence.consider(row["train"].get("loss")):
            self.stop("the training loss stands still")

    def _training_means(self) -> dict[str, float]:
        means = {}
        for name, values in self._sums.items():
            means[name] = float(_gathered(values).float().mean())
        self._sums = {}
        return means

    @contextlib.contextmanager
    def _averaged(self) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            for descent in self.method.descents():
                stack.enter_context(descent.averaged())
            yield

    # --------------------------------------------------------------------------------------------- checkpoints

    def _due(self) -> bool:
        if self.checkpoints is None:
            return False
        if self.checkpoint_steps is not None:
            return self.step % self.checkpoint_steps == 0
        return time.monotonic() - self._saved_at >= self.checkpoint_seconds

    def save(self) -> None:
        """Write a checkpoint; never of weights that are not finite."""
        if self.checkpoints is None or self._spoiled():
            return
        tree = self.state_dict()
        if distributed.first():
            self.checkpoints.save(self.step, tree)
        self._saved_at = time.monotonic()

    def _spoiled(self) -> str | None:
        """Name the first weight or running statistic that is not finite."""
        return first_bad(dict(self.method.named_parameters())) or bad_statistic(self.method)

    def state_dict(self) -> dict[str, Any]:
        """Return all that a resumed run needs to go on bitwise as if nothing had happened."""
        return {
            "method": sharding.whole(dict(self.method.state_dict())),
            "ranks": distributed.everyones({"source": self.source.state_dict(), "random": random_state()}),
            "epoch": self.epoch,
            "step": self.step,
            "length": self.length,
            "measured": self.measured,
            "closing": self._inside and self.step % self.length == 0,
            "elapsed": self.elapsed,
            "best": None if self.best is None else self.best.state_dict(),
            "convergence": self.convergence.state_dict(),
            "sums": {name: _gathered(values) for name, values in self._sums.items()},
            "callbacks": [callback.state_dict() for callback in self.callbacks],
            "logs": self.recorder.lengths(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        if state["length"] != self.length:
            raise OptionError(
                "the run was begun with other data, or another batch size",
                expected=f"{state['length']} batches per epoch",
                received=f"{self.length}",
                fix="resume with what it was begun with, or choose another folder",
            )
        sharding.load_method(self.method, state["method"])
        ranks = state["ranks"]
        own = ranks[distributed.rank() % len(ranks)]  # another number of processes goes on as well as it can
        self.source.load_state_dict(own["source"])
        self.epoch, self.step, self.elapsed = state["epoch"], state["step"], state["elapsed"]
        self.measured, self._closing = state["measured"], state["closing"]
        if self.best is not None and state["best"] is not None:
            self.best.load_state_dict(state["best"])
        self.convergence.load_state_dict(state["convergence"])
        device = next((p.device for p in self.method.parameters()), torch.device("cpu"))
        self._sums = {
            name: list(batches.to(values, device).unbind()) for name, values in state["sums"].items()
        }
        for callback, held in zip(self.callbacks, state["callbacks"], strict=False):
            callback.load_state_dict(held)
        set_random_state(own["random"])
        self.recorder.cut(state["logs"])

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """End after the current step on Ctrl-C or a polite kill; a second one ends at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def ask(number: int, frame: Any) -> None:
            if self.interrupted:
                raise KeyboardInterrupt
            self.interrupted, self.terminated = True, number == signal.SIGTERM
            self.stop("interrupted")

        held = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in held.items():
                signal.signal(number, handler)


def _gathered(values: Sequence[Any]) -> Tensor:
    return torch.cat([torch.as_tensor(value).detach().reshape(-1) for value in values])
