"""`neurarium train`: from data to a trained, measured, reported run."""

from __future__ import annotations

import contextlib
import time as clock
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurarium.cli import arguments as a
from neurarium.cli.command import Command, pairs, seconds
from neurarium.cli.early_checks import logs, settled
from neurarium.cli.failures import INTERRUPTED
from neurarium.cli.folders import find_run, reserved
from neurarium.cli.outcome import finish
from neurarium.cli.output import Output
from neurarium.cli.reading import read
from neurarium.core.errors import OptionError, Terminated, UserError
from neurarium.core.wording import counted
from neurarium.training.callbacks.callback import Callback

HANDED_ON = (  # to the study, as they are
    "epochs", "steps", "patience", "precision", "batch_size", "monitor", "keep", "device", "weights", "freeze", "unfreeze_every",
    "lora",
)  # fmt: skip
if TYPE_CHECKING:
    from neurarium.data.dataset import Dataset
    from neurarium.training.callbacks.logger import Logger
    from neurarium.training.run import Run


def train(
    data: a.Data = None,
    target: a.Target = None,
    image: a.ImageColumn = None,
    sound: a.SoundColumn = None,
    text: a.TextColumns = None,
    folder: a.ImageFolder = None,
    masks: a.Masks = None,
    boxes: a.Boxes = None,
    horizon: a.HorizonSteps = None,
    series: a.SeriesColumn = None,
    past: a.Past = None,
    future: a.Future = None,
    parallel: a.Parallel = None,
    columns: a.Columns = None,
    task: a.Task = None,
    test: a.Test = None,
    validation: a.Validation = None,
    split: a.Split = None,
    group: a.Group = None,
    time: a.Time = None,
    split_seed: a.SplitSeed = None,
    network: a.Network = None,
    method: a.Method = None,
    ensemble: a.Ensemble = None,
    augment: a.Augment = None,
    set: a.Set = None,
    epochs: a.Epochs = None,
    steps: a.Steps = None,
    batch_size: a.BatchSize = None,
    patience: a.Patience = None,
    monitor: a.Monitor = None,
    keep: a.Keep = None,
    time_limit: a.TimeLimit = None,
    seed: a.Seed = None,
    device: a.Device = None,
    precision: a.Precision = None,
    compile: a.Compile = None,
    rematerialize: a.Rematerialize = None,
    buckets: a.Buckets = None,
    shard: a.Shard = None,
    workers: a.Workers = None,
    report: a.Report = None,
    start: a.From = None,
    weights: a.Weights = None,
    freeze: a.Freeze = None,
    unfreeze_every: a.UnfreezeEvery = None,
    lora: a.Lora = None,
    log: a.Log = None,
    config: a.Config = None,
    resume: a.Resume = None,
    out: a.Out = None,
    as_json: a.Json = False,
    quiet: a.Quiet = False,
    debug: a.Debug = False,
) -> None:
    """Train a network on data, measure it, and write a run with its report.

    Example: neurarium train adult.csv --target income --epochs 20
    """
    _begin(dict(locals()), Output(as_json, quiet))


def _begin(said: dict[str, Any], output: Output) -> None:
    """Make one command of what was typed and what a file or a run says, run it, and tell how it went.

    Args:
        said: the arguments of `train`.
    """
    config, resume, out = said["config"], said["resume"], said["out"]
    words = {name: said[name] for name in Command.__annotations__ if name in said}
    asked = Command(**{**words, "set": pairs(said["set"])})
    if config is not None and resume is not None:
        raise OptionError("--config starts a new run and --resume goes on with one", fix="give one of them")
    going_on = find_run(resume) if resume is not None else None
    before = Command.from_file(going_on or config) if going_on or config else Command()
    command = asked.over(before)
    if going_on is not None:
        _check_resume(asked, going_on, out)
    begun = clock.monotonic()
    code = INTERRUPTED
    try:
        run = run_command(settled(command), output, out=out, resume=going_on)
    except Terminated as ended:
        run, code = ended.run, ended.code
    if run is not None:
        finish(run, output, clock.monotonic() - begun, code)


