"""Arguments: one option means one thing in every verb, so each is defined once, here."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from neurarium.cli import completion

DATA, SPLITS, NETWORK, TIME, MACHINE, RUN_, OUT = (
    "Data", "Splits", "Network and method", "How long", "Machine", "Runs", "Output",
)  # fmt: skip


class GroupedCommand(TyperCommand):
    """A command whose help lists its options in groups."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        groups: dict[str, list[Any]] = defaultdict(list)
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                groups[getattr(parameter, "rich_help_panel", None) or "Other"].append(record)
        for title in sorted(groups, key=lambda title: title == "Other"):
            with formatter.section(title):
                formatter.write_dl(groups[title])


def _option(*flags: str, help: str, group: str, **more: Any) -> Any:
    return typer.Option(*flags, help=help, rich_help_panel=group, show_default=False, **more)


TASKS = (
    "classification", "regression", "labels", "series", "language-model", "tagging", "forecast",
    "anomaly", "translation", "summarization", "transcription",
)  # fmt: skip

Data = Annotated[
    str | None,
    typer.Argument(
        metavar="DATA",
        help="A data set of the catalogue (digits), a table (CSV, TSV, Parquet), a folder or zip of images, a folder of recordings, idx or npz files.",
        autocompletion=completion.data,
        show_default=False,
        rich_help_panel=DATA,
    ),
]
RunName = Annotated[
    str,
    typer.Argument(
        metavar="RUN", help="The folder of a run, or its name below runs/.", autocompletion=completion.runs
    ),
]

Target = Annotated[
    str | None,
    _option(
        "--target",
        "-t",
        metavar="COLUMN",
        help="The column to predict; several with commas.",
        group=DATA,
        autocompletion=completion.columns,
    ),
]
ImageColumn = Annotated[
    str | None,
    _option("--image", metavar="COLUMN", help="The column of a table that names image files.", group=DATA),
]
SeriesColumn = Annotated[
    str | None,
    _option(
        "--series",
        metavar="COLUMN",
        help="The column that says which series a row belongs to, of a table with a row per moment.",
        group=DATA,
        autocompletion=completion.columns,
    ),
]
SoundColumn = Annotated[
    str | None,
    _option("--sound", metavar="COLUMN", help="The column of a table that names files of sound.", group=DATA),
]
TextColumns = Annotated[
    str | None,
    _option("--text", metavar="COLUMN", help="A column of texts; several with commas.", group=DATA),
]
ImageFolder = Annotated[
    str | None,
    _option(
        "--folder", metavar="FOLDER", help="Where these files are; beside the table by default.", group=DATA
    ),
]
Boxes = Annotated[
    str | None,
    _option(
        "--boxes",
        metavar="FILE",
        help="A COCO file, or a CSV (image, x_min, y_min, x_max, y_max, label): the things to find.",
        group=DATA,
    ),
]
Parallel = Annotated[
    str | None,
    _option(
        "--parallel",
        metavar="FILE",
        help="The translation (or summary) of each line of DATA, line by line.",
        group=DATA,
    ),
]
Masks = Annotated[
    str | None,
    _option(
        "--masks",
        metavar="FOLDER",
        help="A mask for each image, of its name: the class of each pixel is what is predicted.",
        group=DATA,
    ),
]
Columns = Annotated[
    str | None, _option("--columns", metavar="A,B,C", help="Names, for a table without a header.", group=DATA)
]
Task = Annotated[
    str | None,
    _option(
        "--task",
        metavar="KIND",
        help="classification, regression, labels (several per row), series (a series per row), language-model, tagging (a "
        "tag per word), forecast, anomaly (what is odd over time), translation or summarization (--text into --target), or transcription (of sound).",
        group=DATA,
        autocompletion=completion.choices(*TASKS),
    ),
]
Test = Annotated[
    str | None,
    _option(
        "--test",
        metavar="FILE",
        help="A file or folder of test examples, or the share to set aside.",
        group=SPLITS,
    ),
]
Validation = Annotated[
    str | None,
    _option(
        "--validation",
        metavar="FILE",
        help="A file or folder of validation examples, or the share to set aside.",
        group=SPLITS,
    ),
]
Split = Annotated[
    str | None,
    _option(
        "--split",
        metavar="WAY",
        help="stratified, random, grouped (--group) or time (--time).",
        group=SPLITS,
        autocompletion=completion.choices("stratified", "random", "grouped", "time"),
    ),
]
Group = Annotated[
    str | None,
    _option("--group", metavar="COLUMN", help="Rows with one value here stay in one split.", group=SPLITS),
]
Time = Annotated[
    str | None,
    _option(
        "--time",
        metavar="COLUMN",
        help="The column of the time: later rows test, earlier ones train.",
        group=SPLITS,
        autocompletion=completion.columns,
    ),
]
HorizonSteps = Annotated[
    int | None,
    _option("--horizon", metavar="N", help="Forecast so many steps of --target, by --time.", group=DATA),
]
Past = Annotated[
    str | None,
    _option("--past", metavar="A,B", help="Columns whose values are known up to now.", group=DATA),
]
Future = Annotated[
    str | None,
    _option("--future", metavar="A,B", help="Columns whose values are known beforehand.", group=DATA),
]
SplitSeed = Annotated[
    int | None, _option("--split-seed", metavar="N", help="Another draw of the splits.", group=SPLITS)
]

