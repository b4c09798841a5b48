"""`neurarium train`: from data to a trained, measured, reported run."""

from __future__ import annotations

import contextlib
import time as clock
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from neurarium.cli import arguments as a
from neurarium.cli.command import Command, pairs, seconds
from neurarium.cli.failures import INTERRUPTED
from neurarium.cli.folders import find_run, reserved
from neurarium.cli.output import Output, escape, table
from neurarium.core.errors import DataError, OptionError, Terminated, UserError
from neurarium.core.wording import counted
from neurarium.report.words import duration, number
from neurarium.training.callbacks.callback import Callback

SOME = 50  # examples of which not one is wrong, from which that is remarked
LONG, EARLY = 15, 4  # epochs; the best one in the first so-manieth part of them is remarked
LEAST = {"horizon": 1, "lora": 1, "batch_size": 1, "ensemble": 1, "patience": 1, "workers": 0}
CHOICES = {
    "task": (
        "classification",
        "regression",
        "labels",
        "series",
        "language-model",
        "tagging",
        "forecast",
        "anomaly",
        "translation",
        "summarization",
        "transcription",
    ),
    "split": ("stratified", "random", "grouped", "time"),
    "keep": ("best", "averaged", "last"),
    "precision": ("float32", "bfloat16", "float16"),
    "report": ("quick", "full", "none"),
}
HANDED_ON = (  # to the study, as they are
    "epochs", "steps", "patience", "precision", "batch_size", "monitor", "keep", "device", "weights", "freeze", "unfreeze_every",
    "lora",
)  # fmt: skip
UNITS = {  # what one example is called: by the targets, else by the inputs
    "Text": "pair", "NextToken": "window", "Tags": "sentence", "Expectation": "window", "Horizon": "window", "Table": "row",
    "Mixed": "row", "Image": "image", "Tokens": "text", "Words": "sentence", "Series": "sequence", "Waveform": "recording",
}  # fmt: skip
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


def read(command: Command, resume: Path | None, output: Output) -> Dataset:
    """Read the data; where a run goes on, or is done again, it should be what it was."""
    from neurarium.report.question import question
    from neurarium.studies.planning.assignment import reader_options
    from neurarium.studies.planning.reading import ASKED, read_data
    from neurarium.studies.planning.source_kinds import kind_of
    from neurarium.studies.planning.transfer import with_tokenizer

    _, reader = kind_of(command.data or "", command.given())
    options = reader_options(command.set, reader, command.network, command.method)
    options = with_tokenizer(options, reader, command.weights)
    dataset = read_data(
        command.data or "", **{name: getattr(command, name) for name in ASKED}, options=options
    )
    output.told(data=f"{dataset.name}: {_sizes(dataset)}", asked=question(dataset))
    if broken := dataset.summary.get("quarantined"):
        named = f"{broken[0]['file']} ({broken[0]['reason']})" + (", ..." if len(broken) > 1 else "")
        output.told(**{"left out": f"{counted(len(broken), 'file')} that cannot be read: {named}"})
    for each in dataset.decisions:
        if each.subject == "short series":
            output.told(**{"left out": f"{str(each.choice).removesuffix(' left out')} series: {each.reason}"})
    before, now = command.data_sha256, dataset.summary.get("sha256")
    if before and now and before != now:
        if resume is not None:
            raise DataError(
                f"{command.data} has changed since the run {resume} began",
                expected=f"SHA-256 {before[:12]}...",
                received=f"{now[:12]}...",
                fix="restore the file, or start anew with --from RUN",
            )
        output.note(f"{command.data} has changed since that run: the result will be another")
    command.data_sha256 = now
    if dataset.summary.get(
        "streamed"
    ):  # the splits are others in memory: whoever reads it again shall stream it too
        command.set = {**command.set, "stream": True}
    return dataset


def _sizes(dataset: Dataset) -> str:
    """Say how many examples do what.

    >>> import neurarium as nr
    >>> _sizes(nr.data.load("iris"))
    '106 rows to learn from, 22 validate, 22 test'
    """
    first, *others = ((name, len(split)) for name, split in dataset.splits.items())
    verbs = {"validation": "validate", "test": "test"}
    said = [f"{count:,} {verbs.get(name, name)}" for name, count in others]
    kinds = (type(dataset.targets).__name__, type(dataset.inputs).__name__)
    unit = next((UNITS[kind] for kind in kinds if kind in UNITS), "example")
    return ", ".join([f"{counted(first[1], unit)} to learn from", *said])


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


