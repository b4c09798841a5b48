"""Training: from a dataset to a trained and measured run, with a sensible choice for all that is not said."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from neurarium.core.batches import size
from neurarium.core.errors import OptionError
from neurarium.core.files import write_json
from neurarium.core.members import find
from neurarium.core.options import parameters, require_sizes
from neurarium.core.seeds import derive, seed_everything
from neurarium.data.augmentation.choice import Choice
from neurarium.data.dataset import Dataset, Decision
from neurarium.data.specs import Classes, Expectation, Horizon, Quantity, Spec, Targets, Text
from neurarium.losses.choice import loss_for
from neurarium.networks.choice import default, network_for
from neurarium.networks.ensemble import Ensemble
from neurarium.networks.sizing import combination_for
from neurarium.networks.usual import member_for
from neurarium.studies.anomalies.study import RESULT, judge
from neurarium.studies.decisions.conformal import calibrate_intervals
from neurarium.studies.decisions.thresholds import choose_thresholds
from neurarium.studies.evaluation.study import report_of
from neurarium.studies.evaluation.text_quality import add_text_quality, decoding
from neurarium.studies.planning.assignment import Assignment, asks_for_steps, assign, owners_of, values
from neurarium.studies.planning.defaults import settle, settle_closed_form, usual_loss, usual_options
from neurarium.studies.planning.machine import computed, uncompiled
from neurarium.studies.planning.owners import METHODS, SHARED, usual_method
from neurarium.studies.planning.season import slow_season
from neurarium.studies.planning.starting_point import network_of, warm_start
from neurarium.studies.planning.transfer import Transfer, adapter_rank
from neurarium.studies.prediction.seen import Seen, predictions_of
from neurarium.training import distributed
from neurarium.training.callbacks.loggers import opened
from neurarium.training.descent import Descent
from neurarium.training.fitting import fit
from neurarium.training.method import Method
from neurarium.training.run import Run
from neurarium.transforms.adapters import LoRA

LEVEL = 0.9


def train(
    data: Dataset,
    network: str | nn.Module | None = None,
    method: str | Method | None = None,
    *,
    options: Mapping[str, Any] | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    batch_size: int | None = None,
    device: str | None = None,
    precision: str | None = None,
    ensemble: int = 1,
    augment: Any = None,
    start: Run | None = None,
    weights: str | Path | None = None,
    freeze: int | float | str | Sequence[str] | None = None,
    unfreeze_every: int | None = None,
    lora: int | None = None,
    reader: Callable[..., Dataset] | None = None,
    out: str | Path | None = None,
    seed: int = 0,
    config: dict[str, Any] | None = None,
    evaluate: bool = True,
    log: Any = (),
    **fitting: Any,
) -> Run:
    """Train a network on a dataset, measure it on validation and test, and keep all of it in a run.

    Args:
        data: the dataset.
        network: a name, a module, or None for the default of such inputs.
        method: a name, a `Method`, or None for the usual one of the network, mostly supervised learning.
        options: of the network, the method and the descent, by name (see `studies.planning.assignment`); text is parsed.
        epochs, steps: how long; chosen by the data where None.
        batch_size, device: as for `fit`.
        precision: "float32", "bfloat16" or "float16".
        ensemble: how many networks, each with its own start, are trained and averaged (a deep ensemble).
        augment: names with commas ("standard", "randaugment", "crop,flip,mixup"), or a function
            `augment(batch, chance) -> batch` such as a `Pipeline`.
        start: a run whose weights are the start.
        weights: published weights that are the start: a file, a folder or a hub id (see `networks.read_weights`); their
            network is the default.
        freeze: parts that do not move: so many from the inputs on, a share, "all" but the head, or names.
        unfreeze_every: epochs after which the highest held part is freed, again and again.
        lora: the rank of updates beside the linear layers, which are learned instead of the weights (`transforms.LoRA`;
            its options have the prefix `lora.`).
        reader: the function that read the data and took its own of the options already.
        out: the folder of the run; None keeps it in memory.
        seed: of the initial weights, the order of examples, dropout.
        config: what config.yaml says of the command.
        evaluate: measure validation and test at the end, with intervals.
        log: as for `fit`; results are logged too.
        **fitting: further arguments of `fit` (`patience`, `monitor`, `time_limit`, `resume`, `compile`, ...).

    Returns:
        The run; `run.results` holds the metrics of validation and test, `run.decisions` every automatic choice.

    Raises:
        OptionError: an unknown name or option, with the nearest.
        RefusalError: parts that do not go together.

    >>> import neurarium as nr
    >>> run = nr.studies.train(nr.data.load("iris"), "mlp", options={"widths": "32"}, epochs=20, progress=False)
    >>> run.results["test"]["accuracy"] > 0.8
    True
    """
    transfer = Transfer(weights, freeze, unfreeze_every, adapter_rank(lora, options or {}))
    if network is None and start is None and (found := transfer.network()):
        own = {
            name: value
            for name, value in (options or {}).items()
            if not (name in SHARED and name in found[1])
        }
        network, options = found[0], {**found[1], **own}  # what it sees at once is its own, not the reader's
    shaped, fitted = transfer.shaped(network, options or {})
    options = {**(options or {}), **shaped}
    chosen = _chosen(data, network, method, options, precision, start, reader, augment, transfer.lora)
    chosen.transfer = transfer
    asked = {"epochs": epochs, "steps": steps, "batch_size": batch_size, "device": device}
    learner, given, decisions = build(data, chosen, asked, seed, start, ensemble)
    data, held, more = transfer.begin(learner.deployed, data)
    decisions += [*fitted, *more, *uncompiled(learner.deployed, data, fitting.get("compile"))]
    fitting["callbacks"] = [*fitting.get("callbacks", ()), *held]
    if isinstance(augment, str):
        augment, decision = Choice(augment).build(data, chosen.assigned["augment"])
        decisions.append(decision)
    before, data.decisions = data.decisions, [*data.decisions, *decisions]
    with opened(log, None if out is None else Path(out)) as loggers:
        try:
            given |= {"augment": augment, "out": out, "seed": seed, "config": config, "log": loggers}
            run = fit(learner, data, **given, **fitting)
        finally:
            data.decisions = before
        if evaluate and not run.interrupted:
            measure(run, data)
    return run


def untrained(
    data: Dataset,
    network: str | nn.Module | None = None,
    method: str | Method | None = None,
    *,
    options: Mapping[str, Any] | None = None,
    precision: str | None = None,
    ensemble: int = 1,
    reader: Callable[..., Dataset] | None = None,
    seed: int = 0,
    **asked: Any,
) -> tuple[Method, dict[str, Any], list[Decision]]:
    """Build what `train` would train, and stop there: for what looks at a network before its first step.

    The arguments are those of `train`.

    Returns:
        The method, the arguments that `fit` would get (`epochs`, `batch_size`, ...), and the decisions.

    >>> import neurarium as nr
    >>> method, given, _ = nr.studies.untrained(nr.data.load("iris"), "mlp", options={"widths": "32"}, epochs=3)
    >>> method.network.feature_dim, given["epochs"]
    (32, 3)
    """
    chosen = _chosen(data, network, method, options or {}, precision, None, reader)
    wanted = {name: asked.get(name) for name in ("epochs", "steps", "batch_size", "device")}
    return build(data, chosen, wanted, seed, None, ensemble)


def measure(run: Run, data: Dataset) -> None:
    """Evaluate a finished run on validation and test, calibrate intervals, and write both into its folder."""
    method = run.method
    run.reports = {}
    splits: list[str] = [split for split in ("validation", "test") if split in data.splits]
    if type(method).evaluate is Method.evaluate:
        splits = []
    if isinstance(data.targets, Horizon):
        from neurarium.studies.evaluation.forecasting import measure_forecasts

        measure_forecasts(run, data, splits)
        splits = []
    for split in splits:
        seen = predictions_of(method, data.splits[split])
        targets = getattr(method, "targets", None) or data.targets
        last = split == splits[-1] and distributed.first()  # the one that is quoted
        report = report_of(seen, targets, name=data.name, split=split, resamples=1000 if last else 0)
        if isinstance(targets, Text):
            resamples = 1000 if last else 0
            add_text_quality(report, method, run.preparation, data.splits[split], resamples=resamples)
            if last and (told := decoding(targets, len(data.splits[split]))):
                run.decisions.append(told)
        run.reports[split], run.results[split] = report, report.metrics
        if split == "validation":
            _calibrate(run, seen, targets)
            _choose_thresholds(run, seen, targets)
    if isinstance(data.targets, Expectation):
        run.results[RESULT] = judge(run, data.traces)  # type: ignore[attr-defined]
    if run.folder is not None and distributed.first():
        for split, report in run.reports.items():
            write_json(run.folder / "evaluation" / f"{split}.json", {"format_version": 1, **report.to_json()})
        if run.intervals is not None:
            write_json(run.folder / "intervals.json", {"format_version": 1, **run.intervals.to_json()})
        run.write_plan()
        run.write_results()


def _calibrate(run: Run, seen: Seen, targets: Spec) -> None:
    """Calibrate intervals of the quantities, the only target or some of several."""
    predictions, truth = seen.predictions, seen.targets
    if isinstance(targets, Targets):
        names = [
            name
            for name, part in zip(targets.names, targets.parts, strict=True)
            if isinstance(part, Quantity)
        ]
        if not names:
            return
        predictions, truth = (
            torch.cat([each[name] for name in names], dim=1) for each in (predictions, truth)
        )
    elif not isinstance(targets, Quantity):
        return
    run.intervals = calibrate_intervals(predictions, truth, level=LEVEL)
    run.decisions.append(
        Decision(
            "intervals",
            f"{LEVEL:.0%} by split conformal prediction",
            f"calibrated on {size(seen.targets):,} validation examples, which also picked the best weights: expect a "
            "little less than that share",
            "studies.calibrate_intervals on a split of its own",
        )
    )


def _choose_thresholds(run: Run, seen: Seen, targets: Spec) -> None:
    """Say at which probability each of several labels is best taken as given; predictions stay with one half."""
    if not isinstance(targets, Classes) or not targets.several:
        return
    found = choose_thresholds(seen.predictions, seen.targets, weights=seen.weights)
    chosen = ", ".join(f"{name} {each.value:.3g}" for name, each in zip(targets.names, found, strict=True))
    reason = "of best F1 on the validation split, label by label; `prediction` takes labels above 0.5"
    run.decisions.append(Decision("thresholds", chosen, reason, "decide by the columns probability_LABEL"))
    for name, each in zip(targets.names, found, strict=True):
        run.reports["validation"].per_class[name]["threshold"] = each.value


class Chosen:
    """What was asked for, settled: the network, the method, and which of them takes which option."""

    def __init__(self, name: str, network: nn.Module | None, method: str | Method, assigned: Assignment):
        self.name, self.network, self.method, self.assigned = name, network, method, assigned
        self.decisions: list[Decision] = list(assigned.decisions)
        self.transfer: Transfer = Transfer()


def _chosen(
    data: Dataset,
    network: str | nn.Module | None,
    method: str | Method | None,
    options: Mapping[str, Any],
    precision: str | None,
    start: Run | None,
    reader: Callable[..., Dataset] | None,
    augment: Any = None,
    lora: int | None = None,
) -> Chosen:
    if isinstance(method, Method):
        if options or network is not None or lora is not None:
            raise OptionError(
                "a method that is built already takes neither a network nor options", received=dict(options)
            )
        return Chosen("", None, method, Assignment({}, []))
    built = network if isinstance(network, nn.Module) else None
    inherited: dict[str, Any] = {}
    if isinstance(network, str):
        name, inherited, reason = member_for(network, data.inputs, data.targets)
    elif built is not None:
        name, reason = "", "built by the caller"
    elif start is not None:
        name, inherited = network_of(start)
        reason = f"the network of {start.folder or 'the run'}"
    else:
        descends = asks_for_steps(options, precision, method)
        name, reason = default(data.inputs, data.targets, descends=descends)
    asked = {**({"descent.precision": precision} if precision else {}), **options}
    owners = owners_of(name or None, method)
    if isinstance(augment, str):
        owners["augment"] = Choice(augment)  # type: ignore[assignment]
    if lora is not None:
        owners["lora"] = LoRA
    assigned = assign(asked, owners if reader is None else {**owners, "reader": reader})
    if name:
        assigned.options["network"] = {**inherited, **assigned.options["network"]}
    usual = usual_method(name or None, type(data.targets).__name__)
    chosen = Chosen(name, built, method or usual, assigned)
    chosen.decisions.insert(0, Decision("network", name or type(built).__name__, reason, "--network"))
    if method is None and usual == "truncated-backpropagation":
        reason = "a recurrent network reads on from batch to batch, and remembers"
        chosen.decisions.insert(1, Decision("method", usual, reason, "--method supervised"))
    if method is None and name in METHODS:
        chosen.decisions.insert(1, Decision("method", usual, METHODS[name][1], "--method supervised"))
    return chosen


def build(
    data: Dataset, chosen: Chosen, given: dict[str, Any], seed: int, start: Run | None, ensemble: int = 1
) -> tuple[Method, dict[str, Any], list[Decision]]:
    """Build the method that was chosen; return it, the arguments of `fit`, and the decisions."""
    decisions = chosen.decisions
    if isinstance(chosen.method, Method):
        return chosen.method, {name: value for name, value in given.items() if value is not None}, decisions
    assigned = chosen.assigned
    seed_everything(derive(seed, "network"))
    network = chosen.network
    if network is None:
        network = _network(data, chosen, ensemble)
    elif ensemble != 1:
        raise OptionError(
            "an ensemble is built by name", fix="give network= a name, or an Ensemble of your networks"
        )
    decisions += [] if assigned["initialization"] else _started(network, data)
    _initialize(network, data, assigned["initialization"], seed)
    if start is not None:
        decisions.append(warm_start(network, start))
    adapting = values(assigned["lora"], LoRA, "the adapters") if "lora" in assigned.options else {}
    network, told = chosen.transfer.start(network, adapting, seed)
    decisions += [*told, *slow_season(network, data.targets)]
    builder = find("method", chosen.method)
    descent = values(assigned["descent"], Descent, "the training")
    if getattr(builder, "closed_form", False):
        given, more = settle_closed_form(given)
    else:
        given, descent, more = settle(data, chosen.name, given, descent, chosen.transfer.tuning)
        if chosen.name:
            descent, how = computed(network, data, descent, given.get("device"))
            more += how
    more += _loss_options(data, chosen)
    options = values(assigned["method"], builder, f"method '{chosen.method}'")
    method = builder(network, **options, **descent)
    count = sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
    decisions += [*more, Decision("parameters", f"{count:,}", "numbers that are learned", "--set, --network")]
    return method, {name: value for name, value in given.items() if value is not None}, decisions


def _loss_options(data: Dataset, chosen: Chosen) -> list[Decision]:
    """Fill in the options of the loss that a network's authors train it with, where no loss was named."""
    assigned = chosen.assigned["method"]
    if chosen.method != "supervised" or "loss" in assigned:
        return []
    given = assigned.get("loss_options", {})
    usual = {name: value for name, value in usual_loss(data, chosen.name).items() if name not in given}
    if usual:
        assigned["loss_options"] = {**usual, **given}
    reason = "as the authors of the network train it"
    return [
        Decision(name.replace("_", " "), value, reason, f"--set loss.{name}=")
        for name, value in usual.items()
    ]