Network = Annotated[
    str | None,
    _option(
        "--network",
        "-n",
        metavar="NAME",
        help="mlp, cnn, tabm, ...; by default what suits the data.",
        group=NETWORK,
        autocompletion=completion.named("network"),
    ),
]
Method = Annotated[
    str | None,
    _option(
        "--method",
        "-m",
        metavar="NAME",
        help="How it learns; supervised by default.",
        group=NETWORK,
        autocompletion=completion.named("method"),
    ),
]
Ensemble = Annotated[
    int | None,
    _option(
        "--ensemble", metavar="N", help="Train N networks and average them: a deep ensemble.", group=NETWORK
    ),
]
Augment = Annotated[
    str | None,
    _option(
        "--augment",
        metavar="NAME",
        help="Vary training images or sound: standard, randaugment, or names with commas (crop,flip,mixup).",
        group=NETWORK,
        autocompletion=completion.named("augmentation"),
    ),
]
Set = Annotated[
    list[str] | None,
    _option(
        "--set",
        "-s",
        metavar="KEY=VALUE",
        help="Any option of network, method, descent or reader: widths=256,256, learning_rate=0.001, schedule.floor=0.1.",
        group=NETWORK,
        autocompletion=completion.settings,
    ),
]
Epochs = Annotated[
    int | None, _option("--epochs", "-e", metavar="N", help="Passes over the training examples.", group=TIME)
]
Steps = Annotated[int | None, _option("--steps", metavar="N", help="Steps instead of epochs.", group=TIME)]
BatchSize = Annotated[
    int | None,
    _option("--batch-size", "-b", metavar="N", help="Examples per step, over all processes.", group=TIME),
]
Patience = Annotated[
    int | None,
    _option(
        "--patience", metavar="N", help="Stop after so many evaluations without improvement.", group=TIME
    ),
]
Monitor = Annotated[
    str | None,
    _option(
        "--monitor", metavar="METRIC", help="The validation metric that picks the best weights.", group=TIME
    ),
]
Keep = Annotated[
    str | None,
    _option(
        "--keep",
        metavar="WHICH",
        help="Weights to keep: best, averaged or last.",
        group=TIME,
        autocompletion=completion.choices("best", "averaged", "last"),
    ),
]
TimeLimit = Annotated[
    str | None, _option("--time-limit", metavar="TIME", help="Stop after 90, 10m or 1h30m.", group=TIME)
]