def run_command(
    command: Command, output: Output, *, out: Path | None = None, resume: Path | None = None
) -> Run | None:
    """Do what a command says; return the run on the first process, None on the others."""
    import torch

    from neurarium.training import distributed
    from neurarium.training.callbacks.loggers import opened

    usual = "cuda" if torch.cuda.is_available() else "cpu"
    with distributed.process_group(command.device or usual), _folder(command, out, resume, output) as folder:
        dataset = read(command, resume, output)
        with opened(logs(command.log), folder) as loggers:
            run = _train(command, dataset, folder, output, resume is not None, loggers)
            if not run.interrupted and distributed.first():
                from neurarium.report import write_report

                if command.report != "none":
                    _examine(run, dataset, command.report or "quick", output)
                write_report(run, command=command.line())
        return run if distributed.first() else None


def _examine(run: Run, dataset: Dataset, extent: Any, output: Output) -> None:
    """Compute what the report shows beyond the metrics; the run is whole without it, so Ctrl-C skips it alone."""
    from neurarium.studies.examination.study import examine

    try:
        examine(run, dataset, extent=extent)
    except KeyboardInterrupt:
        output.note(
            f"the report holds the metrics alone; compute the rest with: neurarium report {run.folder} --extent quick"
        )


def _train(
    command: Command, dataset: Dataset, folder: Path, output: Output, resume: bool, loggers: list[Logger]
) -> Run:
    from neurarium.studies.planning.source_kinds import kind_of
    from neurarium.studies.training import train
    from neurarium.training.run import Run

    return train(
        dataset,
        command.network,
        command.method,
        options=command.set,
        **{name: getattr(command, name) for name in HANDED_ON},
        ensemble=command.ensemble or 1,
        augment=command.augment,
        time_limit=seconds(command.time_limit),
        start=Run.load(find_run(command.start)) if command.start else None,
        reader=kind_of(command.data or "", command.given())[1],
        out=folder,
        resume=resume,
        seed=command.seed or 0,
        compile=bool(command.compile),
        rematerialize=bool(command.rematerialize),
        buckets=command.buckets,
        log=loggers,
        callbacks=[_Begun(output)],
        shard=bool(command.shard),
        workers=command.workers or 0,
        progress=False if output.quiet else "auto",
        config=command.given(),
    )


class _Begun(Callback):
    """Says what is trained, before the first step."""

    def __init__(self, output: Output):
        self.output = output

    def start(self, loop: Any) -> None:
        plan = {each.subject: each.choice for each in loop.run.decisions}
        said = [str(plan.get("network", type(loop.method.deployed).__name__.lower()))]
        said += [f"{plan['parameters']} parameters"] if "parameters" in plan else []
        if loop.epochs is not None:
            said.append(f"{counted(loop.epochs, 'epoch')} of {counted(loop.length, 'step')}")
        elif loop.steps is not None:
            said.append(counted(loop.steps, "step"))
        self.output.told(network=", ".join(said))


def _check_resume(asked: Command, folder: Path, out: Path | None) -> None:
    """Going on with a run changes neither its data nor what is learned."""
    allowed = {"epochs", "steps", "time_limit", "device", "workers", "patience", "log", "report"}
    odd = [name for name in asked.given() if name not in allowed]
    if odd:
        raise OptionError(
            "a run goes on with the options that it began with",
            expected=", ".join(f"--{name.replace('_', '-')}" for name in sorted(allowed)),
            received=", ".join(odd),
            fix=f"start another run from its weights: neurarium train DATA --from {folder}",
        )
    if out is not None:
        raise OptionError("a run goes on in its own folder", received=f"--out {out}", fix="leave out --out")


@contextlib.contextmanager
def _folder(command: Command, out: Path | None, resume: Path | None, output: Output) -> Iterator[Path]:
    """The run's folder: the one that goes on, or a new one, made by the first process and known to all."""
    from neurarium.training import distributed

    if resume is not None:
        if not list(resume.glob("checkpoints/step-*.safetensors")):
            output.note(f"{resume} was stopped before its first checkpoint: it begins anew")
        yield resume
        return
    if not distributed.first():
        told = distributed.same("")
        if told.startswith("!"):  # the first process says why
            raise SystemExit(2)
        yield Path(told)
        return
    with contextlib.ExitStack() as stack:
        try:
            folder = stack.enter_context(reserved(out, command.data or "run"))
        except UserError:
            distributed.same("!")
            raise
        distributed.same(str(folder))
        yield folder