def _network_options(chosen: Chosen) -> dict[str, Any]:
    return values(chosen.assigned["network"], find("network", chosen.name), f"network '{chosen.name}'")


def _network(data: Dataset, chosen: Chosen, ensemble: int) -> nn.Module:
    """Build the network, or several as one, with as many outputs as the loss reads."""
    if ensemble < 1:
        raise OptionError("an ensemble has too few networks", expected="1 or more", received=ensemble)
    targets = _targets_for_loss(data, chosen)
    options = {**usual_options(data, chosen.name), **_network_options(chosen)}
    require_sizes(options, f"network '{chosen.name}'")
    try:
        networks = [
            network_for(data.inputs, targets, chosen.name, **options).network for _ in range(ensemble)
        ]
    except (RuntimeError, ValueError, ZeroDivisionError) as error:
        if not options:
            raise
        raise OptionError(
            f"the network '{chosen.name}' cannot be built with these options: {str(error).splitlines()[0]}",
            expected="options that go together (`neurarium train --help` tells of --set)",
            received=", ".join(f"{name}={value}" for name, value in options.items()),
            fix="leave one of them out",
        ) from error
    if ensemble == 1:
        return networks[0]
    reason = "a deep ensemble: the mean of networks with starts of their own (arXiv:1612.01474)"
    chosen.decisions.append(Decision("ensemble", ensemble, reason, "--ensemble"))
    return Ensemble(networks, combination_for(targets, chosen.assigned["network"].get("distribution")))


