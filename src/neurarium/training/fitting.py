"""fit: the one way to train."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from neurarium.core.errors import ArtifactError, OptionError, RefusalError, Terminated
from neurarium.data.dataset import Dataset, Decision
from neurarium.data.examples import Examples
from neurarium.training import distributed, sharding
from neurarium.training.callbacks.callback import Callback
from neurarium.training.callbacks.logger import Logger
from neurarium.training.callbacks.loggers import opened
from neurarium.training.callbacks.progress import Progress
from neurarium.training.checkpoint import Checkpoints
from neurarium.training.loop import Loop
from neurarium.training.method import Method
from neurarium.training.recorder import Recorder
from neurarium.training.rematerialization import rematerialized
from neurarium.training.run import Run
from neurarium.training.setting import Setting
from neurarium.training.stopping import Convergence


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
    log: str | Logger | Sequence[str | Logger] = (),
    out: str | Path | None = None,
    resume: bool = False,
    checkpoint_seconds: float = 30.0,
    checkpoint_steps: int | None = None,
    seed: int = 0,
    device: str | torch.device | None = None,
    workers: int = 0,
    augment: Any = None,
    buckets: bool | None = None,
    compile: bool = False,
    rematerialize: bool = False,
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
        monitor: the validation metric that picks the best weights and stops early; `loss` by default, of tags the F1 of spans, or the accuracy.
        patience: evaluations without improvement after which training stops; None for never.
        tolerance: stop when the training loss changes relatively less than this, three times in a row.
        keep: which weights the method holds afterwards: "best" (where there is validation), "averaged", "last".
        evaluate_every: steps between evaluations; None for once an epoch.
        time_limit: seconds.
        callbacks: objects with `start`, `step`, `evaluate`, `stop`.
        progress: True or "auto" shows progress on standard error, False shows nothing.
        log: "tensorboard" (event files in `out`), "wandb", "mlflow", several of them, or loggers.
        out: a folder for the run; None writes nothing.
        resume: go on from the newest checkpoint in `out`, bitwise as if never interrupted.
        checkpoint_seconds, checkpoint_steps: how often a checkpoint is written into `out`.
        seed: of the order of examples, augmentation and dropout.
        device: "cpu", "cuda", "mps"; the best that is there where None.
        workers: processes that decode files.
        augment: `augment(batch, chance) -> batch`.
        buckets: batches of texts of like lengths, with less padding; where it saves some, if None.
        compile: compile the networks in place.
        rematerialize: keep the inputs of each block of layers alone, and compute the rest again in backward: less
            memory, about a third more time (see `rematerialization`).
        shard: spread the parameters over the ranks (FSDP2).
        config: what the caller wants in config.yaml beside what is known here.

    Returns:
        A `Run`: history, plan, the trained method, and the folder where one was asked for.

    Raises:
        Terminated: SIGTERM came; its `run` is written and can be resumed. (After Ctrl-C, `run.interrupted` is True.)
        OptionError: options that contradict each other.
        RefusalError: the method cannot do what was asked (compile, rematerialize or shard with second derivatives).
        NotFiniteError: a loss became NaN or infinite; the message names the source.

    >>> import neurarium as nr
    >>> digits = nr.data.load("digits")
    >>> network = nr.networks.MLP.for_data(digits.inputs, digits.targets, widths=(64,))
    >>> run = nr.fit(nr.methods.Supervised(network), digits, epochs=5, progress=False)
    >>> run.best["validation"]["accuracy"] > 0.9
    True
    """
    if batch_size is not None and batch_size < 1:
        raise OptionError("the batch is too small", expected="1 example or more", received=batch_size)
    setting = Setting(method, data, seed=seed, device=device, out=out, resume=resume)
    source = setting.feed(batch_size, workers=workers, augment=augment, buckets=buckets)
    epochs = setting.begin(source, epochs, steps, shard=shard)
    measure, best = setting.watch(validation, monitor, patience, keep)
    folder, decisions = setting.folder, setting.decisions
    with opened(log, folder) as loggers:
        with _changed(method, compile, rematerialize):
            run = Run.create(folder, method, setting.dataset, decisions, config=config, resume=resume)
            loop = Loop(
                method, source, epochs=epochs, steps=steps, evaluate=measure, evaluate_every=evaluate_every, best=best,
                convergence=Convergence(tolerance), callbacks=[*callbacks, *loggers, *_shown(progress)],
                recorder=Recorder(folder), checkpoints=Checkpoints(folder / "checkpoints") if folder else None,
                checkpoint_seconds=checkpoint_seconds, checkpoint_steps=checkpoint_steps, time_limit=time_limit, run=run,
            )  # fmt: skip
            _resume(loop, resume)
            loop.train()
        _hold(method, loop, keep, decisions)
        _settle(method, setting, validation)
        run.finish(loop)
    distributed.barrier()  # the folder is whole when any process goes on
    if loop.terminated:  # whoever sent SIGTERM wants this process to end, not the script to go on
        raise Terminated(run)
    return run


