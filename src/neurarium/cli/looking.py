"""`neurarium learning-rate`, `signal`, `profile`: what a network is like before it is trained, or after."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurarium.cli import arguments as a
from neurarium.cli import completion
from neurarium.cli.command import Command
from neurarium.cli.early_checks import settled
from neurarium.cli.folders import RUNS, find_run
from neurarium.cli.output import Output, escape, table
from neurarium.cli.reading import read
from neurarium.cli.shared_options import options_of_train
from neurarium.core.errors import OptionError, unknown

if TYPE_CHECKING:
    from torch import nn

    from neurarium.studies.probes.learning_rate import LearningRateReport

PICTURES = (".png", ".svg", ".pdf")
BARS = "▁▂▃▄▅▆▇█"
Picture = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="FILE", help="Draw it: a .png, .svg or .pdf file.", show_default=False
    ),
]
Low = Annotated[float, typer.Option("--low", metavar="RATE", help="The first rate.")]
High = Annotated[float, typer.Option("--high", metavar="RATE", help="The last rate.")]
Sweep = Annotated[int, typer.Option("--steps", metavar="N", help="How many steps.")]
Examples = Annotated[
    int, typer.Option("--examples", metavar="N", help="Of the training split, in the batch.")
]
Repeats = Annotated[int, typer.Option("--repeats", metavar="N", help="Passes that are timed; 0 for none.")]
BatchSize = Annotated[
    int | None, typer.Option("--batch-size", "-b", metavar="N", help="Examples per step.", show_default=False)
]


@options_of_train(a.DATA, a.SPLITS, a.NETWORK, without=("augment",))
def learning_rate(
    command: Command,
    low: Low = 1e-6,
    high: High = 10.0,
    steps: Sweep = 100,
    batch_size: BatchSize = None,
    seed: a.Seed = None,
    output_file: Picture = None,
    as_json: a.Json = False,
    quiet: a.Quiet = False,
    debug: a.Debug = False,
) -> None:
    """Find a learning rate: the loss while the rate rises, and the rate at which it falls fastest.

    Example: neurarium learning-rate digits --network mlp
    """
    from neurarium.studies.probes.learning_rate import find_learning_rate

    path, output = _picture(output_file), Output(as_json, quiet)
    command = settled(command, "neurarium learning-rate digits")
    command.seed, command.batch_size = seed, batch_size
    dataset = read(command, None, output)
    method, given = _descending(command, dataset, output)
    kept = {"batch_size": given["batch_size"]} if "batch_size" in given else {}
    found = find_learning_rate(method, dataset, low=low, high=high, steps=steps, seed=seed or 0, **kept)
    output.say(_curve(found))
    end = "the loss exploded" if found.diverged else "the loss never exploded"
    output.say(f"[bold]learning rate {found.suggestion:.2g}[/]  the loss falls fastest there")
    output.say(
        f"tried {found.rates[0]:.2g} to {found.rates[-1]:.2g} in {len(found.rates)} steps; {end}; least loss at "
        f"{found.largest:.2g}, larger rates are unstable"
    )
    named = f" --method {escape(command.method)}" if command.method else ""
    output.say(
        f"[dim]train with it:[/] neurarium train {escape(command.data)} ...{named} "
        f"--set learning_rate={found.suggestion:.2g}"
    )
    if path is not None:
        found.plot(path)
        output.say(f"[dim]plot[/] {escape(path)}")
    output.finish({**found.to_json(), "output": path})


@options_of_train(a.DATA, a.SPLITS, a.NETWORK, without=("data", "augment"))
def signal(
    command: Command,
    what: Annotated[str, typer.Argument(metavar="DATA|RUN", autocompletion=completion.data_or_run)],
    examples: Examples = 256,
    seed: a.Seed = None,
    output_file: Picture = None,
    as_json: a.Json = False,
    quiet: a.Quiet = False,
    debug: a.Debug = False,
) -> None:
    """Look at what flows through a network: activations forward, gradients backward, dead and identical units.

    Of DATA the network before its first step, of a RUN the trained one. Example: neurarium signal digits --network mlp
    """
    from neurarium.studies.probes.signal import check_signal

    path, output = _picture(output_file), Output(as_json, quiet)
    network, inputs, name = _network(what, command, seed, examples, output)
    found = check_signal(network, inputs, seed=seed or 0)
    shown = table("layer", "kind", "outputs", "std", "gradient std", "dead", "identical", right=(3, 4, 5, 6))
    for each in found.layers:
        gradient = "–" if each.gradient_variance is None else _short(math.sqrt(each.gradient_variance))
        twins = f"{each.identical}/{each.units}" if each.weighted else "–"
        shape = "×".join(map(str, each.shape[1:])) or "1"
        row = (each.name or "(itself)", each.kind, shape, _short(math.sqrt(max(each.variance, 0))), gradient)
        bold = "[bold]" if each.weighted else ""
        shown.add_row(f"{bold}{escape(row[0])}", *map(escape, row[1:]), f"{each.dead}/{each.units}", twins)
    output.say(f"\n[bold]{escape(name)}[/]  {len(found.layers)} layers")
    output.say(shown)
    output.say(
        f"per layer of weights: activations × {found.forward_growth:.3g}, gradients × {found.backward_growth:.3g}"
    )
    for wrong in found.findings:
        output.say(f"[bold]{escape(wrong.kind)}[/]: {escape(wrong.text)}\n  to fix: {escape(wrong.fix)}")
    if found.healthy:
        output.say("[bold]healthy[/]: nothing vanishes, explodes or is dead")
    if path is not None:
        found.plot(path)
        output.say(f"[dim]plot[/] {escape(path)}")
    output.finish({**found.to_json(), "healthy": found.healthy, "output": path})


@options_of_train(a.DATA, a.SPLITS, a.NETWORK, without=("data", "augment"))
def profile(
    command: Command,
    what: Annotated[str, typer.Argument(metavar="DATA|RUN", autocompletion=completion.data_or_run)],
    examples: Examples = 64,
    repeats: Repeats = 5,
    seed: a.Seed = None,
    as_json: a.Json = False,
    quiet: a.Quiet = False,
    debug: a.Debug = False,
) -> None:
    """Show what each layer of a network gives, holds, computes, and how long it takes.

    Of DATA the network that would be trained, of a RUN the trained one. Example: neurarium profile runs/digits-1
    """
    from neurarium.studies.probes.profiling import profile as measure

    output = Output(as_json, quiet)
    network, inputs, name = _network(what, command, seed, examples, output)
    found = measure(network, inputs, repeats=repeats)
    times = ("ms", "%") if repeats else ()
    heads = ("layer", "kind", "output", "params", "mult-adds", "memory", *times)
    made = table(*heads, right=tuple(range(3, len(heads))))
    whole = sum(each.seconds or 0 for each in found.layers) or 1.0
    for each in found.layers:
        time = (
            ("", "")
            if each.seconds is None
            else (f"{1000 * each.seconds:.2f}", f"{100 * each.seconds / whole:.0f}")
        )
        shape = "×".join(map(str, each.shape[1:])) or "1"
        sizes = (f"{each.parameters:,}", _count(each.multiply_adds), _bytes(4 * math.prod(each.shape)))
        made.add_row(escape(each.name or "(itself)"), each.kind, shape, *sizes, *time[: len(times)])
    held = sum(4 * math.prod(each.shape) for each in found.layers)
    taken = "" if found.seconds is None else f"{1000 * found.seconds:.2f}"
    made.add_section()
    last = (taken, "")[: len(times)]
    made.add_row("all", "", "", f"{found.parameters:,}", _count(found.multiply_adds), _bytes(held), *last)
    output.say(f"\n[bold]{escape(name)}[/]  one forward pass of {found.examples} examples")
    output.say(made)
    weights = sum(each.numel() * each.element_size() for each in network.parameters())
    output.say(
        f"[dim]weights[/] {_bytes(weights)}; [dim]training by AdamW holds about[/] {_bytes(4 * weights + held)}"
    )
    output.finish(
        {
            **found.to_json(),
            "weight_bytes": weights,
            "activation_bytes": held,
            "training_bytes": 4 * weights + held,
        }
    )


def _network(
    what: str, command: Command, seed: int | None, examples: int, output: Output
) -> tuple[nn.Module, Any, str]:
    """Return the network of a run, or the one that would be trained on data, and a batch for it."""
    if examples < 2:
        raise OptionError(
            "a look at a network needs a batch", expected="2 or more", received=f"--examples {examples}"
        )
    if _is_run(what):
        from neurarium.studies.planning.reading import read_again
        from neurarium.training.run import Run

        odd = [name for name in command.given() if name != "set"] + list(command.set)
        if odd:
            raise OptionError(
                "a run has its network and its data", received=", ".join(odd), fix="leave these out"
            )
        run = Run.load(find_run(what))
        dataset, network = read_again(run), run.network
    else:
        command.data, command.seed = what, seed
        command = settled(command, "neurarium profile digits")
        dataset = read(command, None, output)
        network = _untrained(command, dataset)[0].deployed
    batch: Any = dataset.train.take(slice(0, min(len(dataset.train), examples)))
    return network, batch["inputs"], f"{type(network).__name__} on {dataset.name}"


def _is_run(what: str) -> bool:
    return any((path / "config.yaml").is_file() for path in (Path(what), Path(RUNS) / what))


def _descending(command: Command, dataset: Any, output: Output) -> tuple[Any, dict[str, Any]]:
    """Build what is to be trained; where it would be solved in one step and no method was named, what descends instead."""
    method, given = _untrained(command, dataset)
    if method.descents() or command.method:
        return method, given
    command.method = "supervised"
    other, given = _untrained(command, dataset)
    name = type(other.deployed).__name__
    output.say(
        f"[dim]{type(method).__name__} solves in one step and has no rate; this is of {name} by --method supervised[/]"
    )
    return other, given


def _untrained(command: Command, dataset: Any) -> tuple[Any, dict[str, Any]]:
    from neurarium.studies.planning.source_kinds import kind_of
    from neurarium.studies.training import untrained

    method, given, _ = untrained(
        dataset,
        command.network,
        command.method,
        options=command.set,
        ensemble=command.ensemble or 1,
        reader=kind_of(command.data or "", command.given())[1],
        seed=command.seed or 0,
        batch_size=command.batch_size,
    )
    return method, given


def _picture(path: Path | None) -> Path | None:
    if path is not None and path.suffix.lower() not in PICTURES:
        raise unknown("format of a picture", path.suffix or path.name, PICTURES)
    return path


def _curve(found: LearningRateReport, height: int = 10, width: int = 60) -> str:
    """Draw the smoothed loss over the rate in the terminal; a mark stands under the suggestion."""
    count = len(found.smoothed)
    columns = min(width, count)
    places = [round(number * (count - 1) / max(columns - 1, 1)) for number in range(columns)]
    low, start = min(found.smoothed), found.smoothed[0]
    top = start + 0.35 * abs(start - low)
    levels = [8 * height * (min(found.smoothed[place], top) - low) / ((top - low) or 1.0) for place in places]
    lines = []
    for row in reversed(range(height)):
        cells = [min(8, max(0, round(level - 8 * row))) for level in levels]
        label = f"{top:.3g}" if row == height - 1 else f"{low:.3g}" if row == 0 else ""
        lines.append(f"{label:>8} │{''.join(' ' if not cell else BARS[cell - 1] for cell in cells)}".rstrip())
    mark = min(
        range(columns), key=lambda number: abs(math.log(found.rates[places[number]] / found.suggestion))
    )
    ends = f"{found.rates[0]:.2g}", f"{found.rates[-1]:.2g}"
    lines.append(f"{'loss':>8} └{'─' * mark}┴{'─' * (columns - mark - 1)}")
    lines.append(f"{'rate':>8}  {ends[0]}{ends[1]:>{columns - len(ends[0])}}")
    lines.append(f"{'':>10}{' ' * mark}↑ {found.suggestion:.2g}")
    return "\n".join(lines)


def _short(value: float) -> str:
    return f"{value:.3g}"


def _count(value: float) -> str:
    for bound, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= bound:
            return f"{value / bound:.3g} {letter}"
    return f"{value:.0f}"


def _bytes(value: float) -> str:
    for bound, name in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if value >= bound:
            return f"{value / bound:.3g} {name}"
    return f"{value:.0f} B"