def settled(command: Command, example: str = "neurarium train digits") -> Command:
    """Make paths absolute, so that the command means the same from any folder."""
    if command.data is None:
        raise OptionError("there is nothing to learn from", expected="DATA", fix=f"for example: {example}")
    from neurarium.data.catalogue.entries import ENTRIES
    from neurarium.data.readers.parts import absolute_pattern, is_pattern

    for name in ("data", "test", "validation", "start", "folder", "masks", "boxes", "parallel", "weights"):
        value = getattr(command, name)
        if isinstance(value, str) and value not in ENTRIES and Path(value).exists():
            setattr(command, name, str(Path(value).resolve()))
        elif isinstance(value, str) and value not in ENTRIES and is_pattern(value):
            setattr(command, name, absolute_pattern(value))
    labels = command.set.get("labels")
    if isinstance(labels, str) and Path(labels).is_file():
        command.set = {**command.set, "labels": str(Path(labels).resolve())}
    _check_early(command)
    return command


def _check_early(command: Command) -> None:
    """Find what is wrong with the command before the data is read."""
    from neurarium.core.errors import unknown
    from neurarium.core.members import find

    seconds(command.time_limit)
    for name, least in LEAST.items():
        value = getattr(command, name)
        if value is not None and value < least:
            flag = f"--{name.replace('_', '-')}"
            raise OptionError(
                f"{flag} is too small", expected=f"{least} or more", received=value, fix=f"leave out {flag}"
            )
    if command.network:
        find("network", command.network)
    if command.method:
        find("method", command.method)
    for name in (command.augment or "").split(","):
        if name.strip():
            find("augmentation", name.strip())
    if command.log:
        from neurarium.training.callbacks.loggers import check

        check(logs(command.log))
    for name, choices in CHOICES.items():
        value = getattr(command, name)
        if value is not None and value not in choices:
            raise unknown(name.replace("_", " "), str(value), choices)


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


def logs(text: str | None) -> list[str]:
    """Return the names of the loggers that are asked for.

    >>> logs("wandb, tensorboard"), logs(None)
    (['wandb', 'tensorboard'], [])
    """
    return [each.strip() for each in (text or "").split(",") if each.strip()]


def finish(run: Run, output: Output, took: float, code: int) -> None:
    """Tell what came out; a run that was interrupted ends with a code of its own (Ctrl-C: 130, SIGTERM: 143)."""
    value = {"run": run.folder, "metrics": run.results, "seconds": round(took, 3)}
    if run.interrupted:
        output.finish({**value, "interrupted": True})
        raise typer.Exit(code)
    _show(run, output, took)
    output.finish(value)


def _show(run: Run, output: Output, took: float) -> None:
    plan = {each.subject: each.choice for each in run.decisions}
    name = run.data.name if run.data is not None else ""
    last = run.history[-1] if run.history else {"epoch": 0, "step": 0}
    passes = counted(last["epoch"], "epoch") if last["epoch"] else counted(last["step"], "step")
    output.say(
        f"\n[bold]{escape(name)}[/]  {plan.get('network', '')}, {plan.get('parameters', '?')} parameters, "
        f"{passes}, {duration(took)}  [dim]({escape(run.reason)})[/]"
    )
    output.say(metrics_table(run.reports))
    if run.results.get("anomalies"):
        output.say(anomalies_table(run.results["anomalies"]))
    report = next(reversed(run.reports.values()), None)
    target = "NEW.csv" if type(run.inputs).__name__ in ("Table", "Mixed", "Window") else "FILE_OR_FOLDER"
    if report is not None and (beside := _beside(run, report)):
        output.say(f"[dim]{'beside':<10}[/]{escape(beside)}")
    held = next((each for each in run.decisions if each.subject == "weights held"), None)
    rows: list[tuple[str, Any]] = [] if held is None else [("weights", f"{held.choice}: {held.reason}")]
    rows += [("run", run.folder), ("report", run.folder / "report.html" if run.folder else "")]
    asked = '--input-text "..."' if type(run.inputs).__name__ in ("Tokens", "Words") else f"--input {target}"
    if type(run.targets).__name__ == "NextToken":
        rows.append(("generate", f'neurarium generate {run.folder} --prompt "..."'))
    else:
        verb = "translate" if type(run.targets).__name__ == "Text" else "predict"
        rows.append((verb, f"neurarium {verb} {run.folder} {asked}"))
    for remark in _remarks(run, report):
        output.say(f"[dim]{escape(remark)}[/]")
    for label, text in rows:
        output.say(f"[dim]{label:<10}[/]{escape(str(text))}")


