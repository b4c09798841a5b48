"""`neurarium calibrate` and `neurarium thresholds`: what a run does with its probabilities."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurarium.cli import arguments as a
from neurarium.cli import completion
from neurarium.cli.folders import find_run
from neurarium.cli.output import Output, escape, table
from neurarium.core.errors import OptionError, unknown
from neurarium.report.words import number

if TYPE_CHECKING:
    from neurarium.training.run import Run

GOALS = ("f1", "accuracy", "balanced_accuracy", "mcc", "precision", "recall", "specificity", "f1_macro")
SplitName = Annotated[
    str,
    typer.Option(
        "--split",
        metavar="SPLIT",
        help="Where to look; another than validation only if that one was not used for training.",
        autocompletion=completion.choices("train", "validation", "test"),
    ),
]
Goal = Annotated[
    str | None,
    typer.Option(
        "--goal",
        metavar="METRIC",
        help="What to maximize: f1 (two classes), f1_macro (several), recall, mcc, ...",
        show_default=False,
        autocompletion=completion.choices(*GOALS),
    ),
]
Cost = Annotated[
    list[str] | None,
    typer.Option(
        "--cost",
        metavar="TRUTH:DECISION=COST",
        help="What a decision costs, by the names of the classes; other mistakes cost 1, being right 0.",
        show_default=False,
    ),
]
AtLeast = Annotated[
    list[str] | None,
    typer.Option(
        "--at-least", metavar="METRIC=LIMIT", help="Keep to a limit: recall=0.95.", show_default=False
    ),
]
Sets = Annotated[
    float | None,
    typer.Option(
        "--sets",
        metavar="LEVEL",
        help="Prediction sets instead: the classes that hold the truth so often, such as 0.9.",
        show_default=False,
    ),
]
PerClass = Annotated[bool, typer.Option("--per-class", help="Sets that hold each class so often by itself.")]
Remove = Annotated[bool, typer.Option("--remove", help="Take back what was calibrated and chosen.")]


def calibrate(
    run: a.RunName,
    sets: Sets = None,
    per_class: PerClass = False,
    split: SplitName = "validation",
    remove: Remove = False,
    as_json: a.Json = False,
    quiet: a.Quiet = False,
    debug: a.Debug = False,
) -> None:
    """Make a run's probabilities mean what they say: one temperature, fitted on validation, used from here on.

    Example: neurarium calibrate runs/adult-1
    """
    from neurarium.studies.prediction.decision_rule import THRESHOLDS, calibrate_run
    from neurarium.training.run import Run

    output, folder = Output(as_json, quiet), find_run(run)
    trained = Run.load(folder)
    if remove:
        return _forgotten(trained, output)
    if sets is not None or per_class:
        return _sets(trained, 0.9 if sets is None else sets, per_class, split, output)
    had_thresholds = (folder / THRESHOLDS).is_file()
    found = calibrate_run(trained, split=split)
    shown = table("", "before", "after", right=(1, 2))
    shown.add_row("temperature", "1", f"{found.temperature:.4g}")
    shown.add_row("log loss", number(found.loss_before), number(found.loss_after))
    shown.add_row("calibration error", number(found.error_before), number(found.error_after))
    output.say(f"\n[bold]{escape(folder)}[/]  calibrated on {found.examples:,} examples ({escape(split)})")
    output.say(shown)
    if found.bounded:
        output.note("no finite temperature is best: every example is right, or chance does better")
    if had_thresholds:
        output.note(
            f"its thresholds were of the old probabilities: choose again, neurarium thresholds {folder}"
        )
    output.say("[dim]predict, evaluate and serve use it; classes stay as they are[/]")
    output.finish({"run": folder, "split": split, **dataclasses.asdict(found)})


def _sets(run: Run, level: float, per_class: bool, split: str, output: Output) -> None:
    from neurarium.studies.prediction.prediction_sets import choose_sets

    found = choose_sets(run, level=level, per_class=per_class, split=split)
    output.say(
        f"\n[bold]{escape(run.folder)}[/]  sets of {level:.0%}, calibrated on {found.sets.calibration:,} examples "
        f"({escape(split)})"
    )
    value: dict[str, Any] = {"run": run.folder, "split": split, **found.sets.to_json()}
    if found.test is not None:
        share = found.test.share
        output.say(
            f"on the test split they hold the truth in {share.estimate:.1%} ({share.low:.1%} to {share.high:.1%}), "
            f"with {found.test.size:.2f} classes on average"
        )
        value["test"] = {
            "coverage": share.estimate,
            "low": share.low,
            "high": share.high,
            "size": found.test.size,
        }
    output.say("[dim]predict and serve give them as prediction_set; --remove takes them back[/]")
    output.finish(value)


def thresholds(
    run: a.RunName,
    goal: Goal = None,
    cost: Cost = None,
    at_least: AtLeast = None,
    split: SplitName = "validation",
    remove: Remove = False,
    as_json: a.Json = False,
    quiet: a.Quiet = False,
    debug: a.Debug = False,
) -> None:
    """Choose how a run decides: thresholds for a goal, or the decision of least expected cost; predict uses it.

    Example: neurarium thresholds runs/adult-1 --cost ">50K:<=50K=5"
    """
    from neurarium.studies.prediction.decision_rule import choose_rule
    from neurarium.training.run import Run

    output, folder = Output(as_json, quiet), find_run(run)
    trained = Run.load(folder)
    if remove:
        return _forgotten(trained, output)
    if goal is not None and cost:
        raise OptionError("a goal is maximized, and costs are minimized", fix="give --goal or --cost")
    costs = _costs(cost, trained.targets) if cost else None
    limits = {name: _float(value, "--at-least") for name, value in _pairs(at_least or [], "--at-least")}
    rule = choose_rule(trained, goal=goal, costs=costs, at_least=limits or None, split=split)
    rows = _measured(trained, rule, costs)
    output.say(f"\n[bold]{escape(folder)}[/]  {escape(rule)} on {rule.examples:,} examples ({escape(split)})")
    output.say(_table(rows, trained.targets))
    if split == "validation":
        output.say("[dim]what it reaches on validation flatters it; the test split tells[/]")
    output.say(
        "[dim]predict, serve and evaluate decide by it; the report shows the largest probability, as trained[/]"
    )
    output.finish({"run": folder, **dataclasses.asdict(rule), "measured": rows})


def _forgotten(run: Run, output: Output) -> None:
    from neurarium.studies.prediction.decision_rule import forget

    gone = forget(run)
    output.say(f"removed {', '.join(gone)}" if gone else "there was nothing to take back")
    output.finish({"run": run.folder, "removed": gone})


def _costs(texts: list[str], targets: Any) -> list[list[float]]:
    names = _names(targets)
    matrix = [[float(i != j) for j in range(len(names))] for i in range(len(names))]
    pairs = {f"{truth}:{said}": (i, j) for i, truth in enumerate(names) for j, said in enumerate(names)}
    for pair, value in _pairs(texts, "--cost"):
        if pair not in pairs:
            raise unknown("pair of classes TRUTH:DECISION", pair, pairs)
        i, j = pairs[pair]
        matrix[i][j] = _float(value, "--cost")
    return matrix


def _names(targets: Any) -> tuple[str, ...]:
    if getattr(targets, "several", False):
        return ("no", "yes")
    return tuple(getattr(targets, "names", ()))


def _pairs(texts: list[str], flag: str) -> list[tuple[str, str]]:
    found = [text.rpartition("=") for text in texts]
    for text, (name, mark, _) in zip(texts, found, strict=True):
        if not mark or not name:
            raise OptionError(f"{flag} is given as NAME=NUMBER", received=f"{flag} {text}")
    return [(name.strip(), value.strip()) for name, _, value in found]


def _float(text: str, flag: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise OptionError(f"{flag} takes a number after '='", received=text) from error


def _measured(run: Run, rule: Any, costs: Any) -> dict[str, dict[str, dict[str, float]]]:
    """Return, by split, what the rule and the largest probability reach."""
    from neurarium.core.errors import DataError
    from neurarium.studies.prediction.learner import learner_of
    from neurarium.studies.prediction.seen import examples_for, predictions_of

    found: dict[str, dict[str, dict[str, float]]] = {}
    for split in dict.fromkeys((rule.split, "test")):
        try:
            seen = predictions_of(learner_of(run), examples_for(run, None, split)[2])
        except DataError:  # no such split
            continue
        plain = seen.predictions > 0.5 if run.targets.several else seen.predictions.argmax(dim=1)  # type: ignore[union-attr]
        found[split] = {
            "plain": _figures(plain, seen.targets, costs, run.targets),
            "rule": _figures(rule.decide(seen.predictions), seen.targets, costs, run.targets),
        }
    return found


def _figures(decided: Any, truth: Any, costs: Any, targets: Any) -> dict[str, float]:
    """Accuracy, cost, and precision, recall and F1: of class 1 of two, or the mean over classes or labels."""
    import torch

    found = {"accuracy": float((decided == truth).double().mean())}
    if costs is not None:
        found["mean cost"] = float(torch.tensor(costs)[truth.long(), decided.long()].mean())
    if targets.several:
        pairs = [(decided[:, k] == 1, truth[:, k] == 1) for k in range(truth.shape[1])]
    else:
        classes = [1] if len(targets.names) == 2 else range(len(targets.names))
        pairs = [(decided == k, truth == k) for k in classes]
    rows = []
    for said, true in pairs:
        hits, alarms, misses = (float(x.sum()) for x in (said & true, said & ~true, ~said & true))
        rows.append(
            (
                hits / max(hits + alarms, 1),
                hits / max(hits + misses, 1),
                2 * hits / max(2 * hits + alarms + misses, 1),
            )
        )
    for name, values in zip(("precision", "recall", "f1"), zip(*rows, strict=True), strict=True):
        found[name] = sum(values) / len(values)
    return found


def _table(rows: dict[str, dict[str, dict[str, float]]], targets: Any) -> Any:
    heads = [f"{split}, {which}" for split in rows for which in ("largest", "chosen")]
    made = table("", *heads, right=tuple(range(1, len(heads) + 1)))
    several = targets.several or len(targets.names) > 2
    of = " (mean)" if several else f" of {targets.names[1]}"
    names = next(iter(rows.values()))["rule"] if rows else {}
    for name in names:
        label = name + (of if name in ("precision", "recall", "f1") else "")
        values = [number(rows[split][which][name]) for split in rows for which in ("plain", "rule")]
        made.add_row(escape(label), *values)
    return made
