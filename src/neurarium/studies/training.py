"""Training: from a dataset to a trained and measured run, with a sensible choice for all that is not said."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from neurarium.data.augmentation.choice import Choice
from neurarium.data.dataset import Dataset, Decision
from neurarium.studies.evaluation.measurement import measure
from neurarium.studies.planning.construction import build, choose
from neurarium.studies.planning.machine import uncompiled
from neurarium.studies.planning.owners import SHARED
from neurarium.studies.planning.transfer import Transfer, adapter_rank
from neurarium.training.callbacks.loggers import opened
from neurarium.training.fitting import fit
from neurarium.training.method import Method
from neurarium.training.run import Run


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
    chosen = choose(data, network, method, options, precision, start, reader, augment, transfer.lora)
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
    chosen = choose(data, network, method, options or {}, precision, None, reader)
    wanted = {name: asked.get(name) for name in ("epochs", "steps", "batch_size", "device")}
    return build(data, chosen, wanted, seed, None, ensemble)
