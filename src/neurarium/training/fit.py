"""fit: the one way to train."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch

from neurarium.core.errors import OptionError, RefusalError, unknown
from neurarium.core.seeds import seed_everything
from neurarium.data.dataset import Dataset, Decision
from neurarium.training import distributed, sharding
from neurarium.training.callbacks.callback import Callback
from neurarium.training.callbacks.progress import Progress
from neurarium.training.checkpoint import Checkpoints
from neurarium.training.context import Context
from neurarium.training.evaluation import evaluate
from neurarium.training.loop import Loop
from neurarium.training.method import Method
from neurarium.training.recorder import Recorder
from neurarium.training.run import Run
from neurarium.training.stopping import Best, Convergence


def fit(
    method: Method,
    data: Dataset | Iterable[Any],
    *,
    epochs: int | None = None,
    steps: int | None = None,
    validation: Any = None,
    batch_size: int | None = None,
    monitor: str | None = None,
    patience: int | None = None,
    tolerance: float | None = None,
    keep: str | None = None,
    evaluate_every: int | None = None,
    time_limit: float | None = None,
    callbacks: Sequence[Callback] = (),
    progress: bool | str = "auto",
    out: str | Path | None = None,
    resume: bool = False,
    checkpoint_seconds: float = 30.0,
    checkpoint_steps: int | None = None,
    seed: int = 0,
    device: str | torch.device | None = None,
    workers: int = 0,
    augment: Any = None,
    compile: bool = False,
    shard: bool = False,
    config: dict[str, Any] | None = None,
) -> Run:
    """Train a method on a dataset or a source.

    Args:
        method: how to learn; it holds the networks.
        data: a `Dataset`, or any source of batches.
        epochs, steps: how long; 20 epochs where neither is given.
        validation: a split or an iterable of batches; by default the dataset's validation split.
        batch_size: examples per batch over all ranks; chosen by the size of the data where None.
        monitor: the validation metric that picks the best weights and stops early; `loss` by default.
        patience: evaluations without improvement after which training stops; None for never.
        tolerance: stop when the training loss changes relatively less than this, three times in a row.
        keep: which weights the method holds afterwards: "best" (where there is validation), "averaged", "last".
        evaluate_every: steps between evaluations; None for once an epoch.
        time_limit: seconds.
        callbacks: objects with `start`, `step`, `evaluate`, `stop`.
        progress: True or "auto" shows progress on standard error, False shows nothing.
        out: a folder for the run; None writes nothing.
        resume: go on from the newest checkpoint in `out`, bitwise as if never interrupted.
        checkpoint_seconds, checkpoint_steps: how often a checkpoint is written into `out`.
        seed: of the order of examples, augmentation and dropout.
        device: "cpu", "cuda", "mps"; the best that is there where None.
        workers: processes that decode files.
        augment: `augment(batch, chance) -> batch`.
        compile: compile the networks in place.
        shard: spread the parameters over the ranks (FSDP2).
        config: what the caller wants in config.yaml beside what is known here.

    Returns:
        A `Run`: history, plan, the trained method, and the folder where one was asked for.

    Raises:
        OptionError: options that contradict each other.
        RefusalError: the method cannot do what was asked (compile or shard with second derivatives).
        NotFiniteError: a loss became NaN or infinite; the message names the source.

    >>> import neurarium as nr
    >>> digits = nr.data.load("digits")
    >>> network = nr.networks.MLP.for_data(digits.inputs, digits.targets, widths=(64,))
    >>> run = nr.fit(nr.methods.Supervised(network), digits, epochs=5, progress=False)
    >>> run.best["validation"]["accuracy"] > 0.9
    True
    """
    dataset = data if isinstance(data, Dataset) else None
    place = _device(device)
    if (resume or config) and out is None and resume:
        raise OptionError("a run can be resumed only where it was written", fix="give out=FOLDER")
    decisions = list(dataset.decisions) if dataset else []
    seed_everything(seed, "fit", distributed.rank())
    method.to(place)
    if dataset is not None:
        batch_size = batch_size or _batch_size(len(dataset.train), decisions)
        source = method.source(
            dataset.train, batch_size=batch_size, seed=seed, device=place, workers=workers, augment=augment
        )
    else:
        source = data  # type: ignore[assignment]
    if epochs is None and steps is None:
        epochs = 20
    total = steps if steps is not None else epochs * len(source)  # type: ignore[operator,arg-type]
    context = Context(
        steps=total,
        inputs=dataset.inputs if dataset else None,
        targets=dataset.targets if dataset else None,
        device=place,
        shard=shard,
        train=dataset.train if dataset else None,
        decisions=decisions,
    )
    method.begin(context)
    _compile(method, compile)
    if validation is None and dataset is not None:
        validation = dataset.validation
    metrics = _metrics(dataset)
    best = _best(method, validation, monitor, patience, keep, decisions)
    folder = Path(out) if out is not None else None
    run = Run.create(folder, method, dataset, decisions, config=config, resume=resume)
    loop = Loop(
        method,
        source,
        epochs=epochs,
        steps=steps,
        evaluate=None
        if validation is None
        else lambda: evaluate(method, validation, metrics, batch_size=max(batch_size or 0, 1024), device=place),
        evaluate_every=evaluate_every,
        best=best,
        convergence=Convergence(tolerance),
        callbacks=[*callbacks, *_progress(progress)],
        recorder=Recorder(folder),
        checkpoints=Checkpoints(folder / "checkpoints") if folder is not None else None,
        checkpoint_seconds=checkpoint_seconds,
        checkpoint_steps=checkpoint_steps,
        time_limit=time_limit,
        run=run,
    )
    _resume(loop, resume)
    loop.train()
    _hold(method, loop, keep, decisions)
    run.finish(loop)
    return run


def _device(device: str | torch.device | None) -> torch.device:
    """Return the device asked for, or the best that is there.

    Raises:
        OptionError: it is not there.
    """
    if device is None:
        if torch.cuda.is_available():
            return torch.device("cuda", torch.cuda.current_device())
        return torch.device("cpu")
    try:
        place = torch.device(device)
        torch.empty(0, device=place)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise OptionError(
            f"the device '{device}' cannot be used: {str(error).splitlines()[0]}", expected="cpu, cuda, cuda:0 or mps"
        ) from error
    return place


def _batch_size(count: int, decisions: list[Decision]) -> int:
    """Choose a batch size: about a hundred and more steps per epoch, between 32 and 256."""
    size = next((size for size in (256, 128, 64, 32) if count / size >= 100), 32)
    decisions.append(Decision("batch size", size, f"{count:,} training examples", "--batch-size"))
    return size


def _metrics(dataset: Dataset | None) -> Any:
    from neurarium.data.specs import Unlabeled

    if dataset is None or isinstance(dataset.targets, Unlabeled):
        return None
    from neurarium.metrics import metrics_for

    return metrics_for(dataset.targets)


def _best(
    method: Method, validation: Any, monitor: str | None, patience: int | None, keep: str | None, decisions: list[Decision]
) -> Best | None:
    if keep is not None and keep not in ("best", "averaged", "last"):
        raise unknown("choice of weights to keep", keep, ("best", "averaged", "last"))
    if validation is None or type(method).evaluate is Method.evaluate:
        if keep == "best" or patience is not None:
            raise OptionError("the best weights are picked on validation, and there is none", fix="give validation=")
        return None
    monitor = monitor or "loss"
    if monitor == "loss":
        better = "min"
    else:
        from neurarium.metrics import goal

        better = goal(monitor)
    decisions.append(Decision("monitor", monitor, "picks the best weights on the validation split", "--monitor"))
    return Best(monitor, better, patience)


def _compile(method: Method, wanted: bool) -> None:
    """Compile the networks in place: the keys of their state stay as they are."""
    if not wanted:
        return
    if method.second_order:
        raise RefusalError(
            f"{type(method).__name__} differentiates twice, which compiled networks cannot", fix="train without --compile"
        )
    for _, network in method.networks():
        network.compile()


def _progress(progress: bool | str) -> list[Callback]:
    if progress is False or not distributed.first():
        return []
    return [Progress("auto" if progress is True else progress)]


def _resume(loop: Loop, wanted: bool) -> None:
    if not wanted or loop.checkpoints is None:
        return
    state = loop.checkpoints.newest()
    if state is not None:
        loop.load_state_dict(state)
    elif distributed.first():
        loop.recorder.cut([0, 0])


def _hold(method: Method, loop: Loop, keep: str | None, decisions: list[Decision]) -> None:
    """Put the wanted weights into the method, and say which they are."""
    averages = [descent.average for descent in method.descents() if descent.average is not None]
    chosen = keep or ("best" if loop.best is not None else "averaged" if averages else "last")
    if chosen == "best" and loop.best is not None and loop.best.weights is not None:
        sharding.load(method.deployed, loop.best.weights)
        reason = f"validation {loop.best.monitor} {loop.best.score:.6g} after step {loop.best.step}"
    elif chosen == "averaged" and averages:
        with contextlib.suppress(StopIteration):
            for average in averages:
                average.copy_to_parameters()
        reason = "the exponential moving average"
    else:
        chosen, reason = "last", f"after step {loop.step}"
    method.eval()
    decisions.append(Decision("weights held", chosen, reason, "--keep"))