@contextlib.contextmanager
def _changed(method: Method, compile: bool, rematerialize: bool) -> Iterator[None]:
    """Compile the networks in place (the keys of their state stay as they are), or let them compute blocks twice."""
    if compile and rematerialize:
        raise OptionError("compile and rematerialize do not go together", fix="choose one of them")
    if method.second_order and (compile or rematerialize):
        refused, option = ("compiled", "compile") if compile else ("rematerialized", "rematerialize")
        raise RefusalError(
            f"{type(method).__name__} differentiates twice, which {refused} networks cannot",
            fix=f"train without --{option}",
        )
    networks = [network for _, network in method.networks() if any(True for _ in network.parameters())]
    if compile:
        for network in networks:
            network.compile()
    trained = [network for network in networks if any(each.requires_grad for each in network.parameters())]
    with rematerialized(trained) if rematerialize else contextlib.nullcontext():
        yield


def _shown(progress: bool | str) -> list[Callback]:
    """Return what shows progress; the first process alone has it."""
    if progress is False or not distributed.first():
        return []
    return [Progress("auto" if progress is True else progress)]


def _resume(loop: Loop, wanted: bool) -> None:
    if not wanted or loop.checkpoints is None:
        return
    state = loop.checkpoints.newest()
    if state is not None:
        try:
            loop.load_state_dict(state)
        except (RuntimeError, KeyError, ValueError, TypeError) as error:
            raise ArtifactError(
                f"the checkpoint in {loop.checkpoints.folder} is not of this method: {str(error).splitlines()[0]}",
                expected="the network, the method and the options that the run was begun with",
                fix="resume with these, or choose another folder",
            ) from error
    else:
        loop.recorder.cut([0, 0])


def _hold(method: Method, loop: Loop, keep: str | None, decisions: list[Decision]) -> None:
    """Put the wanted weights into the method, and say which they are."""
    averages = [descent.average for descent in method.descents() if descent.average is not None]
    chosen = keep or ("best" if loop.best is not None else "averaged" if averages else "last")
    if chosen == "best" and loop.best is not None and loop.best.weights is not None:
        sharding.load(method.deployed, loop.best.weights)
        which = "moving average, " if averages else ""
        reason = f"{which}validation {loop.best.monitor} {loop.best.score:.6g} after step {loop.best.step}"
    elif chosen == "averaged" and averages:
        for average in averages:
            average.copy_to_parameters()
        reason = "the exponential moving average"
    else:
        chosen, reason = "last", f"after step {loop.step}"
    method.eval()
    decisions.append(Decision("weights held", chosen, reason, "--keep"))


def _settle(method: Method, setting: Setting, validation: Any) -> None:
    """Let the parts of the network that take something from examples that were not learned from look at these."""
    dataset: Any = setting.dataset
    examples = dataset.validation if validation is None and dataset is not None else validation
    if dataset is None or not isinstance(examples, Examples):
        return
    for module in method.deployed.modules():
        if hasattr(module, "settle_on"):
            found: Any = module.settle_on(examples, dataset.targets)  # type: ignore[operator]
            setting.decisions += [found] if found is not None else []