Seed = Annotated[
    int | None, _option("--seed", metavar="N", help="Of initial weights, order and dropout.", group=MACHINE)
]
Device = Annotated[
    str | None,
    _option("--device", metavar="NAME", help="cpu, cuda, mps; the best by default.", group=MACHINE),
]
Precision = Annotated[
    str | None,
    _option(
        "--precision",
        metavar="TYPE",
        help="float32, bfloat16 or float16.",
        group=MACHINE,
        autocompletion=completion.choices("float32", "bfloat16", "float16"),
    ),
]
Compile = Annotated[
    bool | None, _option("--compile/--no-compile", help="Compile the networks.", group=MACHINE)
]
Buckets = Annotated[
    bool | None,
    _option(
        "--buckets/--no-buckets",
        help="Batches of texts of like lengths: less padding. By default where it saves some.",
        group=MACHINE,
    ),
]
Rematerialize = Annotated[
    bool | None,
    _option(
        "--rematerialize/--no-rematerialize",
        help="Less memory: compute blocks of layers twice.",
        group=MACHINE,
    ),
]
Log = Annotated[
    str | None,
    _option(
        "--log",
        metavar="WHERE",
        help="Log to tensorboard, wandb or mlflow; several with commas.",
        group=RUN_,
        autocompletion=completion.choices("tensorboard", "wandb", "mlflow"),
    ),
]
Shard = Annotated[
    bool | None,
    _option(
        "--shard/--no-shard", help="Spread the parameters over the processes of torchrun.", group=MACHINE
    ),
]
Workers = Annotated[
    int | None, _option("--workers", metavar="N", help="Processes that decode files.", group=MACHINE)
]

Config = Annotated[
    Path | None,
    _option(
        "--config",
        "-c",
        metavar="FILE",
        help="Rerun what a config.yaml says; options given here come before it.",
        group=RUN_,
    ),
]
Out = Annotated[
    Path | None,
    _option(
        "--out", "-o", metavar="FOLDER", help="The folder of the run; runs/DATA-N by default.", group=RUN_
    ),
]
Report = Annotated[
    str | None,
    _option(
        "--report",
        metavar="EXTENT",
        help="quick (a few seconds), full, or none: what the report computes beyond the metrics.",
        group=RUN_,
    ),
]
Weights = Annotated[
    str | None,
    _option(
        "--weights",
        metavar="FILE",
        help="Start from published weights: a .safetensors or .pth file, a folder, a hub id; their network is the default.",
        group=RUN_,
    ),
]
Freeze = Annotated[
    str | None,
    _option(
        "--freeze",
        metavar="WHAT",
        help="Parts that do not move: so many from the inputs on (3), a share (0.5), all (but the head), or names.",
        group=RUN_,
    ),
]
UnfreezeEvery = Annotated[
    int | None,
    _option(
        "--unfreeze-every",
        metavar="EPOCHS",
        help="Free the highest frozen part every so many epochs.",
        group=RUN_,
    ),
]
Lora = Annotated[
    int | None,
    _option(
        "--lora",
        metavar="RANK",
        help="Hold all weights and learn updates of low rank beside them (LoRA); its options: --set lora.alpha=32.",
        group=RUN_,
    ),
]
From = Annotated[
    str | None,
    _option(
        "--from",
        metavar="RUN",
        help="Start from the weights of a run.",
        group=RUN_,
        autocompletion=completion.runs,
    ),
]
Resume = Annotated[
    str | None,
    _option(
        "--resume",
        metavar="RUN",
        help="Go on with an interrupted run, or train it longer with --epochs.",
        group=RUN_,
        autocompletion=completion.runs,
    ),
]

DropoutSamples = Annotated[
    int | None,
    typer.Option(
        "--dropout-samples",
        metavar="N",
        help="Keep dropout on and average N predictions (Monte-Carlo dropout).",
        show_default=False,
    ),
]

Json = Annotated[bool, _option("--json", help="End standard output with one JSON object.", group=OUT)]
Quiet = Annotated[bool, _option("--quiet", "-q", help="No progress, no tables.", group=OUT)]
Debug = Annotated[bool, _option("--debug", help="Show the traceback of a failure of ours.", group=OUT)]