def _beside(run: Run, report: Any) -> str:
    """Say what the baselines of the report reach by the metric that a person asks for first."""
    name = report.headline
    found = [
        each
        for each in run.examination.get("baselines") or []
        if (each.get("metrics") or {}).get(name) is not None
    ]
    if not found or run.examination.get("split") != report.split:
        return ""
    own = report.metrics.get(name)
    said = "; ".join(f"{each['name']} {number(each['metrics'][name])}" for each in found)
    return f"{name.replace('_', ' ')} of this network {number(own)}; {said}"


def _remarks(run: Run, report: Any) -> Iterator[str]:
    """Yield what a careful colleague would say of the outcome."""
    if report is None:
        yield "nothing was measured: the data has neither a validation nor a test split"
        return
    metrics = report.metrics
    if report.examples >= SOME and (metrics.get("accuracy") == 1.0 or metrics.get("r2", 0.0) > 0.99999):
        yield (
            "too good to be true? `neurarium check DATA` finds columns that give the target away, and copies across splits"
        )
    rules = {"naive: mse": "repeating the last value", "seasonal naive: mse": "repeating the last season"}
    known = {name: metrics[name] for name in rules if name in metrics}
    if known and (least := min(known.values())) < metrics.get("mse", 0.0):
        rule = next(rules[name] for name, value in known.items() if value == least)
        yield f"{rule} does better (mse {number(least)} beside {number(metrics['mse'])}): more --epochs, a longer --set lookback=, or that rule"
    best, epochs = run.best.get("epoch", 0), run.history[-1]["epoch"] if run.history else 0
    if epochs >= LONG and 0 < best * EARLY <= epochs:
        yield f"it was best after epoch {best} of {epochs}: --patience {max(5, best)} stops sooner"


def anomalies_table(found: dict[str, Any]) -> Any:
    """Return what the alarms of a run of traces are worth, beside what there is without a network."""
    if "nab_standard" not in found:
        made = table("", "value", right=(1,))
        for name, value in found.items():
            made.add_row(name.replace("_", " "), f"{value:,}" if isinstance(value, int) else number(value))
        return made
    made = table("NAB score", "this run", "the value before", "windowed Gaussian", right=(1, 2, 3))
    for name in ("standard", "reward_low_fp", "reward_low_fn"):
        beside = [f"{found[f'{each}_{name}']:.1f}" for each in ("value_before", "windowed_gaussian")]
        made.add_row(name, f"[bold]{found[f'nab_{name}']:.1f}", *beside)
    made.add_row("windows found", f"{found['windows_found']} of {found['windows']}", "", "")
    made.add_row("false alarms", f"{found['false_alarms']:,}", "", "")
    made.add_row("threshold", number(found["threshold"]), "", "")
    return made


def metrics_table(reports: dict[str, Any]) -> Any:
    """Return the metrics of the splits side by side, with the intervals of the last split."""
    splits = list(reports)
    last = reports[splits[-1]] if splits else None
    head = [f"{split} ({reports[split].examples:,})" for split in splits]
    made = table(
        "",
        *head,
        f"95 % interval, {splits[-1]}" if last and last.intervals else "",
        right=tuple(range(1, len(splits) + 1)),
        whole=(0,),
    )
    for name in last.metrics if last else ():
        bounds = last.intervals.get(name) if last else None
        shown = f"{number(bounds.low)} to {number(bounds.high)}" if bounds else ""
        values = [number(reports[split].metrics.get(name)) for split in splits]
        bold = "[bold]" if last and name == last.headline else ""
        made.add_row(f"{bold}{name}", *(f"{bold}{value}" for value in values), shown)
    return made