def _targets_for_loss(data: Dataset, chosen: Chosen) -> Spec:
    """A loss that learns a distribution reads several numbers per quantity: let the network give them."""
    assigned = chosen.assigned
    name, targets = assigned["method"].get("loss"), data.targets
    if name is None and isinstance(targets, Horizon) and targets.quantiles:
        name = "quantile"
    elif name is None and _asks_gaussian(assigned["network"]) and isinstance(targets, Quantity | Horizon):
        assigned["method"]["loss"] = name = "gaussian-nll"
        reason = "distribution=gaussian: a mean and a variance are learned by their likelihood"
        chosen.decisions.append(Decision("loss", name, reason, "--set loss="))
    if not isinstance(name, str) or not isinstance(targets, Quantity | Horizon):
        return targets
    if name == "gaussian-nll" and "distribution" in parameters(find("network", chosen.name)):
        if assigned["network"].setdefault("distribution", "gaussian") == "gaussian":
            reason = "the loss gaussian-nll learns a mean and a variance"
            chosen.decisions.append(Decision("distribution", "gaussian", reason, "--set distribution="))
        return targets
    count = loss_for(targets, name, **assigned["method"].get("loss_options", {})).outputs_per_target
    if count == 1:
        return targets
    reason = f"the loss {name} reads {count} numbers for each quantity"
    chosen.decisions.append(Decision("outputs", count * len(targets.names), reason, "--set loss="))
    names = tuple(f"{each} {number}" for each in targets.names for number in range(count))
    return Quantity(names) if isinstance(targets, Quantity) else Horizon(names, targets.length)


def _asks_gaussian(options: Mapping[str, Any]) -> bool:
    return str(options.get("distribution")) == "gaussian"


def _started(network: nn.Module, data: Dataset) -> list[Decision]:
    """Let the parts of a network that start from statistics of the training split look at it."""
    starters: list[Any] = [module for module in network.modules() if hasattr(module, "start_from")]
    told: dict[tuple[str, str], dict[str, None]] = {}  # what was done, each once, by (reason, override)
    for each in starters:
        if done := each.start_from(data):
            told.setdefault(each.start_said, {})[done] = None
    return [Decision("start", "; ".join(done), *said) for said, done in told.items()]


def _initialize(network: nn.Module, data: Dataset, options: Mapping[str, Any], seed: int) -> None:
    from neurarium.initializers.initialization import initialize

    if options:
        given = {"rule" if name == "initializer" else name: value for name, value in options.items()}
        count = min(len(data.train), 256)
        batch: Any = data.train.take(slice(0, count))["inputs"]
        initialize(
            network,
            **values(given, initialize, "the initialization"),
            seed=derive(seed, "initializer"),
            batch=batch,
        )
