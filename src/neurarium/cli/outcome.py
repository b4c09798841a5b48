"""The outcome of training, told: the metrics beside each other, what is remarkable, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import typer

from neurarium.cli.output import Output, escape, table
from neurarium.core.wording import counted
from neurarium.report.words import duration, number

if TYPE_CHECKING:
    from neurarium.training.run import Run

SOME = 50  # examples of which not one is wrong, from which that is remarked
LONG, EARLY = 15, 4  # epochs; the best one in the first so-manieth part of them is remarked


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
